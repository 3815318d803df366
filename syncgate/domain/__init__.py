"""What decides, and nothing that acts: pure, standard library only; time, randomness and identity are arguments."""
