"""Runs one simulated system as a process of its own."""

from __future__ import annotations

import argparse
from pathlib import Path

from syncgate.sandbox.ledger import LedgerInUse
from syncgate.sandbox.running import Plan, serve
from syncgate.sandbox.systems import NAMES


def main(arguments: list[str] | None = None) -> int:
    """The exit code: 0 when it was told to end, 1 when it could not begin."""
    options = _parser().parse_args(arguments)
    try:
        catalogue = _read_catalogue(options.catalogue)
        plan = Plan(options.system, options.folder, options.port, options.seed, catalogue)
        serve(plan, ports_file=options.ports_file, announce=lambda line: print(line, flush=True))
    except (LedgerInUse, OSError) as error:
        print(f"{options.system}: {error}", flush=True)
        return 1
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m syncgate.sandbox", description=__doc__)
    command = parser.add_subparsers(dest="command", required=True).add_parser(
        "serve", help="run a system until SIGTERM"
    )
    command.add_argument("--system", required=True, choices=NAMES)
    command.add_argument("--port", type=int, default=0, help="0 (default) takes a free one")
    command.add_argument("--folder", type=Path, required=True, help="where its ledger lies")
    command.add_argument("--ports-file", type=Path, help="JSON file that its port is added to")
    command.add_argument("--catalogue", type=Path, help="task codes that province knows too, one a line")
    command.add_argument("--seed", type=int, default=0, help="of the draws which request a fault strikes")
    return parser


def _read_catalogue(path: Path | None) -> tuple[str, ...]:
    if path is None:
        return ()
    lines = (line.partition("#")[0].strip() for line in path.read_text(encoding="utf-8").splitlines())
    return tuple(line for line in lines if line)


if __name__ == "__main__":
    raise SystemExit(main())
