"""Hears what other processes over the same PostgreSQL database tell, and comes back after every loss."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any, Final

import psycopg
import structlog
from tenacity import AsyncRetrying, retry_if_exception_type, wait_random_exponential

from syncgate.storage.engine import PostgresEngine, engine_for
from syncgate.storage.notice import EVERY, Notice, unpacked

log = structlog.get_logger("syncgate.storage")
ASKED_EVERY: Final = 3.0
"""Seconds after which a silent connection is asked whether it still has its other end."""
ANSWERED_WITHIN: Final = 3.0
CONNECTED_WITHIN: Final = 10.0
LONGEST_WAIT: Final = 2.0
LOSSES: Final = (psycopg.Error, OSError, TimeoutError)
"""How a connection is lost, or not found."""
EVERYTHING: Final = Notice(frozenset({EVERY}), frozenset({EVERY}))
"""What a listener says of the time in which it heard nothing."""


class Listener:
    """Passes on every notice of the other processes; at each connect and loss, one that asks to look at everything.

    At a loss, so that whoever sleeps because others tell knows that they are not heard any more.
    """

    def __init__(
        self, url: str, *, name: str, on_notice: Callable[[Notice], None], asked_every: float = ASKED_EVERY
    ) -> None:
        """Args: url: of PostgreSQL; name: of this process's own store, whose notices are left out; on_notice: told
        each notice in the event loop, must not block; asked_every: seconds of silence after which it is asked."""
        engine = engine_for(url)
        assert isinstance(engine, PostgresEngine)
        self._engine = engine
        self._name = name
        self._on_notice = on_notice
        self._asked_every = asked_every
        self._is_listening = False

    @property
    def is_listening(self) -> bool:
        """Whether what others tell is heard now."""
        return self._is_listening

    async def run(self) -> None:
        """Listens until it is cancelled."""
        while True:
            connection = await self._connected()
            try:
                await self._hear(connection)
            except LOSSES as error:
                log.warning("listener_lost", error=type(error).__name__)
                self._on_notice(EVERYTHING)

    async def _connected(self) -> psycopg.AsyncConnection[Any]:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(LOSSES), wait=wait_random_exponential(multiplier=0.1, max=LONGEST_WAIT)
        )
        connection: psycopg.AsyncConnection[Any] = await retrying(self._connect)
        return connection

    async def _connect(self) -> psycopg.AsyncConnection[Any]:
        async with asyncio.timeout(CONNECTED_WITHIN):
            return await self._engine.listen()

    async def _hear(self, connection: psycopg.AsyncConnection[Any]) -> None:
        try:
            self._is_listening = True
            self._on_notice(EVERYTHING)
            while True:
                async for said in connection.notifies(timeout=self._asked_every):
                    self._pass_on(said.payload)
                async with asyncio.timeout(ANSWERED_WITHIN):
                    await connection.execute("SELECT 1")
        finally:
            self._is_listening = False
            with suppress(psycopg.Error, OSError):
                await connection.close()

    def _pass_on(self, payload: str) -> None:
        notice = unpacked(payload)
        if notice.by != self._name:
            self._on_notice(notice)
