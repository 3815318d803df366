"""Story 9 at the systems themselves: two calls with the same text."""

from __future__ import annotations

from collections.abc import Callable

from syncgate.sandbox.city import City, build_city
from syncgate.sandbox.play.alike import Alike, Decided
from tests.integration.stories.town import Town


def test_two_calls_with_the_same_text_are_two_orders_until_a_person_merges_them(town: Callable[..., Town]) -> None:
    """Promise 2: what was sent of the one that ended stays there for a person, what was not sent never goes."""
    city = City((), (), alike=build_city().alike)
    here = town("workorders")
    here.expect(city)
    story = Alike(here.calls, here.gate, city.alike)
    assert story.run() == Decided(merged_count=4, apart_count=2)
    here.settle(city)
    story.check()
    code, told = here.read()
    assert code == 0, told
