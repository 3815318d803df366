"""`make weekend`: 20,000 cases are accepted while a system is away for 62 hours, in virtual time."""

from __future__ import annotations

import argparse
import logging
import sys
import tempfile
import time
from pathlib import Path

import structlog

from syncgate.storage import SqlStore
from syncgate.storage.migrations import migrate
from tests.integration.flows.worksite import KEYRING
from tests.support.rows import SetClock
from tests.weekend.simulation import Weekend, inversions, share_of, weekend

MEMORY = Path("/dev/shm")
"""Time is virtual here: waiting for a disk to flush each commit would show nothing."""


def _told(seen: Weekend) -> str:
    lines = [
        f"{seen.cases_count} cases accepted while the system was away, {seen.probes_count} requests to it meanwhile",
        f"{seen.parked_count} parked, {len(seen.alerts)} alert(s): {', '.join(alert.kind for alert in seen.alerts)}",
        f"{len(seen.took)} sends taken after its return, {inversions(seen.first_taken)} cases out of order",
        f"drained in {seen.drained_in.total_seconds():.0f} s, ideal {seen.ideal.total_seconds():.0f} s"
        f" ({seen.drained_in / seen.ideal - 1:+.1%}); foretold {seen.foretold}",
    ]
    for span, latencies in seen.latencies.items():
        p50, p99 = share_of(latencies, 0.5), share_of(latencies, 0.99)
        lines.append(f"the other system, {span}: {len(latencies)} sends, p50 {p50:g} s, p99 {p99:g} s (virtual)")
    return "\n".join(lines)


def main() -> int:
    """Plays it, and says what was seen; 0 only where all is as promised."""
    parser = argparse.ArgumentParser(prog="python -m tests.weekend", description=__doc__)
    parser.add_argument("--cases", type=int, default=20_000)
    asked = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    began = time.monotonic()
    with tempfile.TemporaryDirectory(dir=MEMORY if MEMORY.is_dir() else None) as folder:
        url = f"sqlite:///{Path(folder) / 'weekend.sqlite'}"
        clock = SetClock()
        migrate(url)
        store = SqlStore(url, keyring=KEYRING, writer="weekend", clock=clock)
        try:
            seen = weekend(store, clock, cases=asked.cases)
        finally:
            store.close()
    sys.stdout.write(f"{_told(seen)}\n")
    sys.stderr.write(f"{time.monotonic() - began:.0f} s of this machine\n")
    return 0 if seen.is_as_promised else 1


if __name__ == "__main__":
    sys.exit(main())
