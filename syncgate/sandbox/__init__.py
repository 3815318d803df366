"""Simulated systems that speak the real protocols over real sockets, and can be told to misbehave.

Nothing here uses the engine, and every system checks signatures and fields with code of its own.
"""
