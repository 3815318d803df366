"""Story 11 at the systems themselves: a mapping was wrong, and what it made was accepted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial

from syncgate.sandbox.city import City
from syncgate.sandbox.city.wrong_days import wrong_lives
from syncgate.sandbox.play.processes import run_command
from syncgate.sandbox.play.replanned import Replanned, WrongDays
from tests.integration.stories.town import Town

COUNT, OTHERS = 40, 12


def test_what_a_wrong_mapping_made_is_sent_anew_at_night_and_nothing_else(town: Callable[..., Town]) -> None:
    """Promise 13: neither deployment sends anything. What was sent under the right mapping is not touched."""
    others = tuple(replace(life, traits=frozenset()) for life in wrong_lives(1, count=OTHERS, first=3500))
    city = City(others, (), wrong_days=wrong_lives(2026, count=COUNT))
    here = town("province", "frontdb", "food")
    here.expect(city)
    here.post(city)
    here.settle(replace(city, wrong_days=()))
    story = WrongDays(
        here.calls,
        here.gate,
        here.integrators_gate,
        city.wrong_days,
        command=partial(run_command, here.folder, here.env),
        site=here.folder.site,
    )
    assert story.run() == Replanned(COUNT, COUNT)
    here.settle(city)
    code, told = here.read()
    assert code == 0, told
