"""What of a case may be like another's, kept as keyed digests: nobody can read it, and nothing is merged by it."""

from __future__ import annotations

from syncgate.domain.likeness import features
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case, Likeness
from syncgate.flows.gate import Gate
from syncgate.ports import Tx


def note_likeness(gate: Gate, tx: Tx, case: Case, before: Json, document: Json) -> None:
    """Keeps the digests of what is new. before: the document until now; empty for a new case."""
    known = features(before) if before else {}
    rows = [
        Likeness(
            case_id=case.case_id,
            feature=feature.value,
            mac=gate.keyring.mac("likeness", text.encode()),
            came_at=case.created_at,
        )
        for feature, text in features(document).items()
        if known.get(feature) != text
    ]
    if rows:
        tx.save_likenesses(rows)
