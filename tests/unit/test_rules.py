"""The rules that JSON Schema cannot say."""

from __future__ import annotations

import copy
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stdnum.cn import ric
from stdnum.cn import uscc as stdnum_uscc

from syncgate.domain.rules import NAMES, broken, has_resident_check_digit, has_uscc_check_digit
from tests.unit.web.sample import SCHEMA_FILE, application, hotline, resident, uscc

_APPLIED = "2026-04-30T09:00:00+08:00"
_BEFORE = "2026-04-30T00:59:59+00:00"
"""One second earlier, written with another offset."""


def stage(**changes: Any) -> dict[str, Any]:
    return {"id": "s1", "kind": "step", "at": "2026-05-01T09:00:00+08:00"} | changes


def with_stages(*stages: Any) -> dict[str, Any]:
    return application(stages=list(stages))


CASES: list[tuple[str, dict[str, Any], str, str]] = [
    ("accepted early", application(accepted_at=_BEFORE), "accepted_not_before_applied", "/accepted_at"),
    ("promised early", application(promised_at=_BEFORE), "promised_not_before_applied", "/promised_at"),
    ("finished early", application(finished_at=_BEFORE), "finished_not_before_applied", "/finished_at"),
    (
        "finished before accepted",
        application(accepted_at="2026-05-02T00:00:00+08:00", finished_at="2026-05-01T00:00:00+08:00"),
        "finished_not_before_accepted",
        "/finished_at",
    ),
    (
        "stage ends before it starts",
        with_stages(stage(ended_at="2026-05-01T00:59:59Z")),
        "stage_ended_not_before_started",
        "/stages/0/ended_at",
    ),
    ("stage before the case", with_stages(stage(at=_BEFORE)), "stage_not_before_applied", "/stages/0/at"),
    ("stage id twice", with_stages(stage(), stage()), "unique_stage_ids", "/stages/1/id"),
    (
        "material id twice",
        application(materials=[{"id": "m", "name": "a", "get_type": "1"}] * 2),
        "unique_material_ids",
        "/materials/1/id",
    ),
    ("corrects nothing", with_stages(stage(corrects="s0")), "corrects_known_stage", "/stages/0/corrects"),
    ("corrects itself", with_stages(stage(corrects="s1")), "corrects_known_stage", "/stages/0/corrects"),
    (
        "finished undecided",
        with_stages(stage(kind="finished")),
        "decision_required_when_finished",
        "/stages/0/decision",
    ),
    (
        "returned without a reason",
        with_stages(stage(kind="finished", decision={"result_code": "1"})),
        "void_reason_required",
        "/stages/0/decision/void_reason",
    ),
    (
        "special without special",
        with_stages(stage(kind="special_ended")),
        "special_required",
        "/stages/0/special",
    ),
    (
        "special without limit",
        with_stages(stage(kind="special_started", special={"type": "1"})),
        "special_limit_required",
        "/stages/0/special/limit",
    ),
    (
        "wrong check digit of a person",
        application(agent={"name": "测样乙", "id_type": "111", "id_no": resident()[:17] + "a"}),
        "resident_id_check_digit",
        "/agent/id_no",
    ),
    (
        "wrong check symbol of an organisation",
        application(assignee={"name": "示例", "uscc": "11990101MB0000001" + ("0" if uscc()[17] != "0" else "1")}),
        "uscc_check_digit",
        "/assignee/uscc",
    ),
    (
        "assigned to nobody",
        with_stages(stage(kind="assigned")),
        "assignee_named",
        "/stages/0/assignee",
    ),
    (
        "reopened without ever having been assigned",
        with_stages(stage(kind="reopened")),
        "assignment_in_turn",
        "/stages/0/kind",
    ),
    (
        "a return agreed that was never requested",
        with_stages(stage(id="a", kind="assigned", assignee={"name": "示例局"}), stage(id="b", kind="return_agreed")),
        "return_requested_first",
        "/stages/1/kind",
    ),
    (
        "signed by another than who is in charge",
        with_stages(
            stage(id="a", kind="assigned", assignee={"name": "示例局"}),
            stage(id="b", kind="signed", org={"name": "示例二局", "uscc": uscc()}),
        ),
        "acted_by_the_assignee",
        "/stages/1/org",
    ),
]


