"""A person's replan: only it compares under the active bundle, it sends what differs and no more than it may."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, NotFound
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import Principal, Run
from syncgate.flows.gate import CaseRef
from syncgate.flows.operating.by_hand import cancel
from syncgate.flows.operating.replan_tally import Replanned
from syncgate.flows.operating.replan_wish import InvalidReplan, ReplanWish
from syncgate.flows.operating.replanning import JOB, ReplanUnderWay, replan_system
from syncgate.mapping.explanation import Hidden, Value
from syncgate.ports import Tx
from syncgate.storage import SqlStore
from tests.integration.flows.altered import OPERATOR, altered, due_at, rewritten
from tests.integration.flows.worksite import Worksite, activate, answer
from tests.support.cases import a_stage, an_application
from tests.support.rows import START, SetClock

PERSON = Principal(
    principal_id=UUID(int=7), name="对接", role="integrator", key_hash=b"k" * 16, key_hint="", created_at=START
)
PATH = "mappings/food/application.yaml"
SINCE = START - timedelta(days=1)


def replan(site: Worksite, *, cap: int = 1000, by: Principal = PERSON, **wish: Any) -> Replanned:
    more = {name: wish.pop(name) for name in ("is_dry_run", "after") if name in wish}
    asked = ReplanWish(**(wish or {"since": SINCE}))
    return site.run(replan_system(site.gate, by, "food", asked, cap=cap, reason="fixed", **more))


def counted(done: Replanned) -> dict[str, int]:
    counts: dict[str, int] = {}
    for (_, effect), count in done.tally.effects.items():
        counts[effect] = counts.get(effect, 0) + count
    return counts


def change_the_mapping(site: Worksite) -> None:
    """The item's name begins with another word: the same inputs, another payload."""
    new = "itemName: {text: case.item.name, steps: [{prefix: 新}]}"
    site.run(activate(site.gate, [rewritten(site, "food", PATH, "itemName: case.item.name", new)]))


def delivered(site: Worksite, count: int) -> list[UUID]:
    """So many cases that food holds."""
    case_ids = [site.post(an_application(f"QX{no}")).case_id for no in range(count)]
    drain(site)
    return case_ids


def drain(site: Worksite) -> None:
    """Sends all that waits for food, at its rate."""
    while (due := due_at(site, "food")) is not None and due <= site.clock.at:
        site.step("food")
        site.clock.move(milliseconds=500)


def sent(site: Worksite) -> int:
    return len(site.systems["food"].sends)


@pytest.mark.parametrize("count", [200])
def test_a_wrong_mapping_is_mended_where_it_was_delivered(sqlite_site: Worksite, count: int) -> None:
    """Story 11, promises 11 to 13: the deploy queues nothing, the dry run counts, the cap holds, the rest follows."""
    site = sqlite_site
    delivered(site, count)
    assert sent(site) == count
    change_the_mapping(site)
    site.run_dry("food")
    assert sent(site) == count

    dry = replan(site, is_dry_run=True)
    assert (dry.tally.cases, dry.tally.differing, counted(dry)) == (count, count, {"queued": count})
    assert (dry.stopped, len(dry.tally.sample), dict(dry.tally.parks)) == (None, 20, {})
    site.run_dry("food")
    assert sent(site) == count

    first = replan(site, cap=50)
    assert (first.stopped, first.tally.sent) == ("cap_exceeded", 50)
    drain(site)
    assert sent(site) == count + 50

    rest = replan(site, after=first.following)
    assert (rest.stopped, rest.tally.sent, rest.following) == (None, count - 50, None)
    drain(site)
    assert sent(site) == 2 * count
    assert {request.payload["itemName"][0] for request in site.systems["food"].sends[count:]} == {"新"}
    assert replan(site).tally.effects == {}


