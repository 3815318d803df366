"""A confidential caller's name and phone reach nobody but who is declared to receive them (promise 10, story 7)."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any
from uuid import UUID

import pytest

from syncgate.documents import ProblemSet
from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Answer
from syncgate.ports import Request, Tx
from syncgate.site.compiler import compile_bundle
from syncgate.storage import SqlStore
from tests.integration.flows.desksite import a_complaint, desk, desks, turn
from tests.integration.flows.worksite import KEYRING, ScriptedSystem, Worksite, activate, example_site, worksite
from tests.support.rows import SetClock

CALLER = {"name": "张示例", "mobile": "15400000001", "email": "zhang@example.org"}
PERSON = {"type": "natural_person", "name": "张示例"}
CONFIDENTIAL: dict[str, Any] = {"contact": CALLER, "applicant": PERSON, "is_confidential": True}
MOVED = (turn("assigned", 9, "urban"), turn("reassigned", 12, "ecology"))
SECRETS = (CALLER["name"], CALLER["mobile"], CALLER["email"])


@pytest.fixture
def site(store: SqlStore, clock: SetClock) -> Worksite:
    return desks(store, clock)


def everything_kept(site: Worksite, case_id: UUID, system: str) -> str:
    """The evidence of every attempt at a system, opened."""

    def step(tx: Tx) -> str:
        case = tx.case(case_id)
        assert case is not None
        attempts = [a for d in tx.deliveries(case_id, system) for a in tx.attempts(d.delivery_id)]
        macs = [mac for a in attempts for mac in (a.sent_blob, a.received_blob) if mac is not None]
        blobs = [blob for mac in macs if (blob := tx.blob(str(case_id), mac)) is not None]
        places = [(blob.sealed, f"blob:{blob.scope}:{blob.mac.hex()}") for blob in blobs]
        opened = [KEYRING.open(case.wrapped_key, sealed, bound_to=place).decode() for sealed, place in places]
        return "".join(map(str, [*attempts, *opened]))

    return site.store.read(step)


class Witness(ScriptedSystem):
    """A system whose evidence is what was really sent to it."""

    async def send(self, request: Request) -> Answer:
        said = await super().send(request)
        sent = json.dumps(request.payload, ensure_ascii=False).encode()
        return replace(said, evidence=replace(said.evidence, sent=sent))


class TestAConfidentialCaller:
    def test_is_at_neither_desk(self, site: Worksite) -> None:
        """Story 7: the phone appears in neither, also not in what is kept as evidence."""
        site.systems |= {"urban": Witness(), "ecology": Witness()}
        accepted = site.post(a_complaint(MOVED[0], **CONFIDENTIAL))
        site.run_dry("urban")
        site.append(accepted.case_id, MOVED[1])
        for system in ("urban", "ecology"):
            site.run_dry(system)
            sent = [request.payload for request in site.systems[system].sends]
            assert (sent[0]["caller"], sent[0]["phone"]) == ("保密", "保密")
            kept = str(sent) + everything_kept(site, accepted.case_id, system)
            assert "保密" in everything_kept(site, accepted.case_id, system)
            assert not [one for one in SECRETS if one in kept]

    def test_is_told_where_the_case_is_not_confidential(self, site: Worksite) -> None:
        site.post(a_complaint(MOVED[0], **CONFIDENTIAL | {"is_confidential": False}))
        site.run_dry("urban")
        sent = site.systems["urban"].sends[0].payload
        assert (sent["caller"], sent["phone"]) == (CALLER["name"], CALLER["mobile"])

    def test_is_told_who_is_declared_to_receive_it(self, store: SqlStore, clock: SetClock) -> None:
        declared = desk("urban", ("mode: live", "mode: live\nconfidential: true"))
        site = worksite(store, clock, [declared])
        site.post(a_complaint(MOVED[0], **CONFIDENTIAL))
        site.run_dry("urban")
        assert site.systems["urban"].sends[0].payload["phone"] == CALLER["mobile"]

    def test_is_taken_back_from_a_desk_once_the_case_is_marked(self, site: Worksite) -> None:
        accepted = site.post(a_complaint(MOVED[0], **CONFIDENTIAL | {"is_confidential": False}))
        site.run_dry("urban")
        site.patch(accepted.case_id, {"is_confidential": True})
        site.run_dry("urban")
        assert [request.payload["phone"] for request in site.systems["urban"].sends] == [CALLER["mobile"], "保密"]


class TestAMappingThatLeaks:
    def test_does_not_load_and_names_mapping_field_path_class_and_system(self) -> None:
        edits = [
            ("when_absent: {const: 无}, confidential: 保密", "when_absent: {const: 无}"),
            ("optional: true, confidential: 保密", "optional: true"),
        ]
        with pytest.raises(ProblemSet) as caught:
            desk("urban", *edits)
        told = [problem.message for problem in caught.value.problems]
        for field, path, personal in (
            ("caller", "case.contact.name", "name"),
            ("phone", "case.contact.mobile", "contact"),
        ):
            (words,) = [one for one in told if path in one and "stands instead" in one]
            assert "urban/order" in words and repr(field) in words and f"({personal})" in words
            assert "urban is not to receive" in words

    @pytest.mark.parametrize(
        "value",
        [
            "{object: {inner: case.contact.mobile}}",
            "{join: [case.case_no, case.contact.mobile], with: '-'}",
            "{list: [case.contact.mobile]}",
            "{first: [case.title, case.contact.mobile]}",
            "{each: {list: [case.contact]}, do: it.mobile}",
            "{each: case.stages, do: it.pickup.name}",
            "{choose: [{when: {present: case.contact.mobile}, then: {const: 有}}], otherwise: {const: 无}}",
            "{path: case.case_no, when_absent: case.contact.mobile}",
            "case.contact",
        ],
    )
    def test_does_not_load_by_whatever_way_the_value_leaks(self, value: str) -> None:
        with pytest.raises(ProblemSet) as caught:
            desk("urban", ("number: case.case_no", f"number: {value}"))
        assert any("stands instead" in problem.message for problem in caught.value.problems), caught.value.problems


def test_a_case_is_parked_where_nothing_says_what_stands_instead(store: SqlStore, clock: SetClock) -> None:
    """Promise 10: a system that does not say that it takes calls loads, and is told nothing all the same."""
    site = worksite(store, clock)
    edits = [
        ("equals: [case.kind, {const: hotline}]", "present: case.location"),
        ("sourceNo: case.case_no", "sourceNo: case.contact.name"),
        ("personal: [address, content]", "personal: [address, content, name]"),
    ]
    files = dict(site.gate.active_bundle("workorders").files)
    for old, new in edits:
        files = {path: content.replace(old.encode(), new.encode()) for path, content in files.items()}
    mac = lambda content: KEYRING.mac("inputs", content)  # noqa: E731
    site.run(activate(site.gate, [compile_bundle("workorders", files, mac=mac, schema=example_site().schema)]))
    accepted = site.post(a_complaint(**CONFIDENTIAL))
    site.run_dry("workorders")
    (delivery,) = site.deliveries(accepted.case_id, "workorders")
    assert (delivery.phase, delivery.reason, delivery.actor) == (Phase.PARKED, "withheld", "mapping")
    assert site.systems["workorders"].sends == []
