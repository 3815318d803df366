"""What a system's mode makes of what is planned for it, and that changing the mode sends nothing (promise 13)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Forbidden, NotFound
from syncgate.domain.rows import Principal
from syncgate.flows.operating import by_hand
from syncgate.flows.operating.manual import ManualWorklist, read_manual_worklist
from syncgate.flows.operating.replan_wish import ReplanWish
from syncgate.flows.operating.replanning import replan_system
from syncgate.flows.showing.files import ReasonMissing
from syncgate.storage import SqlStore
from tests.integration.flows.altered import OPERATOR, altered, rewritten
from tests.integration.flows.worksite import Worksite, activate
from tests.support.cases import a_hotline_case

SYSTEM = "workorders"
PERSON = replace(OPERATOR, role="operator", sources=())


def in_mode(site: Worksite, mode: str) -> None:
    site.run(activate(site.gate, [altered(site, SYSTEM, mode=mode)]))


def set_aside(site: Worksite, case_id: UUID) -> list[tuple[str, str | None, int]]:
    return [(d.phase.value, d.reason, d.revision) for d in site.deliveries(case_id, SYSTEM)]


def worklist(site: Worksite, as_: Principal = PERSON, **how: object) -> ManualWorklist:
    asked = {"after": None, "limit": 50, "system": SYSTEM} | how
    return site.run(read_manual_worklist(site.gate, as_, **asked))  # type: ignore[arg-type]


@pytest.mark.parametrize(("mode", "reason"), [("manual", "typed_by_hand"), ("shadow", "only_checked")])
class TestASystemThatNothingIsSentTo:
    def test_has_what_it_lacks_set_aside_and_visible(self, site: Worksite, mode: str, reason: str) -> None:
        """Promise 3."""
        in_mode(site, mode)
        accepted = site.post(a_hotline_case())
        site.run_dry(SYSTEM)
        assert set_aside(site, accepted.case_id) == [("parked", reason, 1)]
        assert site.systems[SYSTEM].sends == []

    def test_has_new_content_in_the_place_of_the_old(self, site: Worksite, mode: str, reason: str) -> None:
        in_mode(site, mode)
        accepted = site.post(a_hotline_case())
        site.patch(accepted.case_id, {"location": {"text": "东示区示例路9号"}})
        assert set_aside(site, accepted.case_id) == [("parked", reason, 2)]

    def test_is_sent_nothing_when_it_goes_live(self, site: Worksite, mode: str, reason: str) -> None:
        """Promise 13: configuration sends nothing, a person's replan does."""
        in_mode(site, mode)
        accepted = site.post(a_hotline_case())
        in_mode(site, "live")
        site.run_dry(SYSTEM)
        assert set_aside(site, accepted.case_id) == [("parked", reason, 1)]
        assert site.systems[SYSTEM].sends == []

    def test_is_sent_what_was_set_aside_by_a_persons_replan(self, site: Worksite, mode: str, reason: str) -> None:
        in_mode(site, mode)
        accepted = site.post(a_hotline_case())
        in_mode(site, "live")
        replanned(site)
        site.run_dry(SYSTEM)
        assert [d.phase for d in site.deliveries(accepted.case_id, SYSTEM)] == [Phase.DELIVERED]
        assert len(site.systems[SYSTEM].sends) == 1

    def test_is_sent_nothing_by_a_replan_while_it_is_in_that_mode(self, site: Worksite, mode: str, reason: str) -> None:
        in_mode(site, mode)
        accepted = site.post(a_hotline_case())
        replanned(site)
        site.run_dry(SYSTEM)
        assert set_aside(site, accepted.case_id) == [("parked", reason, 1)]


class TestAWorkList:
    def test_says_what_to_type_without_a_value(self, site: Worksite) -> None:
        in_mode(site, "manual")
        site.post(a_hotline_case())
        (entry,) = worklist(site).entries
        assert [one.name for one in entry.fields][:3] == ["sourceNo", "item", "address"]
        assert {one.value for one in entry.fields} == {None}

    def test_shows_the_values_for_a_reason_that_is_kept(self, site: Worksite) -> None:
        in_mode(site, "manual")
        site.post(a_hotline_case())
        (entry,) = worklist(site, reason="typing").entries
        assert {one.name: one.value for one in entry.fields}["address"] == "东示区示例路2号"
        (kept,) = audited(site.store, "worklist_revealed")
        assert (kept["reason"], kept["object"]) == ("typing", f"system:{SYSTEM}")

    def test_shows_no_value_without_a_reason_or_to_who_may_not_see_content(self, site: Worksite) -> None:
        """Promise 10."""
        in_mode(site, "manual")
        with pytest.raises(ReasonMissing):
            worklist(site, reason="")
        with pytest.raises(Forbidden):
            worklist(site, as_=OPERATOR, reason="typing")
        with pytest.raises(NotFound):
            worklist(site, system="nobody")

    def test_loses_what_a_person_says_was_typed(self, site: Worksite) -> None:
        in_mode(site, "manual")
        accepted = site.post(a_hotline_case())
        (entry,) = worklist(site).entries
        done = by_hand.confirm(site.gate, PERSON, entry.delivery_id, held=True, remote_ref="T-1", reason="typed")
        site.run(done)
        (delivery,) = site.deliveries(accepted.case_id, SYSTEM)
        assert (delivery.phase, delivery.reason, delivery.remote_ref) == (Phase.DELIVERED, "confirmed_by_hand", "T-1")
        assert worklist(site).entries == ()

    def test_says_why_where_nothing_can_be_mapped(self, site: Worksite) -> None:
        path = f"mappings/{SYSTEM}/order.yaml"
        strict = rewritten(site, SYSTEM, path, "{path: case.description, optional: true}", "case.description")
        site.run(activate(site.gate, [replace(strict, mode="manual")]))
        site.post(a_hotline_case())
        (entry,) = worklist(site).entries
        assert (entry.fields, entry.reason) == ((), "missing")

    def test_is_read_page_by_page_oldest_first(self, site: Worksite) -> None:
        in_mode(site, "manual")
        posted = [site.post(a_hotline_case(f"HL{no}")).case_no for no in range(5)]
        first = worklist(site, limit=3)
        rest = worklist(site, limit=3, after=first.next)
        assert [one.case_no for one in (*first.entries, *rest.entries)] == posted
        assert rest.next is None


def audited(store: SqlStore, action: str) -> list[Mapping[str, Any]]:
    return [one for one in store.read(lambda tx: tx.list_audit(limit=100)) if one["action"] == action]


def replanned(site: Worksite) -> None:
    """A person's replan of everything."""
    wish = ReplanWish(since=site.clock.at - timedelta(days=1))
    site.run(replan_system(site.gate, PERSON, SYSTEM, wish, cap=100, reason="went live"))
