"""What is explained of a stored case is what was sent, and shows nobody's data."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import NotFound, StoreUnavailable
from syncgate.domain.rows import Delivery, Principal
from syncgate.flows.gate import CaseRef
from syncgate.flows.showing.explain import Explained, Wish, explain_case
from syncgate.mapping.explanation import Absent, Hidden, Value
from syncgate.mapping.explanation_document import document_of
from syncgate.mapping.results import Mapped, Unmappable, WaitsFor
from tests.integration.flows.altered import OPERATOR, altered, rewritten
from tests.integration.flows.test_check import UNMAPPED
from tests.integration.flows.worksite import Worksite, activate, caller
from tests.support.cases import a_hotline_case, a_stage, an_application

SYSTEMS = ("food", "province", "workorders")
VIEWER = replace(OPERATOR, role="viewer", sources=())


def explained(
    site: Worksite, case_id: UUID, wish: Wish, *, principal: Principal = VIEWER, ref: CaseRef | None = None
) -> Explained:
    return site.run(explain_case(site.gate, principal, ref or CaseRef(case_id=case_id), wish))


def delivery_of(site: Worksite, delivery_id: UUID) -> Delivery:
    found = site.store.read(lambda tx: tx.delivery(delivery_id))
    assert found is not None
    return found


def wish_of(delivery: Delivery) -> Wish:
    return Wish(system=delivery.system, message=delivery.message, part=delivery.part)


def told(found: Explained) -> str:
    return json.dumps(document_of(found.explanation), ensure_ascii=False)


def filled(found: Explained) -> dict[str, Any]:
    """What is filled of a payload, by field."""
    return {slot.field: slot.trace and slot.trace.given for slot in found.explanation.slots if slot.fate == "filled"}


@pytest.fixture
def sent(site: Worksite) -> dict[UUID, Any]:
    """Cases of every kind, delivered everywhere: what each delivery sent."""
    stages = [
        a_stage("s1", "accepted"),
        a_stage("s2", "decided", "2026-03-03T10:00:00+08:00"),
    ]
    site.post(an_application(stages=stages))
    site.post(a_hotline_case())
    for system in SYSTEMS:
        site.run_dry(system)
        site.clock.move(seconds=90)
    sends = [request for system in SYSTEMS for request in site.systems[system].sends]
    return {request.delivery_id: request.payload for request in sends if request.delivery_id is not None}


def test_every_payload_that_was_sent_is_explained_field_by_field(site: Worksite, sent: dict[UUID, Any]) -> None:
    compared = 0
    for delivery_id, payload in sent.items():
        delivery = delivery_of(site, delivery_id)
        found = explained(site, delivery.case_id, wish_of(delivery))
        assert found.delivery == delivery and found.bundle == delivery.bundle and found.is_planned
        assert found.explanation.result == Mapped(None)
        values = filled(found)
        assert list(values) == list(payload)
        for name, given in values.items():
            assert isinstance(given, Value | Hidden | Absent)
            if isinstance(given, Value) and "*" not in str(given.json):
                assert (name, given.json) == (name, payload[name])
                compared += 1
    assert compared > 40 and len(sent) > 5


def test_nobodys_data_is_shown_to_anybody(site: Worksite, sent: dict[UUID, Any]) -> None:
    """Promise 10: not to the source that posted it either."""
    assert sent
    for principal in (VIEWER, caller("window").principal):
        for delivery_id in sent:
            delivery = delivery_of(site, delivery_id)
            found = told(explained(site, delivery.case_id, wish_of(delivery), principal=principal))
            for personal in ("张示例", "99010119780213002X", "15400000001", "王样本", "990102195203040070", "示例路"):
                assert personal not in found


def test_what_parked_is_explained_with_the_same_faults(site: Worksite) -> None:
    case_id = site.post(an_application(form=UNMAPPED)).case_id
    site.run_dry("food")
    parked = site.only(case_id, "food", "application")
    assert parked.phase is Phase.PARKED
    found = explained(site, case_id, wish_of(parked))
    result = found.explanation.result
    assert isinstance(result, Unmappable)
    assert "\n".join(f"{fault.field}: {fault.detail}" for fault in result.faults) == parked.detail
    assert (found.delivery, result.faults[0].rule) == (parked, parked.reason)


def test_what_waits_for_another_systems_number_says_for_which_and_then_has_it(site: Worksite) -> None:
    path = "mappings/province/basic_info.yaml"
    wanted = "projectname: {case_ref: hall}"
    site.run(activate(site.gate, [rewritten(site, "province", path, "projectname: case.title", wanted)]))
    case_id = site.post(an_application()).case_id
    wish = Wish(system="province", message="basic_info")
    site.run_dry("province")
    assert explained(site, case_id, wish).explanation.result == WaitsFor("hall")
    site.post(an_application("HALL-1", references={"window": "QX2026000001"}), source="hall")
    assert filled(explained(site, case_id, wish))["projectname"] == Value("HALL-1")
    scoped = replace(VIEWER, systems=("province",))
    assert filled(explained(site, case_id, wish, principal=scoped))["projectname"] == Hidden("a text", 6)


def test_a_delivery_is_explained_as_it_was_sent_and_on_wish_as_it_would_be_now(site: Worksite) -> None:
    case_id = site.post(an_application()).case_id
    site.run_dry("province")
    before = site.only(case_id, "province", "basic_info")
    path = "mappings/province/basic_info.yaml"
    site.run(activate(site.gate, [rewritten(site, "province", path, "case.title", "{const: 新名称}")]))
    wish = wish_of(before)
    assert filled(explained(site, case_id, wish))["projectname"] != Value("新名称")
    assert explained(site, case_id, wish).bundle == before.bundle
    now = explained(site, case_id, replace(wish, under="active"))
    assert filled(now)["projectname"] == Value("新名称")
    assert now.bundle == site.gate.active["province"] != before.bundle


def test_what_waits_to_be_sent_is_explained_under_the_bundle_that_the_next_send_takes(site: Worksite) -> None:
    case_id = site.post(an_application()).case_id
    path = "mappings/province/basic_info.yaml"
    site.run(activate(site.gate, [rewritten(site, "province", path, "case.title", "{const: 新名称}")]))
    wish = Wish(system="province", message="basic_info")
    waiting = explained(site, case_id, wish)
    assert waiting.delivery is not None and waiting.delivery.phase is Phase.PENDING
    assert filled(waiting)["projectname"] == Value("新名称")
    site.run_dry("province")
    (request, *_) = site.systems["province"].sends
    assert request.payload["projectname"] == "新名称"


def test_a_revision_that_was_sent_is_explained_and_not_the_one_after_it(site: Worksite) -> None:
    case_id = site.post(an_application()).case_id
    site.run_dry("province")
    sent = site.only(case_id, "province", "basic_info")
    site.patch(case_id, {"form": {"从业人数": 13}})
    assert site.only(case_id, "province", "basic_info") == sent
    wish = wish_of(sent)
    assert explained(site, case_id, wish).revision == 1
    assert explained(site, case_id, replace(wish, under="active")).revision == 2


def test_a_slot_without_a_delivery_is_explained_under_the_active_bundle(site: Worksite) -> None:
    case_id = site.post(a_hotline_case()).case_id
    found = explained(site, case_id, Wish(system="province", message="basic_info"))
    assert (found.delivery, found.is_planned, found.bundle) == (None, False, site.gate.active["province"])


def test_it_keeps_nothing(site: Worksite) -> None:
    case_id = site.post(an_application()).case_id
    before = site.deliveries(case_id, "food"), site.counted()
    explained(site, case_id, Wish(system="food", message="application"))
    assert (site.deliveries(case_id, "food"), site.counted()) == before


@pytest.mark.parametrize(
    ("wish", "words"),
    [
        (Wish(system="fod", message="application"), "the nearest known is 'food'"),
        (Wish(system="food", message="aplication"), "the nearest known is 'application'"),
        (Wish(system="food", message="application", part="s1"), "expected no part"),
        (Wish(system="food", message="event"), "expected a part of event, one of s1, s2"),
        (Wish(system="food", message="event", part="s3"), "unknown stage 's3'"),
    ],
)
def test_what_is_not_there_is_named_with_the_nearest(site: Worksite, wish: Wish, words: str) -> None:
    case_id = site.post(an_application(stages=[a_stage("s1", "accepted"), a_stage("s2", "accepted")])).case_id
    with pytest.raises(NotFound, match=words):
        explained(site, case_id, wish)


def test_what_is_out_of_scope_is_not_there(site: Worksite) -> None:
    case_id = site.post(an_application()).case_id
    wish = Wish(system="food", message="application")
    scopes: tuple[Any, ...] = ({"systems": ("province",)}, {"sources": ("hall",)}, {"regions": ("98",)})
    for scope in scopes:
        with pytest.raises(NotFound):
            explained(site, case_id, wish, principal=replace(VIEWER, **scope))
    by_number = CaseRef(system="window", number="QX2026000001")
    assert explained(site, case_id, wish, ref=by_number).case.case_id == case_id


def test_a_bundle_that_this_process_lacks_is_said_and_fetched_where_it_can_be(site: Worksite) -> None:
    case_id = site.post(an_application()).case_id
    site.run_dry("food")
    sent = site.only(case_id, "food", "application")
    other = altered(site, "food")
    site.run(activate(site.gate, [other]))
    lost = site.gate.bundles.pop(sent.bundle)
    with pytest.raises(StoreUnavailable, match="expected to explain under a bundle"):
        explained(site, case_id, wish_of(sent))

    async def follow() -> None:
        site.gate.bundles[sent.bundle] = lost

    site.gate = replace(site.gate, follow=follow)
    assert explained(site, case_id, wish_of(sent)).bundle == sent.bundle
