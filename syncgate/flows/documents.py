"""Opening what a case said in one of its revisions."""

from __future__ import annotations

import orjson

from syncgate.domain.errors import NotFound
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case
from syncgate.flows.gate import Gate
from syncgate.ports import Tx


def open_document(gate: Gate, tx: Tx, case: Case, revision: int | None = None) -> Json:
    """The canonical document of a revision, the current one by default. Raises NotFound."""
    submission = tx.revision(case.case_id, revision or case.revision)
    if submission is None or submission.sealed_document is None:
        raise NotFound("expected a revision that is kept, got none of that number")
    plain = gate.keyring.open(case.wrapped_key, submission.sealed_document, bound_to=f"case:{case.case_id}")
    return orjson.loads(plain)
