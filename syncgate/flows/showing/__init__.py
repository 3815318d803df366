"""What is shown: cases, deliveries and systems as a caller may see them."""
