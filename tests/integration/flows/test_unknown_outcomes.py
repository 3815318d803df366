"""Nothing is sent blindly again (promise 4), whatever was lost, and whoever died."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Answer, Evidence, Found, Outcome, Reading
from syncgate.domain.rows import AttemptKind, BreakerState, Change, Observed
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.ports import Request
from syncgate.site.bundle import Acknowledgement, Bundle
from tests.integration.flows.altered import altered, rewritten
from tests.integration.flows.worksite import ABSENT, ScriptedSystem, Worksite, activate, answer
from tests.support.cases import a_hotline_case, an_application

UNKNOWN = answer(Outcome.UNKNOWN)


def test_a_lost_answer_is_looked_up_before_anything_is_sent_again(site: Worksite) -> None:
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.takes_silently = True
    accepted = site.post(an_application())
    assert site.step("food") == 1
    assert site.only(accepted.case_id, "food", "application").phase is Phase.UNCONFIRMED
    assert site.step("food") == 0, "absence is not believed before visible_after"
    site.clock.move(seconds=12)
    assert site.step("food") == 0
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
    assert len(food.sends) == 1


def test_what_is_shown_absent_is_sent_again_under_the_same_key(site: Worksite) -> None:
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(seconds=12)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
    first, second = food.sends
    assert first.keys["send_key"] == second.keys["send_key"]
    assert first.payload == second.payload


def test_a_record_that_is_not_ours_parks(site: Worksite) -> None:
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.readings.append(Reading(Found.RECORD, Evidence(), record={"caseNo": "another"}))
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(seconds=12)
    site.step("food")
    parked = site.only(accepted.case_id, "food", "application")
    assert (parked.phase, parked.reason) == (Phase.PARKED, "correction_not_taken")
    assert len(food.sends) == 1


def test_an_update_whose_answer_was_lost_and_that_never_arrived_is_sent_again(site: Worksite) -> None:
    food = site.systems["food"]
    accepted = site.post(an_application())
    site.run_dry("food")
    food.script.append(UNKNOWN)
    site.put(accepted.case_id, an_application(channel="portal"))
    site.step("food")
    site.clock.move(seconds=12)
    site.run_dry("food")
    assert [request.operation for request in food.sends] == ["create", "replace", "replace"]
    assert site.deliveries(accepted.case_id, "food")[-1].phase is Phase.DELIVERED


def test_a_look_up_that_fails_is_asked_again_later(site: Worksite) -> None:
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.takes_silently = True
    undecided = Reading(Found.UNDECIDED, Evidence())
    food.readings.extend([undecided, undecided])
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(seconds=12)
    site.run_dry("food")
    delivery = site.only(accepted.case_id, "food", "application")
    assert delivery.phase is Phase.DELIVERED
    assert site.attempts(delivery) == ["unknown", "undecided", "undecided", "found"]


def test_a_probe_that_is_answered_as_duplicate_shows_presence(site: Worksite) -> None:
    province = site.systems["province"]
    province.script.extend([UNKNOWN, answer(Outcome.DUPLICATE)])
    accepted = site.post(an_application())
    site.step("province")
    assert site.step("province") == 0
    site.clock.move(seconds=12)
    site.run_dry("province")
    assert {phase for _, phase in site.phases(accepted.case_id, "province")} == {"delivered"}
    first, probe = province.sends[:2]
    assert (first.operation, first.payload) == (probe.operation, probe.payload)


def test_a_probe_whose_answer_is_lost_as_well_may_still_run_and_is_waited_for_like_a_send(site: Worksite) -> None:
    """Promise 4: the system may take the probe for new, and show it to the next one only after `visible_after`."""
    province = site.systems["province"]
    province.script.extend([UNKNOWN, UNKNOWN])
    site.post(an_application())
    site.step("province")
    site.clock.move(seconds=12)
    site.step("province")
    assert len(province.sends) == 2
    site.clock.move(seconds=10)
    assert site.step("province") == 0
    assert len(province.sends) == 2, "expected no probe before the one before it must have become visible"
    site.clock.move(seconds=2)
    site.step("province")
    assert len(province.sends) == 3


def test_a_probe_that_the_system_turned_away_is_repeated_on_the_schedule(site: Worksite) -> None:
    province = site.systems["province"]
    province.script.extend([UNKNOWN, answer(Outcome.UNAVAILABLE)])
    site.post(an_application())
    site.step("province")
    site.clock.move(seconds=12)
    site.step("province")
    site.clock.move(seconds=5)
    site.step("province")
    assert len(province.sends) == 3


def test_a_system_that_nobody_can_ask_waits_for_a_person(site: Worksite) -> None:
    """After final_after an unconfirmed delivery has no due time."""
    province = site.systems["province"]
    province.script.append(UNKNOWN)
    province.script.extend(UNKNOWN for _ in range(500))
    accepted = site.post(an_application())
    site.step("province")
    for _ in range(300):
        site.clock.move(seconds=10)
        site.step("province")
    delivery = site.only(accepted.case_id, "province", "basic_info")
    assert (delivery.phase, delivery.due_at) == (Phase.UNCONFIRMED, None)


def test_a_worker_that_dies_after_its_claim_leaves_an_unconfirmed_delivery_and_an_entry(site: Worksite) -> None:
    """Crash point: between claim and settle. Promises 4 and 8."""
    accepted = site.post(an_application())
    work = site.claim_one("food")
    assert site.rescue() == frozenset()
    site.clock.at = work.lane.lease_until or site.clock.at
    assert site.rescue() == {"food"}
    delivery = site.only(accepted.case_id, "food", "application")
    assert delivery.phase is Phase.UNCONFIRMED
    (attempt,) = site.store.read(lambda tx: tx.attempts(delivery.delivery_id))
    assert (attempt.kind, attempt.outcome, attempt.started_at) == (AttemptKind.SYSTEM, "expired_sent", None)
    assert site.step("food") == 0
    site.clock.move(seconds=12)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


def a_dead_workers_unmapped_application(site: Worksite) -> UUID:
    """A worker claims what no table maps and dies; the lease has ended."""
    accepted = site.post(an_application(form={**an_application()["form"], "主体业态": "9"}))
    work = site.claim_one("food")
    site.clock.at = work.lane.lease_until or site.clock.at
    site.rescue()
    return accepted.case_id


def test_what_cannot_be_mapped_and_is_not_there_is_parked_for_its_fault_though_a_worker_died_with_it(
    site: Worksite,
) -> None:
    """Crash point: between claim and mapping. Promise 3: it says what is wrong with it, and waits for no question."""
    case_id = a_dead_workers_unmapped_application(site)
    assert site.only(case_id, "food", "application").phase is Phase.UNCONFIRMED
    site.clock.move(seconds=12)
    site.run_dry("food")
    parked = site.only(case_id, "food", "application")
    assert (parked.phase, parked.reason) == (Phase.PARKED, "unmapped_code")
    assert site.systems["food"].sends == []


def test_what_cannot_be_mapped_and_is_there_stays_in_question(site: Worksite) -> None:
    """Promise 4: nobody can tell whose record that is, so nothing is taken for absent."""
    case_id = a_dead_workers_unmapped_application(site)
    site.systems["food"].readings.append(Reading(Found.RECORD, Evidence(), record={"caseNo": "another"}))
    site.clock.move(seconds=12)
    site.step("food")
    delivery = site.only(case_id, "food", "application")
    assert (delivery.phase, delivery.reason) == (Phase.UNCONFIRMED, "payload_not_derivable")
    assert site.systems["food"].sends == []


def late(site: Worksite, said: Answer | None = None) -> tuple[Work, Verdict]:
    """A send whose worker was frozen until its lease was over, and what it was answered. Promise 8."""
    if said is not None:
        site.systems["food"].script.append(said)
    work = site.claim_one("food")
    verdict = site.serve(work)
    site.clock.at = work.lane.lease_until or site.clock.at
    site.rescue()
    return work, verdict


@pytest.mark.parametrize(
    ("said", "phase", "reason", "outcome"),
    [
        (None, Phase.DELIVERED, None, "found"),
        (answer(Outcome.REFUSED, reason="field_refused", actor="source"), Phase.PARKED, "field_refused", "refused"),
    ],
    ids=["taken", "refused"],
)
def test_a_late_answer_to_what_is_in_doubt_settles_it(
    site: Worksite, said: Answer | None, phase: Phase, reason: str | None, outcome: str
) -> None:
    """Crash point: a worker frozen between send and settle. Promise 4: nothing need be sent to ask."""
    accepted = site.post(an_application())
    work, verdict = late(site, said)
    settled = site.settle(work, verdict)
    assert settled.is_late and settled.next_work is None
    delivery = site.only(accepted.case_id, "food", "application")
    assert (delivery.phase, delivery.reason) == (phase, reason)
    assert site.attempts(delivery) == ["expired_sent", outcome]
    if phase is Phase.DELIVERED:
        assert delivery.remote_ref == "R1"
    site.clock.move(minutes=10)
    site.run_dry("food")
    assert [request.operation for request in site.systems["food"].sends].count("create") == 1
    assert site.settle(work, verdict).is_late, "settled once more, it moves nothing more"
    assert site.only(accepted.case_id, "food", "application").phase is phase


@pytest.mark.parametrize("said", [UNKNOWN, answer(Outcome.DUPLICATE), answer(Outcome.QUEUED_THERE)], ids=str)
def test_a_late_answer_that_decides_nothing_is_kept_and_the_system_is_asked(site: Worksite, said: Answer) -> None:
    """Crash point: as above."""
    site.systems["food"].takes_silently = True
    accepted = site.post(an_application())
    work, verdict = late(site, said)
    assert site.settle(work, verdict).is_late
    delivery = site.only(accepted.case_id, "food", "application")
    assert delivery.phase is Phase.UNCONFIRMED
    assert site.attempts(delivery) == ["expired_sent", verdict.event.value]
    site.clock.move(minutes=10)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
    assert len(site.systems["food"].sends) == 1


def test_a_late_answer_moves_nothing_while_the_question_about_it_is_under_way(site: Worksite) -> None:
    """Promise 5: were it settled, what is newer could be sent while the probe of the older one still runs."""
    accepted = site.post(an_application())
    work, verdict = late(site)
    site.clock.move(seconds=12)
    asked = site.claim_one("food")
    assert site.settle(work, verdict).is_late
    assert site.only(accepted.case_id, "food", "application").phase is Phase.UNCONFIRMED
    site.settle(asked, site.serve(asked))
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


def test_a_late_answer_moves_nothing_that_was_asked_about_since(site: Worksite) -> None:
    """Promise 8: what was asked since may have been a probe, so the answer is not the last word any more."""
    accepted = site.post(an_application())
    work, verdict = late(site)
    site.systems["food"].readings.append(Reading(Found.UNDECIDED, Evidence(), outcome=Outcome.UNAVAILABLE))
    site.clock.move(seconds=12)
    site.step("food")
    assert site.settle(work, verdict).is_late
    delivery = site.only(accepted.case_id, "food", "application")
    assert delivery.phase is Phase.UNCONFIRMED
    assert site.attempts(delivery) == ["expired_sent", "undecided", "taken"]


def test_a_late_answer_wakes_who_waits_for_its_number(site: Worksite) -> None:
    """Promise 3: what waits for a number that only the late answer brings goes out."""
    path = "mappings/province/basic_info.yaml"
    wanted = "projectname: {remote_ref: food}"
    site.run(activate(site.gate, [rewritten(site, "province", path, "projectname: case.title", wanted)]))
    accepted = site.post(an_application())
    site.run_dry("province")
    assert site.systems["province"].sends == []
    work, verdict = late(site)
    assert site.settle(work, verdict).woken == {"food", "province"}
    site.run_dry("province")
    assert site.only(accepted.case_id, "province", "basic_info").phase is Phase.DELIVERED


def test_a_late_answer_is_never_taken_for_that_of_the_next_send(site: Worksite) -> None:
    """Promise 8; crash point: a worker frozen between send and settle, until its delivery is in flight once more."""
    accepted = site.post(an_application())
    first = site.claim_one("food")
    refused = site.serve(first)
    site.systems["food"].held.clear()
    site.clock.at = first.lane.lease_until or site.clock.at
    site.rescue()
    site.clock.move(seconds=12)
    asked = site.claim_one("food")
    site.settle(asked, site.serve(asked), keep=False)
    second = site.claim_one("food")
    assert second.delivery.delivery_id == first.delivery.delivery_id
    assert site.settle(first, refused).is_late
    delivery = site.only(accepted.case_id, "food", "application")
    assert (delivery.phase, delivery.lease_token) == (Phase.IN_FLIGHT, second.token)
    assert not site.settle(second, site.serve(second)).is_late
    assert site.attempts(delivery) == ["expired_sent", "absent", "taken", "taken"]


def test_a_worker_that_wakes_too_late_does_not_send(site: Worksite) -> None:
    """Crash point: frozen between claim and send."""
    site.post(an_application())
    work = site.claim_one("food")
    site.clock.at = work.lane.lease_until or site.clock.at
    site.serve(work)
    assert site.systems["food"].sends == []


def test_settling_twice_moves_once(site: Worksite) -> None:
    """Crash point: a settle whose commit was not seen is repeated."""
    accepted = site.post(an_application())
    work = site.claim_one("food")
    verdict = site.serve(work)
    site.settle(work, verdict)
    assert site.settle(work, verdict).is_late
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


def test_nothing_is_sent_for_a_slot_while_its_outcome_is_open(site: Worksite) -> None:
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    site.put(accepted.case_id, an_application(channel="portal"))
    assert site.step("food") == 0
    assert [d.phase for d in site.deliveries(accepted.case_id, "food")] == [Phase.UNCONFIRMED, Phase.PENDING]
    site.clock.move(seconds=12)
    site.run_dry("food")
    assert [request.operation for request in food.sends] == ["create", "replace"]
    assert {d.phase for d in site.deliveries(accepted.case_id, "food")} == {Phase.DELIVERED}


@pytest.mark.parametrize("lost", [0, 1])
def test_the_work_order_is_there_once_whatever_is_lost(site: Worksite, lost: int) -> None:
    orders = site.systems["workorders"]
    orders.script.append(UNKNOWN)
    orders.takes_silently = bool(lost)
    accepted = site.post(a_hotline_case())
    site.step("workorders")
    site.clock.move(seconds=12)
    site.run_dry("workorders")
    assert site.only(accepted.case_id, "workorders", "order").phase is Phase.DELIVERED
    assert len(orders.sends) == 2 - lost


def a_change_in_doubt(site: Worksite) -> UUID:
    """A case that food holds, and a change of it that never came there, nor its answer here."""
    accepted = site.post(an_application())
    site.run_dry("food")
    site.put(accepted.case_id, an_application(channel="portal"))
    site.systems["food"].script.append(UNKNOWN)
    site.step("food")
    return accepted.case_id


def test_a_change_in_doubt_whose_record_is_there_no_more_is_made_anew(site: Worksite) -> None:
    """Promise 3: sent as a change of what is gone it would be refused for ever."""
    food = site.systems["food"]
    case_id = a_change_in_doubt(site)
    food.held.clear()
    site.clock.move(seconds=12)
    site.run_dry("food")
    assert [request.operation for request in food.sends] == ["create", "replace", "create"]
    first, second = site.deliveries(case_id, "food")
    assert (first.observed, second.phase, second.change) == (Observed.ABSENT, Phase.DELIVERED, Change.CREATE)
    assert site.attempts(first) == ["taken", "observed_absent"]


def test_a_change_in_doubt_whose_record_is_still_as_before_is_a_change_again(site: Worksite) -> None:
    food = site.systems["food"]
    case_id = a_change_in_doubt(site)
    site.clock.move(seconds=12)
    site.run_dry("food")
    assert [request.operation for request in food.sends] == ["create", "replace", "replace"]
    assert site.deliveries(case_id, "food")[0].observed is None


class Rejecting(ScriptedSystem):
    """Says by its flag that it rejected something; what it held is gone by then, or stands."""

    is_gone = False
    polls_at_once = 1

    async def poll(self, requests: Sequence[Request]) -> Sequence[Answer]:
        if self.is_gone:
            self.held.clear()
        return [answer(Outcome.REFUSED, reason="rejected_there", actor="source") for _ in requests]


@pytest.mark.parametrize("is_gone", [True, False])
def test_a_flag_is_about_the_change_only_where_what_was_there_before_still_stands(
    site: Worksite, is_gone: bool
) -> None:
    """Promise 3: what was there before is rejected between the look and the flag; the change never came."""
    food = site.systems["food"] = Rejecting()
    accepted = site.post(an_application())
    site.run_dry("food")
    asked = Acknowledgement(
        operation="read", waits=(timedelta(minutes=1),), final_after=timedelta(days=1), returned_for=None
    )
    site.run(activate(site.gate, [altered(site, "food", acknowledgements={"application": asked})]))
    site.put(accepted.case_id, an_application(channel="portal"))
    food.script.append(UNKNOWN)
    site.step("food")
    food.is_gone = is_gone
    site.clock.move(seconds=12)
    site.run_dry("food")
    delivery = site.deliveries(accepted.case_id, "food")[-1]
    sent = [request.operation for request in food.sends]
    if is_gone:
        assert (sent, delivery.phase) == (["create", "replace", "create"], Phase.DELIVERED)
    else:
        assert (sent, delivery.phase, delivery.reason) == (["create", "replace"], Phase.PARKED, "rejected_there")


def test_a_look_up_that_shows_absence_is_evidence(site: Worksite) -> None:
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.readings.append(ABSENT)
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(seconds=12)
    site.run_dry("food")
    assert site.attempts(site.only(accepted.case_id, "food", "application")) == ["unknown", "absent", "taken"]


def test_a_look_up_that_the_system_cannot_answer_is_no_reason_to_ask_a_person(site: Worksite) -> None:
    """An outage longer than final_after: the breaker learns of it, and the question is asked again after it."""
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    down = Reading(Found.UNDECIDED, Evidence(), outcome=Outcome.UNAVAILABLE)
    for _ in range(30):
        food.readings.append(down)
        site.clock.move(minutes=5)
        site.step("food")
    assert site.row("food").breaker is BreakerState.OPEN
    food.readings.clear()
    site.clock.move(minutes=5)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
    assert len(food.sends) == 1


def confirmed_by(site: Worksite, system: str, by: str) -> Bundle:
    """The system's bundle where another way shows what became of a send."""
    specs = site.gate.active_bundle(system).specs
    policies = {name: replace(spec, confirm=replace(spec.confirm, by=by)) for name, spec in specs.items()}
    return altered(site, system, specs=policies)


