"""An alert is told until somebody takes it on or it is over, by every way that there is."""

from __future__ import annotations

from datetime import timedelta
from uuid import UUID

from syncgate.domain import alerts
from syncgate.domain.alerts import Alert, AlertKind
from tests.support.rows import START

REPEAT = timedelta(hours=4)
WAYS = ("mail", "webhook")
TOKEN = UUID(int=7)


def raised() -> Alert:
    return alerts.raised(UUID(int=1), AlertKind.IMPLAUSIBLE_RUN, "food", detail={"run": "food.1"}, now=START)


def in_hand() -> Alert:
    return alerts.leased(raised(), token=TOKEN, until=START + timedelta(minutes=1))


def test_a_new_alert_is_told_at_once() -> None:
    assert raised().due_at == START


def test_an_alert_that_came_through_is_told_again_only_after_the_repeat() -> None:
    after = alerts.told(in_hand(), reached=WAYS, ways=WAYS, repeat=REPEAT, now=START)
    assert (after.due_at, after.told_count, after.told_at) == (START + REPEAT, 1, START)
    assert (after.lease_token, after.reached, after.tries_count) == (None, (), 0)


def test_a_way_that_failed_is_tried_again_alone_and_ever_later() -> None:
    alert, waits = in_hand(), []
    for _ in range(4):
        alert = alerts.told(alert, reached=("mail",), ways=WAYS, repeat=REPEAT, now=START)
        assert alert.due_at is not None and (alert.reached, alert.told_count) == (("mail",), 0)
        waits.append(alert.due_at - START)
    assert waits == [*alerts.RETRIED_AFTER, alerts.RETRIED_AFTER[-1]]
    done = alerts.told(alert, reached=("webhook",), ways=WAYS, repeat=REPEAT, now=START)
    assert (done.told_count, done.reached, done.tries_count) == (1, (), 0)


def test_an_alert_that_is_taken_on_is_told_no_more() -> None:
    taken = alerts.acknowledged(raised(), by="li", reason="I call them", now=START)
    assert taken.due_at is None and taken.is_open and not taken.is_to_be_told
    assert alerts.acknowledged(taken, by="wang", reason="late", now=START + REPEAT) == taken


def test_an_alert_taken_on_or_over_while_it_is_told_is_not_told_again() -> None:
    for moved in (
        alerts.acknowledged(in_hand(), by="li", reason="mine", now=START),
        alerts.ended(in_hand(), now=START),
    ):
        for reached in (WAYS, ()):
            after = alerts.told(moved, reached=reached, ways=WAYS, repeat=REPEAT, now=START)
            assert (after.due_at, after.lease_token) == (None, None)


def test_an_alert_seen_again_is_told_no_sooner() -> None:
    waiting = alerts.told(in_hand(), reached=WAYS, ways=WAYS, repeat=REPEAT, now=START)
    again = alerts.seen_again(waiting, detail={"run": "food.2"}, now=START + timedelta(hours=1))
    assert again.due_at == START + REPEAT and again.detail == {"run": "food.2"}


def test_an_alert_keeps_what_it_is_about_since_when_and_who_took_it_on() -> None:
    alert = raised()
    assert (alert.alert_id, alert.kind, alert.system) == (UUID(int=1), AlertKind.IMPLAUSIBLE_RUN, "food")
    assert (alert.raised_at, alert.seen_at, alert.detail) == (START, START, {"run": "food.1"})
    later = START + timedelta(hours=1)
    assert alerts.seen_again(alert, detail={}, now=later).seen_at == later
    taken = alerts.acknowledged(alert, by="li", reason="I call them", now=later)
    assert (taken.acknowledged_at, taken.acknowledged_by, taken.acknowledged_reason) == (later, "li", "I call them")
    over = alerts.ended(alert, now=later)
    assert (over.ended_at, over.due_at, over.is_open) == (later, None, False)


def test_an_alert_is_told_by_one_process_until_its_lease_is_over() -> None:
    assert (in_hand().lease_token, in_hand().lease_until) == (TOKEN, START + timedelta(minutes=1))
    after = alerts.told(in_hand(), reached=WAYS, ways=WAYS, repeat=REPEAT, now=START)
    assert (after.lease_token, after.lease_until) == (None, None)
