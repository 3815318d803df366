"""An intake that goes on while runs read: new cases, corrections and withdrawals, and the deliveries that they cause.

The clock of its world goes on by what delivering takes, and as many calls come in as fall due by that clock.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final

from tests.reconcile_proof.cases import a_turn, document
from tests.reconcile_proof.place import SYSTEMS
from tests.reconcile_proof.slots import Known
from tests.reconcile_proof.world import World

Json = Any
PER_SECOND: Final = 50
"""Calls that come in each second of the world's clock."""
FIRST_SERIAL: Final = 5_000_000
_DEEDS: Final = ("new",) * 8 + ("correct", "correct", "withdraw")
"""What each call is, in these shares."""
_SERVED: Final = 0.7
"""How often each system is served: now and then something waits for longer."""
_PASSES: Final = timedelta(milliseconds=20)


@dataclass
class Intake:
    """Sources at work, and workers behind them.

    Attributes:
        world: where they work.
        known: cases that may be corrected and withdrawn; new ones join them.
        random: decides what comes next.
        removes_orders: whether calls of the hotline are withdrawn too. The proof's site removes their orders, and a
            listing by numbered pages that loses records while it is read may say that it proves no absence.
        done: calls so far, by what they were. seconds: of the world's clock, in which they came.
    """

    world: World
    known: list[Known]
    random: Random
    removes_orders: bool = False
    done: Counter[str] = field(default_factory=Counter)
    seconds: float = 0.0
    _serial: int = FIRST_SERIAL
    _rounds: int = 0
    _went: asyncio.Event = field(default_factory=asyncio.Event)
    _working: asyncio.Task[None] | None = None

    @contextlib.asynccontextmanager
    async def going_on(self) -> AsyncIterator[None]:
        """Works beside the block. Raises what broke it."""
        self._working = asyncio.create_task(self._work(self.world.clock.at, self.done.total()))
        try:
            yield
        finally:
            working, self._working = self._working, None
            await working

    async def step(self) -> None:
        """Returns when some more came in and some more was delivered; at once where nothing is going on."""
        rounds = self._rounds
        while (working := self._working) is not None and not working.done() and self._rounds == rounds:
            self._went.clear()
            waiting = asyncio.ensure_future(self._went.wait())
            await asyncio.wait({waiting, working}, return_when=asyncio.FIRST_COMPLETED)
            waiting.cancel()

    async def _work(self, began_at: datetime, before: int) -> None:
        earlier = self.seconds
        while self._working is not None:
            for system in SYSTEMS:
                if self.random.random() < _SERVED:
                    await self.world.deliver_once(system)
                else:
                    self.world.clock.move(_PASSES)
            elapsed = (self.world.clock.at - began_at).total_seconds()
            self.seconds = earlier + elapsed
            while self.done.total() - before < int(elapsed * PER_SECOND):
                await self._call()
            self._rounds += 1
            self._went.set()

    async def _call(self) -> None:
        deed = self.random.choice(_DEEDS)
        self.done[deed] += 1
        match deed:
            case "new":
                await self._post()
            case "correct":
                case = self.random.choice(self.known)
                await self.world.correct(case.case_id, _correction(case.turn, self._next()))
            case _:
                await self.world.withdraw(self._withdrawn().case_id)

    async def _post(self) -> None:
        turn = a_turn(self.random)
        made = document(turn, self.random, self._next())
        (accepted,) = await self.world.post([made])
        self.known.append(Known(accepted.case_id, made["case_no"], turn))

    def _withdrawn(self) -> Known:
        allowed = [no for no, case in enumerate(self.known) if self.removes_orders or case.turn != "hotline"]
        return self.known.pop(self.random.choice(allowed))

    def _next(self) -> int:
        self._serial += 1
        return self._serial


def _correction(turn: str, serial: int) -> Json:
    """What some of the case's systems are to be told of it."""
    if turn == "hotline":
        return {"location": {"text": f"东示区更正路{serial}号"}}
    if turn in ("food", "accepted") and serial % 2:
        return {"form": {"经营场所": f"东示区更正路{serial}号"}}
    return {"contact": {"address": f"示例市样本街{serial}号"}}
