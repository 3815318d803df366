"""`POST /v1/sources/{source}/records`: a source's records in its own format, charset and words."""

from __future__ import annotations

import codecs
import time
from collections.abc import Iterator
from typing import Any, Final

import orjson
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncgate.domain.errors import FieldError, RequestError, SyncgateError, UnsupportedMedia
from syncgate.flows.gate import Caller
from syncgate.flows.taking_in.content import Body
from syncgate.flows.taking_in.taking import Fate, Posted, TakenIn, source_of, take_in
from syncgate.records import XlsxSettings
from syncgate.records.settings import Format
from syncgate.site.sources import Source
from syncgate.web import body as bodies
from syncgate.web import problems
from syncgate.web.auth import caller_of, idempotency_key_in, refuse_headers
from syncgate.web.body import Headers
from syncgate.web.desk import Came, Desk
from syncgate.web.place import Place
from syncgate.web.problems import InvalidRequest
from syncgate.web.receipts import receipt
from syncgate.web.trace import Refused, leave

PATH: Final = "/v1/sources/{source}/records"
FORMAT_BY_MEDIA: Final[dict[str, Format]] = {
    "application/json": "json",
    "application/xml": "xml",
    "text/xml": "xml",
    "application/x-www-form-urlencoded": "form",
    "application/x-ndjson": "ndjson",
    "text/csv": "csv",
    "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet": "xlsx",
}


def routes(place: Place) -> list[Route]:
    """The records' route."""
    return [Route(PATH, Taker(place), methods=["POST"], include_in_schema=False)]


class Taker:
    """Takes one body: key, source, format and charset; then what became of each of its records."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        desk, came, started = Desk.of(self._place, scope, route=PATH), Came(), time.perf_counter()
        try:
            taken = await self._taken(desk, came, scope, receive)
            code, answer = await self._answered(desk, came, taken)
        except SyncgateError as error:
            code, answer = error.code, await desk.problem(came, error)
        except bodies.Disconnected:
            return
        self._place.metrics.answered(code, time.perf_counter() - started)
        await answer(scope, receive, send)

    async def _taken(self, desk: Desk, came: Came, scope: Scope, receive: Receive) -> TakenIn:
        headers, settings = scope["headers"], self._place.settings
        caller = await self._enter(desk, scope)
        source, mapping = source_of(self._place.gate, caller.source)
        format_name = format_of(headers, source)
        refuse_headers(headers, b"if-match")
        key = idempotency_key_in(headers)
        if key is None and mapping.needs_record_no:
            errors = [FieldError("/header/idempotency-key", "required", "string")]
            raise InvalidRequest("expected an Idempotency-Key for records without numbers, got none", errors=errors)
        came.body = await bodies.read(headers, receive, limit=settings.body_limit, within=settings.body_within)
        body = Body(format_name, came.body)
        posted = Posted(body=body, path=scope["path"], key=key, by=caller.principal.name)
        return await take_in(self._place.gate, caller, posted)

    async def _enter(self, desk: Desk, scope: Scope) -> Caller:
        """Who posts for the path's source. Raises Unauthenticated, Forbidden."""
        desk.principal = await self._place.principal(scope)
        caller = caller_of(self._place.gate, desk.principal, scope["path_params"]["source"])
        desk.source = caller.source
        return caller

    async def _answered(self, desk: Desk, came: Came, taken: TakenIn) -> tuple[str, Response]:
        if taken.is_alone:
            (fate,) = taken.fates
            return _code(fate), self._alone(desk, fate)
        for fate in taken.fates:
            if fate.refused is not None and fate.held is None:
                await self._trace(desk, came, fate.refused)
        results = [_result(fate, self._told(desk, fate)) for fate in taken.fates]
        document = {"arrival_id": str(taken.arrival_id), "results": results}
        return "accepted", Response(orjson.dumps(document), 200, media_type=bodies.JSON)

    def _alone(self, desk: Desk, fate: Fate) -> Response:
        document = orjson.dumps(self._told(desk, fate))
        if fate.accepted is None:
            headers = {"Location": f"/v1/arrivals/{fate.held}"}
            return Response(document, 202, headers, bodies.JSON)
        headers = {"Location": f"/v1/cases/{fate.accepted.case_id}", "ETag": f'"{fate.accepted.revision}"'}
        return Response(document, fate.accepted.status, headers, bodies.JSON)

    def _told(self, desk: Desk, fate: Fate) -> dict[str, Any]:
        """The receipt, or what is held and why, or the problem."""
        schema = self._place.gate.schema
        if fate.accepted is not None:
            return receipt(fate.accepted, language=desk.language, schema=schema)
        assert fate.refused is not None
        refused = problems.answer(fate.refused, language=desk.language, schema=schema)
        problem: dict[str, Any] = orjson.loads(bytes(refused.body))
        return problem if fate.held is None else {"held": str(fate.held), "problem": problem}

    async def _trace(self, desk: Desk, came: Came, error: RequestError) -> None:
        assert desk.principal is not None
        refused = Refused(
            principal=desk.principal,
            source=desk.source,
            method=desk.method,
            route=PATH,
            body=came.body,
            error=error,
        )
        await leave(self._place.gate, refused)


def format_of(headers: Headers, source: Source) -> Format:
    """The format that a body is announced in. Raises UnsupportedMedia for one that the source does not write."""
    media, *parameters = (bodies.header(headers, b"content-type") or "").split(";")
    known = FORMAT_BY_MEDIA.get(media.strip().lower())
    if known is None or known not in source.formats:
        taken = " or ".join(name for name, form in FORMAT_BY_MEDIA.items() if form in source.formats)
        raise UnsupportedMedia("expected Content-Type {media}, got another or none", media=taken)
    settings = source.formats[known]
    own = "utf-8" if isinstance(settings, XlsxSettings) else settings.charset
    if any(not _is_same_charset(name, own) for name in _charsets(parameters)):
        raise UnsupportedMedia("expected charset={charset}, as the source's setting says, got another", charset=own)
    bodies.require_identity(headers)
    return known


def _charsets(parameters: list[str]) -> Iterator[str]:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "charset":
            yield value.strip(' "').lower()


def _is_same_charset(name: str, own: str) -> bool:
    """Whether a name means the source's charset; gb2312 is what many call GBK, and utf-8 may have a mark."""
    try:
        found = codecs.lookup(name).name
    except (LookupError, ValueError):
        return False
    return own in _MEANT.get(found, ()) or codecs.lookup(own).name == found


_MEANT: Final = {"gb2312": ("gbk", "gb18030"), "gbk": ("gb18030",), "utf-8": ("utf-8-sig",), "big5": ("cp950",)}
"""Charsets that a name is often written for."""


def _result(fate: Fate, told: dict[str, Any]) -> dict[str, Any]:
    head: dict[str, Any] = {"line": fate.line}
    if fate.accepted is not None:
        return head | {"status": fate.accepted.status} | told
    if fate.held is not None:
        return head | {"status": 202} | told
    return head | {"status": told["status"], "problem": told}


def _code(fate: Fate) -> str:
    if fate.accepted is None:
        return "held"
    return "unchanged" if fate.accepted.is_unchanged else "accepted"
