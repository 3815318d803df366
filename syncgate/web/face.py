"""The small HTTP face of a process that takes no cases: whether it lives, whether it can work, and its metrics."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from fastapi import FastAPI

from syncgate.flows.gate import Gate
from syncgate.web.app import create_app
from syncgate.web.settings import WebSettings

SHOWN: Final = frozenset({"/livez", "/readyz", "/metrics"})


def create_face(gate: Gate, settings: WebSettings, *, is_ready: Callable[[], bool]) -> FastAPI:
    """The application of a worker or scheduler; every other path is not found.

    Args:
        gate: what the flows work on.
        settings: limits and habits.
        is_ready: whether the process can do its work; asked by /readyz.
    """
    app = create_app(gate, settings, is_ready=is_ready)
    app.router.routes[:] = [route for route in app.router.routes if getattr(route, "path", "") in SHOWN]
    return app
