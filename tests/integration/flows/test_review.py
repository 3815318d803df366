"""What a sceptical reading of the flows found: each test names the promise that its history breaks."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any, TypeVar

import pytest

from syncgate.domain.delivery import Event, Phase
from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.outcome import Evidence, Found, Outcome, Reading
from syncgate.domain.rows import BreakerState, Delivery
from syncgate.flows import by_hand
from syncgate.flows.dispatch import Dispatcher, DispatchSettings
from syncgate.flows.gate import CaseRef
from syncgate.flows.intake import append_stages
from syncgate.flows.send import send
from syncgate.flows.work import Work
from syncgate.ports import Request, Step, Tx
from syncgate.ports.store import DeliveryFilter
from syncgate.site.bundle import Bundle
from syncgate.site.compiler import compile_bundle
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import (
    KEYRING,
    WORKER,
    ScriptedSystem,
    Worksite,
    activate,
    answer,
    call,
    caller,
    example_site,
    taken,
)
from tests.support.cases import a_stage, an_application
from tests.support.rows import START, SetClock

T = TypeVar("T")
OPERATOR = caller("operator").principal
UNKNOWN = answer(Outcome.UNKNOWN)
LONGEST_REQUEST = timedelta(seconds=6)
VISIBLE_AFTER = timedelta(seconds=5)
"""Both as food's adapter says."""


def rewritten(site: Worksite, system: str, path: str, old: str, new: str) -> Bundle:
    """The active bundle of a system with one text replaced in one of its files."""
    files = dict(site.gate.active_bundle(system).files)
    text = files[path].decode()
    assert old in text
    files[path] = text.replace(old, new).encode()
    mac = lambda content: KEYRING.mac("inputs", content)  # noqa: E731
    return compile_bundle(system, files, mac=mac, schema=example_site().schema)


def altered(site: Worksite, system: str, **changes: Any) -> Bundle:
    """The active bundle of a system with other fields, under a digest of its own."""
    old = site.gate.active_bundle(system)
    return replace(old, digest="sha256:" + "ab" * 32, **changes)


def held_for_a_person(site: Worksite, system: str) -> Bundle:
    """The system's bundle where nobody can be asked what became of a send."""
    specs = site.gate.active_bundle(system).specs
    policies = {name: replace(spec, confirm=replace(spec.confirm, by="hold")) for name, spec in specs.items()}
    return altered(site, system, specs=policies)


def due_at(site: Worksite, system: str) -> Any:
    return site.store.read(lambda tx: tx.next_due_at(system))


@pytest.fixture
def handed(site: Worksite) -> list[Work]:
    """The lanes that were handed over, as the dispatcher would get them."""
    works: list[Work] = []

    def receive(more: Sequence[Work]) -> None:
        works.extend(more)

    site.gate.hand_over.connect(receive)
    return works


# waiting for another system's number


def test_a_wait_for_one_messages_number_is_no_loop_while_another_message_has_one(site: Worksite) -> None:
    """Promise 6; a lane claimed again and again without a wait, each time with an attempt more."""
    path = "mappings/province/basic_info.yaml"
    wanted = "projectname: {remote_ref: food, message: event}"
    site.run(activate(site.gate, [rewritten(site, "province", path, "projectname: case.title", wanted)]))
    site.post(an_application())
    site.run_dry("food")
    site.step("province")
    assert due_at(site, "province") is None


def test_a_lane_that_waits_for_a_number_is_woken_by_the_post_that_brings_it(site: Worksite) -> None:
    """Promise 3: `waits_for` never woken. Crash point: none is needed."""
    path = "mappings/province/basic_info.yaml"
    wanted = "projectname: {case_ref: hall}"
    site.run(activate(site.gate, [rewritten(site, "province", path, "projectname: case.title", wanted)]))
    accepted = site.post(an_application("QX1"))
    site.run_dry("province")
    site.post(an_application("HL7", references={"window": "QX1"}), source="hall")
    site.run_dry("province")
    assert site.only(accepted.case_id, "province", "basic_info").phase is Phase.DELIVERED


