"""A hold stops what it names before the next send, and nothing else; it ends by itself or by a person's word."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Forbidden, NotFound
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import Hold, Principal
from syncgate.flows.accepting.check import check_case
from syncgate.flows.delivering.claim import is_stopped
from syncgate.flows.delivering.work import Work
from syncgate.flows.gate import CaseRef
from syncgate.flows.operating.by_hand import requeue
from syncgate.flows.operating.holds import HoldWish, InvalidHold, Placed, clear_lifted, lift_hold, place_hold
from syncgate.flows.showing.holds import list_holds
from syncgate.flows.showing.reading import list_deliveries, read_passport
from syncgate.flows.showing.systems import read_system
from syncgate.ports import DeliveryFilter, Tx
from tests.integration.flows.altered import OPERATOR, due_at
from tests.integration.flows.worksite import Worksite, answer, call, caller
from tests.support.cases import a_stage, an_application
from tests.support.rows import START

PERSON = Principal(
    principal_id=UUID(int=7), name="值守", role="operator", key_hash=b"k" * 16, key_hint="", created_at=START
)
HOUR = timedelta(hours=1)


def hold(site: Worksite, **what: Any) -> Placed:
    return site.run(place_hold(site.gate, PERSON, HoldWish(reason="their batch runs", **what)))


def lift(site: Worksite, placed: Placed) -> Hold:
    return site.run(lift_hold(site.gate, PERSON, placed.hold.hold_id))


def sent(site: Worksite, system: str) -> int:
    return len(site.systems[system].sends)


def test_a_held_system_is_sent_nothing_and_the_others_go_on(site: Worksite) -> None:
    """Promises 6 and 9."""
    hold(site, system="food")
    accepted = site.post(an_application())
    site.run_dry("food")
    site.run_dry("province")
    assert sent(site, "food") == 0 and sent(site, "province") > 0
    assert site.only(accepted.case_id, "food", "application").phase is Phase.PENDING


def test_a_hold_stops_what_was_due_before_it(site: Worksite) -> None:
    """Promise 9."""
    site.post(an_application())
    hold(site, system="food")
    assert site.claim("food").works == () and sent(site, "food") == 0


def test_lifting_makes_due_what_was_held(site: Worksite) -> None:
    placed = hold(site, system="food")
    site.post(an_application())
    assert due_at(site, "food") is None
    lifted = lift(site, placed)
    assert (lifted.lifted_by, lifted.lifted_at) == ("值守", site.clock.at)
    site.run_dry("food")
    assert sent(site, "food") == 1


def test_a_hold_that_ends_by_itself_needs_nobody(site: Worksite) -> None:
    site.post(an_application())
    hold(site, system="food", until=site.clock.at + HOUR)
    site.clock.move(minutes=59)
    assert site.step("food") == 0
    assert due_at(site, "food") == START + HOUR
    site.clock.move(minutes=1)
    assert site.step("food") == 1


def test_of_two_holds_the_longer_one_counts(site: Worksite) -> None:
    site.post(an_application())
    short = hold(site, system="food", until=site.clock.at + HOUR)
    long = hold(site, message="application", until=site.clock.at + 2 * HOUR)
    assert due_at(site, "food") == START + 2 * HOUR
    lift(site, long)
    assert due_at(site, "food") == START + HOUR
    lift(site, short)
    assert site.step("food") == 1


def test_a_held_message_holds_back_only_what_comes_after_it_in_its_case(site: Worksite) -> None:
    """Promise 5: the steps of a case wait for its held basic record; another message of another system does not."""
    placed = hold(site, system="food", message="event")
    accepted = site.post(an_application(stages=[a_stage("s1", "accepted")]))
    site.run_dry("food")
    assert site.phases(accepted.case_id, "food") == [("application", "delivered"), ("event", "pending")]
    lift(site, placed)
    first = hold(site, system="food", message="application")
    later = site.post(an_application("QX2", stages=[a_stage("s1", "accepted")]))
    site.run_dry("food")
    assert site.phases(accepted.case_id, "food")[1] == ("event", "delivered")
    assert [phase for _, phase in site.phases(later.case_id, "food")] == ["pending", "pending"]
    lift(site, first)
    site.run_dry("food")
    assert [phase for _, phase in site.phases(later.case_id, "food")] == ["delivered", "delivered"]


@pytest.mark.parametrize("what", [{"item": "item"}, {"source": "window"}])
def test_an_item_and_a_source_are_held_at_every_system(site: Worksite, what: dict[str, str]) -> None:
    accepted = site.post(an_application())
    case = site.store.read(lambda tx: tx.case(accepted.case_id))
    assert case is not None
    placed = hold(site, **{name: case.item if name == "item" else value for name, value in what.items()})
    site.run_dry("food")
    site.run_dry("province")
    assert sent(site, "food") == sent(site, "province") == 0
    lift(site, placed)
    site.run_dry("food")
    assert sent(site, "food") == 1


def test_another_item_goes_on_beside_a_held_one(site: Worksite) -> None:
    hold(site, system="food", item="9901999999999")
    site.post(an_application())
    site.run_dry("food")
    assert sent(site, "food") == 1


def test_the_answer_says_what_of_it_was_in_flight(site: Worksite) -> None:
    """Promise 9: what had left is counted, only of what is held."""
    site.post(an_application("QX1"))
    site.post(an_application("QX2"))
    site.claim_one("food")
    assert hold(site, system="food").in_flight == 1
    assert hold(site, system="food", message="event").in_flight == 0
    assert hold(site, system="province").in_flight == 0


def test_what_was_in_flight_is_settled_and_its_next_head_waits(site: Worksite) -> None:
    site.post(an_application(stages=[a_stage("s1", "accepted")]))
    work = site.claim_one("food")
    hold(site, system="food")
    assert site.settle(work, site.serve(work)).next_work is None
    site.run_dry("food")
    assert sent(site, "food") == 1


def test_an_unknown_outcome_is_confirmed_under_a_hold_and_not_sent_again(site: Worksite) -> None:
    """Promises 4 and 9: looking goes on, sending does not."""
    site.systems["food"].script.append(answer(Outcome.UNKNOWN))
    accepted = site.post(an_application())
    site.step("food")
    placed = hold(site, system="food")
    site.run_dry("food")
    delivery = site.only(accepted.case_id, "food", "application")
    assert (delivery.phase, site.attempts(delivery)[-1]) == (Phase.PENDING, "absent")
    assert sent(site, "food") == 1
    lift(site, placed)
    site.run_dry("food")
    assert sent(site, "food") == 2


def test_nothing_held_is_handed_over_from_a_grant(site: Worksite, handed: list[Work]) -> None:
    """Promise 9: the intake leases from the process's grant without a claim."""
    site.grant("food")
    hold(site, system="food", message="application")
    site.post(an_application())
    assert handed == []
    site.gate.hand_over.refill("food", 4, site.clock.at + HOUR)
    site.post(an_application("QX2"))
    assert handed == []


