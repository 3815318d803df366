"""One process that begins and works on runs, as its parent test moves the clock; run as a module.

Arguments: the database, the file that holds the time, this process's name. A run writes into the table `worked` that it
began, and that it is done; it never ends in the process whose name stands in the file `<time file>.hangs`.
"""

from __future__ import annotations

import asyncio
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from syncgate.domain.reconciliation.due import Rhythm
from syncgate.domain.reconciliation.run import RunOutcome, RunState, RunWish
from syncgate.domain.rows import Run
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling import turns
from syncgate.flows.reconciling.attending import Attendant, Planned
from syncgate.schedule import Job, scheduler
from syncgate.storage import GroupWriter, SiteKeyring, SqlStore
from tests.integration.web.served import RealEntropy
from tests.unit.web.sample import schema

HOURLY = Planned(Rhythm(every=timedelta(hours=1)), RunWish(trigger="schedule", by="schedule"))
LOOKS_EVERY = timedelta(milliseconds=50)


class FileClock:
    """The time that a file holds."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def now(self) -> datetime:
        return datetime.fromtimestamp(float(self._file.read_text()), UTC)


async def attend(database: str, file: Path, name: str) -> None:
    """Attends to the system `food` for ever."""
    clock, keyring = FileClock(file), SiteKeyring(bytes(range(32)))
    gate = Gate(
        hand_over=HandOver(name),
        writer=GroupWriter(SqlStore(database, keyring=keyring, clock=clock, writer=name)),
        keyring=keyring,
        clock=clock,
        entropy=RealEntropy(),
        schema=schema(),
        bundles={},
        active={},
        sources=frozenset(),
        on_due=lambda systems: None,
    )
    ledger = await psycopg.AsyncConnection.connect(database, autocommit=True)

    async def note(slot: str, what: str) -> None:
        await ledger.execute("INSERT INTO worked VALUES (%s, %s, %s)", (slot, name, what))

    async def work(gate: Gate, run: Run, *, save: turns.Save, **more: Any) -> RunState:
        state = RunState.from_json(run.detail)
        await note(run.slot, "began")
        assert await save(replace(state, records=1), cursor="applications")
        hangs = file.with_suffix(".hangs")
        if hangs.exists() and run.slot >= hangs.read_text():
            await asyncio.sleep(3600)
        await note(run.slot, "done" if run.cursor is None else f"done from {run.cursor}")
        return replace(state, outcome=RunOutcome.COMPLETE, records=2)

    attendant = Attendant(gate, work=work, transport_of=lambda digest: None, planned=lambda: {"food": HOURLY})  # type: ignore[arg-type,return-value]
    scheduler([Job("reconcile", LOOKS_EVERY, attendant.attend)]).start()
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    await asyncio.Event().wait()


if __name__ == "__main__":
    asyncio.run(attend(sys.argv[1], Path(sys.argv[2]), sys.argv[3]))
