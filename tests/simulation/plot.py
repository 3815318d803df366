"""What happens in one run, all of it chosen by a seed before it begins: what people do, and what breaks."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Final, Literal, TypeVar

from tests.simulation.town import SYSTEMS, VISIBLE

T = TypeVar("T")
CALM_AFTER: Final = 90.0
"""Seconds: from then on nothing breaks any more, and everything must come to rest."""
PROCESSES: Final = ("east", "west")
Does = Literal["post", "correct", "append", "repeat", "withdraw"]
Act = Literal["crash", "freeze", "jump", "outage", "pause", "cancel", "requeue", "deploy", "lose_commit", "no_store"]
Fate = Literal["well", "refused_connection", "lost_request", "lost_answer", "late", "busy", "down", "twice", "rejected"]
FATES: Final[dict[Fate, int]] = {
    "well": 60,
    "refused_connection": 5,
    "lost_request": 6,
    "lost_answer": 9,
    "late": 7,
    "busy": 4,
    "down": 4,
    "twice": 3,
    "rejected": 2,
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """What a source says. after: seconds since its last call was answered."""

    does: Does
    after: float
    step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Happening:
    """Something that breaks, or that an operator does, at a time in seconds.

    at_step: of a crash, a freeze and a lost commit: so many steps of the process later, between any two of them.
    """

    at: float
    act: Act
    of: str
    lasts: float = 0.0
    at_step: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Plot:
    """One run.

    Attributes:
        cases: the calls about each.
        happenings: what breaks, and what operators do.
        trouble: how often a request meets something else than it should, 0 to 1.
    """

    seed: int
    cases: tuple[tuple[Call, ...], ...]
    happenings: tuple[Happening, ...]
    trouble: float

    def without(self) -> Iterator[Plot]:
        """Every plot with one thing less: what a failing one is shrunk by."""
        for no in range(len(self.cases)):
            yield replace(self, cases=_without(self.cases, no))
        for no in range(len(self.happenings)):
            yield replace(self, happenings=_without(self.happenings, no))
        for no, calls in enumerate(self.cases):
            for last in range(1, len(calls)):
                yield replace(self, cases=(*self.cases[:no], _without(calls, last), *self.cases[no + 1 :]))
        if self.trouble:
            yield replace(self, trouble=0.0)

    def fate(self, system: str, delivery: str, no: int) -> Fate:
        """What meets the request with this number about a delivery; the same whatever else happens."""
        chance = self.chance("fate", system, delivery, no)
        if chance.random() >= self.trouble:
            return "well"
        return chance.choices(list(FATES), list(FATES.values()))[0]

    def chance(self, *about: object) -> random.Random:
        """Chance of its own for each thing, so that leaving something else out changes nothing here."""
        return random.Random(repr((self.seed, *about)))


def _without(things: Sequence[T], no: int) -> tuple[T, ...]:
    return (*things[:no], *things[no + 1 :])


def plot(seed: int) -> Plot:
    """The run of a seed."""
    chance = random.Random(seed)
    cases = tuple(_calls(chance) for _ in range(chance.randint(2, 5)))
    happenings = tuple(_happening(chance) for _ in range(chance.choice((0, 2, 4, 6, 9))))
    return Plot(seed=seed, cases=cases, happenings=happenings, trouble=chance.choice((0.0, 0.1, 0.3, 0.6)))


def _calls(chance: random.Random) -> tuple[Call, ...]:
    """One case: posted, then changed, repeated and perhaps withdrawn."""
    calls = [Call(does="post", after=chance.uniform(0, 40))]
    steps = 0
    for _ in range(chance.randint(0, 4)):
        does: Does = chance.choice(("correct", "correct", "append", "append", "repeat"))
        if does == "append":
            steps += 1
        calls.append(Call(does=does, after=_pause(chance), step=steps))
    if chance.random() < 0.2:
        calls.append(Call(does="withdraw", after=_pause(chance)))
    return tuple(calls)


def _pause(chance: random.Random) -> float:
    return chance.choice((0.0, 0.01, chance.uniform(0, 2), chance.uniform(0, 30)))


def _happening(chance: random.Random) -> Happening:
    acts: dict[Act, int] = {
        "crash": 6,
        "freeze": 3,
        "jump": 1,
        "outage": 3,
        "pause": 2,
        "cancel": 1,
        "requeue": 1,
        "deploy": 2,
        "lose_commit": 3,
        "no_store": 1,
    }
    act = chance.choices(list(acts), list(acts.values()))[0]
    of_system = act in ("outage", "pause", "cancel", "requeue", "deploy")
    return Happening(
        at=chance.uniform(0, CALM_AFTER - 10),
        act=act,
        of=chance.choice(SYSTEMS).name if of_system else chance.choice(PROCESSES),
        lasts=chance.choice((0.5, 3.0, 12.0, 20.0, 35.0)),
        at_step=chance.randint(0, 12),
    )


LATE_AT_MOST: Final = VISIBLE - 0.5
"""Seconds after the answer was given up for lost at which a request may still take effect."""
