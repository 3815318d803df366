"""The calls that take case content: raw ASGI, because these are the hot ones; documented in openapi.py."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any

from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from syncgate.domain.errors import FieldError, InvalidCase, NotFound
from syncgate.flows.accepting.ending import WITHDRAWING_ROLES
from syncgate.flows.accepting.intake import Call
from syncgate.flows.accepting.merging import merging_in
from syncgate.flows.accepting.withdrawal import withdrawal_in
from syncgate.flows.gate import Accepted, Caller, CaseRef, Waiting
from syncgate.web import body as bodies
from syncgate.web.auth import idempotency_key_in, if_match_in
from syncgate.web.body import Json
from syncgate.web.desk import Came, Desk
from syncgate.web.flows import Ending
from syncgate.web.place import Place
from syncgate.web.refs import case_ref

Flow = Callable[[Scope, Caller, Json, Call], Awaitable[Accepted | Waiting]]


def routes(place: Place) -> list[Route]:
    """The routes, the hottest first."""
    gate, flows = place.gate, place.flows

    async def post(_scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted:
        return await flows.post_case(gate, caller, document, call)

    async def put(scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted:
        return await flows.put_case(gate, caller, _ref(scope), document, call)

    async def patch(scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted:
        return await flows.patch_case(gate, caller, _ref(scope), document, call)

    async def append(scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted | Waiting:
        return await flows.append_stages(gate, caller, _ref(scope), stages_in(document), call)

    taken = (
        ("POST", "/v1/cases", (bodies.JSON,), post),
        ("PUT", "/v1/cases/{case}", (bodies.JSON,), put),
        ("PATCH", "/v1/cases/{case}", (bodies.MERGE_PATCH, bodies.JSON), patch),
        ("POST", "/v1/cases/{case}/stages", (bodies.JSON,), append),
    )
    found = [
        Route(path, Taker(place, route=path, media=media, flow=flow), methods=[method], include_in_schema=False)
        for method, path, media, flow in taken
    ]
    endings = {"withdraw": flows.withdraw_case, "void": flows.void_case, "reopen": flows.reopen_case}

    async def merge(scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted:
        merging = merging_in(document)
        return await flows.merge_case(gate, caller, _ref(scope), into_ref(merging.into), merging.why, call)

    found.append(_of_whole_case(place, "merge", merge))
    return [*found, *(_of_whole_case(place, name, _ending(place, flow)) for name, flow in endings.items())]


def _ending(place: Place, act: Ending) -> Flow:
    async def end(scope: Scope, caller: Caller, document: Json, call: Call) -> Accepted | Waiting:
        return await act(place.gate, caller, _ref(scope), withdrawal_in(document), call)

    return end


def _of_whole_case(place: Place, name: str, flow: Flow) -> Route:
    """The route of what operators may do in the name of a case's first source."""
    path = f"/v1/cases/{{case}}/{name}"
    taker = Taker(place, route=path, media=(bodies.JSON,), flow=flow, roles=WITHDRAWING_ROLES)
    return Route(path, taker, methods=["POST"], include_in_schema=False)


def _ref(scope: Scope) -> Any:
    return case_ref(scope["path_params"]["case"])


def into_ref(name: str) -> CaseRef:
    """The case that a body names. Raises InvalidCase where it is no name of a case."""
    try:
        return case_ref(name)
    except NotFound:
        errors = [FieldError("/into", "format", "case_id or system:number")]
        raise InvalidCase("expected a case_id or system:number, got another name", errors=errors) from None


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


class Taker:
    """Takes one kind of submission: key, source, body, flow, receipt."""

    def __init__(
        self, place: Place, *, route: str, media: tuple[str, ...], flow: Flow, roles: frozenset[str] = frozenset()
    ) -> None:
        """Args: route: the path's template; media: what it takes; flow: what it calls; roles: those beside sources."""
        self._place = place
        self._route = route
        self._media = media
        self._flow = flow
        self._roles = roles

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        desk, came = Desk.of(self._place, scope, route=self._route), Came()
        try:
            answer = await desk.answer(came, self._accepted(desk, came, scope, receive))
        except bodies.Disconnected:
            return
        await answer(scope, receive, send)

    async def _accepted(self, desk: Desk, came: Came, scope: Scope, receive: Receive) -> Accepted | Waiting:
        headers, settings = scope["headers"], self._place.settings
        caller = await desk.enter(scope, *self._media, roles=self._roles)
        idempotency_key, if_match = idempotency_key_in(headers), if_match_in(headers)
        came.body = await bodies.read(headers, receive, limit=settings.body_limit, within=settings.body_within)
        document = desk.document(came.body)
        call = desk.call(document, idempotency_key=idempotency_key, if_match=if_match)
        return await self._flow(scope, caller, document, call)