@pytest.mark.parametrize(("case", "rule", "pointer"), [row[1:] for row in CASES], ids=[row[0] for row in CASES])
def test_each_rule_is_broken_where_it_speaks(case: dict[str, Any], rule: str, pointer: str) -> None:
    assert [(found.rule, found.pointer) for found in broken(case)] == [(rule, pointer)]


def test_every_rule_of_the_closed_list_is_tried() -> None:
    assert {row[2] for row in CASES} == NAMES


def test_the_schema_names_the_closed_list() -> None:
    declared = json.loads(SCHEMA_FILE.read_text("utf-8"))["x-rules"]
    assert {each["rule"] for each in declared} == NAMES


@pytest.mark.parametrize("case", [application(), hotline()])
def test_a_sound_case_breaks_no_rule(case: dict[str, Any]) -> None:
    assert broken(case) == []


def test_equal_times_are_not_before_one_another() -> None:
    assert broken(application(accepted_at=_APPLIED, finished_at=_APPLIED)) == []


def test_a_stage_may_correct_one_that_stands_after_it() -> None:
    assert broken(with_stages(stage(id="b", corrects="a"), stage(id="a"))) == []


@pytest.mark.parametrize(
    "number", ["11010519491231002X", "11010519491231002x", resident()], ids=["standard", "lower case", "ours"]
)
def test_a_resident_number_passes_by_its_check_digit(number: str) -> None:
    assert has_resident_check_digit(number)


@pytest.mark.parametrize(
    "number", ["110105194912310021", "11010519491231002", "", "１１０１０５１９４９１２３１００２X", "A" * 18]
)
def test_anything_else_does_not(number: str) -> None:
    assert not has_resident_check_digit(number)


def test_the_standards_code_passes() -> None:
    assert has_uscc_check_digit("91110000600037341L")


@pytest.mark.parametrize("code", ["91350100M0001TGQXM", "91350211M0000XUF46", "91350203M0001FUE2P"])
def test_the_early_codes_fail_which_is_why_a_failure_only_warns(code: str) -> None:
    assert not has_uscc_check_digit(code)


def test_a_remainder_of_zero_wraps_to_the_symbol_zero() -> None:
    """(31 - 0) mod 31 is 0; an index of 31 would be out of the alphabet."""
    assert has_uscc_check_digit("0" * 18)


@given(st.text("0123456789", min_size=17, max_size=17))
def test_our_resident_check_digit_is_that_of_python_stdnum(first: str) -> None:
    assert has_resident_check_digit(first + ric.calc_check_digit(first + "0"))


@given(st.text("0123456789ABCDEFGHJKLMNPQRTUWXY", min_size=17, max_size=17))
def test_our_credit_code_check_symbol_is_that_of_python_stdnum(first: str) -> None:
    assert has_uscc_check_digit(first + stdnum_uscc.calc_check_digit(first))


_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=5),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3),
    max_leaves=6,
)
_FULL = with_stages(
    stage(kind="special_started", special={"type": "1"}, ended_at=_APPLIED, corrects="x"),
    stage(kind="finished", decision={"result_code": "1"}, org={"name": "示例", "uscc": uscc()}, pickup={"id_no": "1"}),
)


@given(st.sampled_from([*_FULL]), _json)
def test_no_document_however_broken_makes_a_rule_raise(name: str, value: Any) -> None:
    broken(copy.deepcopy(_FULL) | {name: value})
    stages = [copy.deepcopy(_FULL["stages"][0]) | {key: value} for key in _FULL["stages"][0]]
    broken(_FULL | {"stages": stages})
    broken(value)
