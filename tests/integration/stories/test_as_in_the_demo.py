"""Stories of the demo, each by itself and at the systems themselves: 1, 2, 3, 5, 8, 10 and 12."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

from syncgate.sandbox.city import City, Life, build_city
from syncgate.sandbox.city.withdrawals import NOTHING_WITHDRAWN
from syncgate.sandbox.play.new_code import NewCode, Passed
from syncgate.sandbox.play.reconciled import Edited
from syncgate.sandbox.play.weekend import Weekend
from tests.integration.stories.town import Town

WITHDRAWN_COUNT = 4


def with_trait(trait: str) -> tuple[Life, ...]:
    return tuple(life for life in build_city().every_life if trait in life.traits)


def test_what_was_written_by_hand_ends_as_it_was_written_by_hand(town: Callable[..., Town]) -> None:
    """Story 1, a corrected ID; 2, a name that GBK lacks; 5, two numbers; 8, withdrawn where it went."""
    lives = (*with_trait("story_1"), *with_trait("story_2"), *with_trait("story_5"))
    lives += build_city().withdrawn.after[:WITHDRAWN_COUNT]
    assert {"story_1", "story_2", "story_5", "withdrawn_after"} <= {trait for life in lives for trait in life.traits}
    city = City(lives, ())
    here = town("province", "food", "frontdb", "insurance", sources=("window", "food", "app"))
    here.expect(city)
    here.post(city)
    here.settle(city)
    code, told = here.read()
    assert code == 0, told


def test_what_comes_while_province_is_gone_is_there_on_monday(town: Callable[..., Town]) -> None:
    """Story 3; and story 8: what was withdrawn meanwhile is never heard of there."""
    whole = build_city()
    withdrawn = replace(NOTHING_WITHDRAWN, before=whole.withdrawn.before)
    city = City((), (), weekend=whole.weekend[:20], withdrawn=withdrawn)
    here = town("province", "food", "frontdb", "insurance", sources=("window", "food", "app"))
    here.expect(city)
    weekend = Weekend(here.calls, here.gate, city, here.systems, logs=here.folder.logs, say=lambda _: None, lasts=4.0)
    assert weekend.run().defects() == []
    here.settle(city)
    code, told = here.read()
    assert code == 0, told


def test_a_code_that_nobody_knew_parks_forty_one_which_go_once_the_table_has_it(town: Callable[..., Town]) -> None:
    """Story 10."""
    city = City(with_trait("new_code"), ())
    here = town("province", "frontdb", "insurance", sources=("window", "app"))
    here.expect(city)
    here.post(city)
    story = NewCode(here.gate, here.integrators_gate, here.systems, site=here.folder.site)
    assert story.run() == Passed(41, 41)
    here.settle(city)
    code, told = here.read()
    assert code == 0, told


def test_what_is_changed_behind_our_back_is_found_and_taken_as_a_revision(town: Callable[..., Town]) -> None:
    """Story 12."""
    city = City((), (), edited=build_city().edited)
    here = town("province", "food", "frontdb", sources=("window", "food"))
    here.expect(city)
    story = Edited(here.calls, here.gate, city.edited)
    story.post()
    assert story.run().cases_count == len(city.edited)
    here.settle(city)
    story.check()
    code, told = here.read()
    assert code == 0, told
