"""Bulk requeue: what failed under one fault goes on once it is mended, a few first, and nothing else does."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, NotFound
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import Delivery, Principal
from syncgate.flows.operating import requeueing
from syncgate.flows.operating.by_hand import cancel
from syncgate.flows.operating.failed import Failed
from syncgate.flows.operating.requeue import Requeue, State
from syncgate.flows.operating.requeue_rehearsal import Rehearsed, rehearse_requeue
from syncgate.flows.operating.requeueing import begin, go_on, go_on_with_all, list_requeues, read_requeue, stop
from syncgate.ports import CaseFilter, Tx
from tests.integration.flows.altered import rewritten
from tests.integration.flows.worksite import Worksite, activate, answer, caller, example_site
from tests.support.cases import a_stage, an_application

OPERATOR = replace(caller("operator").principal, role="operator", sources=())
UNMAPPED = an_application()["form"] | {"主体业态": "3"}
ONE_FAULT = Failed(system="food", reason="unmapped_code")


@pytest.fixture
def site(site: Worksite) -> Worksite:
    """A worksite where food's table lacks the row of one code."""
    path = next(path for path in site.gate.active_bundle("food").files if path.endswith("form.yaml"))
    site.run(activate(site.gate, [rewritten(site, "food", path, '  "3": ST\n', "")]))
    return site


def add_row(site: Worksite) -> None:
    """The row that was missing, deployed."""
    site.run(activate(site.gate, [example_site().bundles["food"]]))


def post_unmapped(site: Worksite, count: int, *, stages: int = 0) -> list[UUID]:
    """Cases that park at food for want of a row in its table, with stages behind them."""
    steps = [a_stage(f"s{no}", "accepted") for no in range(1, stages + 1)]
    cases = [
        site.post(an_application(f"QX{no:04d}", form=UNMAPPED, **({"stages": steps} if steps else {}))).case_id
        for no in range(count)
    ]
    site.run_dry("food")
    site.clock.move(seconds=60)
    return cases


def requeued(site: Worksite, failed: Failed = ONE_FAULT, *, who: Principal = OPERATOR, **more: Any) -> Requeue:
    asked = {"cap": 100, "canary": 0, "reason": "row added", **more}
    return site.run(begin(site.gate, who, failed, **asked))


def rehearsed(site: Worksite, failed: Failed = ONE_FAULT, who: Principal = OPERATOR) -> Rehearsed:
    return site.run(rehearse_requeue(site.gate, who, failed))


def applications(site: Worksite, cases: list[UUID]) -> list[Delivery]:
    return [site.only(case_id, "food", "application") for case_id in cases]


def count(site: Worksite, cases: list[UUID], phase: Phase) -> int:
    return sum(delivery.phase is phase for delivery in applications(site, cases))


def test_41_under_one_fault_pass_the_dry_run_go_by_canary_and_are_delivered_in_order(site: Worksite) -> None:
    """Promises 5, 11 and 13: a row is added, nothing is sent by that; five go first, then the other 36."""
    cases = post_unmapped(site, 41, stages=1)
    assert count(site, cases, Phase.PARKED) == 41
    before = rehearsed(site)
    assert (before.matched, before.passes, before.fails) == (41, 0, 41)
    assert [(f.reason, f.field, f.rule, f.actor, f.count) for f in before.failing] == [
        ("unmapped_code", "bizForm", "unmapped_code", "table", 41)
    ]
    add_row(site)
    site.run_dry("food")
    assert site.systems["food"].sends == []
    now = rehearsed(site)
    assert (now.matched, now.checked, now.passes, now.fails, now.failing, now.is_whole) == (41, 41, 41, 0, (), True)
    assert site.systems["food"].sends == []

    begun = requeued(site, canary=5)
    assert (begun.state, begun.matched, begun.queued, len(begun.canaries)) == (State.CANARY, 41, 5, 5)
    site.run(go_on_with_all(site.gate))
    assert count(site, cases, Phase.PARKED) == 36
    site.run_dry("food")
    assert count(site, cases, Phase.DELIVERED) == 5
    site.run(go_on_with_all(site.gate))
    assert begun.requeue_id is not None
    ended = site.run(read_requeue(site.gate, OPERATOR, begun.requeue_id))
    assert (ended.state, ended.queued, ended.skipped) == (State.DONE, 41, 0)
    for _ in range(5):
        site.run_dry("food")
    assert count(site, cases, Phase.DELIVERED) == 41
    assert all(delivery.phase is Phase.DELIVERED for case in cases for delivery in site.deliveries(case, "food"))
    sent: dict[str, list[str]] = {}
    for request in site.systems["food"].sends:
        sent.setdefault(request.keys["case_id"], []).append(request.operation)
    assert list(sent.values()) == [["create", "event"]] * 41
    assert {request.payload["bizForm"] for request in site.systems["food"].sends if request.operation == "create"} == {
        "ST"
    }


