"""Who is in charge of a case, turn by turn: one leg at a time, whatever comes and in whatever order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.assignment import KINDS, NOBODY, Ending, Leg, assignment_of

URBAN = {"name": "示例市城市管理局", "uscc": "11990100MB00000057"}
ECOLOGY = {"name": "示例市生态环境局", "uscc": "11990100MB0000007D"}
START = datetime(2026, 5, 1, 9, tzinfo=UTC)


def stage(kind: str, minute: int, **fields: Any) -> dict[str, Any]:
    """A stage that happened so many minutes after the start, known by its kind and minute."""
    at = START + timedelta(minutes=minute)
    return {"id": f"{kind}-{minute}", "kind": kind, "at": at.isoformat(), **fields}


def legs(*stages: Any) -> tuple[Leg, ...]:
    return assignment_of({"stages": list(stages)}).legs


def odd(*stages: Any) -> list[tuple[str, str]]:
    return [(one.rule, one.stage) for one in assignment_of({"stages": list(stages)}).oddities]


STORY = (
    stage("assigned", 0, assignee=URBAN),
    stage("signed", 1, org=URBAN),
    stage("return_requested", 2, org=URBAN),
    stage("return_agreed", 3),
    stage("reassigned", 4, assignee=ECOLOGY),
    stage("signed", 5, org=ECOLOGY),
    stage("urged", 6),
    stage("replied", 7, org=ECOLOGY),
    stage("called_back", 8),
    stage("reopened", 9),
    stage("supervised", 10),
    stage("replied", 11, org=ECOLOGY),
    stage("finished", 12),
)
"""The life of a complaint: returned by one, done by another, and done again."""


class TestALife:
    def test_of_a_complaint_has_a_leg_for_each_turn(self) -> None:
        found = [(leg.no, leg.org["name"], leg.began_with["id"], leg.ended) for leg in legs(*STORY)]
        assert found == [
            (1, URBAN["name"], "assigned-0", Ending.RETURNED),
            (2, ECOLOGY["name"], "reassigned-4", Ending.REOPENED),
            (3, ECOLOGY["name"], "reopened-9", Ending.FINISHED),
        ]

    def test_gives_each_leg_its_own_stages(self) -> None:
        assert [[one["id"].partition("-")[2] for one in leg.stages] for leg in legs(*STORY)] == [
            ["0", "1", "2", "3"],
            ["4", "5", "6", "7", "8"],
            ["9", "10", "11", "12"],
        ]

    def test_is_the_same_in_whatever_order_its_stages_arrived(self) -> None:
        assert legs(*reversed(STORY)) == legs(*STORY)

    def test_fits_together(self) -> None:
        assert odd(*STORY) == []

    def test_that_is_under_way_has_one_live_leg(self) -> None:
        for length in range(1, len(STORY)):
            current = assignment_of({"stages": list(STORY[:length])}).current
            is_between = length == 4
            assert (current is None) == is_between

    def test_tells_how_a_leg_ended_and_with_which_stage(self) -> None:
        document = legs(*STORY)[0].document()
        assert (document["ended"], document["ended_with"]["id"]) == ("returned", "return_agreed-3")
        assert document["until_at"] == document["ended_with"]["at"]

    def test_is_told_to_mappings_leg_by_leg(self) -> None:
        first, second, _ = legs(*STORY)
        assert first.document() == {
            "id": "assigned-0",
            "no": 1,
            "org": URBAN,
            "from_at": STORY[0]["at"],
            "began_with": STORY[0],
            "stages": list(first.stages),
            "until_at": STORY[3]["at"],
            "ended": "returned",
            "ended_with": STORY[3],
        }
        assert [stage["id"] for stage in first.stages][:2] == ["assigned-0", "signed-1"]
        assert (second.document()["no"], second.document()["from_at"]) == (2, STORY[4]["at"])

    def test_knows_an_organisation_by_its_name_where_one_has_no_code(self) -> None:
        by_name = {"name": URBAN["name"]}
        (leg,) = legs(stage("assigned", 0, assignee=URBAN), stage("signed", 1, org=by_name))
        assert [one["id"] for one in leg.stages] == ["assigned-0", "signed-1"]
        other = {"name": ECOLOGY["name"]}
        assert odd(stage("assigned", 0, assignee=URBAN), stage("signed", 1, org=other)) != []
        assert odd(stage("assigned", 0, assignee=URBAN), stage("signed", 1, org={"uscc": ""})) != []

    def test_of_a_live_leg_says_nothing_of_an_end(self) -> None:
        document = legs(STORY[0])[0].document()
        assert {"ended", "ended_with", "until_at"} & document.keys() == set()


class TestWhatContradicts:
    def test_a_return_that_was_never_requested_ends_nothing(self) -> None:
        given_back = (STORY[0], stage("return_agreed", 3))
        assert (legs(*given_back)[0].is_live, odd(*given_back)) == (
            True,
            [("return_requested_first", "return_agreed-3")],
        )

    def test_it_ends_the_leg_once_the_request_has_come(self) -> None:
        assert legs(STORY[0], stage("return_agreed", 3), STORY[2])[0].ended is Ending.RETURNED

    def test_a_request_of_an_earlier_leg_is_none_of_a_later_one(self) -> None:
        found = legs(STORY[0], STORY[2], stage("reassigned", 3, assignee=ECOLOGY), stage("return_agreed", 4))
        assert [leg.ended for leg in found] == [Ending.REASSIGNED, None]

    def test_an_assignment_to_who_is_in_charge_already_begins_nothing(self) -> None:
        twice = (STORY[0], stage("assigned", 1, assignee={"name": "别名", "uscc": URBAN["uscc"]}))
        assert (len(legs(*twice)), odd(*twice)) == (1, [("assignment_in_turn", "assigned-1")])

    def test_what_another_than_who_is_in_charge_did_is_of_no_leg(self) -> None:
        late = (*STORY[:5], stage("replied", 6, org=URBAN))
        assert assignment_of({"stages": list(late)}).leg_of("replied-6") is None
        assert odd(*late) == [("acted_by_the_assignee", "replied-6")]

    def test_a_return_that_another_requests_is_not_agreed(self) -> None:
        found = legs(STORY[0], stage("return_requested", 1, org=ECOLOGY), stage("return_agreed", 2))
        assert found[0].is_live

    def test_an_assignment_to_nobody_is_a_leg_that_is_told(self) -> None:
        unnamed = (STORY[0], stage("reassigned", 4))
        assert [dict(leg.org) for leg in legs(*unnamed)] == [URBAN, {}]
        assert odd(*unnamed) == [("assignee_named", "reassigned-4")]

    def test_an_assignment_that_is_corrected_gives_way(self) -> None:
        right = stage("assigned", 0, assignee=ECOLOGY) | {"id": "right", "corrects": "assigned-0"}
        assert [(leg.id, leg.org["name"]) for leg in legs(STORY[0], right)] == [("right", ECOLOGY["name"])]


@pytest.mark.parametrize("case", [None, [], {}, {"stages": None}, {"stages": [1, None, {"kind": ["assigned"]}]}])
def test_a_case_without_an_assignment_is_in_nobodys_hands(case: Any) -> None:
    assert assignment_of(case) == NOBODY


ORGS = st.sampled_from([None, URBAN, ECOLOGY, {"name": "示例局"}, {"name": 7}, "x"])
STAGES = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from([f"s{no}" for no in range(12)]),
            "kind": st.sampled_from([*sorted(KINDS), "urged", "finished", "withdrawn", "step"]),
            "at": st.sampled_from(["no time", *(stage("x", minute)["at"] for minute in range(6))]),
        },
        optional={"assignee": ORGS, "org": ORGS, "corrects": st.sampled_from(["s0", "s1", "s2"])},
    ),
    max_size=12,
    unique_by=lambda one: one["id"],
)


@given(STAGES)
def test_legs_follow_one_another_and_only_the_last_may_be_live(stages: list[Any]) -> None:
    found = legs(*stages)
    assert [leg.no for leg in found] == list(range(1, len(found) + 1))
    assert all(not leg.is_live for leg in found[:-1])
    assert all(leg.ended_with is None if leg.is_live else leg.ended_with is not None for leg in found)
    times = [datetime.fromisoformat(leg.began_with["at"]) for leg in found]
    assert times == sorted(times)


@given(STAGES)
def test_every_stage_is_of_one_leg_at_most_and_every_leg_begins_with_its_own(stages: list[Any]) -> None:
    found = legs(*stages)
    ids = [one["id"] for leg in found for one in leg.stages]
    assert len(ids) == len(set(ids))
    assert all(leg.stages[0]["id"] == leg.id for leg in found)


@given(STAGES, st.randoms(use_true_random=False))
def test_the_order_of_arrival_decides_nothing_but_between_equal_times(stages: list[Any], chance: Any) -> None:
    unlike = {one["at"]: one for one in stages}
    stages = list(unlike.values())
    shuffled = list(stages)
    chance.shuffle(shuffled)
    assert legs(*shuffled) == legs(*stages)


@given(STAGES)
def test_a_later_stage_never_unmakes_a_leg(stages: list[Any]) -> None:
    if any("corrects" in one for one in stages):
        stages = [{key: value for key, value in one.items() if key != "corrects"} for one in stages]
    later = stage("urged", 60)
    before, after = legs(*stages), legs(*stages, later)
    assert [leg.id for leg in after] == [leg.id for leg in before]
