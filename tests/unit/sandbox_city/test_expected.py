"""The projection says what was typed by hand, and nothing that time could change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.city import Call, Life
from syncgate.sandbox.city.goldens import golden_documents, golden_life
from syncgate.sandbox.expected import expected_lines, write_expected

GOLDENS = golden_documents()


def test_there_are_eight_golden_cases_at_least_and_one_of_story_5() -> None:
    assert len(GOLDENS) >= 8
    assert "story_5" in GOLDENS


@pytest.mark.parametrize("system", ["province", "food"])
@pytest.mark.parametrize("name", GOLDENS)
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
    assert set(map(frozenset, systems.values())) == {frozenset({"workorders"}), frozenset({"province", "food"})}


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
    count = write_expected([golden_life(document) for document in GOLDENS.values()], path)
    assert count == len(path.read_text("utf-8").splitlines()) == 2 * len(GOLDENS)
