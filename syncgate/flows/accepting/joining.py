"""How what a source says joins a case that other sources know too: under which number, merged with what, and what
of it are the source's own words."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import orjson

from syncgate.domain.case import merged, replaced
from syncgate.domain.plan import Json
from syncgate.domain.rows import Case, Words
from syncgate.flows.accepting.identity import own_number
from syncgate.flows.gate import Gate
from syncgate.ports import Tx


@dataclass(frozen=True, slots=True)
class Edit:
    """What a call makes of a document.

    Attributes:
        of: the document after the call; raises what the call refuses.
        whole: the document that came, where the call says all that the source knows; None for a part of it.
    """

    of: Callable[[Json], Json]
    whole: Json | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoken:
    """What one source itself has said of a case, under the case's own number.

    before: until this submission; None where it had said nothing. now: with this submission.
    is_whole: whether it ever said all that it knows; else its words are changes of what it got from us.
    """

    before: Json | None
    now: Json
    is_whole: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Joined:
    """The case after a call of one source.

    Attributes:
        document: the whole case, under the origin's number.
        words: what the source itself has said by now, under its own number; None where that is not kept, as for
            one who only ever changed what others said.
        spoken: the same as plans need it.
    """

    document: Json
    words: Json | None
    spoken: Spoken | None


def posting(tx: Tx, source: str, case: Case, document: Json) -> Edit:
    """A post of a known case: merged where another source posts it too, else in place of what the source said."""
    is_shared = source != case.origin or tx.is_posted_by_others(case.case_id, source)
    after = merged if is_shared else replaced
    return Edit(lambda current: after(current, document), whole=document)


def join(gate: Gate, tx: Tx, source: str, case: Case, current: Json, edit: Edit) -> Joined:
    """What the case and the source's own words are after the edit. Raises what the edit raises.

    Args:
        gate: the running gate.
        tx: a transaction; nothing is written.
        source: who calls.
        case: the case as stored.
        current: its document.
        edit: what the call changes.
    """
    said = read_words(gate, tx, source, case) if keeps_words(gate, source, case) else None
    seen = current if source == case.origin else _as_seen(tx, source, case, current, said, edit)
    after = edit.of(seen)
    document = after if source == case.origin else _kept_identity(source, current, after)
    if not keeps_words(gate, source, case):
        return Joined(document=document, words=None, spoken=None)
    is_whole = said is not None or edit.whole is not None
    known = said if is_whole else seen
    words = edit.whole if known is None else edit.of({**known, "case_no": seen["case_no"]})
    before = None if known is None else under_number(known, document)
    spoken = Spoken(before=before, now=under_number(words, document), is_whole=is_whole)
    return Joined(document=document, words=words if is_whole else None, spoken=spoken)


def keeps_words(gate: Gate, source: str, case: Case) -> bool:
    """Whether the source's own words are told apart from the case: it has a record of its own, or joined later."""
    return source in gate.active or source != case.origin


def under_number(words: Json, document: Json) -> Json:
    """A source's own words under the number and references of the case, which are no content of theirs."""
    identity = {name: document[name] for name in ("case_no", "references") if name in document}
    return {**words, **identity}


def read_words(gate: Gate, tx: Tx, source: str, case: Case) -> Json | None:
    """What the source itself has said so far, under its own number; None where it has said nothing."""
    words = tx.words(case.case_id, source)
    if words is None:
        return None
    return orjson.loads(gate.keyring.open(case.wrapped_key, words.sealed, bound_to=_place(words)))


def save_words(gate: Gate, tx: Tx, source: str, case: Case, words: Json) -> None:
    """Keeps what the source itself has said by the case's newest submission."""
    row = Words(case_id=case.case_id, source=source, submission_no=case.submission_no, sealed=b"")
    sealed = gate.keyring.seal(case.wrapped_key, orjson.dumps(words), bound_to=_place(row))
    tx.save_words(Words(case_id=row.case_id, source=source, submission_no=row.submission_no, sealed=sealed))


def _place(words: Words) -> str:
    return f"words:{words.case_id}:{words.source}:{words.submission_no}"


def _as_seen(tx: Tx, source: str, case: Case, current: Json, said: Json | None, edit: Edit) -> Json:
    """The current document as one who joined knows it: under its own number and its own version."""
    number = edit.whole["case_no"] if edit.whole is not None else own_number(tx, source, case)
    version = (said or {}).get("source_version")
    return _with_version({**current, "case_no": number}, version)


def _kept_identity(source: str, current: Json, after: Json) -> Json:
    """The document under the origin's number and version, whatever the poster calls them.

    Another number than the known one is kept, in whichever of the two places it came: it will be refused.
    """
    references = {**(after.get("references") or {})}
    stated, known = references.get(source), (current.get("references") or {}).get(source)
    references[source] = after["case_no"] if stated in (None, known) else stated
    document = {**after, "case_no": current["case_no"], "references": references}
    return _with_version(document, current.get("source_version"))


def _with_version(document: Json, version: Json) -> Json:
    rest = {name: value for name, value in document.items() if name != "source_version"}
    return rest if version is None else {**rest, "source_version": version}
