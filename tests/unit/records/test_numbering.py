"""A record without an id gets a number of its batch and content."""

from __future__ import annotations

import re
from collections import Counter
from contextlib import closing
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from syncgate.records import Numbering, Seen
from tests.support.properties import examples


def _numbers(records: list[Any], batch: str = "jan.csv") -> list[str]:
    with closing(Seen()) as seen:
        numbering = Numbering(batch, seen)
        return [numbering.number(record) for record in records]


def test_a_number_is_the_same_in_every_version() -> None:
    """Stored cases are found by it: another way of counting would double them."""
    assert _numbers([{"a": "1", "b": "路"}, {"b": "路", "a": "1"}]) == ["MBLRCPN5IGHT6YWS", "MBLRCPN5IGHT6YWS-2"]


@examples(60)
@given(st.lists(st.dictionaries(st.sampled_from("ab"), st.sampled_from("xy")), max_size=8), st.randoms())
def test_order_and_added_rows_change_no_number(records: list[dict[str, str]], random: Any) -> None:
    once = Counter(_numbers(records))
    mixed = list(records)
    random.shuffle(mixed)
    assert Counter(_numbers(mixed)) == once
    assert not once - Counter(_numbers([*mixed, {"a": "z"}]))
    assert max(once.values(), default=1) == 1, "exact duplicates stay as many as they are"


def test_look_alikes_of_two_batches_stay_two() -> None:
    assert _numbers([{"a": 1}], "jan.csv") != _numbers([{"a": 1}], "feb.csv")


def test_a_number_is_a_case_number() -> None:
    assert all(re.fullmatch("[A-Z2-7]{16}(-[0-9]+)?", number) for number in _numbers([{"a": n % 7} for n in range(50)]))


def test_what_came_first_under_a_key_is_remembered() -> None:
    with closing(Seen()) as seen:
        assert seen.first(b"k", b"1") == b"1"
        assert seen.first(b"k", b"2") == b"1"
        assert seen.first(b"l", b"2") == b"2"
