"""The projection says what was typed by hand, and nothing that time could change."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.city import Call, Life
from syncgate.sandbox.city.goldens import golden_documents, golden_life
from syncgate.sandbox.expected import expected_lines, write_expected

GOLDENS = golden_documents()


def test_there_are_six_golden_cases_at_least() -> None:
    assert len(GOLDENS) >= 6


@pytest.mark.parametrize("system", ["province", "food"])
@pytest.mark.parametrize("name", GOLDENS)
def test_the_projection_equals_the_golden_payloads(name: str, system: str) -> None:
    golden = GOLDENS[name]
    line = next(x for x in expected_lines([golden_life(golden)]) if x["system"] == system)
    projected = [(o["operation"], o["updates"], o["record"]) for o in line["operations"]]
    assert projected == [(o["operation"], o.get("updates", 0), o["record"]) for o in golden[system]]
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
        assert held["food"]["operations"][0]["updates"] == 1


def test_a_correction_taken_back_leaves_nothing_parked(lines: list[dict[str, Any]]) -> None:
    back = [line for line in lines if "changed_back" in line["traits"]]
    assert {(line["system"], line["operations"][0]["updates"]) for line in back} == {("province", 0), ("food", 2)}
    assert all(line["leftover"]["parked"] == [] for line in back)


def test_a_change_of_food_that_waits_for_nothing_cannot_be_expected() -> None:
    life = golden_life(GOLDENS["correction"])
    hasty = Call("PATCH", life.calls[1].path, life.calls[1].body)
    with pytest.raises(ValueError, match="expected a gate on food"):
        list(expected_lines([Life(life.case_no, life.traits, (life.calls[0], hasty))]))


def test_the_document_is_written_a_line_per_system_and_case(tmp_path: Path, lines: list[dict[str, Any]]) -> None:
    path = tmp_path / ".demo" / "expected.ndjson"
    count = write_expected([golden_life(document) for document in GOLDENS.values()], path)
    assert count == len(path.read_text("utf-8").splitlines()) == 2 * len(GOLDENS)
