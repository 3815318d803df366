"""What is written is what is meant, and everything wrong is reported at once with its place."""

from __future__ import annotations

import json
from typing import Annotated, Literal

import pydantic
import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate import documents
from syncgate.documents import Mapping, Place, ProblemSet, Scalar, Sequence


def problems_of(text: str) -> list[str]:
    with pytest.raises(ProblemSet) as raised:
        documents.read_yaml(text, "a.yaml")
    return [str(problem) for problem in raised.value.problems]


def value_of(text: str) -> object:
    return documents.plain(documents.read_yaml(text, "a.yaml"))


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("no", "no"),
        ("yes", "yes"),
        ("on", "on"),
        ("2026-01-01", "2026-01-01"),
        ("12:30:00", "12:30:00"),
        ("1_000", "1_000"),
        ("true", True),
        ("False", False),
        ("~", None),
        ("null", None),
        ("17", 17),
        ("-4", -4),
        ("0x1F", 31),
        ("0o17", 15),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        ("0", 0),
        ("0.5", 0.5),
        ("'17'", "17"),
        ('"true"', "true"),
    ],
)
def test_scalars_are_read_by_the_core_rules(written: str, meant: object) -> None:
    got = value_of(f"k: {written}")
    assert got == {"k": meant}
    assert type(got["k"]) is type(meant)


def test_a_block_text_stays_a_text() -> None:
    assert value_of("k: |\n  17\n") == {"k": "17\n"}


def test_keys_are_texts_as_written() -> None:
    assert value_of("1: a\ntrue: b\n01: c\n") == {"1": "a", "true": "b", "01": "c"}


def test_every_node_knows_its_place_in_characters() -> None:
    root = documents.read_yaml("名称: 值\n表:\n  - 😀甲: [1, 二]\n", "m.yaml")
    assert isinstance(root, Mapping)
    table = root.get("表")
    assert isinstance(table, Sequence)
    row = table.items[0]
    assert row.place == Place("m.yaml", 3, 5)
    assert isinstance(row, Mapping)
    assert row.key_place("😀甲") == Place("m.yaml", 3, 5)
    cells = row.get("😀甲")
    assert isinstance(cells, Sequence)
    assert cells.items[1] == Scalar(Place("m.yaml", 3, 13), "二", "二")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("a: 1\nb: &x 2\n", "a.yaml:2:4: anchors are not allowed: write the value out"),
        ("a: !!str 1\n", "a.yaml:1:4: tags are not allowed"),
        ("a: 1\nb: 2\n  \na: 3\n", "a.yaml:4:1: the key 'a' stands twice, first in line 1"),
        ("a: 007\n", "a.yaml:1:4: expected a number without leading zeros or a quoted text, got 007"),
        ("a: .nan\n", "a.yaml:1:4: expected a number that JSON can hold, got .nan"),
        ("a: 1e999\n", "a.yaml:1:4: expected a number that JSON can hold, got a larger one"),
        ("? [a]\n: 1\n", "a.yaml:1:3: expected a text as key, got a list"),
        ("a: 1\n---\nb: 2\n", "a.yaml:2:1: expected one document, got another one"),
        ("甲: \x07\n", "a.yaml:1:4: expected printable characters, got U+0007"),
        ("甲: \ud800\n", "a.yaml:1:4: expected printable characters, got U+D800"),
        ("", "a.yaml:1:1: expected a document, got an empty file"),
    ],
)
def test_what_could_be_misread_is_refused_with_its_place(text: str, problem: str) -> None:
    assert problems_of(text) == [problem]


def test_an_alias_is_refused_beside_its_anchor() -> None:
    assert problems_of("a: &x 1\nb: *x\n") == [
        "a.yaml:1:4: anchors are not allowed: write the value out",
        "a.yaml:2:4: aliases are not allowed: write the value out",
    ]


def test_reading_goes_on_behind_a_key_that_is_refused() -> None:
    assert problems_of("a: 1\na: 2\nb: 01\n? [x]\n: 3\nb: 4\n") == [
        "a.yaml:2:1: the key 'a' stands twice, first in line 1",
        "a.yaml:3:4: expected a number without leading zeros or a quoted text, got 01",
        "a.yaml:4:3: expected a text as key, got a list",
        "a.yaml:6:1: the key 'b' stands twice, first in line 3",
    ]


