"""What a slot's content would be under one bundle or another: whether a changed mapping says anything else."""

from __future__ import annotations

from dataclasses import replace
from typing import Final

from syncgate.domain.comparison import is_equal
from syncgate.domain.delivery import Phase
from syncgate.domain.head import Task
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case, Delivery
from syncgate.flows.delivering.held import case_refs, remote_refs
from syncgate.flows.delivering.mapping import mapped
from syncgate.flows.delivering.work import Payload, Work
from syncgate.flows.gate import Gate
from syncgate.flows.lane import LaneWork
from syncgate.site.bundle import Bundle

UNCLAIMED: Final = frozenset({Phase.PENDING})
"""What waits unsent is mapped under the active bundle when its turn comes, whichever planned it."""


def says_the_same(gate: Gate, work: LaneWork, newest: Delivery, revision: int, bundle: Bundle) -> bool:
    """Whether a slot's newest delivery carries what this bundle would make of this revision.

    Only what is compared counts: neither volatile fields nor those that say `compared: false`.
    """
    case = work.tx.case(newest.case_id)
    then = bundle if newest.phase in UNCLAIMED else gate.bundles.get(newest.bundle)
    if case is None or then is None or newest.message not in then.specs:
        return False
    if then is bundle and newest.revision == revision:
        return True
    now = replace(newest, revision=revision)
    before, after = _content(gate, work, case, newest, then), _content(gate, work, case, now, bundle)
    return is_equal(before, after) and is_equal(after, before)


def _content(gate: Gate, work: LaneWork, case: Case, delivery: Delivery, bundle: Bundle) -> Json:
    """The compared fields of a delivery's payload; why there is none where it cannot be mapped."""
    spec = bundle.specs[delivery.message]
    submission = work.tx.revision(case.case_id, delivery.revision)
    if submission is None or submission.sealed_document is None:
        return {"revision": delivery.revision}
    refs = spec.needs_references
    serving = Work(
        lane=work.lane,
        delivery=delivery,
        task=Task.SEND,
        case=case,
        submission=submission,
        remote_refs=remote_refs(work.tx.deliveries(case.case_id)) if refs else {},
        case_refs=case_refs(work.tx.lanes(case.case_id)) if refs else {},
        claimed_at=work.tx.now,
        taken_at=work.tx.now,
    )
    made = mapped(gate, serving, delivery, submission, bundle, sent_at=work.tx.now)
    if not isinstance(made, Payload):
        return {"reason": made.reason, "detail": made.detail, "waits_for": made.waits_for}
    if not isinstance(made.value, dict):
        return made.value
    return {"payload": {name: value for name, value in made.value.items() if name in spec.compared_fields}}
