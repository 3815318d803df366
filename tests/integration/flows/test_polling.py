"""What became of what lies in a system's own queue: asked, settled, overdue, given back (design §4)."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from syncgate.domain.delivery import Event, Phase
from syncgate.domain.outcome import Answer, Evidence, Outcome
from syncgate.domain.rows import AttemptKind, BreakerState
from syncgate.flows.delivering.acknowledged import with_acknowledgement
from syncgate.flows.delivering.dispatch import Dispatcher, DispatchSettings
from syncgate.flows.delivering.work import Verdict
from syncgate.flows.operating import by_hand
from syncgate.storage import SqlStore
from tests.integration.flows.altered import OPERATOR
from tests.integration.flows.frontsite import FrontSite, front_site
from tests.integration.flows.test_dispatcher import until
from tests.integration.flows.worksite import WORKER
from tests.support.cases import an_application
from tests.support.rows import SetClock

STEP = {"id": "s1", "kind": "step", "at": "2026-03-02T10:00:00+08:00", "name": "审核"}
AWAY = Answer(Outcome.UNAVAILABLE, Evidence(note="connection lost"), rule="not_connected")


@pytest.fixture
def front(store: SqlStore, clock: SetClock, tmp_path: Path) -> FrontSite:
    """A gate with a front database, once on each engine of ours."""
    return front_site(store, clock, tmp_path)


def test_what_lies_in_their_table_is_awaited_and_asked_about_until_its_flag_flips(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    row = front.accept(case_id)
    now = front.site.clock.at
    assert (row.phase, row.queued_at, row.due_at) == (Phase.AWAITING, now, now + timedelta(hours=24))
    assert front.step() == 0, "not before the first wait"
    front.move(seconds=30)
    assert front.step() == 1
    assert front.accept(case_id).phase is Phase.AWAITING
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=59)
    assert front.step() == 0, "not before the second wait"
    front.move(seconds=1)
    front.step()
    taken = front.accept(case_id)
    assert (taken.phase, taken.delivered_at, taken.queued_at) == (Phase.DELIVERED, front.site.clock.at, now)
    assert [(e.kind, e.outcome) for e in front.entries(taken)][1:] == [
        (AttemptKind.POLL, "queued_there"),
        (AttemptKind.POLL, "taken"),
    ]


def test_equal_answers_make_one_entry_and_are_counted(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    for _ in range(6):
        front.move(minutes=5)
        assert front.step() == 1
    row = front.accept(case_id)
    assert (row.polled_at, row.confirms_count) == (front.site.clock.at, 6)
    assert [e.outcome for e in front.entries(row)] == ["queued_there", "queued_there"]
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(minutes=5)
    front.step()
    assert front.entries(row)[-1].detail["question_no"] == 7


def test_a_reject_parks_with_the_rules_reason_and_never_with_its_text(front: FrontSite) -> None:
    """Promise 10: the reject names the citizen; only sealed evidence does."""
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.reject("accept", "张示例 受理时间早于申请时间")
    front.move(seconds=30)
    front.step()
    row = front.accept(case_id)
    assert (row.phase, row.reason, row.actor) == (Phase.PARKED, "accepted_before_applied", "source")
    entry = front.entries(row)[-1]
    assert "张示例" not in f"{row} {entry}"
    assert entry.received_blob is not None


def test_what_comes_after_goes_once_its_predecessor_is_acknowledged(front: FrontSite) -> None:
    """Promise 5."""
    front.site.post(an_application(stages=[STEP]))
    front.step()
    assert front.sql("SELECT count(*) FROM step") == [(0,)]
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    front.step()
    front.step()
    assert front.sql("SELECT count(*) FROM step") == [(1,)]


def test_a_row_given_back_the_next_morning_is_returned_and_goes_again_as_the_next_version(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    front.step()
    front.reject("accept", "事项版本已停用")
    front.move(hours=14)
    front.step()
    row = front.accept(case_id)
    assert (row.phase, row.reason, row.detail) == (Phase.PARKED, "returned", "rejected_there")
    front.site.run(by_hand.requeue(front.site.gate, OPERATOR, row.delivery_id, reason="item table mended"))
    front.step()
    again = front.accept(case_id)
    assert (again.phase, again.version_no) == (Phase.AWAITING, 2)
    front.move(seconds=30)
    front.step()
    assert front.accept(case_id).phase is Phase.AWAITING, "the old reject is about the old sending"
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(minutes=1)
    front.step()
    assert front.accept(case_id).phase is Phase.DELIVERED


def test_what_was_returned_holds_back_what_comes_after_it(front: FrontSite) -> None:
    """Promise 5."""
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    front.step()
    front.reject("accept", "事项版本已停用")
    front.move(minutes=5)
    front.step()
    front.site.append(case_id, STEP)
    front.step()
    assert front.sql("SELECT count(*) FROM step") == [(0,)]
    front.site.put(case_id, an_application(channel="portal", stages=[STEP]))
    front.step()
    assert front.sql("SELECT version_no, channel FROM accept") == [(2, "portal")]


def test_a_return_while_new_content_waits_makes_way_for_it(front: FrontSite) -> None:
    """The slot's newer delivery carries what counts now: the old one is superseded, and the next version goes."""
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    front.step()
    front.site.put(case_id, an_application(channel="portal"))
    front.reject("accept", "事项版本已停用")
    front.move(minutes=5)
    batch = front.claim_batch_without_sends()
    front.settle(batch, front.ask(batch))
    phases = [(d.phase, d.reason) for d in front.site.deliveries(case_id, "front")]
    assert phases == [(Phase.CANCELLED, "superseded"), (Phase.PENDING, None)]
    front.step()
    assert front.sql("SELECT version_no, channel FROM accept") == [(2, "portal")]