def test_a_syntax_error_has_its_place_and_ends_the_reading() -> None:
    assert problems_of("a: 01\nb: [1,\n中: }\n") == [
        "a.yaml:1:4: expected a number without leading zeros or a quoted text, got 01",
        "a.yaml:3:4: not YAML: did not find expected node content",
    ]


def test_a_document_that_nests_too_deep_is_refused_and_not_recursed_into() -> None:
    found = problems_of("[" * 5000 + "]" * 5000)
    assert any("expected at most 64 levels" in problem for problem in found)


def test_a_byte_order_mark_is_not_content() -> None:
    assert value_of("\ufeffa: 1") == {"a": 1}


PRINTABLE = st.text(st.characters(exclude_categories=("Cc", "Cn", "Cs", "Zl", "Zp")), max_size=20)
JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**12), 10**12) | PRINTABLE,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(PRINTABLE, inner, max_size=3),
    max_leaves=8,
)


@given(JSON)
def test_json_is_read_as_itself(value: object) -> None:
    assert value_of(json.dumps(value, ensure_ascii=False)) == value


@pytest.mark.parametrize(
    ("name", "near"),
    [
        ("tabel", "table"),
        ("Table", "table"),
        ("appliant", "applicant"),
        ("主体业太", "主体业态"),
        ("zzz", None),
    ],
)
def test_the_nearest_known_name_is_the_one_meant(name: str, near: str | None) -> None:
    assert documents.nearest(name, ["table", "applicant", "主体业态", "time"]) == near


def test_a_node_is_found_by_path_or_its_nearest_ancestor() -> None:
    root = documents.read_yaml("a:\n  - b: 1\n", "a.yaml")
    assert documents.node_at(root, ("a", 0, "b")).place == Place("a.yaml", 2, 8)
    assert documents.node_at(root, ("a", 0, "c")).place == Place("a.yaml", 2, 5)
    assert documents.node_at(root, ("a", "some-tag", 0, "b")).place == Place("a.yaml", 2, 8)
    assert documents.node_at(root, ("z",)).place == Place("a.yaml", 1, 1)


class LookUp(pydantic.BaseModel):
    by: Literal["look_up"]
    waits: list[int]


class Hold(pydantic.BaseModel):
    by: Literal["hold"]


class Adapter(pydantic.BaseModel):
    system: str
    confirm: Annotated[LookUp | Hold, pydantic.Field(discriminator="by")] | None = None


def validation_problems(text: str) -> list[str]:
    with pytest.raises(ProblemSet) as raised:
        documents.validate(Adapter, documents.read_yaml(text, "a.yaml"))
    return [str(problem) for problem in raised.value.problems]


def test_a_valid_document_becomes_the_model() -> None:
    got = documents.validate(Adapter, documents.read_yaml("system: food\nconfirm: {by: look_up, waits: [1]}", "a"))
    assert got == Adapter(system="food", confirm=LookUp(by="look_up", waits=[1]))


def test_every_error_of_a_model_is_reported_at_once_with_its_place() -> None:
    text = "sistem: food\nconfirm:\n  by: look_up\n  wait: [1]\n  waits: [1, x]\n"
    assert validation_problems(text) == [
        "a.yaml:1:1: expected the key 'system', got none",
        "a.yaml:1:1: unknown key 'sistem'; the nearest known is 'system'",
        "a.yaml:4:3: unknown key 'wait'; the nearest known is 'waits'",
        "a.yaml:5:14: confirm.look_up.waits.1: expected a valid integer, "
        "unable to parse string as an integer, got a text",
    ]


def test_a_problem_never_shows_the_value_that_was_refused() -> None:
    assert "15400000001" not in "\n".join(validation_problems("system: [15400000001]\n"))


def test_equal_problems_are_reported_once_and_in_the_order_of_the_file() -> None:
    first, second = Place("a", 1, 9), Place("a", 2, 1)
    problems = documents.Problems()
    for place in (second, first, second):
        problems.add(place, "expected a, got b")
    with pytest.raises(ProblemSet) as raised:
        problems.raise_if_any()
    assert str(raised.value) == "a:1:9: expected a, got b\na:2:1: expected a, got b"


def test_no_problem_raises_nothing() -> None:
    documents.Problems().raise_if_any()