def test_a_claim_that_was_not_acted_on_is_stopped_by_a_later_hold(site: Worksite) -> None:
    """Promise 9, in a process that was slow: it asks again before it sends."""
    site.post(an_application())
    work = site.claim_one("food")
    assert not site.store.read(lambda tx: is_stopped(site.gate, tx, work))
    hold(site, system="food", message="application")
    assert site.store.read(lambda tx: is_stopped(site.gate, tx, work))


def test_a_requeued_delivery_waits_for_the_end_of_its_hold(site: Worksite) -> None:
    site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    accepted = site.post(an_application())
    site.run_dry("food")
    hold(site, system="food", until=site.clock.at + HOUR)
    parked = site.only(accepted.case_id, "food", "application")
    site.run(requeue(site.gate, OPERATOR, parked.delivery_id, reason="mended"))
    assert site.step("food") == 0 and due_at(site, "food") == START + HOUR


def test_held_deliveries_are_shown_as_held(site: Worksite) -> None:
    accepted = site.post(an_application())
    hold(site, system="food", until=site.clock.at + HOUR)
    page = site.run(list_deliveries(site.gate, PERSON, DeliveryFilter(reasons=("held",))))
    (shown,) = page.deliveries
    assert (shown.system, shown.phase, shown.detail) == ("food", Phase.PENDING, "their batch runs")
    assert shown.due_at == START + HOUR
    passport = site.run(read_passport(site.gate, PERSON, CaseRef(case_id=accepted.case_id)))
    opens = {one.system: one.slots[0].opens[0].reason for one in passport.systems if one.slots}
    assert opens["food"] == "held" and opens["province"] is None
    system = site.run(read_system(site.gate, PERSON, "food"))
    assert [one.reason for one in system.holds] == ["their batch runs"]


def test_a_check_at_the_window_tells_of_the_content_whatever_is_held(site: Worksite) -> None:
    hold(site, source="window")
    document = an_application()
    checked = site.run(check_case(site.gate, caller("window"), document, call(document)))
    assert {one.phase for one in checked.deliveries} <= {Phase.PENDING, Phase.PARKED}


