"""What every system must hold in the end, projected from the city's script by hand-written rules.

Nothing here knows a mapping, a table or the engine: a mistake there cannot hide here.
"""

from syncgate.sandbox.expected.document import expected_lines, write_expected

__all__ = ["expected_lines", "write_expected"]
