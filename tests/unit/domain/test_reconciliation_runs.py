"""A run's state survives its row, and its id names one row."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

from syncgate.domain.reconciliation.run import (
    ListingTotals,
    RunOutcome,
    RunStage,
    RunState,
    RunWish,
    id_of,
    job_of,
    parse_id,
    slot_of,
)

ENDED = RunState(
    wish=RunWish(mode="mend", by="zhao", reason="after their update", messages=("application",), cap=5),
    bundle="sha256:ab",
    stage=RunStage.ENDED,
    totals=(ListingTotals(listing="applications", level="fields", expected=3, kinds={"missing": 1}, doubts=("torn",)),),
    ranges=({"listing": "applications", "low": "a", "high": None},),
    outcome=RunOutcome.INCOMPLETE,
    cancelled_by="qian",
)


@pytest.mark.parametrize("state", [ENDED, RunState(wish=RunWish())])
def test_a_run_is_the_same_after_its_row(state: RunState) -> None:
    assert RunState.from_json(json.loads(json.dumps(state.to_json()))) == state


def test_what_a_later_version_added_is_passed_over() -> None:
    stored = ENDED.to_json() | {"later": 1}
    stored["wish"] = stored["wish"] | {"later": 1}
    assert RunState.from_json(stored) == ENDED


def test_an_id_names_its_row_and_no_other() -> None:
    now = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    for system, slot in (("food", slot_of(now)), ("work_orders", slot_of(now, "ab12"))):
        assert parse_id(id_of(job_of(system), slot)) == (system, slot)
    assert [parse_id(text) for text in ("food", ".x", "food.", "")] == [None] * 4


def test_slots_sort_by_time_whoever_began_them() -> None:
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    slots = [slot_of(at), slot_of(at, "zz"), slot_of(at + timedelta(seconds=1)), slot_of(at + timedelta(days=1), "aa")]
    assert slots == sorted(slots)


def test_a_slot_is_the_second_of_its_beginning_and_its_salt() -> None:
    """Kept: rows and paths name runs so."""
    at = datetime(2026, 3, 29, 1, 30, tzinfo=UTC)
    assert (slot_of(at), slot_of(at, "ab12")) == ("20260329T013000Z", "20260329T013000Z-ab12")


def test_a_run_of_an_earlier_version_counted_nothing_yet() -> None:
    stored = {"wish": {}, "stage": "reading"}
    assert RunState.from_json(stored) == RunState(wish=RunWish())


def test_a_system_is_named_up_to_the_first_dot() -> None:
    assert parse_id("food.a.b") == ("food", "a.b")
