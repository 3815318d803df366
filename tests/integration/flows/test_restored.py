"""A store that was put back to an older state asks before it sends (promise 4), on both engines.

Each test goes on after the backup, so that the systems hold what the restored store knows nothing of.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import Delivery
from syncgate.flows.operating.restored import Restored, put_all_in_question
from syncgate.ports import DeliveryFilter
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import DirectWriter, Worksite, answer, worksite
from tests.support.backups import Backup
from tests.support.cases import a_stage, an_application
from tests.support.rows import SetClock

OpenStore = Callable[..., SqlStore]
DOWN = answer(Outcome.UNAVAILABLE)


class Restoring:
    """A worksite whose store can be backed up and put back while its systems go on."""

    def __init__(self, url: str, open_store: OpenStore, clock: SetClock) -> None:
        self._url, self._open, self._clock = url, open_store, clock
        self.site = worksite(open_store(url, clock=clock), clock)
        self._backup: Backup | None = None

    def back_up(self) -> None:
        self.site.store.close()
        self._backup = Backup.of(self._url)
        self._reopen()

    def put_back(self) -> None:
        """The disk is lost, the backup is restored; nobody has said so to the gate yet."""
        assert self._backup is not None
        self.site.store.close()
        self._backup.put_back()
        self._reopen()
        self._clock.move(minutes=10)

    def restore(self, **how: Any) -> Restored:
        self.put_back()
        return self.put_in_question(**how)

    def put_in_question(self, **how: Any) -> Restored:
        return self.site.run(put_all_in_question(self.site.gate, by="tester", reason="backup of 1 May", **how))

    def settle_down(self) -> None:
        """All that can be asked or sent is, until nothing is due within the hour."""
        for _ in range(6):
            for system in self.site.gate.active:
                self.site.run_dry(system)
            self._clock.move(minutes=2)

    def close(self) -> None:
        if self._backup is not None:
            self.site.store.close()
            self._backup.drop()

    def _reopen(self) -> None:
        self.site.store = self._open(self._url, clock=self._clock)
        self.site.gate = replace(self.site.gate, writer=DirectWriter(self.site.store))


@pytest.fixture
def world(store_url: str, open_store: OpenStore, clock: SetClock) -> Iterator[Restoring]:
    made = Restoring(store_url, open_store, clock)
    yield made
    made.close()


def down(site: Worksite, system: str) -> None:
    """The next send finds nobody there."""
    site.systems[system].script.append(DOWN)


def created(site: Worksite, system: str) -> list[str]:
    """The slots that a system was sent a first content for, in order, each send of it."""
    return [one.keys["slot_key"] for one in site.systems[system].sends if one.operation == "create"]


def history(site: Worksite, delivery: Delivery) -> list[str]:
    return site.attempts(delivery)


def test_what_waited_and_was_sent_since_is_found_and_not_sent_again(world: Restoring) -> None:
    site = world.site
    accepted = site.post(an_application())
    world.back_up()
    site.run_dry("food")
    sent = created(site, "food")
    assert len(sent) == 1
    restored = world.restore()
    assert restored.systems["food"].asked >= 1
    waiting = site.only(accepted.case_id, "food", "application")
    assert (waiting.phase, waiting.reason) == (Phase.UNCONFIRMED, "restored")
    world.settle_down()
    held = site.only(accepted.case_id, "food", "application")
    assert held.phase is Phase.DELIVERED
    assert created(site, "food") == sent, "nothing is made a second time"
    assert history(site, held) == ["restored", "found"]


def test_what_waited_and_was_never_sent_goes_out_once_it_was_asked_about(world: Restoring) -> None:
    site = world.site
    accepted = site.post(an_application())
    world.back_up()
    world.restore()
    assert site.step("food") == 0, "the last request of before the restore may still be running"
    world.settle_down()
    held = site.only(accepted.case_id, "food", "application")
    assert (held.phase, len(created(site, "food"))) == (Phase.DELIVERED, 1)
    assert history(site, held) == ["restored", "absent", "taken"]


def test_what_waits_for_its_predecessor_is_asked_about_too_and_keeps_its_order(world: Restoring) -> None:
    site = world.site
    accepted = site.post(an_application())
    site.append(accepted.case_id, a_stage("s1", "accepted"))
    world.back_up()
    world.restore()
    phases = {d.phase for d in site.deliveries(accepted.case_id, "food") if d.phase is not Phase.DELIVERED}
    assert phases == {Phase.UNCONFIRMED}
    world.settle_down()
    assert {d.phase for d in site.deliveries(accepted.case_id, "food")} == {Phase.DELIVERED}
    assert site.systems["food"].sends[0].operation == "create"


def test_what_was_in_flight_at_the_backup_is_looked_up(world: Restoring) -> None:
    site = world.site
    accepted = site.post(an_application())
    work = site.claim_one("food")
    world.back_up()
    site.settle(work, site.serve(work))
    site.run_dry("food")
    world.restore()
    assert site.only(accepted.case_id, "food", "application").phase is Phase.UNCONFIRMED
    world.settle_down()
    assert (site.only(accepted.case_id, "food", "application").phase, len(created(site, "food"))) == (
        Phase.DELIVERED,
        1,
    )


def changed_after_the_backup(world: Restoring) -> UUID:
    """A case changed and sent after the backup: what the store believes is older than what the system holds."""
    site = world.site
    accepted = site.post(an_application())
    world.back_up()
    site.put(accepted.case_id, an_application(channel="portal"))
    site.run_dry("food")
    world.restore()
    world.settle_down()
    return accepted.case_id


def test_another_content_than_the_backups_is_left_to_a_person_and_never_doubled(world: Restoring) -> None:
    site, case_id = world.site, changed_after_the_backup(world)
    parked = site.only(case_id, "food", "application")
    assert (parked.phase, parked.reason, parked.actor) == (Phase.PARKED, "restored", "operator")
    assert "differs at the system" in parked.detail
    assert [one.operation for one in site.systems["food"].sends] == ["create"]


def test_what_the_source_posts_again_after_that_is_found(world: Restoring) -> None:
    site, case_id = world.site, changed_after_the_backup(world)
    site.put(case_id, an_application(channel="portal"))
    world.settle_down()
    held = site.only(case_id, "food", "application")
    assert held.phase is Phase.DELIVERED
    assert [one.operation for one in site.systems["food"].sends] == ["create"]


def test_a_stage_that_is_posted_again_is_found(world: Restoring) -> None:
    """The stage came and was sent after the backup; its source says it again."""
    site = world.site
    accepted = site.post(an_application())
    site.run_dry("food")
    world.back_up()
    site.append(accepted.case_id, a_stage("s1", "accepted"))
    site.run_dry("food")
    sends = len(site.systems["food"].sends)
    world.restore()
    world.settle_down()
    site.append(accepted.case_id, a_stage("s1", "accepted"))
    world.settle_down()
    assert {d.phase for d in site.deliveries(accepted.case_id, "food")} == {Phase.DELIVERED}
    assert len(site.systems["food"].sends) == sends


def test_a_change_that_was_delivered_since_is_not_sent_again_when_it_is_posted_again(world: Restoring) -> None:
    site = world.site
    accepted = site.post(an_application())
    site.run_dry("food")
    world.back_up()
    site.put(accepted.case_id, an_application(channel="portal"))
    site.run_dry("food")
    world.restore()
    site.put(accepted.case_id, an_application(channel="portal"))
    world.settle_down()
    assert [one.operation for one in site.systems["food"].sends] == ["create", "replace"]


def test_a_case_of_after_the_restore_is_sent_without_being_asked_about(world: Restoring) -> None:
    site = world.site
    world.back_up()
    world.restore()
    accepted = site.post(an_application("QX2026000077"))
    assert site.step("food") >= 1
    assert history(site, site.only(accepted.case_id, "food", "application")) == ["taken"]


def test_what_is_parked_is_asked_about_before_it_goes_out(world: Restoring) -> None:
    """Parked at the backup, requeued and taken after it; somebody requeues it again."""
    site = world.site
    accepted = site.post(an_application())
    site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.PARKED
    world.back_up()
    requeued(site, accepted.case_id)
    site.run_dry("food")
    sent = len(created(site, "food"))
    world.restore()
    assert site.only(accepted.case_id, "food", "application").phase is Phase.PARKED
    requeued(site, accepted.case_id)
    world.settle_down()
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
    assert len(created(site, "food")) == sent


def requeued(site: Worksite, case_id: UUID) -> None:
    from syncgate.flows.operating.by_hand import requeue
    from tests.integration.flows.worksite import caller

    delivery = site.only(case_id, "food", "application")
    site.run(requeue(site.gate, caller("window").principal, delivery.delivery_id, reason="mended"))


def test_where_nothing_can_be_asked_it_is_held_for_a_person_who_sees_why(world: Restoring) -> None:
    site = world.site
    hold_all(site, "food")
    accepted = site.post(an_application())
    world.back_up()
    site.run_dry("food")
    sent = len(site.systems["food"].sends)
    restored = world.restore()
    assert (restored.systems["food"].asked, restored.systems["food"].held > 0) == (0, True)
    world.settle_down()
    held = site.only(accepted.case_id, "food", "application")
    assert (held.phase, held.reason, held.actor) == (Phase.UNCONFIRMED, "restored", "operator")
    assert len(site.systems["food"].sends) == sent


def hold_all(site: Worksite, system: str) -> None:
    """The system's outcomes can only be told by a person from now on."""
    bundle = site.gate.active_bundle(system)
    specs = {
        name: replace(spec, confirm=replace(spec.confirm, by="hold", operation=None))
        for name, spec in bundle.specs.items()
    }
    site.gate.bundles[bundle.digest] = replace(bundle, specs=specs)


