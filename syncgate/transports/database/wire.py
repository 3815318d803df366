"""Between a request of ours and a transaction, both ways. No I/O: time is handed in."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, Literal
from zoneinfo import ZoneInfo

import orjson

from syncgate.domain.errors import SiteInvalid
from syncgate.domain.outcome import Answer, Evidence, Found, Outcome, Reading
from syncgate.ports import UNREADABLE, Clock, Page, Query, Request, Unread
from syncgate.transports.answer_view import AnswerView
from syncgate.transports.answers import UNMATCHED, AnswerRules, CompiledCondition, Verdict
from syncgate.transports.database.address import Engine
from syncgate.transports.database.faults import MEANINGS, SILENT, Fault, FaultKind, Stage
from syncgate.transports.database.listing import MOST, USUAL, Listings
from syncgate.transports.database.options import Count, DatabaseOptions, Insert, List, Mark, Poll, Read, Update
from syncgate.transports.database.reading import Asking, Meant
from syncgate.transports.database.rows import Fill
from syncgate.transports.database.script import Document, Finished, Script
from syncgate.transports.database.tables import tables_of
from syncgate.transports.database.writing import Writing
from syncgate.transports.pointer import MISSING, follow, parse_pointer

EVIDENCE_BYTES: Final = 256 * 1024
LONGEST_REMOTE_REF: Final = 200
NO_STATUS: Final = 0
"""A database has no status; no rule that asks for one holds."""

_SHUT: Final = frozenset({Outcome.THROTTLED, Outcome.UNAVAILABLE})
_SHUT_OUT: Final = _SHUT | {Outcome.DENIED}
_UNREAD: Final[Mapping[Outcome, Literal["denied", "throttled"]]] = {
    Outcome.DENIED: "denied",
    Outcome.THROTTLED: "throttled",
}
_GIVES_REF: Final = frozenset({Outcome.TAKEN, Outcome.QUEUED_THERE, Outcome.DUPLICATE})
_SILENT_RULES: Final = {
    Stage.CONNECTING: "not_connected",
    Stage.WORKING: "lost_before_commit",
    Stage.COMMITTING: "lost_at_commit",
}

POLLED: Final = {
    "waiting": Verdict(rule="waiting", outcome=Outcome.QUEUED_THERE),
    "taken": Verdict(rule="taken", outcome=Outcome.TAKEN),
    "refused": Verdict(rule="refused", outcome=Outcome.REFUSED, reason="rejected_there", actor="source"),
    "vanished": Verdict(rule="vanished", outcome=Outcome.UNKNOWN),
    "unclear": Verdict(rule="unclear", outcome=Outcome.UNKNOWN),
    "ambiguous": Verdict(rule="ambiguous", outcome=Outcome.UNKNOWN),
}
"""What a polled state amounts to where no answer rule says otherwise."""

STOPPED: Final = {
    "no_row": Verdict(rule="no_row", outcome=Outcome.REFUSED, reason="row_missing", actor="system"),
    "several_rows": Verdict(rule="several_rows", outcome=Outcome.REFUSED, reason="row_ambiguous", actor="system"),
    "not_exact": Verdict(rule="not_exact", outcome=Outcome.REFUSED, reason="row_ambiguous", actor="system"),
    "not_kept": Verdict(rule="not_kept", outcome=Outcome.REFUSED, reason="value_not_kept", actor="system"),
}
"""What it amounts to that we ended a transaction ourselves; nothing was committed."""


class Wire:
    """One system's way of writing and reading rows, compiled from its options."""

    def __init__(self, options: DatabaseOptions, rules: AnswerRules, *, clock: Clock, engine: Engine) -> None:
        """Args:
        options: as read.
        rules: the adapter's answer rules.
        clock: for the sending time.
        engine: which it is; PostgreSQL tells a generated number only in RETURNING.
        """
        self._operations = options.operations
        self._rules = rules
        self._clock = clock
        self._zone = ZoneInfo(options.time_zone)
        tables = tables_of(options)
        self._writing = Writing(tables, self._zone, returns_generated=engine == "postgresql")
        self._asking = Asking(tables, self._zone)
        self._listings = Listings(tables, self._zone, engine=engine)

    def compose(self, request: Request) -> Script:
        """The transaction of a send.

        Raises:
            Unsendable: a value does not fit its column, or a key is missing.
            SiteInvalid: the options have no such operation, or it reads for look-ups only.
        """
        operation, fill = self._operation(request.operation), self._fill(request)
        match operation:
            case Insert():
                return self._writing.insert(operation, request.payload, fill)
            case Update():
                return self._writing.update(operation, request.payload, fill)
            case Mark():
                return self._writing.mark(operation, fill)
            case Poll():
                return self._asking.poll(operation, fill)
            case _:
                raise SiteInvalid(f"expected an operation that writes or polls, got {request.operation!r}, which reads")

    def compose_look_up(self, request: Request) -> Script:
        """The transaction of a look-up; raises as `compose`."""
        operation = self._operation(request.operation)
        if not isinstance(operation, Read):
            raise SiteInvalid(f"expected an operation that reads, got {request.operation!r}, which does not")
        return self._asking.read(operation, self._fill(request))

    def compose_page(self, query: Query, following: str | None) -> Script:
        """The transaction of one page; raises SiteInvalid as `compose`."""
        operation = self._operation(query.operation)
        if not isinstance(operation, List):
            raise SiteInvalid(f"expected an operation that lists, got {query.operation!r}, which does not")
        size = min(query.paging.size or USUAL, MOST)
        return self._listings.page(operation, query.keys, size=size, after=following)

    def compose_count(self, query: Query, *, low: str, high: str | None) -> Script:
        """The transaction of a count; raises SiteInvalid as `compose`."""
        operation = self._operation(query.operation)
        if not isinstance(operation, Count):
            raise SiteInvalid(f"expected an operation that counts, got {query.operation!r}, which does not")
        return self._listings.count(operation, low=low, high=high)

    def listed(self, query: Query, came: Finished | Fault) -> Page | int | Unread:
        """The page, or the count, that a transaction brought."""
        if isinstance(came, Finished):
            match came.document:
                case {"result": "list", "rows": rows, "following": following}:
                    return Page(records=rows, following=following)
                case {"result": "count", "count": count}:
                    return int(count)
            return Unread(reason=UNREADABLE, words="expected a key that tells rows apart, got one that does not")
        verdict = self._verdict(Request(query.operation, {}), came, _view(_document(came)))
        if came.said.kind is FaultKind.UNREADABLE:
            return Unread(reason=UNREADABLE, words=came.note, outcome=verdict.outcome)
        return Unread(reason=_UNREAD.get(verdict.outcome, "unavailable"), words=came.note, outcome=verdict.outcome)

    def meant(self, request: Request) -> Meant:
        """What a polled request's row is found by; raises as `compose`."""
        return self._asking.meant(self._poll(request.operation), self._fill(request))

    def compose_polls(self, name: str, meant: Sequence[Meant]) -> Script:
        """The transaction that asks about many rows at once."""
        return self._asking.polls(self._poll(name), meant)

    def poll_answers(self, requests: Sequence[Request], script: Script, came: Finished | Fault) -> list[Answer] | None:
        """The judged questions, one for each request; None where they must be asked one by one."""
        if isinstance(came, Finished):
            if came.document["result"] != "polls":
                return None
            told = zip(requests, came.document["polls"], strict=True)
            return [self.answer(request, script, Finished(document)) for request, document in told]
        answers = [self.answer(request, script, came) for request in requests]
        is_shut = answers[0].outcome in _SHUT_OUT
        if not is_shut and len(requests) > 1:
            return None
        # What the engine has against a SELECT says nothing about the row.
        return answers if is_shut else [replace(answers[0], outcome=Outcome.UNKNOWN, rule=UNMATCHED)]

    def answer(self, request: Request, script: Script, came: Finished | Fault) -> Answer:
        """The judged send."""
        document = _document(came)
        evidence = _evidence(script, came, document)
        view = _view(document)
        verdict = self._verdict(request, came, view)
        return Answer(
            outcome=verdict.outcome,
            evidence=evidence,
            rule=verdict.rule,
            reason=verdict.reason,
            actor=verdict.actor,
            remote_ref=_remote_ref(view, request) if verdict.outcome in _GIVES_REF else None,
        )

    def reading(
        self,
        request: Request,
        script: Script,
        came: Finished | Fault,
        *,
        record_at: tuple[str, ...],
        absent: CompiledCondition | None,
    ) -> Reading:
        """The judged look-up: a record counts only where one row was found, absence only where the adapter says so."""
        document = _document(came)
        evidence = _evidence(script, came, document)
        view = _view(document)
        verdict = self._verdict(request, came, view)
        if verdict.outcome is Outcome.DENIED:
            return Reading(found=Found.DENIED, evidence=evidence)
        if verdict.outcome in _SHUT:
            return Reading(found=Found.UNDECIDED, evidence=evidence, outcome=verdict.outcome)
        if document.get("result") != "read":
            return Reading(found=Found.UNDECIDED, evidence=evidence)
        if absent is not None and absent.holds(view):
            return Reading(found=Found.ABSENT, evidence=evidence)
        record = follow(view.document, record_at)
        if record is MISSING or not (verdict.outcome is Outcome.TAKEN or verdict.is_implied):
            return Reading(found=Found.UNDECIDED, evidence=evidence)
        return Reading(found=Found.RECORD, record=record, remote_ref=_remote_ref(view, request), evidence=evidence)

    def _verdict(self, request: Request, came: Finished | Fault, view: AnswerView) -> Verdict:
        if isinstance(came, Fault):
            if came.could_have_acted:
                return Verdict(rule=_SILENT_RULES[came.stage], outcome=Outcome.UNKNOWN)
            if came.said.kind in SILENT:
                return Verdict(rule=_SILENT_RULES[came.stage], outcome=Outcome.UNAVAILABLE)
        verdict = self._rules.judge(view, operation=request.operation)
        return _implied(came, view) or verdict if verdict.is_implied else verdict

    def _poll(self, name: str) -> Poll:
        operation = self._operation(name)
        if not isinstance(operation, Poll):
            raise SiteInvalid(f"expected an operation that polls, got {name!r}, which does not")
        return operation

    def _operation(self, name: str) -> Any:
        try:
            return self._operations[name]
        except KeyError:
            known = ", ".join(sorted(self._operations))
            raise SiteInvalid(f"expected one of the operations {known}, got {name!r}") from None

    def _fill(self, request: Request) -> Fill:
        now = self._clock.now()
        return lambda text: text.fill(request.keys, now=now, zone=self._zone)


