"""What is expected of the front database is exactly what the site's mappings give, case by case."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.domain.plan import parts_of, plan
from syncgate.mapping import Context, Inputs, Mapped
from syncgate.sandbox.city import City, Life
from syncgate.sandbox.city.given_back import RETIRED
from syncgate.sandbox.expected import frontdb
from syncgate.sandbox.expected.story import State, states
from syncgate.sandbox.systems.frontdb_rules import quality_objection
from tests.unit.sandbox_city.front_lives import insurance, road_works
from tests.unit.sandbox_city.test_mappings_agree import document_of
from tests.unit.test_example_site import bundle

TABLES = {
    "accept": "up_pro_accept",
    "process": "up_pro_process",
    "special": "up_pro_special_procedure",
    "material": "up_pro_material",
    "result": "up_pro_result",
}


def lives_of(city: City) -> list[Life]:
    return [*(life for life in city.every_life if frontdb.takes(states(life)[-1])), insurance(), road_works()]


def mapped(state: State) -> tuple[list[tuple[str, Any]], list[list[str]]]:
    """What the mappings give of a state, by table, in the declared order; and what cannot be mapped, with its rule."""
    found, case = bundle("frontdb"), document_of(state)
    rows, refused = [], []
    for planned in plan(case, found.messages, applies=found.applies(case), numbers={}):
        message, spec = found.message(planned.message), found.specs[planned.message]
        part = dict(parts_of(case, message.of))[planned.part]
        outcome = spec.mapping.apply(Inputs(case=case, part=part, context=Context(version_no=1)))
        if isinstance(outcome, Mapped):
            assert spec.contract.violations(outcome.payload) == ()
            payload = {name: value for name, value in outcome.payload.items() if name != "cd_operation"}
            rows.append((TABLES[planned.message], payload | {"data_source": "999"}))
        else:
            refused.append([planned.message, outcome.faults[0].rule])  # type: ignore[union-attr]
    return rows, refused


def test_every_row_is_what_its_mapping_gives(city: City) -> None:
    count = 0
    for life in lives_of(city):
        history = states(life)
        if history[-1].withdrawal is not None:
            continue
        rows, refused = mapped(history[-1])
        line = frontdb.line(life, history)
        if not line["leftover"]["parked"]:
            # What the site's mappings give until a person mends them for the version that was retired.
            which = 0 if "retired_version" in life.traits else -1
            wanted = [(one["operation"], one["records"][which]) for one in line["operations"]]
            assert wanted == rows, life.case_no
            assert (refused, line["leftover"]["pending"]) == ([], 0)
        else:
            assert [one for one in refused if one in line["leftover"]["parked"]] == line["leftover"]["parked"]
            assert len(rows) + len(refused) == len(line["operations"]) + line["leftover"]["pending"] + len(
                line["leftover"]["parked"]
            )
        count += len(line["operations"])
    assert count > 2000


def test_a_change_of_the_case_is_a_row_more_of_its_acceptance(city: City) -> None:
    changed = [
        (life, frontdb.line(life, states(life))) for life in lives_of(city) if {"mobile", "title"} & set(life.traits)
    ]
    counts = [
        len(op["records"]) for _, line in changed for op in line["operations"] if op["operation"] == "up_pro_accept"
    ]
    assert counts and set(counts) <= {1, 2} and 2 in counts


def test_an_acceptance_that_cannot_be_written_leaves_the_whole_case_behind(city: City) -> None:
    parked = {
        life.case_no: frontdb.line(life, states(life))
        for life in lives_of(city)
        if frontdb.line(life, states(life))["leftover"]["parked"]
    }
    assert len(parked) >= 8
    for line in parked.values():
        assert {rule for _, rule in line["leftover"]["parked"]} <= {"unencodable", "too_long"}
        if "accept" in dict(line["leftover"]["parked"]):
            assert line["operations"] == []


def test_a_withdrawn_case_is_closed_as_void_wherever_its_acceptance_was_written(city: City) -> None:
    lines = [frontdb.line(life, states(life)) for life in lives_of(city) if states(life)[-1].withdrawal is not None]
    assert lines
    for line in lines:
        tables = [operation["operation"] for operation in line["operations"]]
        assert ("up_pro_accept" in tables) == ("up_pro_result" in tables)
        assert line["leftover"] == {"parked": [], "pending": 0}
        closing = [operation for operation in line["operations"] if operation["operation"] == "up_pro_result"]
        assert all(operation["records"][-1]["result_type"] == "2" for operation in closing)


def test_a_landline_is_too_long() -> None:
    life = road_works(contact={"name": "赵示例", "mobile": "010-00000005转8"})
    line = frontdb.line(life, states(life))
    assert line["operations"] == []
    assert line["leftover"] == {"parked": [["accept", "too_long"]], "pending": 6}


def test_no_file_that_the_gap_refuses_is_told() -> None:
    line = frontdb.line(road_works(), states(road_works()))
    told = [op["part"] for op in line["operations"] if op["operation"] == "up_pro_material"]
    assert told == ["申请表|申请表.pdf"]


@pytest.mark.parametrize("life", [insurance(), road_works()], ids=["insurance", "road works"])
def test_items_c_and_d_are_told(life: Life) -> None:
    assert frontdb.takes(states(life)[-1])


def test_what_is_held_back_by_an_acceptance_came_with_it(city: City) -> None:
    """Materials that came before would be sent or not, as it happens."""
    parked = 0
    for life in lives_of(city):
        last = states(life)[-1]
        if any(message == "accept" for message, _ in frontdb.line(life, states(life))["leftover"]["parked"]):
            accepted = [part.submission for part in last.stages if part.content["kind"] == "accepted"]
            assert {part.submission for part in last.materials} == set(accepted[:1]), life.case_no
            parked += 1
    assert parked >= 8


def test_a_quality_check_gives_back_what_the_story_is_about_and_nothing_else(city: City) -> None:
    """Of what an acceptance says first; of what it says in the end nothing."""
    first, last = set(), set()
    for life in lives_of(city):
        for operation in frontdb.line(life, states(life))["operations"]:
            if operation["operation"] == "up_pro_accept":
                first |= {life.case_no} if quality_objection(operation["records"][0], frozenset(RETIRED)) else set()
                last |= {life.case_no} if quality_objection(operation["records"][-1], frozenset(RETIRED)) else set()
    assert first == {life.case_no for life in city.given_back.every_life}
    assert last == set()