def test_two_waits_of_one_lane_end_each_by_itself(site: Worksite) -> None:
    """Promise 6: what waits for a number that came is not held up by another that did not."""
    old = site.gate.active_bundle("province")
    files = dict(old.files)
    for path, before, after in (
        ("mappings/province/basic_info.yaml", "projectname: case.title", "projectname: {remote_ref: food}"),
        ("mappings/province/material.yaml", "attrname: material.name", "attrname: {remote_ref: workorders}"),
        ("adapters/province/adapter.yaml", "    of: material\n", "    of: material\n    after: []\n"),
    ):
        text = files[path].decode()
        assert before in text, text
        files[path] = text.replace(before, after).encode()
    mac = lambda content: KEYRING.mac("inputs", content)  # noqa: E731
    bundle = compile_bundle("province", files, mac=mac, schema=example_site().schema)
    site.run(activate(site.gate, [bundle]))
    accepted = site.post(an_application())
    site.run_dry("province")
    site.run_dry("food")
    site.run_dry("province")
    assert site.only(accepted.case_id, "province", "basic_info").phase is Phase.DELIVERED


@dataclass
class NumberedSystem(ScriptedSystem):
    """Shows its number in a look-up where it is asked for, as the rest transport does."""

    async def look_up(self, request: Request, **how: Any) -> Reading:
        reading = await super().look_up(request, **how)
        is_there = reading.found is Found.RECORD and request.remote_ref_at
        return replace(reading, remote_ref="SPJY1") if is_there else reading


def test_a_look_up_that_finds_the_record_keeps_the_systems_number(site: Worksite) -> None:
    """Promises 3 and 6; crash point: the answer is lost. Without the number whoever waits for it waits for ever."""
    food = site.systems["food"] = NumberedSystem()
    food.script.append(UNKNOWN)
    food.takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(seconds=12)
    site.run_dry("food")
    delivered = site.only(accepted.case_id, "food", "application")
    assert (delivered.phase, delivered.remote_ref) == (Phase.DELIVERED, "SPJY1")


# after a deploy


def test_the_second_event_after_a_deploy_sends_nothing_of_its_own(site: Worksite) -> None:
    """Promise 13: a re-send without any change of the case."""
    accepted = site.post(an_application())
    site.run_dry("food")
    path = "mappings/food/application.yaml"
    bundle = rewritten(site, "food", path, "itemName: case.item.name", "itemName: case.title")
    site.run(activate(site.gate, [bundle]))
    site.put(accepted.case_id, an_application(channel="portal"))
    site.run_dry("food")
    assert len(site.systems["food"].sends) == 2
    site.patch(accepted.case_id, {"description": "与食品系统无关的一句话"})
    site.run_dry("food")
    assert len(site.systems["food"].sends) == 2


def test_an_event_after_a_deploy_retracts_nothing_that_the_event_left_alone(site: Worksite) -> None:
    """Promise 13: a changed `applies_to` queues a retraction with the next unrelated event."""
    accepted = site.post(an_application())
    site.run_dry("food")
    site.run(activate(site.gate, [altered(site, "food", condition=lambda case: False)]))
    site.patch(accepted.case_id, {"description": "与食品系统无关的一句话"})
    assert site.phases(accepted.case_id, "food") == [("application", "delivered")]


def test_a_change_whose_message_a_deploy_removed_holds_up_no_other_case(site: Worksite) -> None:
    """Promises 5 and 6: one lane stops its whole system."""
    first, second = site.post(an_application("QX1")), site.post(an_application("QX2"))
    site.run_dry("food")
    site.put(first.case_id, an_application("QX1", channel="portal"))
    site.append(second.case_id, a_stage("s1", "accepted"))
    old = site.gate.active_bundle("food")
    messages = tuple(replace(m, after=()) for m in old.messages if m.name != "application")
    specs = {name: spec for name, spec in old.specs.items() if name != "application"}
    site.run(activate(site.gate, [altered(site, "food", messages=messages, specs=specs)]))
    site.step("food")
    assert site.only(second.case_id, "food", "event").phase is Phase.DELIVERED


def test_nothing_is_handed_over_once_a_deploy_made_the_system_a_shadow(site: Worksite, handed: list[Work]) -> None:
    """Promise 9 and `mode: shadow` (sends nothing); up to a second after the deploy."""
    granted(site)
    site.run(activate(site.gate, [altered(site, "food", mode="shadow")]))
    site.post(an_application())
    assert handed == []


# pause, breaker, grants


def granted(site: Worksite) -> None:
    claimed = site.claim("food", limit=4)
    assert claimed.granted_until is not None
    site.gate.hand_over.refill("food", claimed.granted, claimed.granted_until)


