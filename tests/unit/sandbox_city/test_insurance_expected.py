"""What is expected of insurance is what its mapping gives, and the reader finds whatever differs from it."""

from __future__ import annotations

import json
import sqlite3
import uuid
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest

from syncgate.domain.plan import parts_of, plan
from syncgate.mapping import Context, Inputs, Mapped, Unmappable
from syncgate.sandbox.city import City, Life
from syncgate.sandbox.city.goldens import golden_documents, golden_life
from syncgate.sandbox.city.insurance import NEW_CODE_COUNT
from syncgate.sandbox.expected import insurance
from syncgate.sandbox.expected.story import states
from syncgate.sandbox.reader.front import read_front
from syncgate.sandbox.reader.front_comparison import FrontComparison
from syncgate.sandbox.systems.frontdb import served_front
from tests.unit.sandbox.test_frontdb import wait_for
from tests.unit.sandbox_city.test_mappings_agree import document_of
from tests.unit.test_example_site import bundle

GOLDEN = golden_documents()["insurance"]


def lives_of(city: City) -> list[Life]:
    return [life for life in city.every_life if insurance.takes(states(life)[-1])]


def mapped(life: Life) -> Mapped | Unmappable:
    """What the mapping gives of the one message that insurance takes of a case."""
    found, case = bundle("insurance"), document_of(states(life)[-1])
    (planned,) = plan(case, found.messages, applies=found.applies(case), numbers={})
    message, spec = found.message(planned.message), found.specs[planned.message]
    part = dict(parts_of(case, message.of))[planned.part]
    outcome = spec.mapping.apply(Inputs(case=case, part=part, context=Context(version_no=1)))
    assert isinstance(outcome, Mapped | Unmappable)
    return outcome


def row(outcome: Mapped) -> dict[str, Any]:
    return {name: value for name, value in outcome.payload.items() if name != "cd_operation"} | {"data_source": "999"}


def test_the_golden_row_is_what_was_typed_by_hand() -> None:
    life = golden_life(GOLDEN)
    (typed,) = GOLDEN["insurance"]
    (operation,) = insurance.line(life, states(life))["operations"]
    outcome = mapped(life)
    assert isinstance(outcome, Mapped)
    assert (operation["operation"], operation["records"]) == (typed["operation"], [typed["record"]])
    assert row(outcome) == typed["record"]


def test_of_a_golden_name_that_gbk_lacks_nothing_is_there_and_why_is_known() -> None:
    """Story 2: 李䶮."""
    golden = golden_documents()["insurance_rare"]
    life = golden_life(golden)
    line, outcome = insurance.line(life, states(life)), mapped(life)
    assert (line["operations"], line["leftover"]) == (golden["insurance"], golden["leftover"]["insurance"])
    assert isinstance(outcome, Unmappable)
    faults = [(fault.field, fault.rule, fault.detail) for fault in outcome.faults]
    assert faults == [("aac003", "unencodable", "expected characters of gbk, got U+4DAE")]


def test_every_registration_is_what_its_mapping_gives_or_is_parked_for_what_it_says(city: City) -> None:
    lives = lives_of(city)
    assert len(lives) > 150
    for life in lives:
        line, outcome = insurance.line(life, states(life)), mapped(life)
        if "new_code" in life.traits:
            assert isinstance(outcome, Unmappable)
            assert [(fault.field, fault.rule) for fault in outcome.faults] == [("aac009", "unmapped_code")]
            assert line["leftover"]["parked"] == [] and line["operations"][0]["records"][0]["aac009"] == "40"
        elif isinstance(outcome, Mapped):
            assert [operation["records"] for operation in line["operations"]] == [[row(outcome)]], life.case_no
        else:
            assert line["leftover"]["parked"] == [["register", outcome.faults[0].rule]]
            assert line["operations"] == []


def test_forty_one_bear_the_new_code_and_nothing_else_is_wrong_with_them(city: City) -> None:
    """Story 10."""
    new = [life for life in lives_of(city) if "new_code" in life.traits]
    assert len(new) == NEW_CODE_COUNT == 41
    assert {life.calls[0].source for life in new} == {"window"}
    assert not any(insurance.line(life, states(life))["leftover"]["parked"] for life in new)


def test_a_name_that_gbk_lacks_is_left_behind(city: City) -> None:
    """Story 2: province holds it, insurance cannot."""
    parked = [life for life in lives_of(city) if insurance.line(life, states(life))["leftover"]["parked"]]
    assert "李䶮" in {life.calls[0].body["applicant"]["name"] for life in parked}
    assert {
        tuple(parked) for life in lives_of(city) for parked in insurance.line(life, states(life))["leftover"]["parked"]
    } == {("register", "unencodable")}


def written(folder: Path, life: Life, **changed: Any) -> Path:
    """A front table with the rows that a gate would insert of a life, some columns changed."""
    (operation,) = insurance.line(life, states(life))["operations"]
    sync = {"row_guid": "a", "cd_batch": uuid.uuid4().hex, "cd_operation": "I", "cd_time": "2026-04-12 08:00:00"}
    record = operation["records"][0] | sync | changed
    file = folder / "insurance.db"
    with served_front(folder, "insurance") as front, closing(sqlite3.connect(file, isolation_level=None)) as peer:
        marks = ", ".join("?" for _ in record)
        peer.execute(f"INSERT INTO si_register ({', '.join(record)}) VALUES ({marks})", list(record.values()))
        wait_for(lambda: front.waiting_count() == 0)
    return folder


@pytest.mark.parametrize(
    ("changed", "found"),
    [
        ({}, []),
        ({"aac009": "10"}, [("altered", "aac009 differs")]),
        ({"aae005": None}, [("altered", "aae005 differs")]),
        ({"aac009": "40"}, [("missing", "sent back, and not sent again")]),
    ],
)
def test_the_reader_finds_what_differs(tmp_path: Path, changed: dict[str, Any], found: list[tuple[str, str]]) -> None:
    life = golden_life(GOLDEN)
    front = read_front(written(tmp_path, life, **changed), "insurance")
    line = json.loads(json.dumps(insurance.line(life, states(life))))
    assert [(one.kind, one.detail) for one in FrontComparison(front, [line]).run()] == found