def test_what_failed_for_another_reason_or_elsewhere_stays(site: Worksite) -> None:
    """Promise 11."""
    cases = post_unmapped(site, 2)
    site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    other = site.post(an_application("QX9999")).case_id
    site.run_dry("food")
    site.systems["province"].script.append(answer(Outcome.REFUSED, reason="unmapped_code", actor="table"))
    site.run_dry("province")
    site.clock.move(seconds=1)
    add_row(site)
    provinces = [(d.delivery_id, d.phase) for case in cases for d in site.deliveries(case, "province")]
    assert requeued(site).queued == 2
    assert site.only(other, "food", "application").phase is Phase.PARKED
    assert provinces == [(d.delivery_id, d.phase) for case in cases for d in site.deliveries(case, "province")]


def test_each_requeue_leaves_an_entry_and_begins_the_schedule_anew(site: Worksite) -> None:
    """Promise 8."""
    (case_id,) = post_unmapped(site, 1)
    begun = requeued(site)
    (delivery,) = applications(site, [case_id])
    (entry,) = [a for a in site.store.read(lambda tx: tx.attempts(delivery.delivery_id)) if a.kind == "by_hand"]
    assert (entry.outcome, entry.actor) == ("requeued", OPERATOR.name)
    assert entry.detail == {"reason": "row added", "requeue": str(begun.requeue_id)}
    assert (delivery.phase, delivery.tries_count, delivery.detail) == (Phase.PENDING, 0, "")
    told = [(e["action"], e["object"]) for e in site.store.read(lambda tx: tx.list_audit(limit=10))]
    assert {("requeue_begun", f"requeue:{begun.requeue_id}"), ("requeue_done", f"requeue:{begun.requeue_id}")} < {*told}
    assert ("requeued", f"delivery:{delivery.delivery_id}") in told


def test_more_than_the_cap_are_not_begun_with(site: Worksite) -> None:
    cases = post_unmapped(site, 4)
    told = requeued(site, cap=3)
    assert (told.state, told.matched, told.queued, told.requeue_id) == (State.CAP_EXCEEDED, 4, 0, None)
    assert count(site, cases, Phase.PARKED) == 4
    assert site.run(list_requeues(site.gate, OPERATOR)) == ()


def test_a_cap_that_is_exceeded_on_the_way_stops_it(site: Worksite, monkeypatch: pytest.MonkeyPatch) -> None:
    """What was counted when it began may be less than what its turn finds."""
    cases = post_unmapped(site, 4)
    begun = requeued(site, canary=1)
    assert begun.requeue_id is not None
    changed(site, begun, lambda requeue: replace(requeue, cap=2))
    site.run_dry("food")
    deliver(site, begun.canaries)
    after = site.run(go_on(site.gate, begun))
    assert (after.state, after.queued) == (State.CAP_EXCEEDED, 2)
    assert count(site, cases, Phase.PARKED) == 2


def changed(site: Worksite, requeue: Requeue, change: Callable[[Requeue], Requeue]) -> None:
    site.write(lambda tx: tx.save_run(change(requeue).run()))


def deliver(site: Worksite, ids: tuple[UUID, ...]) -> None:
    """As if the system held them."""

    def step(tx: Tx) -> None:
        for delivery_id in ids:
            delivery = tx.delivery(delivery_id)
            assert delivery is not None
            after = replace(delivery, phase=Phase.DELIVERED, reason=None, due_at=None, delivered_at=tx.now)
            assert tx.save_delivery(after, before=delivery)

    site.write(step)


def test_a_canary_that_fails_stops_the_rest_and_says_which(site: Worksite) -> None:
    cases = post_unmapped(site, 6)
    begun = requeued(site, canary=2)
    site.run_dry("food")
    site.run(go_on_with_all(site.gate))
    assert begun.requeue_id is not None
    after = site.run(read_requeue(site.gate, OPERATOR, begun.requeue_id))
    assert (after.state, after.queued, after.failed) == (State.CANARY_FAILED, 2, begun.canaries)
    assert after.ended_at is not None
    assert count(site, cases, Phase.PARKED) == 6
    site.run(go_on_with_all(site.gate))
    assert count(site, cases, Phase.PARKED) == 6


