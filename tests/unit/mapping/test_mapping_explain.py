"""An explanation says what the compiled mapping does, step by step."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from syncgate.cli.explained_text import as_text
from syncgate.mapping import Context, Function, Functions, Inputs, Mapped, Mapping, Refs
from syncgate.mapping.explanation import Given, Hidden, Slot, Value, failing_step
from syncgate.mapping.explanation_document import ADVICE, document_of, explanation_of
from syncgate.mapping.hiding import hidden
from syncgate.mapping.results import INWARD_CONTEXT, OUTWARD_CONTEXT, RULES
from tests.support.properties import examples
from tests.unit.mapping import random_mappings
from tests.unit.mapping.one_field import load

FUNCTIONS = Functions().with_(
    [Function("head_of", {"name": "text", "count": "integer"}, "text", lambda name, count: name[:count])]
)
REFS = st.sampled_from([Refs(), Refs({("food", None): "F1"}), Refs({("hotline", None): "H1"}, {"food": "F2"})])
CONTEXTS = st.sampled_from(
    [Context(slot_key="s-1", sent_at=datetime(2026, 1, 1, tzinfo=UTC)), Context(record_no="R1"), Context(batch="b")]
)


def _load(payload: Any, *, reads: str) -> Mapping:
    written = "\n".join(
        f"{json.dumps(name)}: {json.dumps(value, ensure_ascii=False)}" for name, value in payload.items()
    )
    return load(written, reads=reads, direction="in" if reads == "record" else "out", functions=FUNCTIONS)


@settings(examples(400), suppress_health_check=[HealthCheck.too_slow])
@given(random_mappings.payloads(context=OUTWARD_CONTEXT), random_mappings.CASES, REFS, CONTEXTS)
def test_an_explanation_ends_in_what_the_compiled_mapping_gives(
    payload: Any, case: Any, refs: Refs, context: Context
) -> None:
    loaded = _load(payload, reads="case")
    inputs = Inputs(case, None, context, refs)
    assert loaded.explain(inputs).result == loaded.apply(inputs)


@settings(examples(200), suppress_health_check=[HealthCheck.too_slow])
@given(
    random_mappings.payloads(roots=("case", "stage"), context=OUTWARD_CONTEXT),
    random_mappings.CASES,
    random_mappings.CASES | st.none(),
)
def test_an_explanation_of_a_part_ends_in_what_the_compiled_mapping_gives(payload: Any, case: Any, part: Any) -> None:
    loaded = _load(payload, reads="stage")
    inputs = Inputs(case, part)
    assert loaded.explain(inputs).result == loaded.apply(inputs)


@settings(examples(200), suppress_health_check=[HealthCheck.too_slow])
@given(
    random_mappings.payloads(roots=("record",), context=INWARD_CONTEXT),
    random_mappings.CASES | random_mappings.VALUES,
    CONTEXTS,
)
def test_an_explanation_inward_ends_in_what_the_compiled_mapping_gives(
    payload: Any, record: Any, context: Context
) -> None:
    loaded = _load(payload, reads="record")
    inputs = Inputs(record, context=context)
    assert loaded.explain(inputs).result == loaded.apply(inputs)


@settings(examples(200), suppress_health_check=[HealthCheck.too_slow])
@given(random_mappings.payloads(context=OUTWARD_CONTEXT), random_mappings.CASES, REFS, CONTEXTS)
def test_an_explanation_that_was_written_is_read_as_the_same(
    payload: Any, case: Any, refs: Refs, context: Context
) -> None:
    explanation = _load(payload, reads="case").explain(Inputs(case, None, context, refs))
    written = document_of(explanation)
    read = explanation_of(json.loads(json.dumps(written)))
    assert document_of(read) == written
    assert as_text(read, "x") == as_text(explanation, "x")


# --- what is told ----------------------------------------------------------------------------------------


def explained(expression: str, case: Any, **more: Any) -> Slot:
    """How the field `f` came to be."""
    (slot,) = load(f"f: {expression}", functions=FUNCTIONS, **more).explain(Inputs(case)).slots
    return slot


def steps(slot: Slot) -> list[tuple[str, str, Any, Any]]:
    """Word, facts or sentence, value before and after of each step of a field's outermost operation."""
    assert slot.trace is not None
    return [(s.word, s.says or s.detail, value_of(s.before), value_of(s.after)) for s in slot.trace.steps]


def value_of(given: Given | None) -> Any:
    """The JSON value, or what stands for it."""
    return given.json if isinstance(given, Value) else given


def test_every_text_step_is_told_with_its_value_before_and_after() -> None:
    slot = explained(
        "{text: case.t, steps: [trim, {prefix: x}], charset: gbk, unencodable: {table: rare},"
        " limit: {chars: 4, beyond: cut}}",
        {"t": " 李䶮四五 "},
    )
    assert steps(slot) == [
        ("trim", "", " 李䶮四五 ", "李䶮四五"),
        ("prefix", "'x'", "李䶮四五", "x李䶮四五"),
        ("unencodable", "table: rare", "x李䶮四五", "x李龑四五"),
        ("charset", "gbk has every character", None, None),
        ("limit", "at most 4 chars in gbk, got 5: cut", "x李龑四五", "x李龑四"),
    ]
    assert slot.trace is not None
    assert slot.trace.given == Value("x李龑四")


