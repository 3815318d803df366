"""Between a request of ours and the bytes of HTTP, both ways. No I/O: time, chance and secrets are handed in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final
from urllib.parse import quote

from syncgate.domain.errors import SiteInvalid
from syncgate.domain.outcome import Answer, Found, Outcome, Reading
from syncgate.ports import Clock, Entropy, Request, Secrets
from syncgate.transports.answer_view import AnswerFormat, AnswerView
from syncgate.transports.answers import AnswerRules, CompiledCondition, Verdict
from syncgate.transports.pointer import MISSING, follow
from syncgate.transports.rest.bodies import Write, content_type_of, writer_of
from syncgate.transports.rest.evidence import evidence_of, parse_retry_after, remote_ref_in
from syncgate.transports.rest.http import Headers, HttpFailure, HttpRequest, HttpResponse
from syncgate.transports.rest.multipart import boundary_of, kept_of, streamed
from syncgate.transports.rest.options import OperationOptions, RestOptions
from syncgate.transports.rest.question import fill_question
from syncgate.transports.rest.signing import Moment, SigningOptions, SigningScheme
from syncgate.transports.rest.text import (
    HeaderText,
    KeyMissing,
    SecretRef,
    Template,
    is_header_name,
    is_header_value,
    parse_template,
)
from syncgate.transports.rest.unsendable import Unsendable

_DEFAULT_HEADERS: Final = {
    "Accept-Encoding": "identity",
    "User-Agent": "syncgate",
}
_ASKS_TO_WAIT: Final = frozenset({Outcome.THROTTLED, Outcome.UNAVAILABLE})
_GIVES_REF: Final = frozenset({Outcome.TAKEN, Outcome.QUEUED_THERE, Outcome.DUPLICATE})
_DECIDES_NOTHING: Final = frozenset({Outcome.THROTTLED, Outcome.UNAVAILABLE})


@dataclass(frozen=True, slots=True)
class _Operation:
    method: str
    path: Template
    query: tuple[tuple[str, Template], ...]
    headers: tuple[tuple[str, Template | SecretRef], ...]
    write: Write
    content_type: str
    answer: AnswerFormat
    options: OperationOptions


class Wire:
    """One system's way of writing requests and reading answers, compiled from its options."""

    def __init__(
        self,
        options: RestOptions,
        rules: AnswerRules,
        *,
        base_url: str,
        scheme: SigningScheme,
        secrets: Secrets,
        clock: Clock,
        entropy: Entropy,
    ) -> None:
        self._operations = {
            name: _compiled(operation, options.headers) for name, operation in options.operations.items()
        }
        self._rules = rules
        self._base_url = base_url
        self._signing: SigningOptions = options.signing
        self._sign = scheme.sign
        self._secrets = secrets
        self._clock = clock
        self._entropy = entropy

    def compose(self, request: Request) -> HttpRequest:
        """The request as it leaves now, freshly signed.

        Raises:
            Unsendable: a key, a secret or the payload cannot be put on the wire.
            SiteInvalid: the options have no such operation.
        """
        operation = self._operation(request.operation)
        bare = self._with_body(operation, request)
        moment = Moment(self._clock.now(), self._entropy, self._secret, request.operation)
        return _checked(self._sign(bare, self._signing, moment))

    def _with_body(self, operation: _Operation, request: Request) -> HttpRequest:
        url, payload = self._base_url + _target(operation, request.keys), _payload(operation, request)
        content_type = None if payload is None else operation.content_type
        body, kept, stream = b"", None, None
        if payload is not None and request.file is not None:
            boundary = boundary_of(self._entropy.token(16))
            stream = streamed(operation.options, operation.write, payload, request.file, boundary)
            content_type, kept = f"multipart/form-data; boundary={boundary}", kept_of(stream, request.file)
        elif payload is not None:
            body = operation.write(payload)
            kept = None if request.kept is None else operation.write(request.kept)
        headers = self._headers(operation, request.keys, content_type)
        return HttpRequest(operation.method, url, headers, body, kept, stream)

    def answer(self, request: Request, sent: HttpRequest, came: HttpResponse | HttpFailure) -> Answer:
        """The judged send."""
        evidence = evidence_of(sent, came)
        if isinstance(came, HttpFailure):
            outcome = Outcome.UNKNOWN if came.could_have_acted else Outcome.UNAVAILABLE
            return Answer(outcome=outcome, evidence=evidence, rule=_failure_rule(came))
        view = self.view(request, came)
        verdict = self.judge(request, view)
        return Answer(
            outcome=verdict.outcome,
            evidence=evidence,
            rule=verdict.rule,
            reason=verdict.reason,
            actor=verdict.actor,
            remote_ref=remote_ref_in(view, request.remote_ref_at) if verdict.outcome in _GIVES_REF else None,
            retry_after=self.retry_after(view) if verdict.outcome in _ASKS_TO_WAIT else None,
        )

    def reading(
        self,
        request: Request,
        sent: HttpRequest,
        came: HttpResponse | HttpFailure,
        *,
        record_at: tuple[str, ...],
        absent: CompiledCondition | None,
    ) -> Reading:
        """The judged look-up.

        A record counts only in a 2xx that no rule calls something else than taken; absence only where the
        adapter's condition says so, and never in an answer that a rule calls denied, throttled or unavailable.
        """
        evidence = evidence_of(sent, came)
        if isinstance(came, HttpFailure):
            return Reading(found=Found.UNDECIDED, evidence=evidence, outcome=Outcome.UNAVAILABLE)
        view = self.view(request, came)
        verdict = self.judge(request, view)
        if verdict.outcome is Outcome.DENIED:
            return Reading(found=Found.DENIED, evidence=evidence)
        if verdict.outcome in _DECIDES_NOTHING:
            retry_after = self.retry_after(view)
            return Reading(found=Found.UNDECIDED, evidence=evidence, outcome=verdict.outcome, retry_after=retry_after)
        if absent is not None and absent.holds(view):
            return Reading(found=Found.ABSENT, evidence=evidence)
        record = _record(view, record_at)
        if record is MISSING or not (verdict.outcome is Outcome.TAKEN or verdict.is_implied):
            return Reading(found=Found.UNDECIDED, evidence=evidence)
        remote_ref = remote_ref_in(view, request.remote_ref_at)
        return Reading(found=Found.RECORD, record=record, remote_ref=remote_ref, evidence=evidence)

    def view(self, request: Request, came: HttpResponse) -> AnswerView:
        """The answer as the rules see it."""
        operation = self._operation(request.operation)
        charset = operation.options.answer_charset
        return AnswerView(came.status, came.headers, came.body, format=operation.answer, undeclared=charset)

    def _operation(self, name: str) -> _Operation:
        try:
            return self._operations[name]
        except KeyError:
            known = ", ".join(sorted(self._operations))
            raise SiteInvalid(f"expected one of the operations {known}, got {name!r}") from None

    def _headers(self, operation: _Operation, keys: Mapping[str, str], content_type: str | None) -> Headers:
        filled = _DEFAULT_HEADERS | {"Accept": f"application/{operation.answer}"}
        if content_type is not None:
            filled["Content-Type"] = content_type
        given = {name: self._header(name, text, keys) for name, text in operation.headers if _is_told(text, keys)}
        names = {name.lower() for name in given}
        kept = [pair for pair in filled.items() if pair[0].lower() not in names]
        return (*kept, *given.items())

    def _header(self, name: str, text: Template | SecretRef, keys: Mapping[str, str]) -> str:
        if isinstance(text, SecretRef):
            return self._secret(text.secret)
        return _filled(text, keys, where=f"header {name}")

    def _secret(self, name: str) -> str:
        try:
            return self._secrets.get(name)
        except SiteInvalid:
            raise Unsendable(
                f"expected the secret {name}, got none",
                outcome=Outcome.DENIED,
                reason="secret_missing",
                actor="operations",
            ) from None

    def judge(self, request: Request, view: AnswerView) -> Verdict:
        """What the rules say about it."""
        return self._rules.judge(view, operation=request.operation)

    def retry_after(self, answer: AnswerView) -> timedelta | None:
        """The wait that it asks for."""
        return parse_retry_after(answer.headers.get("retry-after"), now=self._clock.now())


