"""Runs while cases come in, change, are withdrawn and are delivered: what was planted is found, and nothing else."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Run
from tests.reconcile_proof.findings import compare, place_of
from tests.reconcile_proof.intake import PER_SECOND, Intake
from tests.reconcile_proof.place import SYSTEMS
from tests.reconcile_proof.plants import Planted
from tests.reconcile_proof.proof import Proof
from tests.reconcile_proof.runs import discrepancies, run, state_of
from tests.reconcile_proof.slots import read_known
from tests.reconcile_proof.world import World

AT_LEAST: Final = 20
"""Calls that must have come in while a system was read; fewer prove nothing."""
_ONLY_LISTED: Final = frozenset({"duplicate", "unexpected"})
"""What only a listing shows. One by pages of which records are removed while it is read may skip it, and even count the
same as before where as many come: then nobody can know, and it is let go."""
_LATER: Final = timedelta(days=3)
"""So long after the first runs that what came in during them is judged by the next."""


@dataclass
class UnderIntake:
    """The proof's runs beside an intake that goes on.

    Attributes:
        proof: what was planted, and what does not hold so far.
        intake: at work beside each run.
        every: so many steps of a run pass between two rounds of it.
    """

    proof: Proof
    intake: Intake
    every: int = 1
    _is_old: bool = False
    _passed: int = 0

    @classmethod
    def of(cls, proof: Proof, *, seed: int, every: int = 1) -> UnderIntake:
        """With the cases of which nothing was planted."""
        world = proof.world
        return cls(proof, Intake(world, read_known(world.place.free), Random(f"intake-{seed}")), every)

    async def find(self, systems: Sequence[str] = SYSTEMS) -> None:
        """Has every system listed twice under it, the second time when what came in the first time is judged too."""
        for is_old in (False, True):
            self._is_old = is_old
            if is_old:
                self.intake.world.clock.move(_LATER)
            for system in systems:
                await self._find(system)
        if "workorders" in systems:
            self.intake.removes_orders = True
            await self._find("workorders")
        await self.intake.world.deliver()
        self._tell_rate()

    async def _find(self, system: str) -> None:
        before, done = self.intake.seconds, self.intake.done.copy()
        async with self.intake.going_on():
            ended = await run(self.intake.world, system, pause=self._pause, mode="list")
        seconds, calls = self.intake.seconds - before, self.intake.done - done
        told = ", ".join(f"{count} {deed}" for deed, count in sorted(calls.items()))
        self.proof.say(f"{system}, under intake: {ended.outcome}; {told} in {seconds:.1f} s of its clock")
        if calls.total() < AT_LEAST:
            self._note(system, [f"expected at least {AT_LEAST} calls while it was read, got {calls.total()}"])
        self._judge(system, ended)

    async def _pause(self) -> None:
        self._passed += 1
        if self._passed % self.every == 0:
            await self.intake.step()

    def _judge(self, system: str, ended: Run) -> None:
        state = state_of(ended)
        doubts = [f"{one.listing}: {', '.join(one.doubts)}" for one in state.totals if one.doubts]
        allowed = ("complete", "incomplete") if self.intake.removes_orders else ("complete",)
        if ended.outcome not in allowed:
            self._note(system, [f"expected a complete run, got {ended.outcome} ({'; '.join(doubts)})"])
        seen = discrepancies(
            self.intake.world, systems=(system,), is_open=True, seen_from=datetime.fromisoformat(state.begun_at)
        )
        planted = [self._as_of_now(one) for one in self.proof.planted(system)]
        dropped = {one.place for one in planted if one.is_young}
        if self.intake.removes_orders:
            listed = {one.place for one in planted if one.kind in _ONLY_LISTED}
            dropped |= listed - {place_of(row) for row in seen}
            planted = [one for one in planted if one.place not in dropped]
        verdict = compare(planted, (row for row in seen if place_of(row) not in dropped))
        self._note(system, [] if verdict.is_right else verdict.words().splitlines())
        self.proof.say(f"{system}, under intake: {sum(verdict.found.values())} found as planted")

    def _as_of_now(self, one: Planted) -> Planted:
        """What was planted, as it must be found by now: what is open here may have had its answer meanwhile."""
        if one.kind == "confirmed" and _is_delivered(self.intake.world, one):
            return replace(one, is_found=False)
        return replace(one, is_young=one.is_young and not self._is_old)

    def _tell_rate(self) -> None:
        rate = self.intake.done.total() / max(self.intake.seconds, 0.001)
        self.proof.say(f"under intake: {self.intake.done.total()} calls in all, {rate:.1f} a second of its clock")
        if rate < PER_SECOND * 0.9:
            self._note("intake", [f"expected {PER_SECOND} calls a second, got {rate:.1f}"])

    def _note(self, system: str, said: Sequence[str]) -> None:
        self.proof.wrong += [f"{system}, under intake: {one}" for one in said]


def _is_delivered(world: World, one: Planted) -> bool:
    def step(tx: Any) -> bool:
        slot = [
            each
            for each in tx.deliveries(UUID(one.case_id), one.system)
            if (each.message, each.part) == (one.message, one.part)
        ]
        return bool(slot) and max(slot, key=lambda each: each.delivery_id.bytes).phase is Phase.DELIVERED

    return world.store.read(step)
