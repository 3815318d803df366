"""The parts of the proof, each over a place that is built and planted."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, Final

from tests.reconcile_proof.findings import Verdict, compare
from tests.reconcile_proof.mended import action_of, is_left, unmended
from tests.reconcile_proof.place import SYSTEMS
from tests.reconcile_proof.plants import Plan, Planted
from tests.reconcile_proof.runs import discrepancies, run, state_of
from tests.reconcile_proof.world import World

CAP: Final = 100_000
"""Sends that a run of the proof may cause: more than are planted."""
_LATER: Final = timedelta(days=3)
"""So long after the mending that nothing of it is young any more."""


@dataclass(slots=True)
class Proof:
    """What was proved so far, and what was not.

    Attributes:
        world, plan: what is reconciled, and what was planted there.
        say: told of every step.
        wrong: what does not hold; empty: all of it does.
    """

    world: World
    plan: Plan
    say: Callable[[str], None]
    wrong: list[str] = field(default_factory=list)

    def planted(self, system: str) -> list[Planted]:
        """What was planted at a system."""
        return [one for one in self.plan.planted if one.system == system]

    async def find(self, systems: Iterable[str] = SYSTEMS) -> Counter[tuple[str, str, str]]:
        """Has every system listed: all is found as what it is, and nothing else. Gives how much, by class."""
        found: Counter[tuple[str, str, str]] = Counter()
        for system in systems:
            await self._run(system, mode="list")
            verdict = compare(self.planted(system), discrepancies(self.world, systems=(system,)))
            self._tell(system, verdict)
            found += verdict.found
        return found

    async def mend(self, systems: Iterable[str] = SYSTEMS) -> None:
        """Has every system mended as the policy says, and looks at the systems themselves."""
        for system in systems:
            await self._run(system, mode="mend", cap=CAP)
        await self.world.deliver()
        planted = [one for one in self.plan.planted if one.system in set(systems)]
        self._note("not mended", unmended(self.world.inside, planted))
        self.say(f"mended: {_counted(action_of(one) for one in planted if not is_left(one))}")

    async def find_nothing_new(self, systems: Sequence[str] = SYSTEMS) -> None:
        """The next runs find what is left to a person, what was too young before, and nothing else."""
        self.world.clock.move(_LATER)
        known = len(self.wrong)
        for system in systems:
            await self._run(system, mode="mend", cap=CAP)
            left = [replace(one, is_young=False) for one in self.planted(system) if is_left(one)]
            verdict = compare(left, discrepancies(self.world, systems=(system,), is_open=True))
            self._note(f"{system}, the second run", _lines(verdict))
        if len(self.wrong) == known:
            self.say("the second runs found nothing new")

    async def _run(self, system: str, **wish: Any) -> None:
        ended = await run(self.world, system, **wish)
        totals = state_of(ended).totals
        read, kinds = sum(one.read for one in totals), Counter[str]()
        for one in totals:
            kinds.update(one.kinds)
        self.say(f"{system}: {ended.outcome}, {read} records read, {_counted(kinds.elements()) or 'no discrepancy'}")
        if ended.outcome != "complete":
            doubts = [f"{one.listing}: {', '.join(one.doubts)}" for one in totals if one.doubts]
            self._note(system, [f"expected a complete run, got {ended.outcome} ({'; '.join(doubts)})"])

    def _tell(self, system: str, verdict: Verdict) -> None:
        planted, found = sum(verdict.planted.values()), sum(verdict.found.values())
        self.say(f"{system}: {found} of {planted} found as planted, {verdict.beyond} beyond what its level shows")
        self._note(system, _lines(verdict))

    def _note(self, where: str, said: Sequence[str]) -> None:
        self.wrong += [f"{where}: {one}" for one in said]


def _lines(verdict: Verdict) -> list[str]:
    return [] if verdict.is_right else verdict.words().splitlines()


def _counted(words: Iterable[str]) -> str:
    return ", ".join(f"{count} {word}" for word, count in sorted(Counter(words).items()))