def died_with_it(site: Worksite, system: str) -> None:
    """A worker claims, and dies before it does anything; its lease has ended, and what it may have sent is visible."""
    work = site.claim_one(system)
    site.clock.at = work.lane.lease_until or site.clock.at
    site.rescue()
    site.clock.move(minutes=1)
    site.run_dry(system)


def test_a_taking_back_that_no_system_takes_is_parked_also_after_a_worker_died_with_it(site: Worksite) -> None:
    """Promise 3. Crash point: between claim and send. It ended in a defect, asked again and again for ever."""
    site.run(activate(site.gate, [confirmed_by(site, "workorders", "idempotency_key")]))
    accepted = site.post(a_hotline_case())
    site.run_dry("workorders")
    site.withdraw(accepted.case_id)
    died_with_it(site, "workorders")
    (_, retraction) = site.deliveries(accepted.case_id, "workorders")
    assert (retraction.phase, retraction.reason) == (Phase.PARKED, "retraction_not_taken")
    assert len(site.systems["workorders"].sends) == 1


def test_a_change_that_no_system_takes_is_never_probed_with(site: Worksite) -> None:
    """Promise 4. Crash point: between claim and send. The probe sent it as a record of its own, under a new key."""
    path, said = "adapters/workorders/adapter.yaml", "on_change: {update: replace}"
    site.run(activate(site.gate, [rewritten(site, "workorders", path, said, "on_change: hold")]))
    site.run(activate(site.gate, [confirmed_by(site, "workorders", "idempotency_key")]))
    accepted = site.post(a_hotline_case())
    site.run_dry("workorders")
    site.post(a_hotline_case(description="又来电"))
    died_with_it(site, "workorders")
    (_, change) = site.deliveries(accepted.case_id, "workorders")
    assert (change.phase, change.reason) == (Phase.PARKED, "correction_not_taken")
    assert len(site.systems["workorders"].sends) == 1
