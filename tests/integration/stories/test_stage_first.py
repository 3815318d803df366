"""Story 6 at the systems themselves: a stage that comes before its case."""

from __future__ import annotations

from collections.abc import Callable

from syncgate.sandbox.city import City
from syncgate.sandbox.city.early import early_lives
from syncgate.sandbox.play.stage_first import StageFirst
from tests.integration.stories.town import Town

COUNT = 8


def test_a_stage_before_its_case_waits_and_is_told_once_after_what_the_case_brings(town: Callable[..., Town]) -> None:
    """Promises 2, 3 and 5: the systems hold what they would if nothing had been early, in the declared order."""
    city = City((), (), stage_first=early_lives(2026, count=COUNT))
    here = town("province", "frontdb", "food", sources=("food",))
    here.expect(city)
    assert StageFirst(here.calls, here.gate, city.stage_first).run() == COUNT
    here.settle(city)
    code, told = here.read()
    assert code == 0, told