def test_a_dry_run_shows_field_by_field_what_would_change(site: Worksite) -> None:
    delivered(site, 2)
    change_the_mapping(site)
    dry = replan(site, is_dry_run=True)
    (change,) = dry.tally.sample[0].fields
    assert isinstance(change.before, Value) and isinstance(change.after, Value)
    assert (change.field, change.after.json) == ("itemName", f"新{change.before.json}")
    assert dict(dry.tally.fields) == {("application", "itemName"): 2}
    assert replan(site).tally.sample[0].fields == ()


def test_a_dry_run_shows_no_personal_value(site: Worksite) -> None:
    """Promise 10: what was made of one shows only what kind it is, and how long."""
    delivered(site, 1)
    new = "applicantName: {text: case.applicant.name, steps: [{suffix: 等}]}"
    site.run(activate(site.gate, [rewritten(site, "food", PATH, "applicantName: case.applicant.name", new)]))
    (sample,) = replan(site, is_dry_run=True).tally.sample
    (change,) = sample.fields
    assert (change.field, change.after) == ("applicantName", Hidden("a text", 4))
    assert "张示例" not in repr(change) and change.before != Value("张示例")


def test_a_backfill_has_no_payload_to_show_beside_the_new_one(site: Worksite) -> None:
    food = site.gate.active_bundle("food")
    site.run(activate(site.gate, [altered(site, "food", condition=lambda case: False)]))
    site.post(an_application())
    site.run(activate(site.gate, [food]))
    (sample,) = replan(site, is_dry_run=True).tally.sample
    assert (sample.effect, sample.fields) == ("queued", ())


def test_the_same_call_again_goes_on_after_a_cap(site: Worksite) -> None:
    delivered(site, 5)
    change_the_mapping(site)
    assert replan(site, cap=2).tally.sent == 2
    assert replan(site, cap=2).tally.sent == 2
    last = replan(site, cap=2)
    assert (last.tally.sent, last.stopped) == (1, None)
    assert replan(site).tally.effects == {}


def test_an_event_leaves_alone_what_a_replan_queued(site: Worksite) -> None:
    """The same inputs wait under another bundle: no change back to what is held."""
    (case_id,) = delivered(site, 1)
    change_the_mapping(site)
    replan(site)
    site.patch(case_id, {"description": "与食品系统无关的一句话"})
    assert [phase for _, phase in site.phases(case_id, "food")] == ["delivered", "pending"]
    drain(site)
    assert sent(site) == 2


def test_a_case_is_queued_whole_or_not_at_all(site: Worksite) -> None:
    """A cap between the messages of one case queues none of them."""
    accepted = site.post(an_application(stages=[a_stage("s1", "accepted")]))
    food = site.gate.active_bundle("food")
    site.run_dry("food")
    site.run(activate(site.gate, [altered(site, "food", condition=lambda case: False)]))
    site.post(an_application("QX2", stages=[a_stage("s1", "accepted")]))
    site.run(activate(site.gate, [food]))
    stopped = replan(site, cap=1)
    assert (stopped.stopped, stopped.tally.sent) == ("cap_exceeded", 0)
    done = replan(site, cap=2)
    assert (done.stopped, done.tally.sent) == (None, 2)
    assert len(site.phases(accepted.case_id, "food")) == 2


def test_a_mapping_that_says_the_same_queues_nothing(site: Worksite) -> None:
    delivered(site, 2)
    comment = "itemName: case.item.name  # 事项名称"
    site.run(activate(site.gate, [rewritten(site, "food", PATH, "itemName: case.item.name", comment)]))
    assert replan(site, is_dry_run=True).tally.effects == {}
    assert replan(site).tally.effects == {}


def test_a_system_that_comes_later_gets_what_came_before_it(site: Worksite) -> None:
    """A backfill: cases from before the system took them, queued only by a person."""
    food = site.gate.active_bundle("food")
    site.run(activate(site.gate, [altered(site, "food", condition=lambda case: False)]))
    accepted = site.post(an_application())
    site.run(activate(site.gate, [food]))
    site.post(an_application())
    assert site.phases(accepted.case_id, "food") == []
    assert counted(replan(site)) == {"queued": 1}
    site.run_dry("food")
    assert site.phases(accepted.case_id, "food") == [("application", "delivered")]


