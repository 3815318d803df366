"""The demo: plays the example city against a gate while every system misbehaves, and proves the end."""

from syncgate.sandbox.play.demo import main

__all__ = ["main"]
