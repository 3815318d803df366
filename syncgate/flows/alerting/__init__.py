"""Alerts: raised by what happens, told until somebody acts."""