def _compiled(operation: OperationOptions, headers: Mapping[str, HeaderText]) -> _Operation:
    replaced = {name.lower() for name in operation.headers}
    merged = {name: text for name, text in headers.items() if name.lower() not in replaced} | operation.headers
    return _Operation(
        method=operation.method,
        path=parse_template(operation.path),
        query=tuple((name, parse_template(text)) for name, text in operation.query.items()),
        headers=tuple(
            (name, text if isinstance(text, SecretRef) else parse_template(text)) for name, text in merged.items()
        ),
        write=writer_of(operation),
        content_type=content_type_of(operation),
        answer=operation.answer,
        options=operation,
    )


def _target(operation: _Operation, keys: Mapping[str, str]) -> str:
    path = _filled(operation.path, keys, where="path")
    if any(segment in (".", "..") for segment in path.split("/")):
        raise _unusable_key("expected keys that are whole path segments, got one that climbs")
    if not operation.query:
        return path
    told = ((name, text) for name, text in operation.query if _is_told(text, keys))
    pairs = [f"{quote(name, safe='')}={_filled(text, keys, where='query')}" for name, text in told]
    return f"{path}?{'&'.join(pairs)}" if pairs else path


def _is_told(text: Template | SecretRef, keys: Mapping[str, str]) -> bool:
    return isinstance(text, SecretRef) or not text.is_left_out(keys)


def _payload(operation: _Operation, request: Request) -> Any:
    question = operation.options.question
    if request.payload is not None or question is None:
        return request.payload
    try:
        return fill_question(question, request.keys)
    except KeyMissing as missing:
        raise _unusable_key(f"question: {missing}") from None


def _filled(text: Template, keys: Mapping[str, str], *, where: str) -> str:
    try:
        return text.fill(keys)
    except KeyMissing as missing:
        raise _unusable_key(f"{where}: {missing}") from None


def _unusable_key(note: str) -> Unsendable:
    return Unsendable(note, outcome=Outcome.REFUSED, reason="key_missing", actor="operations")


def _checked(request: HttpRequest) -> HttpRequest:
    for name, value in request.headers:
        if not is_header_name(name) or not is_header_value(value):
            raise Unsendable(
                f"expected header {name!r} to be printable ASCII on one line, got something else",
                outcome=Outcome.DENIED,
                reason="header_unusable",
                actor="operations",
            )
    return request


def _record(answer: AnswerView, at: tuple[str, ...]) -> Any:
    if not 200 <= answer.status < 300 or answer.document is MISSING:
        return MISSING
    record = follow(answer.document, at)
    # An element without anything in it is as little of a record as null is.
    is_nothing = record is None or (answer.format == "xml" and record == "")
    return MISSING if is_nothing else record


def _failure_rule(failure: HttpFailure) -> str:
    return "no_answer" if failure.could_have_acted else "not_sent"
