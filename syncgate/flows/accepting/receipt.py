"""What a source gets for an accepted submission."""

from __future__ import annotations

import base64
from collections.abc import Sequence
from datetime import timedelta

from syncgate.domain.delivery import Phase
from syncgate.domain.replan import SUPERSEDED, WITHDRAWN
from syncgate.domain.rows import Case, Delivery, Submission
from syncgate.flows.gate import Accepted, Gate, Placed

POSTED, UNCHANGED = 202, 200
ONE_COMMIT = timedelta(microseconds=10)
"""Within this time of its own, deliveries that one commit makes for one slot follow one another."""


def new_receipt(gate: Gate, case: Case) -> str:
    """The receipt of the case's newest submission, which nobody can guess."""
    mac = gate.keyring.mac("receipt", case.case_id.bytes, str(case.submission_no).encode())
    return "SG" + base64.b32encode(mac).decode().rstrip("=")[:20]


def accepted(case: Case, submission: Submission, deliveries: Sequence[Delivery]) -> Accepted:
    """The answer to a submission, with these deliveries by system and age."""
    return Accepted(
        status=submission.status,
        case_id=case.case_id,
        case_no=case.case_no,
        revision=submission.revision,
        receipt=submission.receipt,
        is_unchanged=submission.status == UNCHANGED,
        deliveries=_placed(deliveries),
    )


def replayed(case: Case, first: Submission, deliveries: Sequence[Delivery]) -> Accepted:
    """The first answer again: its identifiers, with the phases of now."""
    until = first.received_at + ONE_COMMIT
    return accepted(case, first, [delivery for delivery in deliveries if delivery.created_at <= until])


def _placed(deliveries: Sequence[Delivery]) -> tuple[Placed, ...]:
    shown = [delivery for delivery in deliveries if not _is_forgotten(delivery)]
    ordered = sorted(shown, key=lambda d: (d.system, d.created_at, d.delivery_id))
    return tuple(Placed.of(delivery) for delivery in ordered)


def _is_forgotten(delivery: Delivery) -> bool:
    return delivery.phase is Phase.CANCELLED and delivery.reason in (SUPERSEDED, WITHDRAWN)