def test_a_look_up_by_one_sendings_key_proves_no_absence(world: Restoring) -> None:
    """Another revision may have gone out under another key: absence of this one is no reason to send."""
    site = world.site
    bundle = site.gate.active_bundle("food")
    operations = {spec.confirm.operation for spec in bundle.specs.values() if spec.confirm.operation}
    site.gate.bundles[bundle.digest] = replace(bundle, by_sending=frozenset(operations))
    accepted = site.post(an_application())
    world.back_up()
    world.restore()
    world.settle_down()
    held = site.only(accepted.case_id, "food", "application")
    assert (held.phase, held.reason, held.due_at) == (Phase.UNCONFIRMED, "restored", None)
    assert site.systems["food"].sends == []


def test_the_example_says_by_itself_which_look_ups_are_by_a_sendings_key(world: Restoring) -> None:
    bundles = {bundle.system: bundle for bundle in world.site.gate.bundles.values()}
    assert "read_accept" in bundles["frontdb"].by_sending
    assert "create" in bundles["food"].by_sending
    assert not {"read_event", "read"} & bundles["food"].by_sending


def test_said_twice_is_said_once(world: Restoring) -> None:
    site = world.site
    site.post(an_application())
    world.back_up()
    first = world.restore()
    before = everything(site)
    second = world.put_in_question()
    assert second.systems == first.systems
    assert everything(site) == before


