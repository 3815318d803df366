"""Problems: every error as `application/problem+json`, without a value, a secret or a stack.

Source: RFC 9457.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any, Final
from uuid import uuid4

import orjson
from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.routing import Match
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from syncgate.domain.errors import FieldError, RequestError, SyncgateError
from syncgate.flows.delivering.defects import place_of
from syncgate.language import Language, in_language
from syncgate.site.canonical import CanonicalSchema
from syncgate.telemetry import log
from syncgate.web import words

MEDIA: Final = "application/problem+json"
_SPOKEN: Final = "syncgate.spoken"
"""Where a request's scope keeps the languages that were asked for while it was answered."""
_CODE_BY_STATUS: Final = {404: "not_found", 405: "method_not_allowed"}
_METHODS: Final = ("DELETE", "GET", "HEAD", "PATCH", "POST", "PUT")
_HEADERS_BY_STATUS: Final = {401: {"WWW-Authenticate": "Bearer"}, 503: {"Retry-After": "1"}}


class InvalidRequest(RequestError):
    """A parameter, header or small body breaks its rules; `errors` names every one at once."""

    code = "invalid_request"
    status = 422


def answer(error: SyncgateError, *, language: Language, schema: CanonicalSchema) -> Response:
    """The problem that tells a caller what to change, or whom to wait for."""
    fields: dict[str, Any] = {}
    if isinstance(error, RequestError) and error.errors:
        fields = {"errors": told(error.errors, language=language, schema=schema)}
    is_ours = error.status == 500
    if is_ours:
        error_id = str(uuid4())
        log.error("request_failed", error_id=error_id, code=error.code, error=type(error).__name__, at=place_of(error))
        fields = {"id": error_id}
    return problem(
        error.status,
        error.code if not is_ours else "internal_error",
        language=language,
        detail="" if is_ours else in_language(error.said, language),
        more=fields,
    )


def problem(
    status: int,
    code: str,
    *,
    language: Language,
    detail: str = "",
    more: Mapping[str, Any] | None = None,
    headers: Mapping[str, str] | None = None,
) -> Response:
    """One problem as a response."""
    document: dict[str, Any] = {
        "type": f"urn:syncgate:problem:{code}",
        "title": words.title(code, language),
        "status": status,
        "code": code,
    }
    if detail:
        document["detail"] = detail
    document |= more or {}
    sent = {**words.varies(language), **_HEADERS_BY_STATUS.get(status, {}), **(headers or {})}
    return Response(orjson.dumps(document), status, sent, MEDIA)


def told(errors: Iterable[FieldError], *, language: Language, schema: CanonicalSchema) -> list[dict[str, str]]:
    """Broken rules in the caller's language, one entry a field."""
    return [_told(error, language, schema) for error in errors]


def _told(error: FieldError, language: Language, schema: CanonicalSchema) -> dict[str, str]:
    message = words.sentence(error.rule, error.expected, language)
    if message is None:
        told_by_schema = schema.rule_titles.get(error.rule, {}).get(language)
        message = told_by_schema or words.wanted(error.expected, language) or error.rule
    return {
        "pointer": error.pointer,
        "title": error.titles.get(language, ""),
        "rule": error.rule,
        "expected": error.expected,
        "message": message,
    }


def install(app: FastAPI, *, default: Language, schema: CanonicalSchema) -> None:
    """Makes every error of the app's own routes a problem."""

    async def on_error(request: Request, error: Exception) -> Response:
        assert isinstance(error, SyncgateError)
        return answer(error, language=language_of(request.scope, default), schema=schema)

    async def on_invalid(request: Request, error: Exception) -> Response:
        assert isinstance(error, RequestValidationError)
        language = language_of(request.scope, default)
        broken = InvalidRequest("expected a valid request, got another", errors=broken_by(error.errors()))
        return answer(broken, language=language, schema=schema)

    async def on_http(request: Request, error: Exception) -> Response:
        assert isinstance(error, HTTPException)
        code = _CODE_BY_STATUS.get(error.status_code, "bad_request")
        language = language_of(request.scope, default)
        headers = _allowed(app, request.scope) if error.status_code == 405 else error.headers
        return problem(error.status_code, code, language=language, headers=headers)

    app.add_exception_handler(SyncgateError, on_error)
    app.add_exception_handler(RequestValidationError, on_invalid)
    app.add_exception_handler(HTTPException, on_http)


