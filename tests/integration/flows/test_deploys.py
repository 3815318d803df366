"""What a deploy leaves alone, and what it must not hold up."""

from __future__ import annotations

from dataclasses import replace

from syncgate.domain.delivery import Phase
from syncgate.flows.delivering.work import Work
from tests.integration.flows.altered import (
    altered,
    rewritten,
)
from tests.integration.flows.worksite import (
    Worksite,
    activate,
)
from tests.support.cases import a_stage, an_application


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


def test_an_event_after_a_deploy_that_reads_another_field_sends_nothing_of_its_own(site: Worksite) -> None:
    """Promise 13: what the slot was filled from differs under the new mapping, although nothing of the case did."""
    accepted = site.post(an_application())
    site.run_dry("food")
    path = "mappings/food/application.yaml"
    site.run(activate(site.gate, [rewritten(site, "food", path, "itemName: case.item.name", "itemName: case.title")]))
    site.patch(accepted.case_id, {"description": "与食品系统无关的一句话"})
    site.run_dry("food")
    assert len(site.systems["food"].sends) == 1


def test_a_message_that_a_deploy_added_goes_out_with_no_event_of_a_case_that_had_its_part(site: Worksite) -> None:
    """Promise 13: only what comes from then on is sent by it."""
    food = site.gate.active_bundle("food")
    messages = tuple(message for message in food.messages if message.name != "event")
    specs = {name: spec for name, spec in food.specs.items() if name != "event"}
    site.run(activate(site.gate, [altered(site, "food", messages=messages, specs=specs)]))
    accepted = site.post(an_application(stages=[a_stage("s1", "accepted")]))
    site.run_dry("food")
    site.run(activate(site.gate, [food]))
    site.patch(accepted.case_id, {"description": "与食品系统无关的一句话"})
    assert site.phases(accepted.case_id, "food") == [("application", "delivered")]
    site.append(accepted.case_id, a_stage("s2", "step"))
    site.run_dry("food")
    assert [d.part for d in site.deliveries(accepted.case_id, "food") if d.message == "event"] == ["s2"]


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
    site.grant("food")
    site.run(activate(site.gate, [altered(site, "food", mode="shadow")]))
    site.post(an_application())
    assert handed == []
