"""Whether what a system shows is what was sent."""

from __future__ import annotations

import copy
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.comparison import different_fields, is_equal

_json = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=4),
    lambda below: st.lists(below, max_size=3) | st.dictionaries(st.text(max_size=3), below, max_size=3),
    max_leaves=8,
)

DIFFERENT: list[tuple[Any, Any]] = [
    (True, 1),
    (False, 0),
    (1, True),
    (0, False),
    (True, False),
    (True, "true"),
    ("1", 1),
    ("1.0", "1"),
    ("", None),
    (None, ""),
    (None, 0),
    (0, None),
    (None, False),
    ([], {}),
    ({}, []),
    ({}, None),
    ([], None),
    ("a", "A"),
    ("a", "a "),
    ("\u00e9", "e\u0301"),
    ([1, 2], [2, 1]),
    ([1], [1, 1]),
    ([1, 1], [1]),
    ([True], [1]),
    ({"a": [{"b": 1}]}, {"a": [{"b": True}]}),
    ({"a": {"b": 1}}, {"a": {}}),
    ({"a": 1}, {"b": 1}),
    ([{"a": 1}], [{"a": 2}]),
    ({"a": 1}, "a"),
]
EQUAL: list[tuple[Any, Any]] = [
    (1, 1.0),
    (0, -0.0),
    (None, None),
    (True, True),
    ("", ""),
    ([], []),
    ({}, {}),
    ([1, [2.0]], [1.0, [2]]),
    ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
]


@pytest.mark.parametrize(("expected", "actual"), DIFFERENT)
def test_these_are_different(expected: Any, actual: Any) -> None:
    assert not is_equal(expected, actual)


@pytest.mark.parametrize(("expected", "actual"), EQUAL)
def test_these_are_the_same(expected: Any, actual: Any) -> None:
    assert is_equal(expected, actual)


@given(_json)
def test_every_value_is_the_same_as_its_copy(value: Any) -> None:
    assert is_equal(value, copy.deepcopy(value))


@given(_json, _json)
def test_two_values_without_objects_are_the_same_in_both_directions_or_in_none(one: Any, other: Any) -> None:
    """Objects are not symmetric: what a system adds of its own is not a difference."""
    if "{" not in repr(one) + repr(other):
        assert is_equal(one, other) == is_equal(other, one)


def test_what_a_system_adds_of_its_own_is_not_a_difference() -> None:
    assert is_equal({"a": {"b": 1}}, {"a": {"b": 1, "at": "now"}, "id": 7})


def test_an_absent_member_is_the_same_as_null() -> None:
    assert is_equal({"a": None}, {})
    assert not is_equal({"a": ""}, {})


class TestARecord:
    sent: dict[str, Any] = {"name": "测样甲", "count": 2, "sent_at": "10:00", "list": [{"n": 1}]}  # noqa: RUF012

    def test_is_compared_in_the_order_that_was_sent(self) -> None:
        shown = {"list": [], "count": 3, "name": "测样乙", "sent_at": "10:00"}
        assert different_fields(self.sent, shown, compared={"list", "name", "count"}) == ["name", "count", "list"]

    def test_is_compared_only_in_the_fields_that_count(self) -> None:
        shown = self.sent | {"sent_at": "10:05"}
        assert different_fields(self.sent, shown, compared={"name", "count", "list"}) == []
        assert different_fields(self.sent, shown, compared={"sent_at"}) == ["sent_at"]

    def test_that_lacks_a_field_differs_in_it(self) -> None:
        assert different_fields(self.sent, {"name": "测样甲"}, compared={"name", "count"}) == ["count"]

    def test_may_have_fields_that_were_not_sent(self) -> None:
        assert different_fields(self.sent, self.sent | {"id": "x"}, compared={*self.sent, "id"}) == []

    @pytest.mark.parametrize("shown", [None, [], "text", 1, True])
    def test_that_is_no_object_differs_in_every_field_that_counts(self, shown: Any) -> None:
        assert different_fields(self.sent, shown, compared={"name", "list"}) == ["name", "list"]
