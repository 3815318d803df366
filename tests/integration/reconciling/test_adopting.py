"""What was typed at a system by hand is linked to its case instead of being doubled."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.reconciliation.kinds import Action
from syncgate.domain.rows import Delivery, Discrepancy
from syncgate.flows.reconciling.adopting import adopt
from syncgate.flows.reconciling.findings import Match
from syncgate.flows.reconciling.repairing import repair
from syncgate.ports import DiscrepancyFilter
from tests.integration.flows.altered import OPERATOR
from tests.integration.flows.worksite import Worksite, taken
from tests.integration.reconciling.found import RUN
from tests.support.cases import an_application

PERSON = replace(OPERATOR, name="王样本", role="operator", sources=())


def waiting(site: Worksite, case_no: str = "QX1") -> Delivery:
    accepted = site.post(an_application(case_no))
    return site.only(accepted.case_id, "food", "application")


def typed(site: Worksite, case_no: str = "QX1", **changes: Any) -> dict[str, Any]:
    """The record as food's people typed it: what we would have sent, but without our key."""
    accepted = site.post(an_application(f"{case_no}-model"))
    site.run_dry("food")
    sent = site.systems["food"].sends.pop()
    site.systems["food"].sends.clear()
    assert accepted.revision == 1
    return {**sent.payload, "caseNo": case_no, **changes}


def match(delivery: Delivery, *records: Any, refs: tuple[str | None, ...] = ("SPJY9",), others: int = 0) -> Match:
    return Match(
        delivery_id=delivery.delivery_id,
        case_id=delivery.case_id,
        message=delivery.message,
        part=delivery.part,
        records=records,
        remote_refs=refs,
        others=others,
    )


def adopted(site: Worksite, *matches: Match) -> dict[str, int]:
    return dict(site.run(adopt(site.gate, "food", RUN, matches, by="王样本")))


def discrepancies(site: Worksite) -> list[Discrepancy]:
    return site.store.read(lambda tx: tx.list_discrepancies(DiscrepancyFilter(), after=None, limit=10))


def test_a_record_that_is_there_is_linked_and_not_made_again(site: Worksite) -> None:
    record = typed(site)
    delivery = waiting(site)
    record["bizKey"] = str(delivery.case_id)
    assert adopted(site, match(delivery, record)) == {"adopted": 1}
    rows = site.deliveries(delivery.case_id, "food")
    assert [(d.phase.value, d.reason) for d in rows] == [("cancelled", "superseded"), ("delivered", "adopted")]
    lane = site.store.read(lambda tx: tx.lane(delivery.case_id, "food"))
    assert lane is not None
    assert (lane.case_ref, rows[-1].remote_ref) == ("SPJY9", "SPJY9")
    assert discrepancies(site) == []
    site.run_dry("food")
    assert site.systems["food"].sends == []


def test_what_is_different_there_is_told_and_never_overwritten_unasked(site: Worksite) -> None:
    record = typed(site, staff=99)
    delivery = waiting(site)
    record["bizKey"] = str(delivery.case_id)
    assert adopted(site, match(delivery, record)) == {"adopted": 1}
    (row,) = discrepancies(site)
    assert (row.kind, row.action, [one["name"] for one in row.detail["fields"]]) == ("edited_there", "ask", ["staff"])
    site.post(an_application("QX1"))
    site.run_dry("food")
    assert site.systems["food"].sends == []
    work = repair(site.gate, PERSON, row.discrepancy_id, action=Action.RESEND, reason="以窗口为准")
    site.run(work)
    site.run_dry("food")
    (sent,) = site.systems["food"].sends
    assert (sent.operation, sent.payload["staff"], sent.keys["case_ref"]) == ("replace", 12, "SPJY9")


def test_a_correction_changes_the_linked_record(site: Worksite) -> None:
    record = typed(site)
    delivery = waiting(site)
    record["bizKey"] = str(delivery.case_id)
    adopted(site, match(delivery, record))
    site.patch(delivery.case_id, {"form": {"从业人数": 13}})
    site.run_dry("food")
    assert [sent.operation for sent in site.systems["food"].sends] == ["replace"]


def test_adopting_again_links_nothing_twice(site: Worksite) -> None:
    """Crash point: after any commit (promise 2)."""
    record = typed(site)
    delivery = waiting(site)
    record["bizKey"] = str(delivery.case_id)
    again = match(delivery, record)
    adopted(site, again)
    assert adopted(site, again) == {}
    assert len(site.deliveries(delivery.case_id, "food")) == 2


@pytest.mark.parametrize("how", ["two records", "another slot", "another case's number"])
def test_what_is_ambiguous_is_a_persons_matter(site: Worksite, how: str) -> None:
    record = typed(site)
    delivery = waiting(site)
    if how == "two records":
        meant = match(delivery, record, record, refs=("SPJY8", "SPJY9"))
    elif how == "another slot":
        meant = match(delivery, record, others=1)
    else:
        other = waiting(site, "QX2")
        adopted(site, match(other, record))
        meant = match(delivery, record)
    before = len(discrepancies(site))
    assert adopted(site, meant) == {"ask": 1}
    assert adopted(site, meant) == {"ask": 1}
    rows = discrepancies(site)
    assert len(rows) == before + 1, "one for each slot, however often it is asked"
    assert rows[0].detail["why"] == "ambiguous_match"
    assert site.deliveries(delivery.case_id, "food")[0].phase is Phase.PENDING


def test_what_was_sent_meanwhile_is_not_linked(site: Worksite) -> None:
    record = typed(site)
    delivery = waiting(site)
    site.systems["food"].script.append(taken("R77"))
    site.run_dry("food")
    assert adopted(site, match(delivery, record)) == {}
    assert [d.phase for d in site.deliveries(delivery.case_id, "food")] == [Phase.DELIVERED]