def test_the_rest_waits_while_a_canary_is_neither_delivered_nor_refused(site: Worksite) -> None:
    cases = post_unmapped(site, 3)
    add_row(site)
    site.systems["food"].script.append(answer(Outcome.UNKNOWN))
    begun = requeued(site, canary=1)
    site.step("food")
    assert count(site, cases, Phase.UNCONFIRMED) == 1
    site.run(go_on_with_all(site.gate))
    assert count(site, cases, Phase.PARKED) == 2
    site.clock.move(seconds=10)
    site.run_dry("food")
    site.run(go_on_with_all(site.gate))
    assert count(site, cases, Phase.PARKED) == 0
    assert begun.canaries == (applications(site, cases)[0].delivery_id,)


@pytest.mark.parametrize("stops_after", [1, 2, 3])
def test_a_process_that_stops_between_two_batches_neither_forgets_nor_doubles_any(
    site: Worksite, monkeypatch: pytest.MonkeyPatch, stops_after: int
) -> None:
    """Promises 2 and 3; crash point: after the commit of a batch, before the next one."""
    monkeypatch.setattr(requeueing, "BATCH", 2)
    cases = post_unmapped(site, 7)
    add_row(site)
    steps = 0
    real = site.gate.writer.write

    class Stopped(Exception):
        """The process is gone."""

    async def dying(step: Any) -> Any:
        nonlocal steps
        steps += 1
        if steps > stops_after:
            raise Stopped
        return await real(step)

    monkeypatch.setattr(site.gate.writer, "write", dying)
    with pytest.raises(Stopped):
        requeued(site)
    monkeypatch.setattr(site.gate.writer, "write", real)
    assert count(site, cases, Phase.PARKED) > 0
    again = requeued(site)
    assert (again.state, again.matched, again.queued, again.skipped) == (State.DONE, 7, 7, 0)
    site.run(go_on_with_all(site.gate))
    site.run_dry("food")
    assert count(site, cases, Phase.DELIVERED) == 7
    assert len(site.systems["food"].sends) == 7
    assert len(site.run(list_requeues(site.gate, OPERATOR))) == 1


