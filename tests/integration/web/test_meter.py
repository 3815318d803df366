"""The meter counts what was read back, takes off what people typed, and says what is not counted."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.meter import FieldSample, Meter, SystemMeter
from syncgate.domain.reconciliation.run import ListingTotals, RunOutcome, RunState, RunWish, job_of
from syncgate.domain.rows import Run, SystemRow
from syncgate.ports import Tx
from tests.integration.web.served import SETTINGS, Served, serving
from tests.integration.web.test_reports import a_discrepancy
from tests.support.rows import START, Ids, a_case, a_delivery, a_lane

new_id = Ids()


def test_what_people_typed_is_taken_off_and_nothing_falls_below_none() -> None:
    assert SystemMeter(system="s", verified=10, own=1, by_hand=2, duplicates=3).spared == 4
    assert SystemMeter(system="s", verified=1, own=1, by_hand=2).spared == 0
    sample = FieldSample(cases=0, typed=0, delivered=0)
    meter = Meter(systems=(SystemMeter(system="s", verified=90),), sample=sample, minutes_per_entry=6)
    assert (meter.spared, meter.hours, sample.times) == (90, 9.0, None)
    assert Meter(systems=(), sample=sample).hours is None


def a_run(system: str, slot: str, outcome: RunOutcome, *totals: ListingTotals) -> Run:
    state = RunState(wish=RunWish(), totals=totals, begun_at=START.isoformat())
    return Run(
        job=job_of(system), slot=slot, claimed_by="p", claimed_at=START, ended_at=START + timedelta(minutes=1),
        outcome=outcome, detail=state.to_json(),
    )  # fmt: skip


def stored(tx: Tx) -> None:
    for system, mode in (
        ("counted", "live"),
        ("food", "live"),
        ("province", "live"),
        ("paper", "manual"),
        ("old", "retired"),
    ):
        tx.save_system(SystemRow(system=system, mode=mode, active_bundle="b"))
    fields = ListingTotals(listing="a", level="fields", verified=100)
    ids, counts = (ListingTotals(listing=level, level=level, verified=50) for level in ("ids", "counts"))
    tx.insert_run(a_run("food", "1", RunOutcome.COMPLETE, ListingTotals(listing="a", level="fields", verified=7)))
    tx.insert_run(a_run("food", "2", RunOutcome.INCOMPLETE, fields, ids, counts))
    tx.insert_run(a_run("food", "3", RunOutcome.IMPLAUSIBLE, ListingTotals(listing="a", level="fields", verified=1)))
    tx.insert_run(a_run("counted", "1", RunOutcome.COMPLETE, counts))
    for no, (system, phase, reason) in enumerate(
        (
            ("food", Phase.DELIVERED, "confirmed_by_hand"),
            ("food", Phase.DELIVERED, "held_by_source"),
            ("food", Phase.DELIVERED, "adopted"),
            ("food", Phase.DELIVERED, None),
            ("paper", Phase.PENDING, None),
            ("paper", Phase.PARKED, "refused"),
        )
    ):
        case_id = new_id()
        tx.insert_case(a_case(case_id, case_no=f"SP-{no}", wrapped_key=b"", item=f"item {no % 2}"))
        tx.insert_lanes([a_lane(case_id, system)])
        tx.insert_deliveries([a_delivery(case_id, system, phase=phase, reason=reason)])
    tx.insert_discrepancy(a_discrepancy(None, subject="x", kind="duplicate"))


def meter(served: Served, **query: Any) -> Any:
    answer = served.call("GET", "/v1/meter", key=served.key("viewer"), params=query)
    assert answer.status_code == 200, answer.text
    return answer.json()


def test_the_meter_counts_what_the_last_run_that_judged_verified(served: Served) -> None:
    served.write(stored)
    told = meter(served)
    (food,) = told["systems"]
    assert (food["verified"], food["own"], food["by_hand"], food["duplicates"]) == (150, 2, 1, 1)
    assert (food["spared"], told["spared"], told["hours"]) == (146, 146, None)
    assert told["unread"] == ["counted", "province"], "what is only counted was looked at by nobody"
    assert told["still_typed"] == [
        {"system": "paper", "item": "item 0", "records": 1},
        {"system": "paper", "item": "item 1", "records": 1},
    ]


@pytest.mark.parametrize("role", ["source", "security"])
def test_the_meter_is_not_for_who_reads_no_systems_or_no_cases(served: Served, role: str) -> None:
    assert served.call("GET", "/v1/meter", key=served.key(role)).status_code == 403


def test_time_is_told_only_with_the_sites_own_minutes(sqlite_store: Any, keyring: Any, clock: Any) -> None:
    from dataclasses import replace

    settings = replace(SETTINGS, minutes_per_entry=6.0)
    with serving(sqlite_store, keyring, clock, settings=settings) as served:
        served.write(stored)
        told = meter(served)
        assert (told["hours"], told["minutes_per_entry"]) == (14.6, 6.0)
