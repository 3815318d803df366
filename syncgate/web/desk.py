"""One submission from its body to its answer, the same for a call and for a line of a batch."""

from __future__ import annotations

import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from uuid import uuid4

import orjson
from starlette.responses import Response
from starlette.types import Scope

from syncgate.domain.errors import FieldError, InvalidCase, RequestError, SyncgateError
from syncgate.domain.rows import Principal
from syncgate.flows.accepting.intake import Call
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.gate import Accepted, Caller, Waiting
from syncgate.language import Language
from syncgate.telemetry import log
from syncgate.web import body as bodies
from syncgate.web import problems
from syncgate.web.auth import caller_of
from syncgate.web.body import Json
from syncgate.web.place import Place
from syncgate.web.receipts import receipt, waiting
from syncgate.web.trace import Refused, leave


@dataclass(slots=True)
class Came:
    """A submission as far as it has come. body: empty until it is read."""

    body: bytes = field(default=b"", repr=False)


@dataclass(slots=True, kw_only=True)
class Desk:
    """Where one caller's submissions are taken: parsed, handed to a flow, answered, measured, traced.

    Attributes:
        place: the running surface.
        route: the path's template, for traces.
        method, path: what a submission's digest covers.
        language: of titles and messages.
        principal: who calls, once known.
        source: what it posts for, once known.
    """

    place: Place
    route: str
    method: str
    path: str
    language: Language
    principal: Principal | None = None
    source: str = ""

    @classmethod
    def of(cls, place: Place, scope: Scope, *, route: str) -> Desk:
        """The desk of one request."""
        language = problems.language_of(scope, place.settings.language)
        return cls(place=place, route=route, method=scope["method"], path=scope["path"], language=language)

    async def enter(self, scope: Scope, *media: str, roles: frozenset[str] = frozenset()) -> Caller:
        """Who calls, for which source. Raises Unauthenticated, Forbidden, UnsupportedMedia.

        roles: those that may call though they are no source; they call for none.
        """
        headers = scope["headers"]
        self.principal = await self.place.principal(scope)
        if self.principal.role in roles:
            caller = Caller(principal=self.principal, source="")
        else:
            caller = caller_of(self.place.gate, self.principal, bodies.header(headers, b"x-source"))
        self.source = caller.source
        bodies.require_media(headers, *media)
        return caller

    def document(self, body: bytes) -> Json:
        """The object that a body holds. Raises MalformedBody, InvalidCase."""
        document = bodies.parse(body, depth_limit=self.place.settings.depth_limit)
        if not isinstance(document, dict):
            raise InvalidCase("expected an object, got another type", errors=[FieldError("", "type", "object")])
        return document

    def call(self, document: Json, *, idempotency_key: str | None = None, if_match: int | None = None) -> Call:
        """How a submission came, for its flow."""
        assert self.principal is not None
        mac = self.place.gate.keyring.mac
        return Call(
            method=self.method,
            path=self.path,
            idempotency_key=idempotency_key,
            if_match=if_match,
            request_mac=mac("request", self.method.encode(), self.path.encode(), _written(document)),
            by=self.principal.name,
        )

    async def answer(self, came: Came, accepting: Awaitable[Accepted | Waiting]) -> Response:
        """The receipt or the problem that a submission comes to."""
        started = time.perf_counter()
        try:
            accepted = await accepting
            code, response = _code(accepted), self._receipt(accepted)
        except SyncgateError as error:
            code, response = error.code, await self._refused(came, error)
        self.place.metrics.answered(code, time.perf_counter() - started)
        return response

    async def problem(self, came: Came, error: SyncgateError) -> Response:
        """The problem of a submission, traced."""
        return await self._refused(came, error)

    async def refuse(self, error: SyncgateError) -> Response:
        """The problem of a call that is refused before any submission is read."""
        self.place.metrics.answered(error.code, 0.0)
        return await self._refused(Came(), error)

    def broke(self, error: Exception) -> Response:
        """The problem of what nobody expected, with an id that the log holds too."""
        error_id = str(uuid4())
        log.error("request_failed", error_id=error_id, error=type(error).__name__, at=place_of(error))
        return problems.problem(500, "internal_error", language=self.language, more={"id": error_id})

    def _receipt(self, accepted: Accepted | Waiting) -> Response:
        if isinstance(accepted, Waiting):
            headers = {"Location": f"/v1/arrivals/{accepted.arrival_id}"}
            return Response(orjson.dumps(waiting(accepted)), 202, headers, bodies.JSON)
        document = receipt(accepted, language=self.language, schema=self.place.gate.schema)
        headers = {"Location": f"/v1/cases/{accepted.case_id}", "ETag": f'"{accepted.revision}"'}
        return Response(orjson.dumps(document), accepted.status, headers, bodies.JSON)

    async def _refused(self, came: Came, error: SyncgateError) -> Response:
        if isinstance(error, RequestError) and self.principal is not None:
            refused = Refused(
                principal=self.principal,
                source=self.source,
                method=self.method,
                route=self.route,
                body=came.body,
                error=error,
            )
            await leave(self.place.gate, refused)
        elif not isinstance(error, RequestError):
            log.error("submission_failed", code=error.code, reason=error.message, route=self.route)
        return problems.answer(error, language=self.language, schema=self.place.gate.schema)


def _code(accepted: Accepted | Waiting) -> str:
    if isinstance(accepted, Waiting):
        return "waiting"
    return "unchanged" if accepted.is_unchanged else "accepted"


def _written(document: Json) -> bytes:
    """The body in one written form, whatever order and spaces it came in."""
    return orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
