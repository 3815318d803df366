"""What is expected of assigned calls is what the mappings give, turn by turn; the reader finds whatever differs."""

from __future__ import annotations

import json
from collections.abc import Callable
from copy import deepcopy
from pathlib import Path
from typing import Any

import pytest

from syncgate.domain.plan import parts_of, plan
from syncgate.mapping import Context, Inputs, Mapped
from syncgate.sandbox import reader
from syncgate.sandbox.city import City, Life
from syncgate.sandbox.expected import expected_lines
from syncgate.sandbox.expected.assignment import HIDDEN, is_assigned, turns
from syncgate.sandbox.expected.story import states
from tests.unit.sandbox_city.fabricated_ledgers import Entry, entries_of
from tests.unit.sandbox_city.test_mappings_agree import document_of
from tests.unit.test_example_site import bundle

SYSTEMS = ("hotline", "urban", "ecology")
OPERATIONS = {"task": "create", "item": "create", "closing": "close", "conclusion": "close", "progress": "progress"}
OUR_KEYS = {"taskKey", "itemKey", "progressKey"}
Line = dict[str, Any]


def lines_of(city: City, *systems: str) -> list[tuple[Life, Line]]:
    found = [(life, line) for life in city.assigned for line in expected_lines([life])]
    return [(life, line) for life, line in found if line["system"] in systems]


def mapped(life: Life, system: str) -> list[tuple[str, Any]]:
    """What the mappings give of a life, operation by operation, sorted."""
    found, case = bundle(system), document_of(states(life)[-1])
    given = []
    for planned in plan(case, found.messages, applies=found.applies(case), numbers={}):
        message, spec = found.message(planned.message), found.specs[planned.message]
        part = dict(parts_of(case, message.of))[planned.part]
        is_withheld = bool(case.get("is_confidential")) and not found.adapter.confidential
        context = Context(slot_key="slot", ordinal=planned.part_no, is_withheld=is_withheld)
        outcome = spec.mapping.apply(Inputs(case=case, part=part, context=context))
        assert isinstance(outcome, Mapped), outcome
        payload = {name: value for name, value in outcome.payload.items() if name not in OUR_KEYS}
        given.append((OPERATIONS[planned.message], payload))
    return in_order(given)


def in_order(operations: list[tuple[str, Any]]) -> list[tuple[str, Any]]:
    return sorted(operations, key=lambda one: (one[0], json.dumps(one[1], sort_keys=True, ensure_ascii=False)))


@pytest.mark.parametrize("system", SYSTEMS)
def test_what_is_expected_is_what_the_mappings_give(city: City, system: str) -> None:
    lines = lines_of(city, system)
    for life, line in lines:
        wanted = [(one["operation"], one["record"]) for one in line["operations"] if not one["is_own"]]
        assert mapped(life, system) == in_order(wanted), life.case_no
    assert len(lines) >= 16


def test_a_noise_goes_from_urban_to_ecology_and_back_to_it(city: City) -> None:
    """Story 7: 退单, 转办, 重办."""
    noisy = next(life for life in city.assigned if "noise" in life.traits)
    found = [(turn.code[-8:], turn.round_no, turn.ended) for turn in turns(states(noisy)[-1])]
    assert found == [("00000057", 1, "returned"), ("0000007D", 1, "reopened"), ("0000007D", 2, "finished")]


def test_a_confidential_caller_is_named_to_the_hotline_alone(city: City) -> None:
    """Promise 10."""
    confidential = [(life, line) for life, line in lines_of(city, *SYSTEMS) if "confidential" in life.traits]
    assert len({life.case_no for life, _ in confidential}) >= 2
    for life, line in confidential:
        contact = life.calls[0].body["contact"]
        written = json.dumps(line["operations"], ensure_ascii=False)
        named = [contact["name"] in written, contact["mobile"] in written]
        assert named == ([True, True] if line["system"] == "hotline" else [False, False])
        assert line["system"] == "hotline" or HIDDEN in written


def test_every_stage_of_an_assignee_goes_back_to_the_hotline_and_none_of_its_own(city: City) -> None:
    for life, line in lines_of(city, "hotline"):
        by_others = [stage for call in life.calls if call.source != "hotline" for stage in call.body["stages"]]
        assert len(line["operations"]) == 1 + len(by_others), life.case_no


def test_the_calls_that_nobody_assigns_are_no_business_of_the_hotlines(city: City) -> None:
    others = [life for life in city.lives if "hotline" in life.traits]
    assert others and not any(is_assigned(states(life)[-1]) for life in others)
    assert {line["system"] for line in expected_lines(others)} == {"workorders"}


def compared(
    city: City, write: Callable[[dict[str, list[Entry]]], Path], change: Callable[[list[Entry]], object]
) -> list[tuple[str, str, str]]:
    """What the reader finds where urban's ledger is what it should be but for a change."""
    lines = [line for _, line in lines_of(city, "urban")]
    entries = [deepcopy(entry) for line in lines for entry in entries_of(line)]
    change(entries)
    folder = write({"urban": entries})
    report = reader.compare(lines, [reader.read_ledger(folder / "urban.sqlite")], [], [])
    return [(found.kind, found.operation, found.detail) for found in report.findings]


def test_the_reader_finds_nothing_where_urban_holds_what_it_should(
    city: City, write: Callable[[dict[str, list[Entry]]], Path]
) -> None:
    assert compared(city, write, lambda entries: None) == []


def test_the_reader_finds_a_phone_that_should_not_be_there(
    city: City, write: Callable[[dict[str, list[Entry]]], Path]
) -> None:
    def leak(entries: list[Entry]) -> None:
        told = next(entry for entry in entries if entry.record.get("phone") == HIDDEN)
        told.record["phone"] = "15400007003"

    assert compared(city, write, leak) == [("altered", "create", "phone differs")]


def test_the_reader_finds_a_turn_that_was_not_closed(
    city: City, write: Callable[[dict[str, list[Entry]]], Path]
) -> None:
    def forget(entries: list[Entry]) -> None:
        entries.remove(next(entry for entry in entries if entry.operation == "close"))

    assert compared(city, write, forget) == [("missing", "close", "expected, and not held")]
