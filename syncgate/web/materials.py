"""The bytes of materials: taken in as a stream, given to people with a reason, and to systems by link."""

from __future__ import annotations

import asyncio
import re
import time
from base64 import b64decode, b64encode
from collections.abc import AsyncIterator, Awaitable, Callable
from typing import Final
from urllib.parse import unquote_to_bytes

import orjson
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncgate.domain.errors import MalformedBody, RequestError, SyncgateError
from syncgate.domain.material import ending_of, essence
from syncgate.flows.accepting.materials import Declared, Stored
from syncgate.flows.files import KeptFile, pieces_of
from syncgate.flows.gate import Gate
from syncgate.flows.links import PATH as LINKS
from syncgate.flows.links import linked_file
from syncgate.flows.operating.people import Action
from syncgate.flows.showing.files import read_material
from syncgate.telemetry import log
from syncgate.web import body as bodies
from syncgate.web import problems
from syncgate.web.auth import caller_of, refuse_headers, require
from syncgate.web.desk import Desk
from syncgate.web.place import Place
from syncgate.web.refs import case_ref
from syncgate.web.streams import pieces, refuse_too_large, too_slow

PATH: Final = "/v1/cases/{case}/materials/{material}"
LINK_PATH: Final = LINKS + "{token}"
_SHA256: Final = re.compile(r"(?:^|,)\s*sha-256\s*=\s*(:?)([A-Za-z0-9+/=]*)\1\s*(?:,|$)", re.ASCII | re.IGNORECASE)
_MEDIA_TYPE: Final = re.compile(r"(?=.{1,127}$)[0-9a-z!#$&^_.+-]+/[0-9a-z!#$&^_.+-]+", re.ASCII)
"""What a record may say too. Source: RFC 6838 §4.2."""
_LONGEST_REASON: Final = 500
_SAFE: Final = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; sandbox",
    "Cache-Control": "no-store",
}


def routes(place: Place) -> list[Route]:
    """The routes of one gate."""
    return [
        Route(PATH, MaterialTaker(place), methods=["PUT"], include_in_schema=False),
        Route(PATH, _reading(place), methods=["GET"], include_in_schema=False),
        Route(LINK_PATH, _linked(place), methods=["GET"], include_in_schema=False),
    ]


class MaterialTaker:
    """Takes one file: key, source, headers, bytes as they come, receipt."""

    def __init__(self, place: Place) -> None:
        self._place = place

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        desk = Desk.of(self._place, scope, route=PATH)
        started = time.perf_counter()
        try:
            stored = await self._stored(desk, scope, receive)
        except SyncgateError as error:
            response = await desk.refuse(error)
        except bodies.Disconnected:
            return
        else:
            code = "unchanged" if stored.is_unchanged else "accepted"
            self._place.metrics.answered(code, time.perf_counter() - started)
            response = _receipt(stored)
        await response(scope, receive, send)

    async def _stored(self, desk: Desk, scope: Scope, receive: Receive) -> Stored:
        place, headers = self._place, scope["headers"]
        desk.principal = await place.principal(scope)
        caller = caller_of(place.gate, desk.principal, bodies.header(headers, b"x-source"))
        desk.source = caller.source
        refuse_headers(headers, b"content-range", b"if-match")
        bodies.require_identity(headers)
        limit, within = place.settings.material_limit, place.settings.material_within
        refuse_too_large(headers, limit)
        try:
            async with asyncio.timeout(within.total_seconds()):
                return await place.flows.put_material(
                    place.gate,
                    caller,
                    case_ref(scope["path_params"]["case"]),
                    scope["path_params"]["material"],
                    Declared(media_type=media_type_in(headers), sha256=sha256_in(headers)),
                    pieces(receive, place.settings.piece_within),
                    size_at_most=limit,
                )
        except TimeoutError:
            raise too_slow(within) from None


def media_type_in(headers: bodies.Headers) -> str | None:
    """What the sender declares the file to be; None where it does not. Raises MalformedBody where that is no type."""
    declared = bodies.header(headers, b"content-type")
    if declared and not _MEDIA_TYPE.fullmatch(essence(declared)):
        raise MalformedBody("expected a Content-Type such as application/pdf, got something else")
    return declared


