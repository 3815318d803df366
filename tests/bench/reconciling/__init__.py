"""A million records read back and compared: how fast, and in how much memory."""