def test_holds_are_listed_active_ones_first_and_paged(site: Worksite) -> None:
    placed = [hold(site, system="food") for _ in range(5)]
    lift(site, placed[4])
    lift(site, placed[2])
    wanted = [placed[no].hold.hold_id for no in (3, 1, 0, 4, 2)]
    seen: list[UUID] = []
    after = None
    while True:
        page = site.run(list_holds(site.gate, PERSON, after=after, limit=2))
        seen += [one.hold_id for one in page.holds]
        if page.next is None:
            break
        after = UUID(page.next)
    assert seen == wanted
    active = site.run(list_holds(site.gate, PERSON, is_active=True))
    assert [one.hold_id for one in active.holds] == wanted[:3]


def test_lifting_twice_changes_nothing_and_a_stranger_is_not_found(site: Worksite) -> None:
    placed = hold(site, system="food")
    first = lift(site, placed)
    site.clock.move(minutes=5)
    assert lift(site, placed).lifted_at == first.lifted_at
    with pytest.raises(NotFound):
        site.run(lift_hold(site.gate, PERSON, UUID(int=1)))


@pytest.mark.parametrize(
    ("what", "pointers"),
    [
        ({}, [""]),
        ({"system": "foood"}, ["/system"]),
        ({"system": "food", "message": "basic_info"}, ["/message"]),
        ({"source": "nobody", "message": "nothing"}, ["/source", "/message"]),
        ({"system": "food", "until": START}, ["/until"]),
    ],
)
def test_a_hold_of_nothing_known_or_of_the_past_is_refused(
    site: Worksite, what: dict[str, Any], pointers: list[str]
) -> None:
    with pytest.raises(InvalidHold) as refused:
        hold(site, **what)
    assert [error.pointer for error in refused.value.errors] == pointers


@pytest.mark.parametrize(
    ("scope", "what", "is_inside"),
    [
        ({"systems": ("food",)}, {"system": "food"}, True),
        ({"systems": ("food",)}, {"system": "province"}, False),
        ({"systems": ("food",)}, {"message": "application"}, False),
        ({"sources": ("window",)}, {"source": "window", "system": "food"}, True),
        ({"sources": ("window",)}, {"system": "food"}, False),
        ({"regions": ("990101",)}, {"system": "food"}, False),
    ],
)
def test_nobody_holds_more_than_is_in_scope(
    site: Worksite, scope: dict[str, Any], what: dict[str, str], is_inside: bool
) -> None:
    scoped = Principal(
        principal_id=UUID(int=8), name="x", role="operator", key_hash=b"x" * 16, key_hint="", created_at=START, **scope
    )
    placing = place_hold(site.gate, scoped, HoldWish(reason="why", **what))
    if is_inside:
        assert site.run(placing).hold.by == "x"
        return
    with pytest.raises(Forbidden):
        site.run(placing)


def test_both_acts_are_in_the_audit(site: Worksite) -> None:
    placed = hold(site, system="food", message="application")
    lift(site, placed)
    entries = site.store.read(lambda tx: tx.list_audit(limit=2))
    assert {(e["action"], e["actor"], e["object"]) for e in entries} == {
        ("hold", "值守", f"hold:{placed.hold.hold_id}"),
        ("hold_lifted", "值守", f"hold:{placed.hold.hold_id}"),
    }


def test_a_lifting_that_was_cut_short_is_finished_by_the_clock(site: Worksite) -> None:
    """Crash point: after the hold is lifted, before its lanes are due again. Promise 3."""
    placed = hold(site, system="food")
    site.post(an_application())

    def lifted_only(tx: Tx) -> None:
        found = tx.hold(placed.hold.hold_id)
        assert found is not None
        tx.save_hold(replace(found, lifted_at=tx.now, lifted_by="值守"))

    site.write(lifted_only)
    assert due_at(site, "food") is None
    site.run(clear_lifted(site.gate))
    assert site.step("food") == 1
    assert site.store.read(lambda tx: tx.uncleared_holds()) == []


def test_a_step_that_fails_after_placing_a_hold_leaves_none_to_later_steps(site: Worksite) -> None:
    """Promise 6: steps share a commit, and what one of them took back must not hold the next one's lane."""
    accepted = site.post(an_application())
    placed = hold(site, system="province")

    def failing(tx: Tx) -> None:
        tx.insert_hold(replace(placed.hold, hold_id=UUID(int=99), system="food"))
        assert [one.system for one in tx.active_holds()] == ["food", "province"]
        raise NotFound("expected a failure, got one")

    def later(tx: Tx) -> list[str | None]:
        return [one.system for one in tx.active_holds()]

    failed, seen = site.store.write([failing, later])
    assert isinstance(failed, NotFound) and seen == ["province"]
    assert site.step("food") == 1 and accepted.revision == 1
