"""How far a run is: kept in its row now and then, and where it is told to stop, it stops."""

from __future__ import annotations

import json
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Final

from syncgate.domain.reconciliation.run import ListingTotals, RunState
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.turns import Save

SAVES_EVERY: Final = timedelta(seconds=1)
"""How often it is kept at most while it reads."""


class Stopped(Exception):
    """The run was cancelled, or is another's: nothing more of it may be written."""


@dataclass(slots=True)
class Progress:
    """A run's state while it is worked on.

    Attributes:
        gate: the running gate. state: as it is by now. save: keeps it.
        compared: names of the listings that are done, also by whoever worked on it before.
    """

    gate: Gate
    state: RunState
    save: Save
    compared: tuple[str, ...] = ()
    _saved_at: datetime | None = field(default=None)

    @classmethod
    def of(cls, gate: Gate, stored: RunState, cursor: str | None, save: Save) -> Progress:
        """Where a run begins, or goes on."""
        compared = tuple(json.loads(cursor)) if cursor else ()
        totals = tuple(one for one in stored.totals if one.listing in compared)
        return cls(gate, replace(stored, totals=totals, records=sum(one.read for one in totals)), save, compared)

    async def now(self, **changes: Any) -> None:
        """Notes a change and keeps it. Raises Stopped."""
        self.state = replace(self.state, **changes)
        await self._keep(None)

    async def done(self, totals: ListingTotals, **changes: Any) -> None:
        """Notes that a listing is done, for good. Raises Stopped."""
        self.compared = (*self.compared, totals.listing)
        self.state = replace(self.state, totals=(*self.state.totals, totals), **changes)
        await self._keep(json.dumps(self.compared))

    async def read(self, records: int) -> None:
        """Notes that more records were read; keeps it once a second. Raises Stopped."""
        self.state = replace(self.state, records=self.state.records + records)
        now = self.gate.clock.now()
        if self._saved_at is None or now - self._saved_at >= SAVES_EVERY:
            await self._keep(None)

    async def _keep(self, cursor: str | None) -> None:
        self._saved_at = self.gate.clock.now()
        if not await self.save(self.state, cursor=cursor):
            raise Stopped