def test_what_was_parked_under_the_old_mapping_goes_on_under_the_new(site: Worksite) -> None:
    site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    accepted = site.post(an_application())
    site.run_dry("food")
    assert replan(site).tally.effects == {}
    change_the_mapping(site)
    assert counted(replan(site)) == {"refreshed": 1}
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED


def test_what_waits_unsent_follows_the_active_bundle_by_itself(site: Worksite) -> None:
    site.post(an_application())
    change_the_mapping(site)
    assert replan(site).tally.effects == {}


def test_what_may_have_been_sent_is_left_to_confirm_and_the_new_content_waits_behind_it(site: Worksite) -> None:
    """Promise 4."""
    site.systems["food"].script.append(answer(Outcome.UNKNOWN))
    site.systems["food"].takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    change_the_mapping(site)
    assert counted(replan(site)) == {"queued": 1}
    assert site.phases(accepted.case_id, "food") == [("application", "unconfirmed"), ("application", "pending")]
    site.run_dry("food")
    assert [phase for _, phase in site.phases(accepted.case_id, "food")] == ["delivered", "delivered"]


def test_what_a_person_cancelled_stays_cancelled(site: Worksite) -> None:
    accepted = site.post(an_application())
    delivery = site.only(accepted.case_id, "food", "application")
    site.run(cancel(site.gate, OPERATOR, delivery.delivery_id, reason="typed there by hand"))
    change_the_mapping(site)
    assert replan(site).tally.effects == {}


def test_a_dry_run_says_what_would_park_and_why(site: Worksite) -> None:
    delivered(site, 2)
    unmapped = "itemName: {text: case.item.name, limit: {chars: 3, beyond: error}}"
    site.run(activate(site.gate, [rewritten(site, "food", PATH, "itemName: case.item.name", unmapped)]))
    dry = replan(site, is_dry_run=True)
    assert dict(dry.tally.parks) == {("application", "too_long"): 2}
    assert counted(dry) == {"queued": 2}
    assert site.counted() == site.counted() and sent(site) == 2


@pytest.mark.parametrize(
    ("wish", "found"),
    [
        ({"item": "9901010001"}, 0),
        ({"source": "window"}, 2),
        ({"source": "hall"}, 0),
        ({"region": "99"}, 2),
        ({"region": "12"}, 0),
        ({"message": "application"}, 2),
        ({"message": "event"}, 0),
        ({"since": START}, 2),
        ({"since": START + timedelta(seconds=1)}, 0),
        ({"since": SINCE, "until": START}, 0),
    ],
)
def test_only_what_is_meant_is_compared(site: Worksite, wish: dict[str, Any], found: int) -> None:
    delivered(site, 2)
    change_the_mapping(site)
    assert replan(site, is_dry_run=True, **wish).tally.differing == found


def test_one_case_and_one_item_are_meant_by_their_names(site: Worksite) -> None:
    first, _ = delivered(site, 2)
    change_the_mapping(site)
    case = site.store.read(lambda tx: tx.case(first))
    assert case is not None
    assert replan(site, is_dry_run=True, item=case.item).tally.differing == 2
    assert replan(site, is_dry_run=True, case=CaseRef(system="window", number="QX0")).tally.differing == 1
    assert replan(site, case=CaseRef(case_id=first)).tally.sent == 1
    with pytest.raises(NotFound):
        replan(site, case=CaseRef(case_id=UUID(int=5)))


@pytest.mark.parametrize("wish", [{"until": START}, {"message": "basic_info"}, {"source": "nobody"}])
def test_a_replan_of_everything_or_of_nothing_known_is_refused(site: Worksite, wish: dict[str, Any]) -> None:
    with pytest.raises(InvalidReplan):
        replan(site, **wish)