def test_a_table_tells_which_of_its_lines_was_hit() -> None:
    slot = explained("{table: applicant_type, of: case.t}", {"t": "enterprise"})
    assert slot.trace is not None
    (step,) = slot.trace.steps
    assert str(step.place) == "mappings/tables/applicant_type.yaml:2:30"
    reverse = explained('{table: applicant_type, of: {const: "2"}, reverse: true}', {})
    assert reverse.trace is not None
    assert (reverse.trace.given, reverse.trace.steps[0].place) == (Value("enterprise"), step.place)
    row = explained("{row: organisations, key: case.k, at: case.at, column: code}", {"k": "A", "at": "2025-01-01"})
    assert row.trace is not None
    assert row.trace.steps[0].place is not None
    assert row.trace.steps[0].place.line == 6
    assert steps(explained("{table: short, of: case.t, otherwise: keep}", {"t": "z"}))[0][0] == "otherwise"


def test_a_choice_tells_which_branch_was_taken_and_what_was_asked() -> None:
    slot = explained(
        "{choose: [{when: {equals: [case.a, {const: 1}]}, then: {const: x}},"
        " {when: {all: [{at_least: [case.a, {const: 2}]}, {not: {present: case.b}}]}, then: {const: y}}]}",
        {"a": 3},
    )
    assert slot.trace is not None
    assert [(test.word, test.holds) for test in slot.trace.tests] == [("equals", False), ("all", True)]
    assert [(test.word, test.holds) for test in slot.trace.tests[1].tests] == [("at_least", True), ("not", True)]
    assert slot.trace.tests[0].of[0].given == Value(3)
    assert steps(slot) == [("branch", "branch 2 of 2", None, None)]


def test_a_fault_names_the_innermost_step_in_which_it_arose() -> None:
    slot = explained("{text: {join: [case.a, {number: case.n, as: integer}]}, steps: [trim]}", {"a": "x", "n": "1.5"})
    assert slot.trace is not None
    assert (failing_step(slot.trace).word, slot.fault and slot.fault.rule) == ("number", "not_an_integer")


def test_an_item_says_where_it_was_read_and_why_it_was_not_chosen() -> None:
    slot = explained("{each: case.l, where: {present: it.a}, do: it.b}", {"l": [{"b": 1}, {"a": 1, "b": 2}]})
    assert slot.trace is not None
    first, second = slot.trace.slots
    assert (first.fate, first.item_no, first.test is not None and first.test.holds) == ("not_chosen", 1, False)
    assert second.trace is not None
    assert (second.field, second.item_no, second.trace.at) == ("f/0", 2, ("case", "l", 1, "b"))


def test_absence_and_what_stands_for_it_are_told() -> None:
    assert steps(explained("{path: case.agent.name, optional: true}", {})) == [
        ("absent", "case.agent", None, None),
        ("optional", "left out, as the mapping says", None, None),
    ]
    nothing = explained("{path: case.a, absent_as: [N/A], when_absent: {const: x}}", {"a": "N/A"})
    assert [step[0] for step in steps(nothing)] == ["absent_as", "when_absent"]


# --- what is hidden --------------------------------------------------------------------------------------

MARK = "〇秘〇"


def marked(value: Any) -> Any:
    """The value with every text marked, so that it is seen wherever a piece of it comes out."""
    if isinstance(value, dict):
        return {key: marked(below) for key, below in value.items()}
    if isinstance(value, list):
        return [marked(below) for below in value]
    return f"{MARK}{value}{MARK}" if isinstance(value, str) else value


def masked(value: Any) -> Any:
    """The value with every text and number hidden."""
    if isinstance(value, dict):
        return {key: masked(below) for key, below in value.items()}
    if isinstance(value, list):
        return [masked(below) for below in value]
    return "**" if value is not None else None


# Not shrunk: with mappings this large that takes minutes, and the first example that fails says enough.
@settings(examples(300), phases=(Phase.explicit, Phase.generate), suppress_health_check=[HealthCheck.too_slow])
@given(random_mappings.payloads(context=OUTWARD_CONTEXT), random_mappings.CASES)
def test_nothing_hidden_comes_out_of_any_step(payload: Any, case: Any) -> None:
    secret = marked(case)
    explanation = _load(payload, reads="case").explain(Inputs(secret))
    told = json.dumps(document_of(hidden(explanation, {"case": masked(secret)})), ensure_ascii=False)
    shown = as_text(hidden(explanation, {"case": masked(secret)}), "x")
    assert "秘" not in told and "秘" not in shown


