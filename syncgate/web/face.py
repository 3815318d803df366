"""The small HTTP face of a process that takes no cases: whether it lives, whether it can work, and its metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from starlette.types import ASGIApp, Receive, Scope, Send

from syncgate.flows.gate import Gate
from syncgate.web import problems
from syncgate.web.app import create_app
from syncgate.web.settings import WebSettings

SHOWN: Final = frozenset({"/livez", "/readyz", "/metrics"})


def create_face(gate: Gate, settings: WebSettings, *, is_ready: Callable[[], bool]) -> ASGIApp:
    """The application of a worker or scheduler; every other path is not found.

    Args:
        gate: what the flows work on.
        settings: limits and habits.
        is_ready: whether the process can do its work; asked by /readyz.
    """
    return _Face(create_app(gate, settings, is_ready=is_ready), settings)


class _Face:
    def __init__(self, app: ASGIApp, settings: WebSettings) -> None:
        self._app = app
        self._language = settings.language

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serves one request."""
        if scope["type"] != "http" or scope["path"] in SHOWN:
            await self._app(scope, receive, send)
            return
        language = problems.language_of(scope, self._language)
        await problems.problem(404, "not_found", language=language)(scope, receive, send)
