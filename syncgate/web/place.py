"""What every route needs, in one value."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from starlette.types import Scope

from syncgate.domain.rows import Principal
from syncgate.flows.gate import Gate
from syncgate.flows.operating.people import Doorkeeper
from syncgate.web.auth import key_in
from syncgate.web.flows import Flows
from syncgate.web.metrics import Metrics
from syncgate.web.settings import WebSettings


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """One running REST surface.

    Attributes:
        is_ready: whether this process takes cases. is_ending: whether it is about to end.
    """

    gate: Gate
    settings: WebSettings
    flows: Flows
    doorkeeper: Doorkeeper
    metrics: Metrics
    is_ready: Callable[[], bool]
    is_ending: Callable[[], bool]

    async def principal(self, scope: Scope) -> Principal:
        """Who calls. Raises Unauthenticated."""
        return await self.doorkeeper.authenticate(key_in(scope["headers"]))
