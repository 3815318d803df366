"""The benchmark: what the gate does beside its peers, on one load and the same three systems."""
