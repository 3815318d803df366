"""What one document says otherwise than another, as a merge patch."""

from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.case import patched
from syncgate.domain.reconciliation.patches import ABSENT, patch_between, with_value

_scalars = st.one_of(st.booleans(), st.integers(-3, 3), st.text("ab", max_size=2))
_values = st.recursive(
    _scalars | st.lists(_scalars, max_size=2),
    lambda inner: st.dictionaries(st.sampled_from("xyz"), inner, max_size=3),
    max_leaves=8,
)
_objects = st.dictionaries(st.sampled_from("abc"), _values, max_size=3)


def written(value: Any) -> str:
    return repr(value) if not isinstance(value, dict) else repr(sorted((k, written(v)) for k, v in value.items()))


@given(before=_objects, after=_objects)
def test_the_patch_makes_the_one_document_the_other(before: dict[str, Any], after: dict[str, Any]) -> None:
    assert written(patched(before, patch_between(before, after))) == written(after)


@given(document=_objects)
def test_nothing_is_said_of_what_is_the_same(document: dict[str, Any]) -> None:
    assert patch_between(document, document) == {}


def test_a_patch_names_only_what_differs() -> None:
    before = {"form": {"area": 120, "staff": 8, "warehouse": ""}, "title": "t"}
    after = {"form": {"area": 120.0, "staff": 9}, "title": "t"}
    assert patch_between(before, after) == {"form": {"staff": 9, "warehouse": None}}
    assert patch_between({"a": 1}, {"a": True}) == {"a": True}
    assert patch_between({"a": []}, {"a": [1]}) == {"a": [1]}
    assert patch_between({"a": [1]}, {"a": [1, 2]}) == {"a": [1, 2]}
    assert patch_between({}, {"a": None}) == {"a": None}


def test_a_value_is_placed_and_taken_away_where_it_was() -> None:
    record = {"a": {"b": 1, "c": 2}}
    assert with_value(record, ["a", "b"], 9) == {"a": {"b": 9, "c": 2}}
    assert with_value(record, ["a", "b"], ABSENT) == {"a": {"c": 2}}
    assert with_value(record, ["d", "e"], 1) == {"a": {"b": 1, "c": 2}, "d": {"e": 1}}
    assert record == {"a": {"b": 1, "c": 2}}
