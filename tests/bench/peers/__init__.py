"""What others would build for the same work, each in a virtual environment of its own."""