def test_two_processes_that_go_on_with_one_requeue_move_each_delivery_once(
    site: Worksite, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(requeueing, "BATCH", 2)
    cases = post_unmapped(site, 5)
    begun = requeued(site, canary=1)
    deliver(site, begun.canaries)
    for _ in range(10):
        site.run(go_on_with_all(site.gate))
        site.run(go_on(site.gate, begun))
    assert begun.requeue_id is not None
    ended = site.run(read_requeue(site.gate, OPERATOR, begun.requeue_id))
    assert (ended.state, ended.queued) == (State.DONE, 5)
    entries = [site.attempts(delivery).count("requeued") for delivery in applications(site, cases)]
    assert entries == [1] * 5


def test_one_that_parks_again_is_not_requeued_in_circles(site: Worksite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requeueing, "BATCH", 1)
    cases = post_unmapped(site, 3)
    requeued(site)
    site.run_dry("food")
    site.run(go_on_with_all(site.gate))
    assert count(site, cases, Phase.PARKED) == 3
    assert [site.attempts(d).count("requeued") for d in applications(site, cases)] == [1] * 3


def test_what_moved_meanwhile_is_left_as_it_is(site: Worksite) -> None:
    cases = post_unmapped(site, 3)
    begun = requeued(site, canary=1)
    cancelled = applications(site, cases)[2]
    site.run(cancel(site.gate, OPERATOR, cancelled.delivery_id, reason="typed there"))
    deliver(site, begun.canaries)
    after = site.run(go_on(site.gate, begun))
    assert (after.state, after.queued) == (State.DONE, 2)


def test_what_is_not_parked_is_left_alone_and_counted(site: Worksite) -> None:
    post_unmapped(site, 1)
    site.systems["food"].script.append(answer(Outcome.UNKNOWN))
    unknown = site.post(an_application("QX9001")).case_id
    site.step("food")
    site.post(an_application("QX9002"))
    site.clock.move(seconds=1)
    told = rehearsed(site, Failed(system="food", message="application"))
    assert told.matched == 1
    assert {(left.phase, left.count) for left in told.left_alone} == {(Phase.UNCONFIRMED, 1), (Phase.PENDING, 1)}
    after = requeued(site, Failed(system="food", message="application"))
    assert (after.queued, after.left_alone) == (1, told.left_alone)
    assert site.only(unknown, "food", "application").phase is Phase.UNCONFIRMED


@pytest.mark.parametrize(
    ("failed", "matched"),
    [
        (Failed(system="food", field="bizForm"), 2),
        (Failed(system="food", field="bizScope"), 0),
        (Failed(system="food", rule="unmapped_code"), 2),
        (Failed(system="food", rule="no_row"), 0),
        (Failed(system="food", source="window"), 2),
        (Failed(system="food", source="hall"), 0),
        (Failed(system="food", message="event"), 0),
    ],
)
def test_every_condition_of_the_filter_holds(site: Worksite, failed: Failed, matched: int) -> None:
    post_unmapped(site, 2)
    assert rehearsed(site, failed).matched == matched


def test_a_filter_bounds_item_and_time_of_parking(site: Worksite) -> None:
    cases = post_unmapped(site, 2)
    (case, _) = site.store.read(lambda tx: tx.list_cases(CaseFilter(), after=None, limit=2))
    parked_at = applications(site, cases)[0].changed_at
    assert case.item
    assert rehearsed(site, Failed(system="food", item=case.item)).matched == 2
    assert rehearsed(site, Failed(system="food", item="another")).matched == 0
    assert rehearsed(site, Failed(system="food", since=parked_at, until=parked_at + timedelta(seconds=1))).matched == 2
    assert rehearsed(site, Failed(system="food", until=parked_at)).matched == 0


def test_a_dry_run_stores_nothing(site: Worksite) -> None:
    cases = post_unmapped(site, 3)
    before = [(applications(site, cases), site.counted(), site.store.read(lambda tx: tx.list_audit(limit=50)))]
    rehearsed(site)
    assert before == [(applications(site, cases), site.counted(), site.store.read(lambda tx: tx.list_audit(limit=50)))]
    assert site.run(list_requeues(site.gate, OPERATOR)) == ()


def test_a_dry_run_is_bounded_and_says_so(site: Worksite, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("syncgate.flows.operating.requeue_rehearsal.CHECKED_AT_MOST", 2)
    post_unmapped(site, 3)
    told = rehearsed(site)
    assert (told.matched, told.checked, told.fails) == (3, 2, 2)
    monkeypatch.setattr("syncgate.flows.operating.failed.PAGE", 1)
    monkeypatch.setattr("syncgate.flows.operating.failed.LOOKED_AT_MOST", 2)
    assert not rehearsed(site).is_whole


def test_a_case_that_cannot_be_opened_fails_the_dry_run_alone(site: Worksite) -> None:
    broken, _ = post_unmapped(site, 2)
    add_row(site)

    def step(tx: Tx) -> None:
        case = tx.case(broken)
        assert case is not None
        tx.save_case(replace(case, wrapped_key=bytes(len(case.wrapped_key))))

    site.write(step)
    told = rehearsed(site)
    assert (told.passes, [(f.reason, f.actor, f.count) for f in told.failing]) == (1, [("defect", "developer", 1)])


def test_a_person_requeues_only_what_is_in_scope(site: Worksite) -> None:
    """Promise 10: to a scoped key the rest does not exist."""
    cases = post_unmapped(site, 2)
    elsewhere = replace(OPERATOR, name="elsewhere", regions=("990102",))
    assert rehearsed(site, who=elsewhere).matched == 0
    after = requeued(site, who=elsewhere)
    assert (after.state, after.queued) == (State.DONE, 0)
    assert count(site, cases, Phase.PARKED) == 2
    own = requeued(site, canary=1)
    assert own.requeue_id is not None
    with pytest.raises(NotFound):
        site.run(read_requeue(site.gate, elsewhere, own.requeue_id))
    assert [one.who.name for one in site.run(list_requeues(site.gate, elsewhere))] == ["elsewhere"]


def test_a_person_stops_a_requeue_and_the_rest_stays_as_it_is(site: Worksite) -> None:
    """Promise 9."""
    cases = post_unmapped(site, 3)
    begun = requeued(site, canary=1)
    assert begun.requeue_id is not None
    stopped = site.run(stop(site.gate, OPERATOR, begun.requeue_id, reason="wrong row"))
    assert stopped.state is State.STOPPED
    deliver(site, begun.canaries)
    site.run(go_on_with_all(site.gate))
    assert count(site, cases, Phase.PARKED) == 2
    with pytest.raises(Conflict):
        site.run(stop(site.gate, OPERATOR, begun.requeue_id, reason="again"))


@pytest.mark.parametrize(("failed", "is_bounded"), [(Failed(system="food"), False), (ONE_FAULT, True)])
def test_a_system_alone_bounds_nothing(failed: Failed, is_bounded: bool) -> None:
    assert failed.is_bounded is is_bounded
