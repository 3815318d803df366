"""What is shown of how systems are read back."""

from __future__ import annotations

from syncgate.domain.reconciliation.kinds import Kind, Level
from syncgate.flows.showing.systems import list_systems, read_system
from tests.integration.flows.test_holds import PERSON
from tests.integration.flows.worksite import Worksite


def test_a_system_shows_how_much_of_each_message_can_be_read_back(site: Worksite) -> None:
    food = site.run(read_system(site.gate, PERSON, "food")).readback
    province = site.run(read_system(site.gate, PERSON, "province")).readback
    assert food is not None and province is not None
    assert [(one.messages, one.level, one.cannot_find) for one in food.listings] == [
        (("application",), Level.FIELDS, ()),
        (("event", "withdrawn"), Level.FIELDS, ()),
    ]
    assert (food.every_seconds, province.every_seconds) == (86400, None)
    blind = (Kind.STALE, Kind.EDITED_THERE, Kind.NORMALISED_THERE)
    assert {(one.level, one.ways, one.cannot_find) for one in province.listings} == {(Level.IDS, ("export",), blind)}
    assert province.unlisted == ()


def test_what_only_posts_is_not_read_back(site: Worksite) -> None:
    shown = {one.system: one.readback for one in site.run(list_systems(site.gate, PERSON))}
    assert shown["window"] is None and shown["food"] is not None
