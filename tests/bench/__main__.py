"""`python -m tests.bench`: rounds of every subject, ratios first; a wrong run is no figure and ends with 1."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Sequence

from tests.bench import machine, profiling
from tests.bench.comparison import WrongRun
from tests.bench.environments import NotThere
from tests.bench.measured import Measured, table
from tests.bench.subjects import COMPARED, GATES, TRIALS, profiled
from tests.bench.targets import Targets
from tests.bench.trial import Load


def _asked() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m tests.bench", description=(__doc__ or "").partition(":")[2])
    parser.add_argument("--rounds", type=int, default=3, help="how often each subject runs, in turn (default 3)")
    parser.add_argument("--cases", type=int, default=3000, help="cases of a run (default 3000)")
    parser.add_argument("--warm", type=int, default=300, help="cases before the clock runs (default 300)")
    parser.add_argument("--connections", type=int, default=64, help="posts under way at a time (default 64)")
    parser.add_argument("--records", type=int, default=1_000_000, help="records that are reconciled (default 1000000)")
    parser.add_argument("--only", default="", help=f"some of {','.join(TRIALS)}; left out: all but reconcile")
    parser.add_argument("--profile", action="store_true", help="no rates: where the time of the gate's process goes")
    asked = parser.parse_args()
    asked.only = asked.only.split(",") if asked.only else [name for name in TRIALS if name != "reconcile"]
    if unknown := [name for name in asked.only if name not in TRIALS]:
        parser.error(f"expected some of {', '.join(TRIALS)}, got {', '.join(unknown)}")
    if asked.profile:
        asked.only = [name for name in asked.only if name in GATES]
    return asked


def _profiles(engines: Sequence[str], targets: Targets, load: Load) -> str:
    told = []
    for engine in engines:
        print(f"profile: {engine}", file=sys.stderr)
        targets.forget()
        told.append(f"{engine}\n\n{profiling.told(profiled(engine, targets, load), cases=load.cases)}")
    return "\n\n".join(told)


def _figures(trials: Sequence[str], rounds_count: int, targets: Targets, load: Load) -> str:
    rounds: list[dict[str, Measured]] = []
    for no in range(rounds_count):
        rounds.append({})
        for name in trials:
            print(f"round {no + 1} of {rounds_count}: {name}", file=sys.stderr)
            targets.forget()
            rounds[-1].update(TRIALS[name](targets, load))
    return table(rounds, COMPARED)


def main() -> int:
    """0 where every run was right."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # so that its processes and folders are cleared away
    asked = _asked()
    load = Load(cases=asked.cases, warm=asked.warm, connections=asked.connections, records=asked.records)
    targets = Targets()
    try:
        if asked.profile:
            print(_profiles(asked.only, targets, load))
        else:
            print(_figures(asked.only, asked.rounds, targets, load))
    except WrongRun as wrong:
        print(f"wrong run, no figures: {wrong}", file=sys.stderr)
        return 1
    except NotThere as missing:
        print(f"cannot run: {missing}", file=sys.stderr)
        return 2
    finally:
        targets.close()
    print(f"\n{asked.cases} cases a run, {asked.connections} connections; {machine.description()}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
