"""Bodies that are taken as they come, piece by piece."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from datetime import timedelta

from starlette.types import Receive

from syncgate.domain.errors import BodyTooLarge
from syncgate.web import body as bodies


def too_slow(within: timedelta) -> bodies.TooSlow:
    """The refusal of a body that did not come in time."""
    return bodies.TooSlow(f"expected the whole body within {within.total_seconds():g} s, got a part of it")


def refuse_too_large(headers: bodies.Headers, limit: int) -> None:
    """Refuses a body that announces more than is taken. Raises BodyTooLarge."""
    declared = bodies.header(headers, b"content-length")
    if declared is not None and declared.isdigit() and int(declared) > limit:
        raise BodyTooLarge("expected at most {limit} bytes, got {size} announced", limit=limit, size=int(declared))


async def pieces(receive: Receive, within: timedelta) -> AsyncIterator[bytes]:
    """The body as it comes. Raises TooSlow, Disconnected."""
    is_more = True
    while is_more:
        try:
            async with asyncio.timeout(within.total_seconds()):
                piece, is_more = await bodies.piece(receive)
        except TimeoutError:
            raise too_slow(within) from None
        yield piece