def test_a_pause_between_a_claims_commit_and_its_return_ends_the_grant(site: Worksite, handed: list[Work]) -> None:
    """Promise 9; race: the writer thread commits claim and pause before the event loop notes the claim's grant."""
    claimed = site.claim("food", limit=4)
    assert claimed.granted_until is not None
    site.run(by_hand.pause(site.gate, OPERATOR, "food", reason="their maintenance"))
    site.gate.hand_over.refill("food", claimed.granted, claimed.granted_until)
    site.post(an_application())
    assert handed == []


def test_a_claim_that_sends_nothing_begins_no_probe(site: Worksite) -> None:
    """A probe that never settles: the open time grows from probe_after to a lease."""
    row = replace(site.row("food"), breaker=BreakerState.OPEN, breaker_until=site.clock.at + timedelta(seconds=2))
    site.write(lambda tx: tx.save_system(row))
    site.gate.hand_over.refill("food", 3, site.clock.at + timedelta(seconds=1))
    site.gate.hand_over.connect(lambda works: None)
    assert site.claim("food").works == ()
    assert not site.row("food").is_probing


def test_a_probe_that_is_parked_unsent_makes_way_for_the_next(site: Worksite) -> None:
    """Promise 6: each case that cannot be mapped keeps a system that is well again shut for a whole lease."""
    site.systems["food"].script.append(answer(Outcome.DENIED))
    site.post(an_application("QX0"))
    site.step("food")
    site.clock.move(seconds=1)
    bad = {**an_application()["form"], "主体业态": "9"}
    site.write(lambda tx: tx.save_system(replace(site.row("food"), breaker_until=site.clock.at)))
    (first,) = _all_food(site)
    site.run(by_hand.cancel(site.gate, OPERATOR, first.delivery_id, reason="not of this test"))
    site.post(an_application("QX1", form=bad))
    site.clock.move(seconds=1)
    site.post(an_application("QX2"))
    site.step("food")
    assert [d.reason for d in _all_food(site) if d.phase is Phase.PARKED] == ["unmapped_code"]
    assert site.step("food") == 1


def _all_food(site: Worksite) -> list[Delivery]:
    where = DeliveryFilter(systems=("food",))
    return site.store.read(lambda tx: tx.list_deliveries(where, after=None, limit=9))


def test_a_settle_that_is_repeated_counts_one_failure(site: Worksite) -> None:
    """Promise 8: a late entry moves nothing else. Crash point: the commit of a settle is not seen."""
    site.systems["food"].script.append(answer(Outcome.UNAVAILABLE))
    site.post(an_application())
    work = site.claim_one("food")
    verdict = site.serve(work)
    site.settle(work, verdict)
    assert site.settle(work, verdict).is_late
    assert site.row("food").failures_count == 1


# leases


def test_a_worker_whose_clock_is_behind_does_not_send_after_its_lease(site: Worksite) -> None:
    """Promise 4; crash point: frozen between claim and send, on a machine a minute behind the store."""
    late = SetClock(START - timedelta(minutes=1))
    behind = replace(site, gate=replace(site.gate, clock=late))
    behind.post(an_application())
    work = behind.claim_one("food")
    lease = (work.lane.lease_until or START) - START
    site.clock.at, late.at = site.clock.at + lease, late.at + lease
    site.rescue()
    behind.serve(work)
    assert site.systems["food"].sends == []


def test_a_worker_whose_clock_is_ahead_does_not_claim_in_circles(site: Worksite) -> None:
    """A hot loop that sends nothing and adds an attempt at each turn."""
    ahead = replace(site, gate=replace(site.gate, clock=SetClock(START + timedelta(minutes=1))))
    ahead.post(an_application())
    ahead.step("food")
    sent = len(site.systems["food"].sends)
    assert sent == 1 or (due_at(site, "food") or START) > site.clock.at


def test_noting_the_start_of_a_send_keeps_what_the_lane_learned_since(site: Worksite) -> None:
    """Promise 2 and design §6; race: a post that names the system's number between claim and send."""
    site.run(activate(site.gate, [held_for_a_person(site, "food")]))
    accepted = site.post(an_application("QX1"))
    work = site.claim_one("food")
    site.put(accepted.case_id, an_application("QX1", references={"food": "SP7"}))
    site.systems["food"].script.append(taken(None))
    site.settle(work, site.serve(work))
    assert site.store.read(lambda tx: tx.case_id_by_ref("food", "SP7")) == accepted.case_id