def test_killed_in_the_middle_it_is_run_again(world: Restoring, monkeypatch: pytest.MonkeyPatch) -> None:
    """Crash point: between the commits of two pages. Promise 4."""
    site = world.site
    cases = [site.post(an_application(f"QX20260000{no:02}")).case_id for no in range(6)]
    world.back_up()
    site.run_dry("food")
    sent = created(site, "food")
    world.put_back()
    monkeypatch.setattr("syncgate.flows.operating.restored.AT_ONCE", 2)
    counts = iter(range(100))

    def dies(count: int) -> None:
        if next(counts) == 1:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        world.put_in_question(on_progress=dies)
    world.put_in_question()
    world.settle_down()
    assert [site.only(case_id, "food", "application").phase for case_id in cases] == [Phase.DELIVERED] * 6
    assert created(site, "food") == sent


def everything(site: Worksite) -> list[tuple[Any, ...]]:
    found = site.store.read(lambda tx: tx.list_deliveries(DeliveryFilter(), after=None, limit=1000))
    return [(d.delivery_id, d.phase, d.reason, d.entries_count) for d in found]


def test_counters_are_conserved(world: Restoring) -> None:
    site = world.site
    site.post(an_application())
    world.back_up()
    world.restore()
    world.settle_down()
    assert site.counted() == len(everything(site))


