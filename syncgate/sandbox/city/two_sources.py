"""Who says what of a case: food or the window first, and what the other one adds."""

from __future__ import annotations

from collections.abc import Sequence
from copy import deepcopy
from dataclasses import dataclass
from random import Random
from typing import Any

from syncgate.sandbox.city.applications import draft
from syncgate.sandbox.city.calls import correct_mobile
from syncgate.sandbox.city.joining import (
    food_joins,
    food_number,
    food_step,
    said_again,
    said_by_food,
    typed_too,
    window_joins,
    window_step,
)
from syncgate.sandbox.city.script import CASES, Call, Life
from syncgate.sandbox.city.stages import Stage, Turns, stages

FOOD_JOINS_SHARE, WINDOW_JOINS_SHARE, FOOD_CORRECTS_SHARE = 0.35, 0.2, 0.3


@dataclass(frozen=True, slots=True)
class Story:
    """A drafted case with its stages; `window_no` is the number that the window has for it."""

    case: dict[str, Any]
    stages: list[Stage]
    serial: int
    window_no: str

    def draws(self, what: str, share: float) -> bool:
        """The same answer for the same case, whatever else was drawn."""
        return Random(f"{what}-{self.serial}").random() < share


@dataclass(frozen=True, slots=True)
class Following:
    """All calls of a life, and its traits."""

    calls: list[Call]
    traits: frozenset[str]


def food_first(story: Story, calls: list[Call], corrections: list[Call], traits: frozenset[str]) -> Following:
    """Food typed the case in and posts it; corrections come from food or from the window, which joins for it."""
    said = said_by_food(calls, story.serial)
    traits |= {"food_first"}
    if corrections and story.draws("corrects", 0.5):
        return Following(said_by_food(calls + corrections, story.serial), traits | {"corrected_by_food"})
    if corrections:
        join = window_joins(story.case, story.window_no, correction=corrections[0])
        return Following([*said, join, *corrections[1:], said_again(said[-1])], traits | {"window_joins"})
    if story.draws("join", WINDOW_JOINS_SHARE) and "declined" not in traits:
        join = window_joins(story.case, story.window_no)
        more = [join, window_step(story.stages), said_again(said[-1])]
        return Following([*said, *more], traits | {"window_joins", "window_step"})
    return Following(said, traits)


def window_first(story: Story, calls: list[Call], corrections: list[Call], traits: frozenset[str]) -> Following:
    """The window posts the case; food may join under its own number once it holds what we brought (story 5)."""
    is_joined = story.draws("join", FOOD_JOINS_SHARE) and "declined" not in traits
    if corrections or "unmapped" in traits or not is_joined:
        return Following(calls + corrections, traits)
    again = said_again(calls[-1])
    if story.draws("corrects", FOOD_CORRECTS_SHARE):
        correction = correct_mobile(f"1549{story.serial:07d}")
        join = food_joins(story.case, story.serial, correction=correction)
        more = frozenset({"story_5", "corrected_by_food"})
        return Following([*calls, join, food_step(story.stages, story.serial), again], traits | more)
    join = food_joins(story.case, story.serial)
    return Following([*calls, join, food_step(story.stages, story.serial), again], traits | {"story_5"})


def while_paused(random: Random, serial: int) -> Life:
    """The window posts a case with its first stages; food, paused, types it in and posts it with a stage of its own."""
    story = _open_case(random, serial)
    window = _first_post(story.case, story.stages[:2])
    food = typed_too(story.case, serial, stages=story.stages[2:3])
    return Life(story.window_no, frozenset({"while_paused"}), (window, food))


def at_once(random: Random, serial: int) -> Life:
    """The window and food post the same case with the same stages, and nobody knows who comes first."""
    story = _open_case(random, serial)
    window = _first_post(story.case, story.stages[:2])
    food = typed_too(story.case, serial, stages=story.stages[:2])
    return Life(story.window_no, frozenset({"at_once"}), (window, food), or_no=food_number(serial))


def _open_case(random: Random, serial: int) -> Story:
    drafted = draft(random, serial)
    happened = stages(random, applied_at=drafted.applied_at, turns=Turns(is_open=True), serial=serial)
    return Story(drafted.case, happened, serial, drafted.case["case_no"])


def _first_post(case: dict[str, Any], first: Sequence[Stage]) -> Call:
    return Call("POST", CASES, deepcopy(case) | {"stages": deepcopy(list(first))})
