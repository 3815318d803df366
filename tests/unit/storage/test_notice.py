"""What one process tells the others: whole or not at all, short enough for PostgreSQL, never misread."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.storage.notice import EVERY, Notice, unpacked

NAMES = st.frozensets(st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=20), max_size=5)
EVERYTHING = Notice(frozenset({EVERY}), frozenset({EVERY}))


@given(due=NAMES, changed=NAMES, by=st.text(st.characters(exclude_categories=["Cs"]), max_size=40))
def test_what_is_told_is_what_is_heard(due: frozenset[str], changed: frozenset[str], by: str) -> None:
    assert unpacked(Notice(due, changed).packed(by)) == Notice(due, changed, by)


@pytest.mark.parametrize("count", [10, 400, 5_000])
def test_any_number_of_names_fits_and_reaches_each_of_them(count: int) -> None:
    """PostgreSQL refuses 8,000 bytes, and the whole commit with them."""
    notice = Notice(due=frozenset(f"系统{number}" for number in range(count)))
    packed = notice.packed("serve:host:1:ab")
    assert len(packed.encode()) < 8_000
    heard = unpacked(packed)
    assert heard.due in (notice.due, {EVERY}) and heard.changed == frozenset()


@pytest.mark.parametrize(
    "text", ["", "null", "[]", "7", "{}", '{"by": "x"}', '{"by": 1, "due": 3, "changed": []}', "\x00"]
)
def test_what_cannot_be_read_asks_to_look_at_everything(text: str) -> None:
    """A newer version's notice, or a stranger's on the channel: better a look too many than a lane that waits."""
    assert unpacked(text) == EVERYTHING


def test_steps_of_one_commit_tell_together() -> None:
    first, second = Notice().and_due("food"), Notice().and_due("hall").and_changed("food")
    both = first.with_all_of(second)
    assert both == Notice(due=frozenset({"food", "hall"}), changed=frozenset({"food"}))
    assert not Notice() and both