class Down:
    """A writer whose store is gone."""

    async def write(self, step: Step[T]) -> T:
        raise StoreUnavailable("expected the store, got none")

    async def read(self, step: Step[T]) -> T:
        raise StoreUnavailable("expected the store, got none")

    async def aclose(self) -> None:
        pass


def test_a_start_that_cannot_be_noted_leaves_nothing_to_ask_a_person(site: Worksite) -> None:
    """Not yet sent is not maybe sent; crash point: the store goes between claim and send."""
    site.run(activate(site.gate, [held_for_a_person(site, "food")]))
    site.post(an_application())
    work = site.claim_one("food")
    gate = replace(site.gate, writer=Down())
    assert site.run(send(gate, work, site.system_of)).event is Event.HANDED_BACK


def test_a_worker_that_dies_with_a_probe_leaves_an_entry(site: Worksite) -> None:
    """Promise 8: a probe is a send. Crash point: between the probe and its settle."""
    site.systems["province"].script.append(UNKNOWN)
    accepted = site.post(an_application())
    site.step("province")
    site.clock.move(seconds=12)
    work = site.claim_one("province")
    site.serve(work)
    site.clock.at = work.lane.lease_until or START
    site.rescue()
    assert len(site.attempts(site.only(accepted.case_id, "province", "basic_info"))) == 2


def test_after_a_crash_absence_is_not_believed_while_the_request_can_still_run(site: Worksite) -> None:
    """Promise 4; crash point: `kill -9` right after the bytes left, and a start right after that."""
    accepted = site.post(an_application())
    site.serve(site.claim_one("food"))
    site.write(lambda tx: tx.expire_leases())
    site.rescue()
    asked_at = site.only(accepted.case_id, "food", "application").due_at
    assert asked_at is not None
    assert asked_at >= site.clock.at + LONGEST_REQUEST + VISIBLE_AFTER


def test_a_person_who_decides_during_a_look_up_does_not_keep_the_lane_leased(site: Worksite) -> None:
    """A lease that nobody uses until it runs out."""
    site.systems["food"].script.append(UNKNOWN)
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(seconds=12)
    work = site.claim_one("food")
    delivery = site.only(accepted.case_id, "food", "application")
    site.run(by_hand.confirm(site.gate, OPERATOR, delivery.delivery_id, held=False, remote_ref=None, reason="seen"))
    site.settle(work, site.serve(work))
    assert len(site.claim("food").works) == 1


# unconfirmed


def test_an_outage_longer_than_final_after_leaves_nothing_to_a_person_that_the_system_can_tell(
    site: Worksite,
) -> None:
    """An unconfirmed delivery without a due time although the system can be asked again after its outage."""
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    food.readings.extend(Reading(Found.DENIED, Evidence("GET /", None, b"", 401)) for _ in range(40))
    for _ in range(40):
        site.clock.move(minutes=1)
        site.step("food")
    food.readings.clear()
    site.clock.move(minutes=1)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


def test_a_question_that_was_not_asked_is_not_the_last_one(site: Worksite) -> None:
    """An unconfirmed delivery without a due time; crash point: stopped for longer than final_after, then too busy."""
    food = site.systems["food"]
    food.script.append(UNKNOWN)
    food.takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    site.clock.move(hours=1)
    work = site.claim_one("food")
    site.clock.at = (work.lane.lease_until or START) - timedelta(seconds=1)
    site.settle(work, site.serve(work))
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


# the dispatcher itself


def dispatching(site: Worksite) -> Dispatcher:
    return Dispatcher(site.gate, site.system_of, DispatchSettings(owner=WORKER, poll_interval=timedelta(seconds=0.05)))


async def until(holds: Callable[[], bool]) -> None:
    async with asyncio.timeout(5):
        while not holds():
            await asyncio.sleep(0.01)


@dataclass
class BrokenSystem(ScriptedSystem):
    """Its transport has a defect that shows after the bytes left."""

    async def send(self, request: Request) -> Any:
        self.sends.append(request)
        raise RuntimeError


