"""What people decide, and what a deploy does not."""

from __future__ import annotations

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import Delivery
from syncgate.flows.operating.by_hand import cancel, confirm, pause, requeue, resume
from syncgate.site.bundle import Bundle
from syncgate.site.compiler import compile_bundle
from tests.integration.flows.worksite import (
    KEYRING,
    Worksite,
    activate,
    answer,
    caller,
    example_site,
)
from tests.support.cases import an_application

OPERATOR = caller("operator").principal


def parked(site: Worksite) -> Delivery:
    """A refused delivery of food."""
    site.systems["food"].script.append(answer(Outcome.REFUSED, reason="field_refused", actor="source"))
    accepted = site.post(an_application())
    site.run_dry("food")
    return site.only(accepted.case_id, "food", "application")


def test_a_requeue_reaches_only_what_failed(site: Worksite) -> None:
    """Promise 11."""
    delivery = parked(site)
    site.run_dry("province")
    sent = len(site.systems["province"].sends)
    site.run(requeue(site.gate, OPERATOR, delivery.delivery_id, reason="mended"))
    site.run_dry("food")
    site.run_dry("province")
    assert site.only(delivery.case_id, "food", "application").phase is Phase.DELIVERED
    assert len(site.systems["province"].sends) == sent
    assert site.attempts(delivery) == ["refused", "requeued", "taken"]


def test_only_a_parked_delivery_is_requeued(site: Worksite) -> None:
    accepted = site.post(an_application())
    site.run_dry("food")
    delivered = site.only(accepted.case_id, "food", "application")
    with pytest.raises(Conflict):
        site.run(requeue(site.gate, OPERATOR, delivered.delivery_id, reason="again"))


def test_a_cancelled_delivery_is_never_sent_and_counts_until_its_inputs_change(site: Worksite) -> None:
    """Promise 9."""
    accepted = site.post(an_application())
    delivery = site.only(accepted.case_id, "food", "application")
    site.run(cancel(site.gate, OPERATOR, delivery.delivery_id, reason="typed there by hand"))
    site.post(an_application())
    site.run_dry("food")
    assert site.systems["food"].sends == []
    site.put(accepted.case_id, an_application(channel="portal"))
    site.run_dry("food")
    assert len(site.systems["food"].sends) == 1


@pytest.mark.parametrize(("held", "phase"), [(True, Phase.DELIVERED), (False, Phase.PENDING)])
def test_a_person_says_whether_the_system_holds_it(site: Worksite, held: bool, phase: Phase) -> None:
    site.systems["food"].script.append(answer(Outcome.UNKNOWN))
    accepted = site.post(an_application())
    site.step("food")
    delivery = site.only(accepted.case_id, "food", "application")
    after = site.run(
        confirm(site.gate, OPERATOR, delivery.delivery_id, held=held, remote_ref=None, reason="seen there")
    )
    assert after.phase is phase


def test_a_pause_stops_the_next_send_and_says_what_is_in_flight(site: Worksite) -> None:
    """Promise 9."""
    site.post(an_application("QX1"))
    site.post(an_application("QX2"))
    work = site.claim_one("food")
    assert site.run(pause(site.gate, OPERATOR, "food", reason="their maintenance")) == 1
    assert site.claim("food").works == ()
    assert site.settle(work, site.serve(work)).next_work is None
    site.run(resume(site.gate, OPERATOR, "food", reason="over"))
    site.run_dry("food")
    assert len(site.systems["food"].sends) == 2


def changed_food(site: Worksite) -> Bundle:
    """The food bundle with another mapping: every item's name begins with another word."""
    old = site.gate.active_bundle("food")
    path = "mappings/food/application.yaml"
    text = old.files[path].decode()
    assert "itemName: case.item.name" in text
    mended = text.replace("itemName: case.item.name", "itemName: {text: case.item.name, steps: [{prefix: 新}]}")
    files = {**old.files, path: mended.encode()}
    return compile_bundle(
        "food",
        files,
        mac=lambda content: KEYRING.mac("inputs", content),
        schema=example_site().schema,
    )


def test_a_deploy_sends_nothing(site: Worksite) -> None:
    """Promise 13."""
    site.post(an_application())
    site.run_dry("food")
    site.run(activate(site.gate, [changed_food(site)]))
    again = site.post(an_application())
    site.run_dry("food")
    assert again.is_unchanged
    assert len(site.systems["food"].sends) == 1


def test_after_a_deploy_what_was_never_sent_follows_the_active_bundle(site: Worksite) -> None:
    site.post(an_application())
    site.run(activate(site.gate, [changed_food(site)]))
    site.run_dry("food")
    (sent,) = site.systems["food"].sends
    assert sent.payload["itemName"].startswith("新")


def test_what_may_have_been_sent_is_confirmed_under_the_bundle_that_sent_it(site: Worksite) -> None:
    food = site.systems["food"]
    food.script.append(answer(Outcome.UNKNOWN))
    food.takes_silently = True
    accepted = site.post(an_application())
    site.step("food")
    site.run(activate(site.gate, [changed_food(site)]))
    site.clock.move(seconds=12)
    site.run_dry("food")
    assert site.only(accepted.case_id, "food", "application").phase is Phase.DELIVERED
    assert len(food.sends) == 1


def test_an_event_after_a_deploy_sends_only_what_it_changed(site: Worksite) -> None:
    """Promise 13: the mapping's change rides on no other event."""
    accepted = site.post(an_application())
    site.run_dry("food")
    site.run(activate(site.gate, [changed_food(site)]))
    site.patch(accepted.case_id, {"description": "与食品系统无关的一句话"})
    site.run_dry("food")
    assert len(site.systems["food"].sends) == 1
