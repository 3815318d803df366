"""How paths name things: a case by our id or by a system's number, an entry of a list by a cursor."""

from __future__ import annotations

import re
from typing import Final
from urllib.parse import unquote_to_bytes
from uuid import UUID

from starlette.types import ASGIApp, Receive, Scope, Send

from syncgate.domain.errors import NotFound
from syncgate.flows.gate import CaseRef
from syncgate.language import Language
from syncgate.web.problems import language_of, problem

_SLASH: Final = "\ue000"
"""Stands for an encoded slash between decoding the path and reading the name; it occurs in no number."""
_ENCODED_SLASH: Final = re.compile(rb"%2[Ff]")
_NUMBER_LONGEST: Final = 100


def case_ref(name: str) -> CaseRef:
    """The case that a path segment names: a UUID, or `system:number`. Raises NotFound where it is neither."""
    name = name.replace(_SLASH, "/")
    system, colon, number = name.partition(":")
    if colon and system and 0 < len(number) <= _NUMBER_LONGEST:
        return CaseRef(system=system, number=number)
    try:
        return CaseRef(case_id=UUID(name))
    except ValueError:
        raise NotFound("expected a case_id or system:number, got another name") from None


class EncodedSlashes:
    """Keeps an encoded slash inside its path segment, as a number may hold one; a path with a NUL leads nowhere."""

    def __init__(self, app: ASGIApp, *, default: Language) -> None:
        """Args: app: what routes by the path; default: language without a wish."""
        self._app = app
        self._default = default

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        raw = scope.get("raw_path") or b""
        if _ENCODED_SLASH.search(raw):
            path = unquote_to_bytes(_ENCODED_SLASH.sub(_SLASH.encode(), raw))
            scope = {**scope, "path": path.decode("utf-8", "replace")}
        if scope["type"] == "http" and "\0" in scope["path"]:
            # No store holds a NUL, so nothing is called so.
            answered = problem(404, "not_found", language=language_of(scope, self._default))
            await answered(scope, receive, send)
            return
        await self._app(scope, receive, send)