def test_a_reader_ahead_of_the_backup_misses_nothing(world: Restoring) -> None:
    """Its cursor is of after the backup: the numbers that follow are none that it has seen."""
    from syncgate.flows.showing.changes import read_changes
    from tests.integration.flows.worksite import caller

    site = world.site
    site.post(an_application())
    world.back_up()
    for no in range(5):
        site.post(an_application(f"QX20260001{no:02}"))
    who = caller("window").principal
    page = site.run(read_changes(site.gate, who, "window", cursor=None, limit=1000))
    world.restore()
    after = site.post(an_application("QX2026000055"))
    told = site.run(read_changes(site.gate, who, "window", cursor=page.cursor, limit=1000))
    assert after.case_id in {change.case_id for change in told.changes}
    assert not {one.change_no for one in told.changes} & {one.change_no for one in page.changes}


def test_every_system_can_be_held_besides(world: Restoring) -> None:
    site = world.site
    site.post(an_application())
    world.back_up()
    world.restore(is_holding=True)
    world.put_in_question(is_holding=True)
    holds = site.store.read(lambda tx: tx.active_holds())
    assert sorted(hold.system or "" for hold in holds) == sorted(site.gate.active)
    world.settle_down()
    assert site.systems["food"].sends == []


def test_it_leaves_an_entry_in_the_audit(world: Restoring) -> None:
    site = world.site
    site.post(an_application())
    world.back_up()
    world.restore()
    entries = site.store.read(lambda tx: tx.list_audit(limit=50))
    about = {entry["object"]: entry for entry in entries if entry["action"] == "restored"}
    assert about["store"]["reason"] == "backup of 1 May"
    assert about["system:food"]["detail"]["asked"] >= 1


def test_what_was_awaiting_is_asked_about_as_ever(world: Restoring) -> None:
    site = world.site
    site.systems["food"].script.append(answer(Outcome.QUEUED_THERE))
    accepted = site.post(an_application())
    site.step("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.AWAITING
    world.back_up()
    world.restore()
    assert site.only(accepted.case_id, "food", "application").phase is Phase.AWAITING


def test_what_waits_beside_an_open_one_is_asked_about_in_its_turn(world: Restoring) -> None:
    """At the backup one was in doubt and a change waited behind it; both were settled since."""
    site = world.site
    accepted = site.post(an_application())
    food = site.systems["food"]
    food.script.append(answer(Outcome.UNKNOWN))
    food.takes_silently = True
    site.step("food")
    site.put(accepted.case_id, an_application(channel="portal"))
    world.back_up()
    site.clock.move(seconds=30)
    site.run_dry("food")
    operations = [one.operation for one in food.sends]
    assert operations == ["create", "replace"]
    restored = world.restore()
    assert restored.systems["food"].in_turn >= 1
    world.settle_down()
    assert [one.operation for one in food.sends] == operations
    assert site.deliveries(accepted.case_id, "food")[-1].phase is Phase.DELIVERED


def test_a_failing_look_up_is_asked_again_for_long_enough(world: Restoring) -> None:
    """How long it waited before the backup does not count."""
    site = world.site
    down(site, "food")
    accepted = site.post(an_application())
    site.step("food")
    world.back_up()
    site.clock.move(minutes=60 * 24 * 30)
    world.restore()
    site.clock.move(seconds=40)
    from syncgate.domain.outcome import Evidence, Found, Reading

    site.systems["food"].readings.append(Reading(Found.UNDECIDED, Evidence()))
    site.step("food")
    asked = site.only(accepted.case_id, "food", "application")
    assert asked.phase is Phase.UNCONFIRMED
    assert asked.due_at is not None and asked.due_at - site.clock.at < timedelta(hours=2)