CASE = {"name": "张示例", "kind": "enterprise", "tags": ["公开", "甲"]}
SHOWN = {"case": {"name": "张**", "kind": "**", "tags": ["公开", "**"]}}


def seen(expression: str) -> str:
    """How a field is shown where the name, the kind and the second tag are personal."""
    explanation = load(f"f: {expression}").explain(Inputs(CASE))
    return as_text(hidden(explanation, SHOWN), "x")


def test_what_was_read_is_masked_and_what_was_made_of_it_hidden() -> None:
    text = seen("{text: case.name, steps: [{slice: [1]}]}")
    assert 'case.name: "张**"' in text
    assert "示例" not in text and "(a text with a length of 2, hidden)" in text
    assert "张示例" in as_text(load("f: case.name").explain(Inputs(CASE)), "x")


def test_a_table_does_not_tell_which_line_a_personal_code_hit() -> None:
    text = seen("{table: applicant_type, of: case.kind}")
    assert "applicant_type.yaml" not in text and '"2"' not in text
    assert "applicant_type.yaml:2" in as_text(
        load("f: {table: applicant_type, of: case.kind}").explain(Inputs(CASE)), "x"
    )


def test_a_table_does_not_tell_whether_it_has_a_personal_code() -> None:
    loaded = load("f: {table: applicant_type, of: case.kind, otherwise: {const: '9'}}")
    known, unknown = (
        as_text(hidden(loaded.explain(Inputs({"kind": kind})), SHOWN), "x") for kind in ("enterprise", "stranger")
    )
    assert known == unknown and "codes: hidden" in known


def test_a_number_is_hidden_from_those_who_do_not_see_its_system() -> None:
    loaded = load("f: {case_ref: hall}\ng: {text: {remote_ref: food, message: application}, steps: [{prefix: x}]}")
    refs = Refs({("food", "application"): "F1234"}, {"hall": "H5678"})
    explanation = loaded.explain(Inputs({}, refs=refs))
    assert "H5678" in as_text(hidden(explanation, {}), "x") and "xF1234" in as_text(hidden(explanation, {}), "x")
    text = as_text(hidden(explanation, {}, shows_number=lambda system: system == "food"), "x")
    assert "H5678" not in text and "xF1234" in text
    assert "F1234" not in as_text(hidden(explanation, {}, shows_number=lambda system: system == "hall"), "x")


def test_a_choice_over_a_personal_value_does_not_tell_its_branch() -> None:
    branches = "[{when: {equals: [case.kind, {const: enterprise}]}, then: {const: 企}}]"
    text = seen(f"{{choose: {branches}, otherwise: {{const: 民}}}}")
    assert "企" not in text and "holds" not in text and "branch: hidden" in text
    assert "branch: branch 1 of 1" in seen("{choose: [{when: {present: case.kind}, then: {const: 1}}]}")


def test_items_are_hidden_one_by_one() -> None:
    text = seen("{each: case.tags, do: it}")
    assert "公开" in text and "甲" not in text
    chosen = seen("{each: case.tags, where: {equals: [it, {const: 甲}]}, do: {const: 1}}")
    assert "where: hidden" in chosen and "item" not in chosen


def test_items_that_a_mapping_made_of_a_hidden_text_are_hidden() -> None:
    text = seen("{each: {split: case.name, on: 示}, do: {text: it, steps: [{prefix: x}]}}")
    assert "例" not in text and "(a text with a length of 2, hidden)" in text
    tested = seen("{each: {split: case.name, on: 示}, where: {equals: [it, {const: 张}]}, do: {const: 1}}")
    assert "where: hidden" in tested and "item" not in tested


def test_what_is_built_of_a_hidden_value_is_hidden_as_a_whole() -> None:
    for expression in ("{object: {n: {text: case.name, steps: [trim]}}}", "{list: [{first: [case.name]}]}"):
        explanation = load(f"f: {expression}").explain(Inputs(CASE))
        (slot,) = hidden(explanation, SHOWN).slots
        assert slot.trace is not None and isinstance(slot.trace.given, Hidden)
        assert "张示例" not in json.dumps(document_of(hidden(explanation, SHOWN)), ensure_ascii=False)


def test_a_condition_within_another_hides_the_branch_too() -> None:
    inner = "{not: {any: [{equals: [case.kind, {const: enterprise}]}]}}"
    assert "branch: hidden" in seen(f"{{choose: [{{when: {inner}, then: {{const: 企}}}}], otherwise: {{const: 民}}}}")


def test_a_hidden_explanation_has_no_payload_and_compares_kinds() -> None:
    explanation = load("f: case.n").explain(Inputs({"n": 1}))
    assert hidden(explanation, {"case": {"n": 1}}).result == Mapped(None)
    assert "= true" in as_text(hidden(explanation, {"case": {"n": True}}), "x")


def test_every_rule_has_its_advice() -> None:
    assert set(ADVICE) == set(RULES)
