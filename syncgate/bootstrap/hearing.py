"""What this process does with what others tell it; on PostgreSQL only."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from datetime import timedelta
from typing import Final

import structlog

from syncgate.bootstrap.bundles import Bundles
from syncgate.bootstrap.opening import OpenStore
from syncgate.domain.errors import StoreUnavailable
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.dispatch import Dispatcher
from syncgate.flows.gate import Gate
from syncgate.storage.listener import Listener
from syncgate.storage.notice import EVERY, Notice

log = structlog.get_logger("syncgate.hearing")
FOLLOWED_WITHIN: Final = timedelta(seconds=1)
"""How long a deploy elsewhere may go unnoticed while no notice is heard."""


class Hearing:
    """Wakes the dispatcher for what falls due, ends grants on a pause, follows a deploy."""

    def __init__(self, opened: OpenStore, gate: Gate, bundles: Bundles) -> None:
        """Args: opened: the store, on PostgreSQL; gate, bundles: of this process."""
        self._gate = gate
        self._bundles = bundles
        self._dispatcher: Dispatcher | None = None
        self._is_changed = asyncio.Event()
        self._listener = Listener(opened.url, name=opened.chain, on_notice=self._on_notice)

    @property
    def is_listening(self) -> bool:
        """Whether what others tell is heard now."""
        return self._listener.is_listening

    @asynccontextmanager
    async def under_way(self, dispatcher: Dispatcher | None) -> AsyncIterator[None]:
        """Hears for the length of the block. dispatcher: of this process, None where it sends nothing."""
        self._dispatcher = dispatcher
        tasks = [asyncio.create_task(self._listener.run()), asyncio.create_task(self._follow())]
        try:
            yield
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def _on_notice(self, notice: Notice) -> None:
        changed = self._named(notice.changed)
        for system in changed:
            self._gate.hand_over.drain(system)
        if self._dispatcher is not None:
            self._dispatcher.on_due({*self._named(notice.due), *changed})
        if notice.changed:
            self._is_changed.set()

    def _named(self, systems: Collection[str]) -> Collection[str]:
        return tuple(self._gate.active) if EVERY in systems else systems

    async def _follow(self) -> None:
        """Follows at once what is told, and looks by itself every so often."""
        while True:
            is_told = await self._told()
            try:
                await (self._bundles.refresh() if is_told else self._bundles.follow())
            except StoreUnavailable as error:
                log.warning("follow_failed", code=error.code, reason=error.message)
            except Exception as error:
                log.error("follow_broke", error=type(error).__name__, at=place_of(error))

    async def _told(self) -> bool:
        """Whether a deploy, pause or resume was told before it was time to look again."""
        dispatch = self._bundles.site.config.dispatch
        wait = dispatch.safety_interval if self.is_listening else min(dispatch.poll_interval, FOLLOWED_WITHIN)
        try:
            async with asyncio.timeout(wait.total_seconds()):
                await self._is_changed.wait()
        except TimeoutError:
            return False
        self._is_changed.clear()
        return True