def test_only_what_is_in_scope_is_compared(site: Worksite) -> None:
    delivered(site, 2)
    change_the_mapping(site)
    assert replan(site, by=replace(PERSON, sources=("hall",))).tally.cases == 0
    assert replan(site, by=replace(PERSON, regions=("12",))).tally.cases == 0
    with pytest.raises(NotFound):
        replan(site, by=replace(PERSON, systems=("province",)))
    with pytest.raises(NotFound):
        site.run(replan_system(site.gate, PERSON, "nowhere", ReplanWish(item="x"), cap=1, reason="x"))


@pytest.mark.parametrize("mode", ["draft", "retired"])
def test_a_system_that_takes_nothing_is_not_replanned(site: Worksite, mode: Any) -> None:
    """Else all that it holds would be taken back."""
    delivered(site, 1)
    site.run(activate(site.gate, [altered(site, "food", mode=mode)]))
    with pytest.raises(Conflict):
        replan(site)


def test_two_at_once_for_one_system_are_refused_until_the_first_is_over_or_dead(site: Worksite) -> None:
    """Crash point: a process dies in the middle of a replan; its turn ends with its lease."""
    run = Run(job=JOB, slot="food", claimed_by="dead", claimed_at=START, lease_until=START + timedelta(seconds=60))
    site.write(lambda tx: tx.insert_run(run))
    with pytest.raises(ReplanUnderWay, match=START.isoformat().replace("+", r"\+")):
        replan(site)
    assert replan(site, is_dry_run=True).stopped is None
    site.clock.move(seconds=60)
    assert replan(site).stopped is None
    assert replan(site).stopped is None


def test_a_replan_that_lost_its_turn_queues_nothing_more(site: Worksite) -> None:
    """Promise 2 between processes: whoever was taken over from stops before its next write."""
    delivered(site, 2)
    change_the_mapping(site)
    taken_over: list[bool] = []

    async def write(step: Any) -> Any:
        if getattr(getattr(step, "func", None), "__name__", "") == "_written" and not taken_over:
            taken_over.append(True)
            run = Run(job=JOB, slot="food", claimed_by="other", claimed_at=START)
            await before(lambda tx: tx.save_run(run))
        return await before(step)

    before = site.gate.writer.write
    site.gate.writer.write = write  # type: ignore[method-assign]
    with pytest.raises(ReplanUnderWay):
        replan(site)
    site.gate.writer.write = before  # type: ignore[method-assign]
    assert site.counted() == 2 + site.store.read(lambda tx: _province(tx))


def _province(tx: Tx) -> int:
    return sum(count for (system, _, _), count in tx.counters().items() if system != "food")


def test_a_replan_is_in_the_audit_with_what_it_did(site: Worksite) -> None:
    delivered(site, 1)
    change_the_mapping(site)
    replan(site, source="window", cap=5)
    ended, begun = site.store.read(lambda tx: tx.list_audit(limit=2))
    assert {begun["action"], ended["action"]} == {"replan", "replan_ended"}
    entries = {entry["action"]: entry for entry in (begun, ended)}
    assert entries["replan"]["detail"] == {"source": "window", "cap": 5}
    assert (entries["replan"]["actor"], entries["replan"]["reason"]) == ("对接", "fixed")
    assert entries["replan_ended"]["detail"]["queued"] == 1


def test_a_case_that_cannot_be_compared_holds_up_no_other(site: Worksite) -> None:
    """Promise 6: its case's key is gone."""
    first, second = delivered(site, 2)
    change_the_mapping(site)

    def broken(tx: Tx) -> None:
        case = tx.case(first)
        assert case is not None
        tx.save_case(replace(case, wrapped_key=b"x" * 65))

    site.write(broken)
    done = replan(site)
    assert (done.tally.failed, counted(done)) == ([first], {"queued": 1})
    assert [phase for _, phase in site.phases(second, "food")] == ["delivered", "pending"]


@pytest.fixture
def sqlite_site(sqlite_store: SqlStore, clock: SetClock) -> Worksite:
    from tests.integration.flows.worksite import worksite

    return worksite(sqlite_store, clock)
