"""What comes in: submissions, whose case they mean, and what follows from them in one transaction."""
