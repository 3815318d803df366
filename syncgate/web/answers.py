"""What FastAPI's own routes share: who calls, small strict bodies, the refusals that OpenAPI lists."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Sequence
from dataclasses import replace
from typing import Annotated, Any, Final, TypeVar

from fastapi import Request
from fastapi.dependencies.models import Dependant
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from syncgate.documents import nearest
from syncgate.domain.errors import FieldError
from syncgate.domain.rows import Principal
from syncgate.flows.operating.people import Action
from syncgate.web import body as bodies
from syncgate.web.auth import require
from syncgate.web.place import Place
from syncgate.web.problems import MEDIA, InvalidRequest, broken_by

Reason = Annotated[
    str,
    StringConstraints(strip_whitespace=True),
    Field(min_length=1, max_length=500, description="Why; kept in the history and audit."),
]

DESCRIPTIONS: Final = {
    400: "The body is not the JSON that this call takes.",
    401: "No key, or one that is not valid.",
    403: "The key does not reach this call.",
    404: "Nothing of that name is visible to the caller.",
    408: "The body did not arrive in time.",
    409: "The request contradicts what is stored.",
    412: "The request names an older state than the stored one.",
    413: "The body is too large.",
    415: "This media type, charset or content coding is not taken.",
    422: "The content breaks its rules; every broken field is named at once.",
    500: "An error of ours; its id is in the log.",
    503: "The store did not take it, or may have: try again with the same Idempotency-Key.",
}
READING: Final = (401, 403, 404, 422, 500, 503)
"""What a reading call may be refused with."""
WRITING: Final = (400, *READING, 408, 409, 413, 415)
"""What a writing call may be refused with."""


class Asked(BaseModel):
    """A small body: unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True)


M = TypeVar("M", bound=Asked)


def refusals(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The problems that a route may answer with, as OpenAPI lists them."""
    content = {MEDIA: {"schema": {"$ref": "#/components/schemas/Problem"}}}
    return {status: {"description": DESCRIPTIONS[status], "content": content} for status in sorted(statuses)}


def caller(place: Place, action: Action) -> Callable[[Request], Awaitable[Principal]]:
    """A dependency that gives the principal of a request, if it may do this at all."""

    async def allowed(request: Request) -> Principal:
        principal = await place.principal(request.scope)
        require(principal, action)
        _refuse_unknown_parameters(request)
        _refuse_unkept_parameters(request)
        return principal

    return allowed


def _query_names(dependant: Dependant) -> set[str]:
    """The query parameters of a route and of all that it depends on."""
    below = (_query_names(one) for one in dependant.dependencies)
    return {parameter.alias for parameter in dependant.query_params}.union(*below)


def _refuse_unknown_parameters(request: Request) -> None:
    """A filter with a typo must not list everything. Raises InvalidRequest naming every unknown parameter."""
    known = _query_names(request.scope["route"].dependant)
    errors = [
        FieldError(f"/query/{name}", "unknown_field", nearest(name, sorted(known)) or ", ".join(sorted(known)))
        for name in sorted(set(request.query_params) - known)
    ]
    if errors:
        raise InvalidRequest("expected parameters that this call knows, got others", errors=errors)


def _refuse_unkept_parameters(request: Request) -> None:
    """No store holds a NUL, so nothing is called so. Raises InvalidRequest naming every such parameter."""
    unkept = sorted({name for name, value in request.query_params.multi_items() if "\0" in value})
    if unkept:
        errors = [FieldError(f"/query/{name}", "characters") for name in unkept]
        raise InvalidRequest("expected parameters without NUL, got some with one", errors=errors)


def asked(place: Place, model: type[M]) -> Callable[[Request], Awaitable[M]]:
    """A dependency that gives the strictly parsed body of a request."""

    async def body(request: Request) -> M:
        headers, settings = request.scope["headers"], place.settings
        bodies.require_media(headers, bodies.JSON)
        raw = await bodies.read(headers, request.receive, limit=settings.body_limit, within=settings.body_within)
        bodies.parse(raw, depth_limit=settings.depth_limit)
        try:
            return model.model_validate_json(raw, strict=True)
        except ValidationError as error:
            errors = _with_nearest(model, error.errors(), broken_by(error.errors()))
            raise InvalidRequest("expected another body", errors=errors) from None

    return body


def _with_nearest(model: type[Asked], found: Iterable[Any], errors: Iterable[FieldError]) -> list[FieldError]:
    """The errors, with the field that is meant where an unknown one is near it."""
    return [
        replace(error, expected=nearest(one["loc"][-1], _fields(model, one["loc"][:-1])) or "")
        if error.rule == "unknown_field"
        else error
        for one, error in zip(found, errors, strict=True)
    ]


def _fields(model: Any, place: Sequence[Any]) -> list[str]:
    """The fields of the object at a place in a body."""
    for name in place:
        model = model.model_fields[name].annotation
    return list(model.model_fields)


def takes(model: type[Asked]) -> dict[str, Any]:
    """How OpenAPI describes a body that `asked` parses."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {bodies.JSON: {"schema": schema}}}}
