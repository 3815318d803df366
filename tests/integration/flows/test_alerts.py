"""What a run of reconciliation raises, what ends it, and that one process alone tells it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest

from syncgate.domain import alerts
from syncgate.domain.alerts import AlertKind
from syncgate.domain.reconciliation.run import RunOutcome, job_of
from syncgate.domain.rows import Run
from syncgate.flows.alerting.raising import note_ended_run, note_missed_run
from syncgate.ports import Tx
from tests.integration.flows.worksite import Worksite

TOKEN = UUID(int=99)


def ended(site: Worksite, slot: str, outcome: RunOutcome, *, left: int = 0, is_whole: bool = True) -> None:
    """A run that ends, as whoever runs it writes it."""

    def step(tx: Tx) -> None:
        run = Run(job=job_of("food"), slot=slot, claimed_by="p", claimed_at=tx.now, ended_at=tx.now, outcome=outcome)
        tx.insert_run(run)
        note_ended_run(site.gate, tx, system="food", slot=slot, outcome=outcome, left=left, is_whole=is_whole)

    write(site, step)


def write(site: Worksite, step: Callable[[Tx], object]) -> object:
    return site.run(site.gate.writer.write(step))


def open_kinds(site: Worksite, system: str = "food") -> list[AlertKind]:
    return [alert.kind for alert in site.run(site.gate.writer.read(lambda tx: tx.open_alerts(system)))]


@pytest.mark.parametrize(
    ("outcome", "kind"),
    [
        (RunOutcome.IMPLAUSIBLE, AlertKind.IMPLAUSIBLE_RUN),
        (RunOutcome.CAP_EXCEEDED, AlertKind.CAP_EXCEEDED),
        (RunOutcome.FAILED, AlertKind.FAILED_RUN),
    ],
)
def test_a_run_that_is_not_believed_is_raised_until_a_complete_one(
    site: Worksite, outcome: RunOutcome, kind: AlertKind
) -> None:
    ended(site, "1", outcome)
    ended(site, "2", outcome)
    assert open_kinds(site) == [kind] and open_kinds(site, "province") == []
    ended(site, "3", RunOutcome.COMPLETE, is_whole=False)
    assert open_kinds(site) == [kind]
    ended(site, "4", RunOutcome.COMPLETE)
    assert open_kinds(site) == []


def test_an_incomplete_run_is_raised_only_with_the_second_in_a_row(site: Worksite) -> None:
    for slot, outcome in (("1", "incomplete"), ("2", "complete"), ("3", "incomplete"), ("4", "cancelled")):
        ended(site, slot, RunOutcome(outcome))
        assert open_kinds(site) == []
    ended(site, "5", RunOutcome.INCOMPLETE)
    assert open_kinds(site) == [AlertKind.INCOMPLETE_RUNS]


def test_what_is_left_to_a_person_is_raised_until_nothing_is(site: Worksite) -> None:
    ended(site, "1", RunOutcome.COMPLETE, left=3)
    ended(site, "2", RunOutcome.COMPLETE, left=2)
    (alert,) = site.run(site.gate.writer.read(lambda tx: tx.open_alerts("food")))
    assert (alert.kind, alert.detail["left"]) == (AlertKind.DISCREPANCIES_LEFT, 2)
    ended(site, "3", RunOutcome.COMPLETE)
    assert open_kinds(site) == []


def test_a_missed_run_is_raised_until_one_runs_to_its_end(site: Worksite) -> None:
    write(site, lambda tx: note_missed_run(site.gate, tx, system="food", slot="1"))
    write(site, lambda tx: note_missed_run(site.gate, tx, system="food", slot="2"))
    assert open_kinds(site) == [AlertKind.MISSED_RUN]
    ended(site, "3", RunOutcome.COMPLETE, left=1)
    assert open_kinds(site) == [AlertKind.DISCREPANCIES_LEFT]


def test_an_alert_is_in_one_hand_at_a_time(site: Worksite) -> None:
    """What is leased is due for nobody else until its lease is over."""
    ended(site, "1", RunOutcome.IMPLAUSIBLE)

    def take(tx: Tx) -> int:
        due = tx.due_alerts(limit=10)
        for alert in due:
            tx.save_alert(alerts.leased(alert, token=TOKEN, until=tx.now + timedelta(minutes=1)))
        return len(due)

    assert [write(site, take), write(site, take)] == [1, 0]
    site.clock.move(minutes=1)
    assert write(site, take) == 1
