"""The example city: synthetic cases and their lives, as a script of calls to the gate."""

from syncgate.sandbox.city.build import CASE_COUNT, City, build_city
from syncgate.sandbox.city.script import Call, Gate, Life

__all__ = ["CASE_COUNT", "Call", "City", "Gate", "Life", "build_city"]
