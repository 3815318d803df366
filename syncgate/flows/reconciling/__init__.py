"""Reconciliation: reading back what systems hold, comparing, recording, mending."""
