"""The proof of reconciliation: differences planted behind the gate's back, and what a run says of them."""
