"""A site: the folder that a person writes, read, checked and compiled."""
