"""Real files of other cities go in, and the system holds what they say, column by column.

The files are read from where they are and belong to nobody here; without them these tests are skipped.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any, NamedTuple

import pytest

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import ROOT, Site, eventually, orders

DATA = Path(os.environ.get("SYNCGATE_REAL_DATA", ROOT.parent / "shared" / "data"))
SCRIPT = Path(__file__).with_name("ledger_against_csv.py")


class Real(NamedTuple):
    """One real file. columns: of an order that are compared."""

    kind: str
    source: str
    path: str
    rows: int
    refused: int
    columns: int = 6


STREETLIGHTS = Real("streetlights", "taipei_streetlights", "taipei_1999/streetlight_2024_first2500.csv", 2500, 0)
NYC = Real("nyc", "nyc311", "nyc_311/nyc_311_2000.csv", 2000, 0)
OTTAWA = Real("ottawa", "ottawa311", "ottawa_311/JanSR-2014.csv", 4000, 0)
EVERY = pytest.mark.parametrize("real", [STREETLIGHTS, NYC, OTTAWA], ids=lambda real: real.kind)

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not DATA.is_dir(), reason=f"the real files are not there: expected them in {DATA}"),
]


def _compared(real: Real, system: Running, listed: Path) -> dict[str, Any]:
    file = DATA / real.path
    command = [sys.executable, "-I", str(SCRIPT), real.kind, str(file), str(system.ledger), str(listed)]
    done = subprocess.run(command, capture_output=True, text=True, check=True, timeout=120)
    found: dict[str, Any] = json.loads(done.stdout)
    return found


def _as_it_should_be(real: Real) -> dict[str, Any]:
    return {
        "rows": real.rows,
        "refused": real.refused,
        "held": real.rows - real.refused,
        "columns": real.columns,
        "missing": 0,
        "unexpected": 0,
        "more_than_once": 0,
        "different": {},
    }


@EVERY
def test_a_real_file_submitted_twice_is_held_once_column_by_column(
    real: Real, site: Site, workorders: Running, tmp_path: Path
) -> None:
    listed, taken = tmp_path / "refused.csv", real.rows - real.refused
    arguments = ("submit", DATA / real.path, "--source", real.source, "--refused", listed, "--json")
    site.serve()
    first = site.run(*arguments)
    assert first.code == (1 if real.refused else 0), first.err
    assert (first.json()["new"], first.json()["refused"]) == (taken, real.refused)
    assert eventually(lambda: len(orders(workorders)) == taken, within=180)
    again = site.run(*arguments).json()
    assert (again["new"], again["changed"], again["unchanged"]) == (0, 0, taken)
    assert _compared(real, workorders, listed) == _as_it_should_be(real)


@EVERY
def test_a_real_file_whose_submission_and_gate_are_killed_halfway_is_held_once(
    real: Real, site: Site, workorders: Running, tmp_path: Path
) -> None:
    """kill -9 of the command line while a batch is under way, then of the gate while it sends: promises 2 and 4."""
    listed, taken = tmp_path / "refused.csv", real.rows - real.refused
    arguments = ("submit", DATA / real.path, "--source", real.source, "--refused", listed, "--json")
    gate = site.serve()
    posting = site.start(*arguments)
    assert eventually(lambda: len(orders(workorders)) > 20, within=120)
    posting.send_signal(signal.SIGKILL)
    posting.wait(timeout=30)
    gate.send_signal(signal.SIGKILL)
    gate.wait(timeout=30)
    site.serve()
    told = site.run(*arguments).json()
    assert told["new"] + told["unchanged"] == taken and told["changed"] == 0
    assert eventually(lambda: len(orders(workorders)) == taken, within=180)
    assert _compared(real, workorders, listed) == _as_it_should_be(real)