def _implied(came: Finished | Fault, view: AnswerView) -> Verdict | None:
    """The meaning that holds without a rule; None where there is none, which makes it unknown."""
    if isinstance(came, Fault):
        kind, meaning = came.said.kind, MEANINGS[came.said.kind]
        needs_a_person = meaning.outcome in (Outcome.REFUSED, Outcome.DENIED)
        reason = str(kind) if needs_a_person else ""
        return Verdict(rule=str(kind), outcome=meaning.outcome, reason=reason, actor=meaning.actor)
    document = came.document
    return POLLED.get(document.get("state", "")) or STOPPED.get(document["result"])


def _document(came: Finished | Fault) -> Document:
    if isinstance(came, Finished):
        return came.document
    said = came.said
    return {"result": "error", "kind": str(said.kind), "code": said.code, "message": said.message}


def _view(document: Document) -> AnswerView:
    return AnswerView(NO_STATUS, (), orjson.dumps(document))


def _evidence(script: Script, came: Finished | Fault, document: Document) -> Evidence:
    has_left = isinstance(came, Finished) or came.stage is not Stage.CONNECTING
    sent = script.sent if has_left and script.sent else None
    is_said = isinstance(came, Finished) or bool(came.said.code)
    received = orjson.dumps(document) if is_said else None
    notes = [_note(came)]
    notes += [
        f"{what}: kept {EVIDENCE_BYTES} of {len(body)} bytes"
        for what, body in (("sent", sent), ("received", received))
        if body is not None and len(body) > EVIDENCE_BYTES
    ]
    return Evidence(
        request_line=script.request_line,
        sent=None if sent is None else sent[:EVIDENCE_BYTES],
        received=None if received is None else received[:EVIDENCE_BYTES],
        note="; ".join(note for note in notes if note),
    )


def _note(came: Finished | Fault) -> str:
    if isinstance(came, Fault):
        return came.note
    columns = came.document.get("columns")
    return f"not kept as it was sent, nothing committed: {', '.join(columns)}" if columns else ""


def _remote_ref(view: AnswerView, request: Request) -> str | None:
    at = request.remote_ref_at.get("body")
    value = MISSING if at is None else follow(view.document, parse_pointer(at))
    value = str(value) if type(value) is int else value
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_REMOTE_REF else None
