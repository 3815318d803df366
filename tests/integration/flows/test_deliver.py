"""From an accepted case to what the systems hold, and what becomes of answers."""

from __future__ import annotations

from datetime import timedelta

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import BreakerState
from tests.integration.flows.worksite import Worksite, answer, taken
from tests.support.cases import a_hotline_case, a_stage, an_application


def test_a_case_reaches_every_system_that_takes_it_and_no_other(site: Worksite) -> None:
    accepted = site.post(an_application())
    planned = {(placed.system, placed.message) for placed in accepted.deliveries}
    assert planned == {("food", "application"), ("province", "basic_info"), ("province", "material")}
    for system in ("food", "province", "workorders"):
        site.run_dry(system)
    assert {d.phase for s in ("food", "province") for d in site.deliveries(accepted.case_id, s)} == {Phase.DELIVERED}
    assert site.systems["workorders"].sends == []


def test_messages_of_a_case_go_in_the_declared_order(site: Worksite) -> None:
    """Promise 5."""
    accepted = site.post(an_application())
    site.append(accepted.case_id, a_stage("s1", "accepted"), a_stage("s2", "step", name="审核"))
    site.append(accepted.case_id, a_stage("s3", "decided", result="agree"))
    finished = {"result_code": "6", "description": "准予许可", "is_delivered": True}
    site.append(accepted.case_id, a_stage("s4", "finished", decision=finished))
    site.run_dry("province")
    operations = [request.operation for request in site.systems["province"].sends]
    wanted = ["receiveBasicInfo", "receiveProc", "receiveProc", "receiveProc", "receiveApplyFile", "receiveDone"]
    assert operations == wanted
    numbers = [r.payload["sn"] for r in site.systems["province"].sends if r.operation == "receiveProc"]
    assert numbers == [1, 2, 3]


def test_what_is_parked_holds_back_only_its_own_case_at_its_own_system(site: Worksite) -> None:
    """Promises 5 and 6."""
    first, second = site.post(an_application("QX1")), site.post(an_application("QX2"))
    site.systems["province"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    site.run_dry("province")
    site.run_dry("food")
    assert site.phases(first.case_id, "province") == [("basic_info", "parked"), ("material", "pending")]
    assert {phase for _, phase in site.phases(second.case_id, "province")} == {"delivered"}
    assert site.phases(first.case_id, "food") == [("application", "delivered")]


def test_an_unmapped_code_parks_with_field_and_rule_and_nothing_is_sent(site: Worksite) -> None:
    """Promise 7."""
    accepted = site.post(an_application(form={**an_application()["form"], "主体业态": "9"}))
    site.run_dry("food")
    parked = site.only(accepted.case_id, "food", "application")
    assert (parked.phase, parked.reason, parked.actor) == (Phase.PARKED, "unmapped_code", "table")
    assert parked.detail.startswith("bizForm: ")
    assert site.systems["food"].sends == []


def test_unavailable_is_tried_again_on_the_schedule_and_the_breaker_opens(site: Worksite) -> None:
    site.systems["food"].script.extend(answer(Outcome.UNAVAILABLE) for _ in range(5))
    accepted = site.post(an_application())
    for _ in range(5):
        site.step("food")
        site.clock.move(seconds=30)
    assert site.row("food").breaker is BreakerState.OPEN
    assert site.only(accepted.case_id, "food", "application").phase is Phase.PENDING
    site.run_dry("food")
    assert site.row("food").breaker is BreakerState.CLOSED
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


def test_an_open_breaker_lets_one_probe_out(site: Worksite) -> None:
    site.systems["food"].script.append(answer(Outcome.DENIED, reason="credentials_refused", actor="operations"))
    for number in range(4):
        site.post(an_application(f"QX{number}"))
    first = site.claim_one("food")
    site.settle(first, site.serve(first), keep=False)
    assert site.row("food").breaker is BreakerState.OPEN
    assert site.claim("food").works == ()
    site.clock.move(seconds=3)
    assert len(site.claim("food").works) == 1
    assert site.claim("food").works == ()


def test_denied_uses_up_no_try(site: Worksite) -> None:
    site.systems["food"].script.append(answer(Outcome.DENIED))
    accepted = site.post(an_application())
    site.step("food")
    assert site.only(accepted.case_id, "food", "application").tries_count == 0


def test_an_outage_parks_nothing_however_long_it_lasts(site: Worksite) -> None:
    """Exhausted is possible only while the system takes others."""
    site.systems["food"].script.extend(answer(Outcome.UNAVAILABLE) for _ in range(40))
    accepted = site.post(an_application())
    for _ in range(40):
        site.clock.move(minutes=30)
        site.step("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.PENDING
    site.clock.move(minutes=30)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


def test_throttled_waits_as_long_as_asked_but_not_for_ever(site: Worksite) -> None:
    site.systems["food"].script.append(answer(Outcome.THROTTLED, retry_after=timedelta(days=3)))
    accepted = site.post(an_application())
    site.step("food")
    due_at = site.only(accepted.case_id, "food", "application").due_at
    bundle = site.gate.active_bundle("food")
    assert due_at is not None
    assert due_at - site.clock.at == bundle.limits.retry_after_at_most


def test_a_refused_delivery_keeps_what_was_sent_and_what_came_back(site: Worksite) -> None:
    """Promise 8."""
    site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    accepted = site.post(an_application())
    site.step("food")
    parked = site.only(accepted.case_id, "food", "application")
    (attempt,) = site.store.read(lambda tx: tx.attempts(parked.delivery_id))
    assert (attempt.outcome, attempt.bundle, attempt.actor) == ("refused", parked.bundle, "syncgate")
    case = site.store.read(lambda tx: tx.case(accepted.case_id))
    assert case is not None
    assert attempt.sent_blob is not None
    blob = site.store.read(lambda tx: tx.blob(str(accepted.case_id), attempt.sent_blob or b""))
    assert blob is not None
    place = f"blob:{accepted.case_id}:{attempt.sent_blob.hex()}"
    assert site.gate.keyring.open(case.wrapped_key, blob.sealed, bound_to=place) == b"sent"


def test_the_remote_ref_is_kept(site: Worksite) -> None:
    site.systems["food"].script.append(taken("SPJY2026000001"))
    accepted = site.post(an_application())
    site.step("food")
    assert site.only(accepted.case_id, "food", "application").remote_ref == "SPJY2026000001"


def test_what_a_system_calls_a_case_names_it(site: Worksite) -> None:
    site.systems["workorders"].script.append(taken("WO-00000001"))
    accepted = site.post(a_hotline_case())
    site.run_dry("workorders")
    assert site.store.read(lambda tx: tx.case_id_by_ref("workorders", "WO-00000001")) == accepted.case_id


def test_a_claim_never_takes_more_than_concurrency_over_all_workers(site: Worksite) -> None:
    for number in range(30):
        site.post(an_application(f"QX{number}"))
    allowed = site.gate.active_bundle("food").limits.concurrency
    first = site.claim("food", limit=100, owner="worker-1")
    second = site.claim("food", limit=100, owner="worker-2")
    assert len(first.works) + len(second.works) == allowed


def test_every_planned_delivery_is_counted_in_exactly_one_phase(site: Worksite) -> None:
    """Promise 3."""
    for number in range(5):
        site.post(an_application(f"QX{number}"))
    site.step("food")
    site.step("province")
    assert site.counted() == 15
