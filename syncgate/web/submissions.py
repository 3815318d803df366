"""The calls that take case content: raw ASGI, because these are the hot ones; documented in openapi.py."""

from __future__ import annotations

import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncgate.domain.errors import FieldError, InvalidCase, RequestError, SyncgateError
from syncgate.domain.rows import Principal
from syncgate.flows.gate import Accepted, Caller
from syncgate.flows.intake import Call
from syncgate.telemetry import log
from syncgate.web import body as bodies
from syncgate.web import problems
from syncgate.web.auth import caller_of, idempotency_key_in, if_match_in
from syncgate.web.place import Place
from syncgate.web.receipts import receipt
from syncgate.web.refs import case_ref
from syncgate.web.settings import Language
from syncgate.web.trace import Refused, leave

Json = Any
Flow = Callable[[Scope, Caller, Json, Call], Awaitable[Accepted]]


def routes(place: Place) -> list[Route]:
    """The routes, the hottest first."""
    gate, flows = place.gate, place.flows

    async def post(_scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted:
        return await flows.post_case(gate, caller, document, call)

    async def put(scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted:
        return await flows.put_case(gate, caller, _ref(scope), document, call)

    async def patch(scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted:
        return await flows.patch_case(gate, caller, _ref(scope), document, call)

    async def append(scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted:
        return await flows.append_stages(gate, caller, _ref(scope), stages_in(document), call)

    taken = (
        ("POST", "/v1/cases", (bodies.JSON,), post),
        ("PUT", "/v1/cases/{case}", (bodies.JSON,), put),
        ("PATCH", "/v1/cases/{case}", (bodies.MERGE_PATCH, bodies.JSON), patch),
        ("POST", "/v1/cases/{case}/stages", (bodies.JSON,), append),
    )
    return [
        Route(path, Taker(place, route=path, media=media, flow=flow), methods=[method], include_in_schema=False)
        for method, path, media, flow in taken
    ]


def _written(document: Json) -> bytes:
    """The body in one written form, whatever order and spaces it came in."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)


def _ref(scope: Scope) -> Any:
    return case_ref(scope["path_params"]["case"])


def stages_in(document: Json) -> list[Json]:
    """The stages of a body: `{"stages": […]}`, or one stage. Raises InvalidCase."""
    if isinstance(document, dict) and "stages" not in document:
        return [document]
    if isinstance(document, dict) and isinstance(document["stages"], list):
        unknown = [FieldError(f"/{name}", "unknown_field", "stages") for name in document if name != "stages"]
        if not unknown and document["stages"]:
            return document["stages"]
        errors = unknown or [FieldError("/stages", "min_items", "1")]
        raise InvalidCase("expected stages and nothing else, got another object", errors=errors)
    at = "/stages" if isinstance(document, dict) else ""
    raise InvalidCase("expected stages, got another type", errors=[FieldError(at, "type", "array")])


@dataclass(slots=True)
class _Progress:
    """How far a submission has come, for its trace."""

    principal: Principal | None = None
    source: str = ""
    body: bytes = b""


class Taker:
    """Takes one kind of submission: key, source, body, flow, receipt."""

    def __init__(self, place: Place, *, route: str, media: tuple[str, ...], flow: Flow) -> None:
        """Args: route: the path's template; media: what it takes; flow: what it calls."""
        self._place = place
        self._route = route
        self._media = media
        self._flow = flow

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        started = time.perf_counter()
        language = problems.language_of(scope, self._place.settings.language)
        progress = _Progress()
        try:
            accepted = await self._accepted(scope, receive, progress)
            code, answer = self._receipt(accepted, language)
        except SyncgateError as error:
            code, answer = error.code, await self._refused(scope, progress, error, language)
        except bodies.Disconnected:
            return
        self._place.metrics.answered(code, time.perf_counter() - started)
        await answer(scope, receive, send)

    async def _accepted(self, scope: Scope, receive: Receive, progress: _Progress) -> Accepted:
        place, headers = self._place, scope["headers"]
        progress.principal = await place.principal(scope)
        caller = caller_of(place.gate, progress.principal, bodies.header(headers, b"x-source"))
        progress.source = caller.source
        bodies.require_media(headers, *self._media)
        idempotency_key, if_match = idempotency_key_in(headers), if_match_in(headers)
        progress.body = await bodies.read(headers, receive, limit=place.settings.body_limit)
        document = bodies.parse(progress.body, depth_limit=place.settings.depth_limit)
        if not isinstance(document, dict):
            raise InvalidCase("expected an object, got another type", errors=[FieldError("", "type", "object")])
        method, path = scope["method"], scope["path"]
        call = Call(
            method=method,
            path=path,
            idempotency_key=idempotency_key,
            if_match=if_match,
            request_mac=place.gate.keyring.mac("request", method.encode(), path.encode(), _written(document)),
            by=progress.principal.name,
        )
        return await self._flow(scope, caller, document, call)

    def _receipt(self, accepted: Accepted, language: Language) -> tuple[str, Response]:
        document = receipt(accepted, language=language, schema=self._place.gate.schema)
        headers = {"Location": f"/v1/cases/{accepted.case_id}", "ETag": f'"{accepted.revision}"'}
        code = "unchanged" if accepted.is_unchanged else "accepted"
        return code, Response(orjson.dumps(document), accepted.status, headers, bodies.JSON)

    async def _refused(self, scope: Scope, progress: _Progress, error: SyncgateError, language: Language) -> Response:
        if isinstance(error, RequestError) and progress.principal is not None:
            refused = Refused(
                principal=progress.principal,
                source=progress.source,
                method=scope["method"],
                route=self._route,
                body=progress.body,
                error=error,
            )
            await leave(self._place.gate, refused)
        elif not isinstance(error, RequestError):
            log.error("submission_failed", code=error.code, reason=error.message, route=self._route)
        return problems.answer(error, language=language, schema=self._place.gate.schema)
