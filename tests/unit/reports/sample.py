"""A report as a city's department would get it. Synthetic."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID
from zoneinfo import ZoneInfo

from syncgate.domain.meter import FieldSample, Meter, StillTyped, SystemMeter
from syncgate.domain.reconciliation.run import ListingTotals, RunOutcome
from syncgate.reports import FieldLine, Line, Report, RunShown

BEGUN = datetime(2026, 4, 30, 18, 30, tzinfo=UTC)
FOOD = {"zh": "市市场监管局食品经营许可系统", "en": "Food licences"}
PROVINCE = {"zh": "省政务服务平台", "en": "Province"}
KINDS = ("missing", "stale", "edited_there", "duplicate", "unexpected", "mapping_changed", "no_longer_planned")


def a_line(no: int, **changes: Any) -> Line:
    kind = KINDS[no % len(KINDS)]
    row: dict[str, Any] = {
        "discrepancy_id": UUID(int=no + 1),
        "system": "food",
        "listing": "applications",
        "message": "application",
        "part": "",
        "kind": kind,
        "action": "ask" if kind in ("duplicate", "unexpected", "edited_there") else "resend",
        "state": "open",
        "case_no": None if kind == "unexpected" else f"SP-990101-{no:05d}",
        "key": f"SP-990101-{no:05d}" if kind == "unexpected" else "",
        "item": "食品经营许可新办",
        "region": "990101",
        "remote_ref": f"FD2026{no:06d}",
        "records": 2 if kind == "duplicate" else 1,
        "fields": _FIELDS if kind in ("edited_there", "stale") else (),
        "found_at": BEGUN + timedelta(minutes=2),
        "seen_at": BEGUN + timedelta(minutes=3),
    }
    return Line(**row | changes)


_FIELDS = (
    FieldLine(name="warehouse", title="仓库地址", owner="system"),
    FieldLine(name="area", title="经营面积", owner="ours", like="decimals"),
)


def a_run(**changes: Any) -> RunShown:
    totals = (
        ListingTotals(
            listing="applications", level="fields", expected=100_000, delivered=99_997, read=99_920, outside=1_204,
            verified=99_870, returned=3, unjudged=25, kinds={"missing": 70, "edited_there": 12, "duplicate": 5},
        ),
        ListingTotals(
            listing="decisions", level="ids", expected=61_000, delivered=60_990, read=60_990, verified=60_990,
            doubts=("total_shrank",),
        ),
    )  # fmt: skip
    row: dict[str, Any] = {
        "run_id": "food.20260430T183000Z",
        "system": "food",
        "title": FOOD,
        "outcome": RunOutcome.INCOMPLETE,
        "mode": "mend",
        "trigger": "schedule",
        "begun_at": BEGUN,
        "ended_at": BEGUN + timedelta(minutes=4),
        "bundle": "sha256:" + "ab" * 32,
        "records": 160_910,
        "totals": totals,
        "mended": {"resend": 71, "accept": 4},
        "left": 17,
        "ranges": ({"listing": "steps", "low": "SP-990101-00100", "high": None, "expected": 90, "actual": 88},),
        "offers": ({"message": "application", "field": "warehouse", "rule": "trimmed", "seen": 41},),
    }
    return RunShown(**row | changes)


def a_report(count: int = 40, **changes: Any) -> Report:
    lines = [a_line(no) for no in range(count)]
    closed = {"closed_at": BEGUN + timedelta(minutes=4), "closed_by": "syncgate", "state": "mended"}
    lines += [a_line(count + no, **closed) for no in range(count // 4)]
    row: dict[str, Any] = {
        "site": {"zh": "示例市", "en": "Example City"},
        "zone": ZoneInfo("Asia/Shanghai"),
        "made_at": BEGUN + timedelta(hours=1),
        "runs": (a_run(),),
        "lines": tuple(lines),
    }
    return Report(**row | changes)


def a_period() -> Report:
    """Several systems over a month, one of them seen more than once."""
    level = ListingTotals(listing="basic_info", level="ids", expected=500, delivered=500, read=500, verified=500)
    runs = (
        a_run(run_id="food.20260502T183000Z"),
        a_run(run_id="province.2", system="province", title=PROVINCE, outcome=RunOutcome.COMPLETE, totals=(level,),
              mended={}, ranges=(), offers=()),
        a_run(run_id="food.20260501T183000Z", outcome=RunOutcome.MISSED, totals=(), ranges=(), offers=()),
    )  # fmt: skip
    meter = Meter(
        systems=(SystemMeter(system="food", verified=160_860, own=12, by_hand=3, duplicates=5),),
        unread=("frontdb",),
        still_typed=(StillTyped(system="library", item="户外广告设置审批", records=214),),
        sample=FieldSample(cases=200, typed=6_120, delivered=19_850),
        minutes_per_entry=6,
    )
    return a_report(runs=runs, since=BEGUN - timedelta(days=30), until=BEGUN, meter=meter)
