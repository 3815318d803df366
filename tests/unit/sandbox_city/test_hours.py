"""Insurance's hours begin in the middle of the demo, and whatever came too early is found."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.hours import ADAPTER, SendingHours, move, next_beginning
from syncgate.sandbox.play.site import DemoError
from syncgate.sandbox.reader.front import Effect, Front
from syncgate.sandbox.reader.hours import Hours, findings, read_hours, told

ROOT = Path(__file__).parents[3]
NOW = datetime(2026, 4, 10, 3, 59, 50, tzinfo=UTC)
"""11:59:50 in the example city."""


@pytest.fixture
def site(tmp_path: Path) -> Path:
    path = tmp_path / ADAPTER
    path.parent.mkdir(parents=True)
    path.write_bytes((ROOT / ADAPTER).read_bytes())
    return tmp_path


class Clock:
    """Goes on by a little at every look."""

    def __init__(self, step: float) -> None:
        self._at, self._step = NOW, timedelta(seconds=step)

    def __call__(self) -> datetime:
        self._at += self._step
        return self._at


class ToldGate(Gate):
    """A gate with so many deliveries that wait, for a reason."""

    def __init__(self, count: int, *, reason: str = "outside_window", changed: str = "insurance") -> None:
        super().__init__("http://none.invalid", source_key="", operator_key="")
        self._count, self._reason, self._changed = count, reason, changed

    def deliveries(self, **filters: str | list[str]) -> list[dict[str, Any]]:
        assert filters == {"system": "insurance", "phase": "pending"}
        return [{"reason": self._reason}] * self._count

    def ask(self, method: str, path: str, *, json: Any = None) -> httpx.Response:
        assert path == "/v1/deployments"
        return httpx.Response(200, json={"changed": [{"system": self._changed}]})


@pytest.mark.parametrize(("least", "minute"), [(5.0, 0), (10.0, 0), (12.0, 1)])
def test_hours_begin_at_the_next_whole_minute_that_is_far_enough(least: float, minute: int) -> None:
    assert next_beginning(NOW, least=least) == datetime(2026, 4, 10, 4, minute, tzinfo=UTC)


def test_the_copys_hours_are_moved_by_the_citys_clock_and_nothing_else_of_it(site: Path) -> None:
    move(site, datetime(2026, 4, 10, 4, 1, tzinfo=UTC))
    moved, original = ((root / ADAPTER).read_text("utf-8") for root in (site, ROOT))
    assert moved == original.replace('{from: "17:30", until: "08:00"}', '{from: "12:01", until: "02:31"}') != original


def test_a_site_without_hours_is_told(site: Path) -> None:
    (site / ADAPTER).write_text("system: insurance\n", "utf-8")
    with pytest.raises(DemoError, match="expected hours in"):
        move(site, NOW)


def played(site: Path, gate: ToldGate) -> SendingHours:
    sending = SendingHours(gate, gate, site=site, now=Clock(0.4), sleep=lambda seconds: None)
    sending.deploy()
    sending.watch()
    return sending


def test_what_waited_is_counted_and_when_they_began_is_written_down(site: Path) -> None:
    sending = played(site, ToldGate(7))
    assert sending.waited.waiting_count == 7
    sending.write(site / "hours.json")
    assert read_hours(site / "hours.json") == Hours("insurance", datetime(2026, 4, 10, 4, 1, tzinfo=UTC))


@pytest.mark.parametrize(
    ("gate", "words"),
    [
        (ToldGate(0), "got none"),
        (ToldGate(2, reason="breaker_open"), "to say outside_window, got {'breaker_open'}"),
        (ToldGate(2, changed="food"), "expected insurance alone to change"),
    ],
)
def test_what_does_not_hold_is_told(site: Path, gate: ToldGate, words: str) -> None:
    with pytest.raises(DemoError, match=words):
        played(site, gate)


def front_with(*times: str) -> Front:
    rows = [
        Effect(no, at, "peer", "insert", "si_register", {"project_no": f"9901-{no}"}) for no, at in enumerate(times)
    ]
    taken = Effect(9, "2026-04-10T03:00:00.000", "consumer", "update", "si_register", {"project_no": "9901-0"})
    return Front({}, {}, [*rows, taken], [], "insurance")


FOUR = Hours("insurance", datetime(2026, 4, 10, 4, 0, tzinfo=UTC))


def test_the_reader_finds_nothing_where_rows_came_in_the_hours() -> None:
    front = front_with("2026-04-10T04:00:00.250", "2026-04-10T04:00:09.000")
    assert findings(front, FOUR) == []
    assert told(front, FOUR) == "insurance   sending hours began: the first row came 0.2 s after"


@pytest.mark.parametrize(
    ("times", "found"),
    [
        (
            ["2026-04-10T03:59:59.999", "2026-04-10T04:00:09.000"],
            [("9901-0", "written before the sending hours began")],
        ),
        ([], [("", "nothing was written in the sending hours")]),
    ],
)
def test_the_reader_finds_a_row_that_came_too_early_or_that_none_came(
    times: list[str], found: list[tuple[str, str]]
) -> None:
    assert [(one.case_no, one.detail) for one in findings(front_with(*times), FOUR)] == found