def sha256_in(headers: bodies.Headers) -> str | None:
    """The SHA-256 that the sender declares, in hexadecimal; None where it declares none.

    Source: RFC 9530 §2 (`Content-Digest: sha-256=:…:`), RFC 3230 §4.3.2 (`Digest: sha-256=…`).

    Raises:
        MalformedBody: what stands there is no SHA-256, or two differ.
    """
    found = {_sha256(text) for name in (b"content-digest", b"digest") if (text := bodies.header(headers, name))}
    if len(found - {None}) > 1:
        raise MalformedBody("expected one digest, got two that differ")
    return next(iter(found - {None}), None)


def _sha256(text: str) -> str | None:
    if (found := _SHA256.search(text)) is None:
        return None
    try:
        digest = b64decode(found[2], validate=True)
    except ValueError:
        digest = b""
    if len(digest) != 32:
        raise MalformedBody("expected a SHA-256 in Base64, got something else")
    return digest.hex()


def _receipt(stored: Stored) -> Response:
    document = {
        "case_id": str(stored.case_id),
        "case_no": stored.case_no,
        "material": stored.material,
        "size": stored.size,
        "sha256": stored.sha256,
        "media_type": stored.media_type,
        "unchanged": stored.is_unchanged,
        "deliveries": [
            {
                "delivery_id": str(placed.delivery_id),
                "system": placed.system,
                "message": placed.message,
                "part": placed.part,
                "phase": placed.phase.value,
            }
            for placed in stored.deliveries
        ],
    }
    headers = {"Location": f"/v1/cases/{stored.case_id}/materials/{stored.material}"}
    return Response(orjson.dumps(document), stored.status, headers, bodies.JSON)


def _reading(place: Place) -> Reading:
    async def kept(request: Request) -> KeptFile:
        principal = await place.principal(request.scope)
        require(principal, Action.READ_CONTENT)
        ref = case_ref(request.path_params["case"])
        reason = reason_in(request.scope["headers"])
        return await read_material(place.gate, principal, ref, request.path_params["material"], reason=reason)

    return Reading(place, kept)


def _linked(place: Place) -> Reading:
    async def kept(request: Request) -> KeptFile:
        return await linked_file(place.gate, request.path_params["token"])

    return Reading(place, kept)


def reason_in(headers: bodies.Headers) -> str:
    """Why somebody reads: UTF-8, percent-encoded where a client cannot send it plain. Raises MalformedBody."""
    text = bodies.header(headers, b"x-reason") or ""
    try:
        reason = unquote_to_bytes(text.encode("latin-1")).decode("utf-8").strip()
    except UnicodeDecodeError:
        reason = "\0"
    if len(reason) > _LONGEST_REASON or not reason.isprintable():
        raise MalformedBody("expected an X-Reason of at most {limit} characters on one line", limit=_LONGEST_REASON)
    return reason


class Reading:
    """Gives one file, as a stream: whoever stops reading it stops us from reading on."""

    def __init__(self, place: Place, find: Callable[[Request], Awaitable[KeptFile]]) -> None:
        """Args: find: gives the file that a request means, if the caller may have it."""
        self._place = place
        self._find = find

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        try:
            response = await _streamed(self._place.gate, await self._find(Request(scope, receive)))
        except SyncgateError as error:
            if not isinstance(error, RequestError):
                log.error("file_not_given", code=error.code)
            language = problems.language_of(scope, self._place.settings.language)
            response = problems.answer(error, language=language, schema=self._place.gate.schema)
        await response(scope, receive, send)


async def _streamed(gate: Gate, kept: KeptFile) -> Response:
    """The file, its first bytes opened before the answer begins: one that is broken there gets a problem."""
    pieces = pieces_of(gate, kept)
    first = await anext(pieces)

    async def whole() -> AsyncIterator[bytes]:
        yield first
        async for piece in pieces:
            yield piece

    facts = kept.facts
    name = f"{kept.material.material}{ending_of(facts.media_type)}"
    headers = {
        **_SAFE,
        "Content-Length": str(facts.size),
        "Content-Digest": f"sha-256=:{b64encode(bytes.fromhex(facts.sha256)).decode()}:",
        "Content-Disposition": f'attachment; filename="{name}"',
    }
    return StreamingResponse(whole(), 200, headers, facts.media_type)
