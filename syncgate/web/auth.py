"""Who calls: the key of a request, the principal behind it, the source that it posts for."""

from __future__ import annotations

from syncgate.domain.errors import FieldError, Forbidden, MalformedBody, Unauthenticated
from syncgate.domain.rows import Principal
from syncgate.flows.gate import Caller, Gate
from syncgate.flows.operating.people import Action, may
from syncgate.web.body import Headers, header
from syncgate.web.problems import InvalidRequest


def key_in(headers: Headers) -> str | None:
    """The key of a request; None without one. Raises Unauthenticated where two different ones came."""
    bearer = header(headers, b"authorization")
    plain = header(headers, b"x-api-key")
    if bearer is not None:
        scheme, _, token = bearer.partition(" ")
        if scheme.lower() != "bearer":
            raise Unauthenticated("expected Authorization: Bearer, got another scheme")
        if plain is not None and plain != token.strip():
            raise Unauthenticated("expected one key, got two")
        return token.strip()
    return plain


def require(
    principal: Principal,
    action: Action,
    *,
    source: str | None = None,
    system: str | None = None,
    region: str | None = None,
) -> None:
    """Raises Forbidden where the principal may not."""
    if not may(principal, action, source=source, system=system, region=region):
        raise Forbidden("expected a key that may {action} here, got one that may not", action=action.replace("_", " "))


def caller_of(gate: Gate, principal: Principal, wished: str | None) -> Caller:
    """The caller with the source it posts for: its only one, or the one that X-Source names.

    Raises:
        Forbidden: it may not post, names no source where it must, or one that is not its own.
    """
    require(principal, Action.SUBMIT)
    source = wished
    if source is None:
        if len(principal.sources) != 1:
            raise Forbidden("expected X-Source to name one of the sources of this key, got none")
        source = principal.sources[0]
    require(principal, Action.SUBMIT, source=source)
    if source not in gate.sources:
        raise Forbidden("expected a source that this site knows, got another")
    return Caller(principal=principal, source=source)


def idempotency_key_in(headers: Headers) -> str | None:
    """The Idempotency-Key; None without one. Raises MalformedBody where it cannot be one."""
    key = header(headers, b"idempotency-key")
    if key is None:
        return None
    if not 1 <= len(key) <= 255 or not (key.isascii() and key.isprintable()):
        raise MalformedBody("expected an Idempotency-Key of 1 to 255 printable ASCII characters, got another")
    return key


def if_match_in(headers: Headers) -> int | None:
    """The revision that If-Match names; None without one, or with `*`. Raises MalformedBody."""
    value = header(headers, b"if-match")
    if value is None or value == "*":
        return None
    number = value[1:-1] if len(value) > 2 and value[0] == value[-1] == '"' else value
    if not (number.isascii() and number.isdigit() and len(number) < 10):
        raise MalformedBody('expected If-Match: "<revision>", got something else')
    return int(number)


def refuse_headers(headers: Headers, *names: bytes) -> None:
    """Refuses headers that mean nothing to a call, by name. Raises InvalidRequest."""
    came = [name.decode() for name in names if header(headers, name) is not None]
    if came:
        errors = [FieldError(f"/header/{name}", "unknown_field") for name in came]
        raise InvalidRequest("expected a call without these headers, got them", errors=errors)
