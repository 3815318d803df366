"""Cases that are withdrawn: before a system had anything of them, after it had, and while something was under way."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from syncgate.sandbox.city.applications import draft, instant
from syncgate.sandbox.city.places import WINDOW_B
from syncgate.sandbox.city.roads import RoadTurns, road_case, road_stages
from syncgate.sandbox.city.script import CASES, WITHDRAW, Call, Gate, Life
from syncgate.sandbox.city.stages import Turns, stages

Case = dict[str, Any]
When = Literal["before", "after", "in_flight"]
WHENS: tuple[When, ...] = ("before", "after", "in_flight")

FIRST_APPLICATION, FIRST_ROAD = 950, 100
"""Serials of withdrawn cases from here on."""
PLAN: dict[str, tuple[When, ...]] = {
    "applications": ("before", "after", "in_flight"),
    "roads": ("before", "after", "in_flight") * 2,
}
"""How many of the cases of item A and of item D are withdrawn, and when."""
PROVINCE_HAS_IT = tuple(Gate("province", message) for message in ("basic_info", "step", "material"))
FOOD_HAS_IT = (Gate("food", "application"), Gate("food", "event"))
REASONS = ("申请人自愿撤回申请", "经营场所变更，撤回后另行申请", "工期调整，暂不施工")


@dataclass(frozen=True, slots=True)
class Withdrawn:
    """Withdrawn lives, by what the systems had of them then.

    Attributes:
        before: province was down from before the first post until after the withdrawal.
        after: province and food had taken everything there was.
        in_flight: nothing is waited for; what was taken by then is as it comes.
    """

    before: tuple[Life, ...] = ()
    after: tuple[Life, ...] = ()
    in_flight: tuple[Life, ...] = ()

    @property
    def every_life(self) -> tuple[Life, ...]:
        return (*self.before, *self.after, *self.in_flight)


NOTHING_WITHDRAWN = Withdrawn()


def withdrawn_lives(random: Random, golden: Iterable[Life] = ()) -> Withdrawn:
    """All of `PLAN`, and those of the golden lives that are withdrawn."""
    made: dict[When, list[Life]] = {
        when: [life for life in golden if f"withdrawn_{when}" in life.traits] for when in WHENS
    }
    kinds: dict[str, tuple[int, Callable[..., Life]]] = {
        "applications": (FIRST_APPLICATION, withdrawn_application),
        "roads": (FIRST_ROAD, withdrawn_road),
    }
    for kind, plan in PLAN.items():
        first, make = kinds[kind]
        for serial, when in enumerate(plan, first):
            made[when].append(make(random, serial, when=when))
    return Withdrawn(**{when: tuple(lives) for when, lives in made.items()})


def withdrawn_application(random: Random, serial: int, *, when: When) -> Life:
    """One of item A that the window posted; it was inspected, and not decided."""
    drafted = draft(random, serial)
    happened = stages(random, applied_at=drafted.applied_at, turns=Turns(is_open=True), serial=serial)
    return _life(drafted.case, happened, serial=serial, when=when, also=FOOD_HAS_IT)


def withdrawn_road(random: Random, serial: int, *, when: When) -> Life:
    """One of item D; experts were called in, and are not heard to the end."""
    case, applied_at = road_case(random, serial)
    happened = road_stages(applied_at, RoadTurns(), serial=serial)[:3]
    special = (Gate("province", "special"),)
    return _life(case, happened, serial=serial, when=when, also=special if when == "after" else ())


def _life(case: Case, happened: list[dict[str, Any]], *, serial: int, when: When, also: tuple[Gate, ...]) -> Life:
    post = Call("POST", CASES, case | {"stages": happened})
    after: dict[When, tuple[Gate, ...]] = {"before": also, "after": (*PROVINCE_HAS_IT, *also), "in_flight": ()}
    at = datetime.fromisoformat(happened[-1]["at"].replace("Z", "+00:00")) + timedelta(hours=3)
    withdraw = Call(
        "POST",
        WITHDRAW,
        {"reason": REASONS[serial % len(REASONS)], "by": WINDOW_B["name"], "at": instant(at)},
        times=1 + serial % 2,
        after=after[when],
        unreached=("province",) if when == "before" else (),
    )
    return Life(case["case_no"], frozenset({"withdrawn", f"withdrawn_{when}"}), (post, withdraw))