def test_after_a_defect_in_a_send_absence_is_not_believed_while_the_request_can_still_run(site: Worksite) -> None:
    """Promise 4; crash point: an exception of ours after the bytes left. `final_after` never comes either."""
    site.systems["food"] = BrokenSystem()
    accepted = site.post(an_application())

    async def history() -> None:
        dispatcher = dispatching(site)
        dispatcher.start()
        await until(lambda: site.only(accepted.case_id, "food", "application").phase is Phase.UNCONFIRMED)
        await dispatcher.stop()

    site.run(history())
    delivery = site.only(accepted.case_id, "food", "application")
    assert delivery.due_at is not None
    assert delivery.due_at >= site.clock.at + LONGEST_REQUEST + VISIBLE_AFTER


@dataclass
class SlowWriter:
    """Commits at once, and tells of it a little later; as a writer thread does."""

    store: SqlStore
    is_slow: bool = False
    has_begun: asyncio.Event = field(default_factory=asyncio.Event)

    async def write(self, step: Step[T]) -> T:
        (result,) = self.store.write([step])
        if self.is_slow:
            self.has_begun.set()
            await asyncio.sleep(0.2)
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    async def read(self, step: Step[T]) -> T:
        return self.store.read(step)

    async def aclose(self) -> None:
        pass


def test_a_stop_during_a_claim_hands_back_what_was_claimed(site: Worksite) -> None:
    """A graceful stop hands back; crash point: SIGTERM while a claim commits."""
    accepted = site.post(an_application())

    async def history() -> None:
        writer = SlowWriter(site.store)
        dispatcher = dispatching(replace(site, gate=replace(site.gate, writer=writer, active=_food_only(site))))
        writer.is_slow = True
        dispatcher.start()
        await until(lambda: site.only(accepted.case_id, "food", "application").phase is Phase.IN_FLIGHT)
        await dispatcher.stop()

    site.run(history())
    assert site.only(accepted.case_id, "food", "application").phase is Phase.PENDING


def _food_only(site: Worksite) -> dict[str, str]:
    return {"food": site.gate.active["food"]}


# the intake


def test_a_system_that_posts_a_case_under_its_own_number_is_sent_nothing(site: Worksite) -> None:
    """Design §6, no doubled record: food typed the case in itself, and says which one of ours it is."""
    site.post(an_application("QX1"))
    site.post(an_application("SP9", references={"window": "QX1"}), source="food")
    site.run_dry("food")
    assert site.systems["food"].sends == []


def test_a_system_that_got_a_case_from_us_reports_its_stages(site: Worksite) -> None:
    """Design §6: any system's own number names the case; today 409 `reference_is_fixed` for ever."""
    accepted = site.post(an_application())
    site.systems["food"].script.append(taken("SPJY1"))
    site.run_dry("food")
    stages = [a_stage("s1", "accepted")]
    ref = CaseRef(system="food", number="SPJY1")
    after = site.run(append_stages(site.gate, caller("food"), ref, stages, call(stages)))
    assert (after.case_id, after.revision) == (accepted.case_id, 2)


class Blind:
    """A transaction that does not see yet what another one commits meanwhile."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def case_id_by_ref(self, system: str, case_ref: str) -> None:
        return None

    def submission_by_key(self, source: str, idempotency_key: str) -> None:
        return None


@dataclass
class RacingWriter:
    """The first write loses a race: it looked before the winner's commit, and inserts after it."""

    store: SqlStore
    has_lost: bool = False

    async def write(self, step: Step[T]) -> T:
        blind, self.has_lost = not self.has_lost, True
        raced: Any = (lambda tx: step(Blind(tx))) if blind else step
        (result,) = self.store.write([raced])
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    async def read(self, step: Step[T]) -> T:
        return self.store.read(step)

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize("key", [None, "K1"])
def test_of_two_first_posts_at_once_both_are_accepted(site: Worksite, key: str | None) -> None:
    """Promise 2; race: two processes on PostgreSQL, each with the same new case."""
    first = site.post(an_application(), key=key)
    other = replace(site, gate=replace(site.gate, writer=RacingWriter(site.store)))
    again = other.post(an_application(), key=key)
    assert (again.case_id, again.revision, again.receipt) == (first.case_id, 1, first.receipt)


def test_a_replay_names_the_deliveries_of_the_first_answer(site: Worksite) -> None:
    """Promise 2 and design §8: the first identifiers, with the phases of now."""
    first = site.post(an_application(), key="K1")
    site.clock.move(seconds=1)
    site.append(first.case_id, a_stage("s1", "accepted"))
    again = site.post(an_application(), key="K1")
    assert {d.delivery_id for d in again.deliveries} == {d.delivery_id for d in first.deliveries}