def test_nothing_is_asked_about_what_a_newer_version_has_replaced(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    front.step()
    front.site.put(case_id, an_application(channel="portal"))
    front.step()
    front.move(minutes=6)
    assert front.step() == 1, "only about the new one"


def test_a_watch_ends_with_the_first_answer_after_its_time(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    front.step()
    until = front.accept(case_id).watched_until
    assert until == front.site.clock.at + timedelta(hours=72)
    front.transport.away = [AWAY]
    front.move(hours=73)
    front.step()
    assert front.accept(case_id).watched_until == until, "an outage hides no return"
    front.transport.away = []
    front.move(minutes=10)
    front.step()
    assert (front.accept(case_id).phase, front.accept(case_id).watched_until) == (Phase.DELIVERED, None)
    front.move(days=9)
    assert front.step() == 0


def test_what_was_looked_up_is_watched_no_longer_than_what_was_taken_once_its_consumer_takes_it(
    store: SqlStore, clock: SetClock, tmp_path: Path
) -> None:
    """It was asked about until `final_after`, however often the system had said that it took it."""
    front = front_site(
        store, clock, tmp_path, **{"final_after: 24h, returned_for: 72h": "final_after: 10d, returned_for: 1h"}
    )
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.move(days=10)
    front.step()
    front.step()
    assert front.accept(case_id).phase is Phase.DELIVERED
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(minutes=5)
    front.step()
    taken_at = front.site.clock.at
    assert front.accept(case_id).watched_until == taken_at + timedelta(hours=1)
    front.move(minutes=5)
    front.step()
    assert front.accept(case_id).watched_until == taken_at + timedelta(hours=1), "counted from the first word of it"


def test_a_row_that_vanishes_is_unconfirmed_and_left_to_a_person(front: FrontSite) -> None:
    """Promise 4: it was there, so that it is absent does not show that it was not taken."""
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("DELETE FROM accept")
    front.move(seconds=30)
    front.step()
    assert (front.accept(case_id).phase, front.accept(case_id).reason) == (Phase.UNCONFIRMED, "vanished")
    front.step()
    row = front.accept(case_id)
    assert (row.phase, row.reason, row.due_at) == (Phase.UNCONFIRMED, "vanished_there", None)
    front.move(hours=9)
    front.step()
    assert front.sql("SELECT count(*) FROM accept") == [(0,)]


def test_a_flag_that_nobody_declared_is_unconfirmed_and_never_guessed(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 7")
    front.move(seconds=30)
    front.step()
    assert (front.accept(case_id).phase, front.accept(case_id).reason) == (Phase.UNCONFIRMED, "unclear")


def test_a_consumer_that_stopped_leads_to_a_look_up_and_what_it_rejects_later_is_noticed(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.move(hours=24)
    assert front.step() == 0, "no question at the deadline"
    front.step()
    row = front.accept(case_id)
    assert row.phase is Phase.DELIVERED
    assert [e.outcome for e in front.entries(row)] == ["queued_there", "overdue", "found"]
    front.sql("UPDATE accept SET is_sync = 2")
    front.move(minutes=5)
    front.step()
    assert (front.accept(case_id).phase, front.accept(case_id).reason) == (Phase.PARKED, "returned")


def test_a_database_that_is_away_moves_the_breaker_and_no_delivery(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.transport.away = [AWAY]
    for _ in range(3):
        front.move(minutes=6)
        front.step()
    assert front.site.row("front").breaker is BreakerState.OPEN
    assert front.accept(case_id).phase is Phase.AWAITING
    front.transport.away = []
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(minutes=6)
    assert front.step() == 1, "the question is the probe"
    assert front.site.row("front").breaker is BreakerState.CLOSED
    assert front.accept(case_id).phase is Phase.DELIVERED


def test_many_rows_are_asked_about_at_once(front: FrontSite) -> None:
    cases = [front.site.post(an_application(f"QX{no:04}")).case_id for no in range(30)]
    for _ in range(9):
        front.step(asks=False)
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    assert front.step() == 30
    assert front.transport.polls == [30]
    assert {front.accept(case_id).phase for case_id in cases} == {Phase.DELIVERED}
    assert front.site.counted() == 30


def test_questions_wait_for_no_lane_that_is_leased_and_lease_none(front: FrontSite) -> None:
    """Questions never stand in the way of sends of their lane, nor those in theirs."""
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    front.claim_batch()
    lane = front.site.store.read(lambda tx: tx.lane(case_id, "front"))
    assert lane is not None
    assert lane.lease_token is None
    assert front.site.store.read(lambda tx: [g.sends_count for g in tx.grants("front")]) == [1]


def test_two_processes_do_not_ask_the_same(front: FrontSite) -> None:
    front.site.post(an_application())
    front.step()
    front.move(seconds=30)
    front.claim_batch()
    assert front.step() == 0


def test_a_process_that_dies_between_answer_and_settle_leaves_the_question_to_be_asked_again(front: FrontSite) -> None:
    """Crash point: between a poll's answer and its settling. Promises 3 and 8."""
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    batch = front.claim_batch()
    front.ask(batch)
    assert front.accept(case_id).phase is Phase.AWAITING
    front.move(seconds=20)
    assert front.step() == 1
    assert front.accept(case_id).phase is Phase.DELIVERED
    assert front.site.store.read(lambda tx: tx.grants("front")) == []


def test_an_answer_that_comes_after_the_delivery_moved_on_is_kept_and_moves_nothing(front: FrontSite) -> None:
    """Crash point: a worker frozen between a poll's answer and its settling. Promise 8."""
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 2")
    front.move(seconds=30)
    batch = front.claim_batch()
    asked = front.ask(batch)
    front.move(seconds=20)
    front.step()
    assert front.accept(case_id).phase is Phase.PARKED
    front.site.run(
        by_hand.confirm(
            front.site.gate,
            OPERATOR,
            front.accept(case_id).delivery_id,
            held=True,
            remote_ref=None,
            reason="seen there",
        )
    )
    front.settle(batch, asked)
    row = front.accept(case_id)
    assert row.phase is Phase.DELIVERED
    assert front.entries(row)[-1].kind is AttemptKind.LATE


def test_a_pause_stops_questions_and_they_go_on_afterwards(front: FrontSite) -> None:
    """Promise 9: a paused system is not spoken to; it may be down on purpose."""
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.site.run(by_hand.pause(front.site.gate, OPERATOR, "front", reason="their maintenance"))
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(minutes=9)
    assert front.step() == 0
    front.site.run(by_hand.resume(front.site.gate, OPERATOR, "front", reason="back"))
    assert front.step() == 1
    assert front.accept(case_id).phase is Phase.DELIVERED


def test_questions_leave_room_for_sends_and_spend_the_rate_after_them(
    store: SqlStore, clock: SetClock, tmp_path: Path
) -> None:
    front = front_site(store, clock, tmp_path, **{"concurrency: 4": "concurrency: 1"})
    front.site.post(an_application("QX1"))
    front.step()
    front.move(seconds=30)
    front.site.post(an_application("QX2"))
    assert front.step() == 0, "the one place goes to the send"
    assert front.sql("SELECT count(*) FROM accept") == [(2,)]
    assert front.step() == 1


def test_an_answer_that_no_rule_explains_leaves_the_deadline_as_it_is(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    before = front.accept(case_id)
    front.transport.away = [Answer(Outcome.UNKNOWN, Evidence(received=b"{}"), rule="unknown")]
    front.move(seconds=30)
    front.step()
    row = front.accept(case_id)
    assert (row.phase, row.due_at, row.polled_at) == (Phase.AWAITING, before.due_at, None)
    assert replace(row, entries_count=0).confirms_count == 0


def test_what_a_person_confirmed_is_watched_as_what_nobody_acknowledged(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 7")
    front.move(seconds=30)
    front.step()
    delivery_id = front.accept(case_id).delivery_id
    held = by_hand.confirm(front.site.gate, OPERATOR, delivery_id, held=True, remote_ref=None, reason="seen there")
    front.site.run(held)
    front.reject("accept", "事项版本已停用")
    front.move(minutes=5)
    front.step()
    assert (front.accept(case_id).phase, front.accept(case_id).reason) == (Phase.PARKED, "returned")


def test_the_dispatcher_asks_by_itself_and_sends_what_comes_after(front: FrontSite) -> None:
    """The whole way in one process: sent, asked, acknowledged, and the next message sent."""
    case_id = front.site.post(an_application(stages=[STEP])).case_id

    async def history() -> None:
        settings = DispatchSettings(owner=WORKER, poll_interval=timedelta(seconds=0.05))
        dispatcher = Dispatcher(front.site.gate, lambda digest: front.transport, settings)
        dispatcher.start()
        await until(lambda: front.accept(case_id).phase is Phase.AWAITING)
        front.sql("UPDATE accept SET is_sync = 1")
        front.move(seconds=31)
        await until(lambda: front.sql("SELECT count(*) FROM step") == [(1,)])
        await dispatcher.stop()

    front.site.run(history())
    assert front.accept(case_id).phase is Phase.DELIVERED
    assert front.transport.polls == [1]
    assert not [g for g in front.site.store.read(lambda tx: tx.grants("front")) if g.process.endswith("polls")]


def test_a_dispatcher_whose_system_is_away_asks_again_only_when_due(front: FrontSite) -> None:
    """Nobody is asked in a loop: one question a wait, whatever comes of it."""
    case_id = front.site.post(an_application()).case_id
    front.transport.away = [AWAY]

    async def history() -> None:
        settings = DispatchSettings(owner=WORKER, poll_interval=timedelta(seconds=0.02))
        dispatcher = Dispatcher(front.site.gate, lambda digest: front.transport, settings)
        dispatcher.start()
        await until(lambda: front.accept(case_id).phase is Phase.AWAITING)
        front.move(seconds=31)
        await until(lambda: bool(front.transport.polls))
        await asyncio.sleep(0.3)
        await dispatcher.stop()

    front.site.run(history())
    assert front.transport.polls == [1]
    assert front.accept(case_id).phase is Phase.AWAITING


def test_what_was_rejected_before_it_could_be_looked_up_is_refused_and_not_sent_again(front: FrontSite) -> None:
    """Crash point: after COMMIT, before its answer arrives. Promise 4: moved among the rejects is not absent."""
    case_id = front.site.post(an_application()).case_id
    front.transport.lost_count = 1
    front.step()
    assert front.accept(case_id).phase is Phase.UNCONFIRMED
    front.reject("accept", "张示例 受理时间早于申请时间")
    front.move(minutes=1)
    front.step()
    row = front.accept(case_id)
    assert (row.phase, row.reason, row.actor) == (Phase.PARKED, "accepted_before_applied", "source")
    assert "张示例" not in f"{row} {front.entries(row)[-1]}"
    assert front.sql("SELECT count(*) FROM accept") == [(0,)]


def test_what_was_rejected_before_it_could_be_looked_up_goes_again_as_another_sending(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.transport.lost_count = 1
    front.step()
    front.reject("accept", "受理时间早于申请时间")
    front.move(minutes=1)
    front.step()
    row = front.accept(case_id)
    front.site.run(by_hand.requeue(front.site.gate, OPERATOR, row.delivery_id, reason="item table mended"))
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(minutes=1)
    front.step()
    assert front.accept(case_id).phase is Phase.DELIVERED, "the old reject is about the old sending"
    assert front.sql("SELECT version_no FROM accept") == [(2,)]


def test_what_neither_a_look_up_nor_the_acknowledgement_knows_is_sent_again(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.transport.lost_count = 1
    front.step()
    front.sql("DELETE FROM accept")
    front.move(minutes=1)
    front.step()
    assert front.accept(case_id).phase is Phase.AWAITING
    assert front.sql("SELECT count(*) FROM accept") == [(1,)]


def test_an_acknowledgement_that_cannot_be_asked_leaves_the_outcome_open(front: FrontSite) -> None:
    """Promise 4: nothing is sent again as long as the table of rejects was not looked at."""
    case_id = front.site.post(an_application()).case_id
    front.transport.lost_count = 1
    front.step()
    front.reject("accept", "受理时间早于申请时间")
    front.transport.away = [AWAY]
    front.move(minutes=1)
    front.step()
    assert front.accept(case_id).phase is Phase.UNCONFIRMED
    front.transport.away = []
    front.move(minutes=9)
    front.step()
    assert (front.accept(case_id).phase, front.sql("SELECT count(*) FROM accept")) == (Phase.PARKED, [(0,)])


WAITING = Answer(Outcome.QUEUED_THERE, Evidence(status=200, received=b"{}"), rule="waiting")
TAKEN = Answer(Outcome.TAKEN, Evidence(status=200, received=b"{}"), rule="taken")
REFUSED = Answer(Outcome.REFUSED, Evidence(status=200, received=b"{}"), rule="refused", reason="rejected_there")
VANISHED = Answer(Outcome.UNKNOWN, Evidence(received=b"{}"), rule="vanished")
FORGOTTEN = Answer(Outcome.UNKNOWN, Evidence(status=404, received=b"{}"), rule="forgotten")
UNCLEAR = Answer(Outcome.UNKNOWN, Evidence(received=b"{}"), rule="unclear")
UNASKED = Answer(Outcome.REFUSED, Evidence(), rule="key_missing", reason="key_missing")
GARBAGE = Answer(Outcome.UNKNOWN, Evidence(received=b"<"), rule="unknown")


@pytest.mark.parametrize(
    ("answer", "rule", "is_only_content", "event"),
    [
        (REFUSED, "absent", True, Event.REFUSED),
        (REFUSED, "still_as_before", False, Event.REFUSED),
        (TAKEN, "absent", True, Event.FOUND),
        (WAITING, "absent", True, Event.FOUND),
        (TAKEN, "absent", False, Event.UNDECIDED),
        (TAKEN, "still_as_before", False, Event.ABSENT),
        (VANISHED, "absent", True, Event.ABSENT),
        (FORGOTTEN, "absent", True, Event.ABSENT),
        (UNASKED, "absent", True, Event.ABSENT),
        (UNCLEAR, "absent", True, Event.UNDECIDED),
        (GARBAGE, "absent", True, Event.UNDECIDED),
        (AWAY, "absent", True, Event.UNDECIDED),
    ],
)
def test_only_what_neither_knows_is_absent(answer: Answer, rule: str, is_only_content: bool, event: Event) -> None:
    absent = Verdict(event=Event.ABSENT, outcome=Outcome.REFUSED, rule=rule)
    said = with_acknowledgement(absent, answer, is_only_content=is_only_content)
    assert said.event is event
    assert said.is_given_back == (event is Event.REFUSED)
    assert said.outcome is (answer.outcome if answer in (GARBAGE, AWAY) else Outcome.REFUSED)
