"""What became of a send, by its delivery's history."""

from __future__ import annotations

from collections import Counter

import pytest

from tests.crash.fates import Entry, fate, fates, histories


def _history(*entries: tuple[str, str, str]) -> list[Entry]:
    return [Entry(*entry) for entry in entries]


@pytest.mark.parametrize(
    ("history", "expected"),
    [
        ([("send", "taken", "a")], "answered"),
        ([("send", "queued_there", "a")], "answered"),
        ([("system", "expired_sent", "a"), ("confirm", "found", "b")], "found there"),
        ([("system", "expired_sent", "a"), ("confirm", "undecided", "b"), ("confirm", "found", "c")], "found there"),
        ([("send", "unknown", "a"), ("confirm", "absent", "b"), ("send", "taken", "c")], "sent again"),
        ([("late", "taken", "a"), ("system", "expired_sent", "a"), ("confirm", "found", "b")], "found there"),
        ([("system", "handed_back", "a"), ("send", "taken", "b")], "not sent"),
        ([("send", "unknown", "a")], "other"),
        ([("send", "taken", "b")], "other"),
    ],
)
def test_the_fate_of_a_send_is_what_was_learned_of_it_first(history: list[tuple[str, str, str]], expected: str) -> None:
    assert fate(_history(*history), "a") == expected


def test_both_engines_name_the_same_ids() -> None:
    sqlite = histories([(b"\x01" * 16, "send", "taken", b"\x02" * 16)])
    postgresql = histories([("01010101-0101-0101-0101-010101010101", "send", "taken", "02" * 16)])

    assert sqlite == postgresql
    assert fates([("01" * 16, "02" * 16), ("ff" * 16, "02" * 16)], sqlite) == Counter({"answered": 1, "other": 1})