def _allowed(app: FastAPI, scope: Scope) -> dict[str, str]:
    """Every method of a path, whichever of its routes was asked. Source: RFC 9110 §10.2.1."""

    def is_served(method: str) -> bool:
        asked = {name: value for name, value in scope.items() if name not in ("route", "path_params", "endpoint")}
        return any(route.matches({**asked, "method": method})[0] is Match.FULL for route in app.routes)

    return {"Allow": ", ".join(filter(is_served, _METHODS))}


def language_of(scope: Scope, default: Language) -> Language:
    """The language that the caller of this request reads; the answer is marked as varying with it."""
    language = _asked_for(scope, default)
    scope.get(_SPOKEN, []).append(language)
    return language


def _asked_for(scope: Scope, default: Language) -> Language:
    for name, value in scope["headers"]:
        if name == b"accept-language":
            return words.chosen(value.decode("latin-1"), default)
    return default


def _with_language(message: Message, spoken: list[Language]) -> Message:
    """The start of an answer with the language that it was made in, where anything asked for one."""
    if message["type"] != "http.response.start" or not spoken:
        return message
    headers = [*message.get("headers", ())]
    named = {name.lower() for name, _ in headers}
    for name, value in words.varies(spoken[-1]).items():
        if name.lower().encode() not in named:
            headers.append((name.lower().encode(), value.encode()))
    return {**message, "headers": headers}


_RULE_BY_PYDANTIC: Final = {
    "missing": "required",
    "extra_forbidden": "unknown_field",
    "string_too_short": "min_length",
    "string_too_long": "max_length",
    "too_short": "min_items",
    "too_long": "max_items",
    "greater_than_equal": "minimum",
    "less_than_equal": "maximum",
    "enum": "enum",
    "literal_error": "enum",
    "timezone_aware": "format",
    "datetime_from_date_parsing": "format",
    "datetime_parsing": "format",
}
_TYPE_BY_PYDANTIC: Final = {"model": "object", "datetime": "string", "int": "integer", "bool": "boolean"}


def broken_by(errors: Iterable[Any]) -> list[FieldError]:
    """Pydantic's findings as broken rules: where and which, never what came."""
    return [_broken(error) for error in errors]


def _broken(error: Mapping[str, Any]) -> FieldError:
    rule = _RULE_BY_PYDANTIC.get(error["type"], "type")
    context = error.get("ctx", {})
    limits = ("min_length", "max_length", "ge", "le", "expected")
    expected = next((str(context[name]) for name in limits if name in context), "")
    if rule == "format":
        expected = "date-time with offset"
    if rule == "type":
        kind = error["type"].removesuffix("_parsing").removesuffix("_type")
        expected = _TYPE_BY_PYDANTIC.get(kind, kind)
    pointer = "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in error["loc"])
    return FieldError(pointer, rule, expected)


class Guard:
    """Answers what nobody expected with an id that the log holds too, and tells neither values nor text."""

    def __init__(self, app: ASGIApp, *, default: Language) -> None:
        """Args: app: what may fail; default: language without a wish."""
        self._app = app
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        is_started = False
        spoken: list[Language] = []
        scope[_SPOKEN] = spoken

        async def watched(message: Message) -> None:
            nonlocal is_started
            is_started = True
            await send(_with_language(message, spoken))

        try:
            await self._app(scope, receive, watched)
        except Exception as error:
            error_id = str(uuid4())
            log.error("request_failed", error_id=error_id, error=type(error).__name__, at=place_of(error))
            if not is_started:
                language = language_of(scope, self._default)
                answered = problem(500, "internal_error", language=language, more={"id": error_id})
                await answered(scope, receive, send)
