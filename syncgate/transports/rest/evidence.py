"""What is kept of an exchange, and what else an answer says beside its outcome."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Any, Final
from urllib.parse import urlsplit

from syncgate.domain.outcome import Evidence
from syncgate.transports.answer_view import AnswerView
from syncgate.transports.pointer import follow, parse_pointer
from syncgate.transports.rest.http import HttpFailure, HttpRequest, HttpResponse

EVIDENCE_BYTES: Final = 256 * 1024
"""How much of a body is kept as evidence."""

LONGEST_REMOTE_REF: Final = 200
_KEPT_HEADERS: Final = ("content-type", "retry-after", "location", "date", "x-request-id")


def evidence_of(sent: HttpRequest, came: HttpResponse | HttpFailure) -> Evidence:
    """What left and what came, bodies cut where they are long; of the headers only harmless ones that came."""
    body = sent.body if sent.kept is None else sent.kept
    left = body if isinstance(came, HttpResponse) or came.could_have_acted else None
    received = came.body if isinstance(came, HttpResponse) else came.received
    notes = [came.note] if isinstance(came, HttpFailure) else []
    notes += [
        f"{what}: kept {EVIDENCE_BYTES} of {len(body)} bytes"
        for what, body in (("sent", left), ("received", received))
        if body is not None and len(body) > EVIDENCE_BYTES
    ]
    return Evidence(
        request_line=f"{sent.method} {urlsplit(sent.url).path}",
        sent=left if left is None else left[:EVIDENCE_BYTES],
        received=received if received is None else received[:EVIDENCE_BYTES],
        status=came.status,
        received_headers={name.lower(): value for name, value in came.headers if name.lower() in _KEPT_HEADERS},
        note="; ".join(notes),
    )


def parse_retry_after(text: str | None, *, now: datetime) -> timedelta | None:
    """The wait that `Retry-After` asks for (RFC 9110 §10.2.3: seconds or a date), None where it says none."""
    if text is None:
        return None
    text = text.strip()
    if text.isascii() and text.isdigit():
        return timedelta(seconds=min(int(text[:9]), 10**8))
    try:
        until = parsedate_to_datetime(text)
    except (ValueError, IndexError, OverflowError):
        return None
    if until.tzinfo is None:
        return None
    return max(until - now, timedelta(0))


def remote_ref_in(answer: AnswerView, at: Mapping[str, str]) -> str | None:
    """The system's own id in its answer: a text or a whole number, None where there is none."""
    if "header" in at:
        value: Any = answer.headers.get(at["header"].lower())
    elif "body" in at:
        value = follow(answer.document, parse_pointer(at["body"]))
    else:
        return None
    if type(value) is int:
        value = str(value)
    return value if isinstance(value, str) and 0 < len(value) <= LONGEST_REMOTE_REF else None
