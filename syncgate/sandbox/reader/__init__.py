"""Compares what the simulated systems hold with what they must hold, and says every difference.

Standard library only; run by path in isolated mode, so that nothing of the gate can be involved:

    python -I syncgate/sandbox/reader --expected .demo/expected.ndjson --systems .demo/systems
    python -I syncgate/sandbox/reader --workorders-csv OPEN1999.csv --systems .demo/systems

The exit code is 0 only if nothing is missing, doubled, echoed, reordered, altered, unexpected or inconsistent,
and every required kind of fault struck. Echoed is what we send to a system that said it itself.
"""

from .ledger import read_ledger
from .outage import read_outage
from .report import compare, main

__all__ = ["compare", "main", "read_ledger", "read_outage"]
