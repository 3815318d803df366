"""What a bulk requeue says on the terminal, and with which exit code it ends."""

from __future__ import annotations

from typing import Any

import pytest
import typer

from syncgate.cli import requeues
from syncgate.cli.context import BadArgument
from syncgate.cli.faults import GroupBy, columns, grouped
from syncgate.cli.speech import speak
from tests.support.commands import said_by

TOLD: dict[str, Any] = {
    "requeue_id": "0198c0de-0000-7000-8000-000000000000",
    "state": "done",
    "filter": {"system": "food"},
    "matched": 41,
    "queued": 41,
    "skipped": 0,
    "cap": 100,
    "failed": [],
    "left_alone": [],
}
DRY = {
    "matched": 41,
    "is_whole": True,
    "checked": 41,
    "passes": 41,
    "waits": 0,
    "drops": 0,
    "fails": 0,
    "failing": [],
    "cap": 100,
    "exceeds_cap": False,
    "left_alone": [],
}


@pytest.mark.parametrize(
    ("found", "is_well"),
    [
        (TOLD, True),
        (TOLD | {"state": "canary"}, True),
        (TOLD | {"state": "canary_failed"}, False),
        (TOLD | {"state": "cap_exceeded"}, False),
        (TOLD | {"state": "stopped"}, False),
        (DRY, True),
        (DRY | {"fails": 3}, True),
        (DRY | {"exceeds_cap": True}, False),
    ],
)
def test_it_ends_well_only_where_it_came_or_may_come_to_what_was_asked(found: dict[str, Any], is_well: bool) -> None:
    assert requeues.is_as_asked(found) is is_well


@pytest.fixture(autouse=True)
def english() -> None:
    """Whatever another test of this process spoke."""
    speak("en")


def answering(monkeypatch: pytest.MonkeyPatch, found: dict[str, Any]) -> None:
    monkeypatch.setattr(requeues, "call", lambda context, act: found)


class NoContext(typer.Context):
    """A context of no command."""

    def __init__(self) -> None:
        self.obj = None


@pytest.mark.parametrize(
    ("found", "dry", "lines"),
    [
        (DRY, True, ["41 parked deliveries match", "41 of 41 pass the dry run"]),
        (DRY | {"is_whole": False}, True, ["at least 41 parked deliveries match"]),
        (DRY | {"fails": 1, "failing": [{"count": 1, "field": "bizForm"}]}, True, ["1 would park again:", "bizForm"]),
        (DRY | {"waits": 2, "drops": 1}, True, ["2 would wait for another", "1 would be cancelled"]),
        (TOLD, False, ["41 of 41 requeued"]),
        (TOLD | {"state": "canary", "queued": 5}, False, ["5 of 41 requeued", "deliveries requeues 0198c0de"]),
        (TOLD | {"skipped": 2}, False, ["2 had moved by themselves"]),
        (
            TOLD | {"left_alone": [{"phase": "unconfirmed", "reason": "unknown", "count": 3}]},
            False,
            ["left alone, because they are not parked", "unconfirmed"],
        ),
    ],
)
def test_it_says_what_came_of_it(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    found: dict[str, Any],
    dry: bool,
    lines: list[str],
) -> None:
    answering(monkeypatch, found)
    requeues.requeue_many(NoContext(), {"dry_run": dry}, wait=False, as_json=False)
    out = capsys.readouterr().out
    assert all(line in out for line in lines), out


def test_a_failed_canary_is_named_and_ends_with_1(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    answering(monkeypatch, TOLD | {"state": "canary_failed", "queued": 5, "failed": ["0198c0de"]})
    with pytest.raises(typer.Exit) as ended:
        requeues.requeue_many(NoContext(), {"dry_run": False}, wait=False, as_json=False)
    assert ended.value.exit_code == 1
    assert "syncgate deliveries show 0198c0de" in capsys.readouterr().out


def test_what_is_not_given_is_not_asked_for() -> None:
    body = requeues.wish({"system": "food", "item": None}, reason="x", dry_run=True, canary=None, cap=None)
    assert body == {"filter": {"system": "food"}, "reason": "x", "dry_run": True}


def test_neither_an_id_nor_a_filter_is_refused() -> None:
    with pytest.raises(BadArgument):
        requeues.wish({"system": None}, reason="x", dry_run=False)
    told = said_by("deliveries", "requeue", "--reason", "x")
    assert told.code == 1 and "bad_argument" in told.err


@pytest.mark.parametrize("more", [["--system", "food"], ["--dry-run"], ["--cap", "3"]])
def test_an_id_and_a_filter_together_are_refused(more: list[str]) -> None:
    told = said_by("deliveries", "requeue", "0198c0de-0000-7000-8000-000000000000", "--reason", "x", *more)
    assert told.code == 1 and "bad_argument" in told.err


def a_row(**changes: Any) -> dict[str, Any]:
    row = {"system": "food", "phase": "parked", "message": "application", "reason": "unmapped_code"}
    return row | {"actor": "table", "detail": "bizForm: no row", "changed_at": "2026-04-30T01:00:00Z"} | changes


def test_41_under_one_fault_are_one_line_with_the_time_of_the_first() -> None:
    rows = [a_row(changed_at=f"2026-04-30T01:00:{no:02d}Z") for no in range(41)]
    rows += [a_row(detail="bizScope: no row"), a_row(reason="field_refused", actor="source", detail="")]
    groups = grouped(reversed(rows), GroupBy.FAULT)
    assert [group["count"] for group in groups] == [41, 1, 1]
    assert (groups[0]["detail"], groups[0]["since"]) == ("bizForm: no row", "2026-04-30T01:00:00Z")
    assert [group["count"] for group in grouped(rows, GroupBy.REASON)] == [42, 1]
    assert set(columns(GroupBy.FAULT)) == set(groups[0])
