"""`make crash`: kills real gates under load on both engines, then has every system read and compared."""

from __future__ import annotations

import argparse
import shutil
import signal
import sys
import tempfile
import time
from pathlib import Path

from syncgate.sandbox.play.site import DemoError
from tests.crash.gates import ENGINES
from tests.crash.run import Asked, run
from tests.crash.table import table


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.crash", description=__doc__)
    parser.add_argument("--kills", type=int, default=100, help="over both engines")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--rate", type=float, default=2.0, help="cases a second")
    parser.add_argument("--engine", choices=ENGINES, help="this one alone")
    parser.add_argument(
        "--folder", type=Path, help="where everything is kept; left out: nowhere, unless something is wrong"
    )
    return parser.parse_args()


def _say(words: str) -> None:
    print(f"{time.strftime('%H:%M:%S')}  {words}", file=sys.stderr, flush=True)


def main() -> int:
    """0 where nothing was lost, doubled or out of order, and every write was a delivery."""
    asked = _asked()
    # What was started is ended, also where somebody ends us.
    signal.signal(signal.SIGTERM, lambda number, frame: sys.exit(1))
    engines = [asked.engine] if asked.engine else list(ENGINES)
    folder = asked.folder or Path(tempfile.mkdtemp(prefix="syncgate-crash-"))
    kills = asked.kills // len(engines)
    wrong: list[str] = []
    for one in engines:
        try:
            seen = run(Asked(one, kills=kills, seed=asked.seed, rate=asked.rate), folder / one, _say)
        except DemoError as error:
            wrong.append(f"{one}: {error}")
        else:
            print(table(seen), flush=True)
            wrong += [f"{one}: {word}" for word in seen.wrong]
    for word in wrong[:100]:
        print(word)
    print(f"a promise does NOT hold; everything is in {folder}" if wrong else "every promise held")
    if not wrong and asked.folder is None:
        shutil.rmtree(folder)
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
