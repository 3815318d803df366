"""A new mapping version changes 2,000 payloads among others: its deploy sends nothing, its replan exactly those."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from functools import partial
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.flows.accepting.intake import posting_step
from syncgate.flows.delivering.settle import settle
from syncgate.flows.delivering.work import Verdict, Work
from syncgate.flows.operating.replan_tally import Replanned
from syncgate.flows.operating.replan_wish import ReplanWish
from syncgate.flows.operating.replanning import replan_system
from syncgate.ports import DeliveryFilter, Tx
from tests.integration.flows.altered import OPERATOR, altered, rewritten
from tests.integration.flows.worksite import WORKER, Worksite, activate, call, caller
from tests.support.cases import an_application

CHANGED, SAME = 2_000, 300
PATH = "mappings/food/application.yaml"
NEW = """itemName:
    choose:
      - when: {equals: [case.form.主体业态, {const: "2"}]}
        then: {text: case.item.name, steps: [{prefix: 新}]}
    otherwise: case.item.name"""
"""Another name of the item, of one form of business only."""
PERSON = replace(OPERATOR, role="integrator", sources=())


def posted(site: Worksite, count: int, *, prefix: str, form: str) -> set[UUID]:
    """So many cases whose business is of this form, in one commit."""
    content = an_application()["form"] | {"主体业态": form}
    cases = [an_application(f"{prefix}{no:05d}", form=content) for no in range(count)]
    done = site.store.write([posting_step(site.gate, caller("window"), case, call(case)) for case in cases])
    return {one.accepted.case_id for one in done}


def drained(site: Worksite) -> int:
    """Sends all that is due at food, at whatever rate it has. Gives how many."""
    before = len(site.systems["food"].sends)
    while site.store.read(lambda tx: tx.next_due_at("food")) is not None:
        works = site.claim("food", limit=1_000).works
        site.store.write([partial(settled, site, work, site.serve(work)) for work in works])
        if not works:
            site.clock.move(seconds=1)
    return len(site.systems["food"].sends) - before


def settled(site: Worksite, work: Work, verdict: Verdict, tx: Tx) -> None:
    settle(site.gate, tx, work, verdict, owner=WORKER, keep=False)


def replanned(site: Worksite, **how: Any) -> Replanned:
    wish = ReplanWish(since=site.clock.at - timedelta(days=30))
    return site.run(replan_system(site.gate, PERSON, "food", wish, cap=10_000, reason="another code", **how))


def waiting(site: Worksite) -> set[UUID]:
    where = DeliveryFilter(phases=(Phase.PENDING,), systems=("food",))
    return {d.case_id for d in site.store.read(lambda tx: tx.oldest_deliveries(where, after=None, limit=10_000))}


def test_a_deploy_that_changes_2000_payloads_sends_nothing_and_the_replan_is_of_exactly_those(site: Worksite) -> None:
    """Promise 13, among 300 cases whose payload stays as it was."""
    food = site.gate.active_bundle("food")
    fast = altered(site, "food", limits=replace(food.limits, rate=None, concurrency=1_000))
    site.run(activate(site.gate, [altered(site, "province", mode="retired"), fast]))
    changed = posted(site, CHANGED, prefix="C", form="2")
    posted(site, SAME, prefix="S", form="1")
    assert drained(site) == CHANGED + SAME

    site.run(activate(site.gate, [food]))
    site.run(activate(site.gate, [rewritten(site, "food", PATH, "itemName: case.item.name", NEW)]))
    site.clock.move(hours=1)
    assert (waiting(site), drained(site)) == (set(), 0)

    dry = replanned(site, is_dry_run=True)
    assert (dry.tally.cases, dry.tally.differing) == (CHANGED + SAME, CHANGED)
    assert dict(dry.tally.effects) == {("application", "queued"): CHANGED}
    assert dict(dry.tally.fields) == {("application", "itemName"): CHANGED}
    assert (waiting(site), drained(site)) == (set(), 0)

    done = replanned(site)
    assert (done.tally.differing, done.tally.sent, done.stopped) == (CHANGED, CHANGED, None)
    assert waiting(site) == changed
