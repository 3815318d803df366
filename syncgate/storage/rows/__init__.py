"""What a step may do, split by noun. `SqlTx` joins them."""
