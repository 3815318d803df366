"""What was sent can be derived again, though what other systems call things has changed or gone since (promise 4)."""

from __future__ import annotations

from syncgate.domain.delivery import Phase
from tests.integration.flows.altered import UNKNOWN, rewritten
from tests.integration.flows.worksite import Worksite, activate
from tests.support.cases import a_stage, an_application

AFTER_VISIBLE = 12
"""Seconds after which food's look-up is believed."""


def event_tells_the_number_of_its_application(site: Worksite) -> None:
    told = "opinion: {remote_ref: food, message: application}"
    path, said = "mappings/food/event.yaml", "opinion: {path: stage.opinion, optional: true}"
    site.run(activate(site.gate, [rewritten(site, "food", path, said, told)]))


def application_tells_the_halls_number(site: Worksite) -> None:
    path, said = "mappings/food/application.yaml", "itemName: case.item.name"
    site.run(activate(site.gate, [rewritten(site, "food", path, said, "itemName: {case_ref: hall}")]))


def the_hall_has_its_number(site: Worksite) -> None:
    site.post(an_application("HL7", references={"window": "QX1"}), source="hall")


def test_what_was_sent_with_a_number_is_recognised_after_the_number_was_given_anew(site: Worksite) -> None:
    """Crash point: the answer is lost, and the record whose number was told gets another one meanwhile."""
    event_tells_the_number_of_its_application(site)
    food = site.systems["food"]
    accepted = site.post(an_application("QX1"))
    site.run_dry("food")
    food.script.append(UNKNOWN)
    food.takes_silently = True
    site.append(accepted.case_id, a_stage("s1", "accepted"))
    site.step("food")
    site.post(an_application("QX1", title="更正后的标题", form={**an_application()["form"], "从业人数": 7}))
    site.step("food")
    assert len({one.remote_ref for one in site.deliveries(accepted.case_id, "food") if one.remote_ref}) == 2
    site.clock.move(seconds=AFTER_VISIBLE)
    site.run_dry("food")
    event = site.only(accepted.case_id, "food", "event")
    assert (event.phase, event.reason) == (Phase.DELIVERED, None)
    assert [request.operation for request in food.sends].count("event") == 1


def test_what_was_sent_without_a_number_is_recognised_once_there_is_one(site: Worksite) -> None:
    """Promise 4: derived with the number it would be another content than the one that was sent."""
    path, said = "mappings/food/application.yaml", "itemName: case.item.name"
    told = "itemName: {case_ref: hall, when_absent: case.item.name}"
    site.run(activate(site.gate, [rewritten(site, "food", path, said, told)]))
    food = site.systems["food"]
    accepted = site.post(an_application("QX1"))
    food.script.append(UNKNOWN)
    food.takes_silently = True
    site.step("food")
    the_hall_has_its_number(site)
    site.clock.move(seconds=AFTER_VISIBLE)
    site.run_dry("food")
    first = site.deliveries(accepted.case_id, "food")[0]
    assert (first.phase, site.attempts(first)) == (Phase.DELIVERED, ["unknown", "found"])


def test_taking_back_by_keys_alone_is_sent_again_where_what_it_is_about_is_still_there(site: Worksite) -> None:
    """Crash point: the taking back never arrives. What is held was mapped with a number of another system."""
    path = "adapters/food/adapter.yaml"
    application_tells_the_halls_number(site)
    site.run(activate(site.gate, [rewritten(site, "food", path, "messages: [event, withdrawn]", "messages: [event]")]))
    text = site.gate.active_bundle("food").files[path].decode()
    declared = text[text.index("    on_unplanned:\n") : text.index("    remote_ref: {body: /id}\n")]
    site.run(activate(site.gate, [rewritten(site, "food", path, declared, "    on_unplanned: {retract: replace}\n")]))
    accepted = site.post(an_application("QX1"))
    the_hall_has_its_number(site)
    site.run_dry("food")
    site.systems["food"].script.append(UNKNOWN)
    site.withdraw(accepted.case_id)
    site.step("food")
    site.clock.move(seconds=AFTER_VISIBLE)
    site.run_dry("food")
    assert [request.operation for request in site.systems["food"].sends] == ["create", "replace", "replace"]


def test_what_a_worker_died_with_before_the_number_was_there_waits_for_it_again(site: Worksite) -> None:
    """Promise 3. Crash point: between claim and mapping. It was unconfirmed for good: never asked, never sent."""
    application_tells_the_halls_number(site)
    accepted = site.post(an_application("QX1"))
    work = site.claim_one("food")
    site.clock.at = work.lane.lease_until or site.clock.at
    site.rescue()
    site.clock.move(seconds=AFTER_VISIBLE)
    site.run_dry("food")
    delivery = site.only(accepted.case_id, "food", "application")
    assert delivery.phase is Phase.PENDING
    assert site.attempts(delivery)[:2] == ["expired_sent", "absent"]
    the_hall_has_its_number(site)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
    assert len(site.systems["food"].sends) == 1
