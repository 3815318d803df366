"""The projection says what was typed by hand, and nothing that time could change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.city import Call, Life
from syncgate.sandbox.city.goldens import golden_documents, golden_life
from syncgate.sandbox.expected import expected_lines, write_expected

GOLDENS = golden_documents()
SYSTEMS = ("province", "food", "hotline", "urban", "ecology")
PLACES = [(name, system) for name, golden in GOLDENS.items() for system in SYSTEMS if system in golden]


def test_there_are_ten_golden_cases_at_least_and_one_of_each_story() -> None:
    assert len(GOLDENS) >= 10
    traits = {trait for golden in GOLDENS.values() for trait in golden["traits"]}
    assert {"story_1", "story_2", "story_5", "story_7", "story_8", "immediate", "special"} <= traits
    assert {"withdrawn_before", "withdrawn_after"} <= traits


@pytest.mark.parametrize(("name", "system"), PLACES)
def test_the_projection_equals_the_golden_payloads(name: str, system: str) -> None:
    golden = GOLDENS[name]
    line = next(x for x in expected_lines([golden_life(golden)]) if x["system"] == system)
    usual = {"updates": 0, "is_own": False, "typed": 0}
    compared = ("operation", "record", *usual)
    projected = [{name: operation[name] for name in compared} for operation in line["operations"]]
    assert projected == [usual | operation for operation in golden[system]]
    nothing: dict[str, Any] = {"parked": [], "pending": 0}
    assert line["leftover"] == golden.get("leftover", {}).get(system, nothing)


def test_every_life_has_a_line_per_system_that_takes_it(lines: list[dict[str, Any]]) -> None:
    systems = {line["case_no"]: set() for line in lines}
    for line in lines:
        systems[line["case_no"]].add(line["system"])
    alone = {frozenset({"workorders"}), frozenset({"province"})}
    assert set(map(frozenset, systems.values())) == {*alone, frozenset({"province", "food"})}


def withdrawn(lines: list[dict[str, Any]], when: str, system: str) -> list[list[dict[str, Any]]]:
    found = [line for line in lines if f"withdrawn_{when}" in line["traits"] and line["system"] == system]
    assert found and all(line["leftover"] == {"parked": [], "pending": 0} for line in found)
    return [line["operations"] for line in found]


def test_what_was_withdrawn_before_it_reached_province_leaves_nothing_there(lines: list[dict[str, Any]]) -> None:
    assert not any(withdrawn(lines, "before", "province"))
    for operations in withdrawn(lines, "before", "food"):
        assert {operation["held"] for operation in operations} == {"surely"}
        assert operations[-1]["record"]["kind"] == "withdrawn"


def test_what_was_withdrawn_after_province_took_it_ends_there_as_void(lines: list[dict[str, Any]]) -> None:
    for operations in withdrawn(lines, "after", "province"):
        assert {operation["held"] for operation in operations} == {"surely"}
        ends = [operation["record"] for operation in operations if operation["operation"] == "receiveDone"]
        assert [(end["doneresult"], bool(end["exitres"])) for end in ends] == [(2, True)]


def test_what_was_withdrawn_under_way_is_void_exactly_where_something_was_taken(lines: list[dict[str, Any]]) -> None:
    for operations in withdrawn(lines, "in_flight", "province"):
        *taken, void = operations
        assert {operation["held"] for operation in taken} == {"perhaps"}
        assert (void["held"], void["record"]["doneresult"]) == ("if_any", 2)


def test_nothing_of_a_case_that_is_not_withdrawn_is_held_perhaps(lines: list[dict[str, Any]]) -> None:
    kept = [line for line in lines if "withdrawn" not in line["traits"]]
    assert {operation["held"] for line in kept for operation in line["operations"]} == {"surely"}


def test_a_code_corrected_after_the_end_stays_parked_at_province(lines: list[dict[str, Any]]) -> None:
    corrected = [line for line in lines if "corrected_after_end" in line["traits"]]
    assert [line["leftover"]["parked"] for line in corrected] == [[["basic_info", "correction_not_taken"]]] * 2


def test_a_code_without_a_word_leaves_food_empty_and_province_full(lines: list[dict[str, Any]]) -> None:
    unmapped = [line for line in lines if "unmapped" in line["traits"]]
    for line in unmapped:
        if line["system"] == "food":
            assert line["operations"] == []
            assert line["leftover"]["parked"] == [["application", None]]
            assert line["leftover"]["pending"] > 0
        else:
            assert line["operations"] != []
    assert unmapped


def test_a_corrected_number_stays_old_at_province_and_is_new_at_food(lines: list[dict[str, Any]]) -> None:
    corrected = [line for line in lines if "mobile" in line["traits"]]
    by_case: dict[str, dict[str, Any]] = {}
    for line in corrected:
        by_case.setdefault(line["case_no"], {})[line["system"]] = line
    for held in by_case.values():
        old = held["province"]["operations"][0]["record"]["applicantmobile"]
        new = held["food"]["operations"][0]["record"]["mobile"]
        assert old.startswith("1540") and new.startswith("1549")
        assert held["province"]["leftover"]["parked"] == [["basic_info", "correction_not_taken"]]
        application = held["food"]["operations"][0]
        is_foods = "corrected_by_food" in held["food"]["traits"]
        assert (application["updates"], application["typed"]) == ((0, 2) if is_foods else (1, application["is_own"]))


def test_a_correction_taken_back_leaves_nothing_parked(lines: list[dict[str, Any]]) -> None:
    back = [line for line in lines if "changed_back" in line["traits"]]
    updates = {"food": 2, "province": 0, "corrected_by_food": 0}
    for line in back:
        by_food = "corrected_by_food" in line["traits"]
        assert line["operations"][0]["updates"] == updates["corrected_by_food" if by_food else line["system"]]
    assert len(back) >= 4
    assert all(line["leftover"]["parked"] == [] for line in back)


def foods(lines: list[dict[str, Any]], trait: str) -> list[dict[str, Any]]:
    return [line for line in lines if line["system"] == "food" and trait in line["traits"]]


def test_what_food_said_first_is_its_own_and_never_brought(lines: list[dict[str, Any]]) -> None:
    for line in foods(lines, "food_first"):
        assert line["operations"][0]["is_own"]
        brought = [o["record"].get("handler") for o in line["operations"][1:] if not o["is_own"]]
        assert brought == (["褚受理"] if "window_step" in line["traits"] else [])


def test_what_a_joining_window_corrects_is_an_update_of_foods_own_record(lines: list[dict[str, Any]]) -> None:
    corrected = [line for line in foods(lines, "window_joins") if {"mobile", "area"} & set(line["traits"])]
    assert {(o["is_own"], o["updates"]) for o in (line["operations"][0] for line in corrected)} == {(True, 1)}


def test_what_foods_record_does_not_hold_is_not_typed_there_again(lines: list[dict[str, Any]]) -> None:
    corrected = [line for line in foods(lines, "corrected_by_food") if "food_first" in line["traits"]]
    unseen = {"title", "email"}
    typed = {bool(unseen & set(line["traits"])): line["operations"][0]["typed"] for line in corrected}
    assert typed[True] == 1 and typed[False] >= 2


def test_what_food_joins_stays_ours_and_its_own_step_is_its_own(lines: list[dict[str, Any]]) -> None:
    for line in foods(lines, "story_5"):
        application, *events = line["operations"]
        assert (application["is_own"], application["updates"]) == (False, 0)
        assert application["typed"] == ("corrected_by_food" in line["traits"])
        assert [event["record"]["handler"] for event in events if event["is_own"]] == ["卫核查"]


def test_what_food_typed_while_it_was_paused_is_held_once(lines: list[dict[str, Any]]) -> None:
    for line in foods(lines, "while_paused"):
        assert [operation["is_own"] for operation in line["operations"]] == [True, False, True]
    for line in foods(lines, "at_once"):
        assert line["or_no"] != line["case_no"]
        assert {operation["is_own"] for operation in line["operations"]} == {True}


def test_a_change_of_food_that_waits_for_nothing_cannot_be_expected() -> None:
    life = golden_life(GOLDENS["correction"])
    hasty = Call("PATCH", life.calls[1].path, life.calls[1].body)
    with pytest.raises(ValueError, match="expected a gate on food"):
        list(expected_lines([Life(life.case_no, life.traits, (life.calls[0], hasty))]))


def test_the_document_is_written_a_line_per_system_and_case(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    path = tmp_path / ".demo" / "expected.ndjson"
    lives = [golden_life(document) for document in GOLDENS.values()]
    assert write_expected(lives, path, systems=SYSTEMS) == len(path.read_text("utf-8").splitlines()) == len(PLACES)
    applications = [life for life in lives if "assigned" not in life.traits]
    assert write_expected(lives, path, systems=["frontdb"]) == len(applications) < len(GOLDENS)
