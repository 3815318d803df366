"""One case that a source lists, looked at: was it accepted, and does it say what the source said last."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from enum import IntEnum
from uuid import UUID

from syncgate.domain.plan import Json
from syncgate.domain.reconciliation.manifest import Listed, differing
from syncgate.domain.rows import Case, Submission
from syncgate.flows.accepting.joining import keeps_words, read_words
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.ports import Tx


class Verdict(IntEnum):
    """What a look at one listed case showed, the worst last."""

    EQUAL = 0
    UNJUDGED = 1
    """The source said more since it wrote its manifest, or what it said cannot be opened any more."""
    DIFFERS = 2
    NOT_POSTED = 3


@dataclass(frozen=True, slots=True)
class Look:
    """A verdict. case_id: None where it was never posted. names: of the fields that differ."""

    verdict: Verdict
    case_id: UUID | None = None
    names: tuple[str, ...] = ()


def posted_case(gate: Gate, tx: Tx, source: str, number: str) -> Case | None:
    """The case that a source posted under its number; None where it did not.

    A system that posts too knows cases by numbers of its own which were delivered to it: these it has not to post.
    """
    case_id = tx.case_id_by_ref(source, number)
    case = None if case_id is None else tx.case(case_id)
    if case is None or case.origin == source or source in gate.active:
        return case
    return case if tx.last_submission(case.case_id, source) is not None else None


def look(gate: Gate, tx: Tx, source: str, listed: Listed, *, as_of: datetime) -> Look:
    """What is to be said of one listed case."""
    case = posted_case(gate, tx, source, listed.number)
    if case is None:
        return Look(Verdict.NOT_POSTED)
    if not listed.tells_content:
        return Look(Verdict.EQUAL, case.case_id)
    last = tx.last_submission(case.case_id, source) if case.wrapped_key else None
    if last is None:
        return Look(Verdict.UNJUDGED, case.case_id)
    names = min((differing(listed, said) for said in _said(gate, tx, source, case, last)), key=len)
    if not names:
        return Look(Verdict.EQUAL, case.case_id)
    is_later = last.received_at >= as_of
    return Look(Verdict.UNJUDGED if is_later else Verdict.DIFFERS, case.case_id, names)


def _said(gate: Gate, tx: Tx, source: str, case: Case, last: Submission) -> list[Json]:
    """What the source said last, itself; where only the whole case is kept, what that was after the source's words.

    A source that said again what it had said before left another's later word as it stands: then its own words are
    those of its newest change.
    """
    words = read_words(gate, tx, source, case) if keeps_words(gate, source, case) else None
    if words is not None:
        return [words]
    revisions = {last.revision}
    if not last.is_change:
        own = [one.revision for one in tx.list_submissions(case.case_id) if one.source == source and one.is_change]
        revisions.update([max(own)] if own else [])
    return [open_document(gate, tx, case, revision) for revision in sorted(revisions)]
