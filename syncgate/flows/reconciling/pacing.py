"""At what rate a system is read back: within the limit that sends have, and behind them.

A question of reconciliation spends a rate token as a send does; reading a file spends none. It leaves half of the burst
to sends, so that what falls due finds room at once. It takes no place among the system's concurrent sends: a run asks
one thing after another, or a few single records at a time.
"""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from typing import Final

from syncgate.domain.row import replace
from syncgate.flows.delivering.admitting import refilled
from syncgate.flows.gate import Gate
from syncgate.ports import OnSystem, Tx
from syncgate.site.bundle import Bundle

TAKEN_AT_ONCE: Final = 16
"""Tokens that one transaction takes at most; what is left of them at the end of a run lapses."""


@dataclass(slots=True)
class Pace:
    """Lets one question through after another."""

    gate: Gate
    bundle: Bundle
    _left: int = 0

    async def one(self) -> None:
        """Returns when one more question may be asked."""
        rate = self.bundle.limits.rate
        if rate is None:
            return
        while self._left < 1:
            self._left = await self.gate.writer.write(OnSystem(self.bundle.system, self._taken))
            if self._left < 1:
                await asyncio.sleep(1 / rate)
        self._left -= 1

    def _taken(self, tx: Tx) -> int:
        row = tx.system(self.bundle.system, lock=True)
        if row is None:
            return 1
        limits = self.bundle.limits
        row = refilled(row, limits, now=tx.now)
        taken = max(0, min(TAKEN_AT_ONCE, int(row.rate_tokens) - limits.burst // 2))
        if taken:
            tx.save_system(replace(row, rate_tokens=row.rate_tokens - taken))
        return taken
