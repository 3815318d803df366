"""What a mapping reads, what counts as a change, and what is compared."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncgate.mapping import Inputs, Unmappable
from syncgate.mapping.examples import context_of, differences
from syncgate.mapping.mapping import Mapping, load_mapping
from tests.support.properties import examples
from tests.unit.mapping.one_field import FILE, load

PAYLOAD = """\
a: case.applicant.name
b: {each: case.materials, where: {present: it.licence_ref.no}, do: {object: {n: it.name, l: {each: it.tags, do: it}}}}
c: {choose: [{when: {equals: [case.kind, {const: x}]}, then: {first: [case.b, case.c]}}], when_absent: case.d}
d: {text: case.memo, compared: false}
e: {context: sent_at}
f: {object: {key: {context: slot_key}, no: {context: version_no}, title: case.title}}
g: {row: organisations, key: case.org, at: case.at, column: code}
h: {context: slot_key}
i: {each: {split: case.list, on: x}, do: it}
"""


def test_every_path_is_named_with_its_item_resolved() -> None:
    assert load(PAYLOAD).paths == {
        "case.applicant.name",
        "case.materials.*.licence_ref.no",
        "case.materials.*.name",
        "case.materials.*.tags.*",
        "case.kind",
        "case.b",
        "case.c",
        "case.d",
        "case.memo",
        "case.title",
        "case.org",
        "case.at",
        "case.list",
    }


def test_a_part_and_a_record_are_named_by_their_root() -> None:
    assert load("a: stage.at\nb: case.kind", reads="stage").paths == {"stage.at", "case.kind"}
    assert load("a: record.案件編號", direction="in", reads="record").paths == {"record.案件編號"}


def test_a_mapping_inward_tells_its_columns_and_whether_it_needs_a_number() -> None:
    loaded = load(
        "a: {context: record_no}\nb: {path: [record, a.b]}\nc: record.X (Y).z\n"
        "d: {each: record.photos, where: {present: it.name}, do: it.size}",
        direction="in",
        reads="record",
    )
    assert loaded.columns == {"a.b", "X (Y)", "photos"}
    assert loaded.contexts == {"record_no"}
    assert loaded.needs_record_no
    other = load("a: {context: batch}\nb: record.b", direction="in", reads="record")
    assert other.columns == {"b"}
    assert not other.needs_record_no


def test_volatile_and_uncompared_fields_are_not_compared() -> None:
    assert load(PAYLOAD).compared_fields == {"a", "b", "c", "g", "h", "i"}


def test_what_is_not_compared_is_no_input_but_the_rest_is() -> None:
    case = {
        "applicant": {"name": "张示例", "id_no": "x"},
        "materials": [{"name": "m", "size": 3, "tags": ["t"]}, {}],
        "memo": "x",
        "title": "t",
        "kind": None,
        "other": 1,
    }
    assert load(PAYLOAD).inputs_of(case) == {
        "case": {"applicant": {"name": "张示例"}, "materials": [{"name": "m", "tags": ["t"]}, None], "title": "t"}
    }


def test_an_input_that_another_field_compares_is_an_input() -> None:
    loaded = load("a: {text: case.memo, compared: false}\nb: case.memo")
    assert loaded.inputs_of({"memo": "x"}) == {"case": {"memo": "x"}}


def test_the_inputs_of_a_part_are_its_own_and_the_cases() -> None:
    loaded = load("a: stage.at\nb: case.kind\nc: {path: stage.handler.name, optional: true}", reads="stage")
    assert loaded.inputs_of({"kind": "k", "x": 1}, {"at": "t", "y": 2}) == {"case": {"kind": "k"}, "stage": {"at": "t"}}


def test_absent_and_null_are_the_same_input() -> None:
    loaded = load("a: {path: case.a.b, optional: true}")
    assert loaded.inputs_of({}) == loaded.inputs_of({"a": {"b": None}}) == loaded.inputs_of({"a": None, "c": 1})


SMALL = st.none() | st.integers(0, 2) | st.sampled_from(["x", "2026-01-01", ""])
CASES = st.fixed_dictionaries(
    {},
    optional={
        "applicant": st.fixed_dictionaries({"name": SMALL}),
        "materials": st.lists(
            st.fixed_dictionaries({}, optional={"name": SMALL, "licence_ref": st.fixed_dictionaries({"no": SMALL})}),
            max_size=3,
        ),
        "kind": SMALL,
        "b": SMALL,
        "d": SMALL,
        "title": SMALL,
        "org": SMALL,
        "at": SMALL,
        "list": SMALL,
        "memo": SMALL,
    },
)
LOADED: Mapping = load(PAYLOAD)


@examples(300)
@given(CASES, CASES)
def test_equal_inputs_give_equal_results_in_every_compared_field(one: Any, other: Any) -> None:
    if LOADED.inputs_of(one) != LOADED.inputs_of({**other, **one}):
        return
    results = [LOADED.apply(Inputs(case)) for case in (one, {**other, **one})]
    kept = [
        [found for found in result.faults if found.field != "d"] if isinstance(result, Unmappable) else result
        for result in results
    ]
    assert kept[0] == kept[1]


def test_two_mappings_are_equal_where_their_documents_are() -> None:
    assert load("a: case.a") == load("a: case.a")
    assert load("a: case.a") != load("a: case.b")


def test_the_compiled_source_holds_nothing_that_a_person_wrote() -> None:
    loaded = load('"x\\"); import os #": {const: "__import__"}\nb: case.form.名__class__')
    assert "import" not in loaded.source and "名" not in loaded.source


# --- examples --------------------------------------------------------------------------------------------


def run(examples: str, payload: str = "a: case.a", reads: str = "case") -> list[tuple[str, bool, tuple[str, ...]]]:
    text = f"mapping: food/application\ndirection: out\nreads: {reads}\npayload: {{{payload}}}\nexamples:\n{examples}"
    results = load_mapping(text, FILE).run_examples({"c.json": {"a": 7}}.get)
    return [(result.name, result.ok, result.diff) for result in results]


def test_an_example_passes_or_says_where_it_differs() -> None:
    assert run(
        "  - {name: good, case: {a: 1}, gives: {a: 1}}\n"
        "  - {name: other, case: {a: 1}, gives: {a: '1'}}\n"
        "  - {name: more, case: {a: {x: [1, 2]}}, gives: {a: {x: [1, 3]}, b: 1}}\n"
        "  - {name: fault, case: {}, fails: [{field: a, rule: missing}]}\n"
        "  - {name: no fault, case: {a: 1}, fails: [{field: a, rule: missing}]}\n"
        "  - {name: other fault, case: {}, fails: [{field: b, rule: missing}]}\n"
        "  - {name: surprise, case: {}, gives: {}}\n"
        "  - {name: file, case_file: c.json, gives: {a: 7}}\n"
    ) == [
        ("good", True, ()),
        ("other", False, ("a: expected '1', got 1",)),
        ("more", False, ("a/x/1: expected 3, got 2", "b: expected 1, got no such field")),
        ("fault", True, ()),
        ("no fault", False, ("expected faults, got a payload",)),
        ("other fault", False, ("b: expected the fault missing, got none such", "a: expected no fault, got missing")),
        ("surprise", False, ("expected a payload, got a: missing (expected a value, got none)",)),
        ("file", True, ()),
    ]


def test_an_example_of_a_part_finds_it_in_its_case() -> None:
    assert run(
        "  - {name: found, case: {stages: [{id: s1, at: x}]}, part: s1, gives: {a: x}}\n"
        "  - {name: lost, case: {stages: []}, part: s1, gives: {a: x}}\n",
        payload="a: stage.at",
        reads="stage",
    ) == [("found", True, ()), ("lost", False, ("the case has no stage 's1'",))]


def test_an_example_waits_and_has_references() -> None:
    assert run(
        "  - {name: waits, case: {}, waits_for: food}\n"
        "  - {name: has, case: {}, refs: {remote_ref: {food/application: X1}}, gives: {a: X1}}\n"
        "  - {name: not, case: {}, waits_for: province}\n",
        payload="a: {remote_ref: food, message: application}",
    ) == [
        ("waits", True, ()),
        ("has", True, ()),
        ("not", False, ("expected to wait for province, got waiting for food",)),
    ]


def test_an_example_without_context_has_fixed_values() -> None:
    context = context_of(load("a: case.a").document)
    assert (context.system, context.message, context.ordinal) == ("food", "application", 1)
    assert context.sent_at.isoformat() == "2026-01-01T09:00:00+08:00"


def test_an_example_with_a_wrong_context_says_so() -> None:
    ((_, ok, diff),) = run("  - {name: x, case: {a: 1}, context: {sent_at: soon}, gives: {a: 1}}\n")
    assert (ok, diff) == (False, ("its context does not hold: expected sent_at as RFC 3339",))


def test_true_is_not_one() -> None:
    assert list(differences({"a": True}, {"a": 1})) == ["a: expected True, got 1"]
    assert list(differences({"a": 1}, {"a": 1.0})) == []
    assert list(differences([1], [1, 2])) == ["payload: expected [1], got [1, 2]"]
