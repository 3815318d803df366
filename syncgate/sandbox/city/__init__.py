"""The example city: synthetic cases and their lives, as a script of calls to the gate."""

from syncgate.sandbox.city.build import City, build_city
from syncgate.sandbox.city.script import Call, Gate, Life

__all__ = ["Call", "City", "Gate", "Life", "build_city"]
