"""Reconciliation: what every system really holds, compared with what it should hold. Pure."""
