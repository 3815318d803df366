"""What a source gets for an accepted submission."""

from __future__ import annotations

from typing import Any

from syncgate.flows.gate import Accepted, Waiting
from syncgate.site.canonical import CanonicalSchema
from syncgate.web.problems import told
from syncgate.web.settings import Language


def receipt(accepted: Accepted, *, language: Language, schema: CanonicalSchema) -> dict[str, Any]:
    """The receipt as JSON; identifiers are those of the first answer, phases those of now."""
    document: dict[str, Any] = {
        "case_id": str(accepted.case_id),
        "case_no": accepted.case_no,
        "revision": accepted.revision,
        "receipt": accepted.receipt,
        "deliveries": [
            {
                "delivery_id": str(placed.delivery_id),
                "system": placed.system,
                "message": placed.message,
                "part": placed.part,
                "phase": placed.phase,
                **({} if placed.reason is None else {"reason": placed.reason}),
            }
            for placed in accepted.deliveries
        ],
        "warnings": told(accepted.warnings, language=language, schema=schema),
    }
    if accepted.in_flight is not None:
        document["in_flight"] = accepted.in_flight
    if accepted.is_unchanged:
        document["unchanged"] = True
    return document


def waiting(kept: Waiting) -> dict[str, Any]:
    """What a source gets for what it said of a case that nobody knows yet."""
    return {
        "arrival_id": str(kept.arrival_id),
        "waits_for": f"{kept.source}:{kept.number}",
        "since": kept.came_at.isoformat(),
    }
