"""Polling in one process: the sources that cannot post, each asked by one task at a time."""

from __future__ import annotations

import asyncio
from functools import partial

import structlog

from syncgate.bootstrap.bundles import Bundles
from syncgate.bootstrap.machine import SystemClock, SystemEntropy
from syncgate.bootstrap.place import SitePlace
from syncgate.config import FolderSettings, PollSettings
from syncgate.domain.errors import SyncgateError
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.gate import Gate
from syncgate.flows.taking_in import keeping
from syncgate.flows.taking_in.folder import FolderInbox, Watched
from syncgate.flows.taking_in.polling import Poll, Polled, poll, release_dead
from syncgate.ports.fetching import Fetching
from syncgate.transports.database.inbox import Inbox
from syncgate.transports.rest.inbox import RestInbox

log = structlog.get_logger("syncgate.polling")


class Polling:
    """What this process does about sources that are asked for their records."""

    def __init__(self, gate: Gate, bundles: Bundles, place: SitePlace) -> None:
        self._gate = gate
        self._bundles = bundles
        self._place = place
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._made: dict[str, tuple[PollSettings, Fetching]] = {}

    async def start(self, *, is_alone: bool) -> None:
        """Takes over what a process left that can no longer be alive."""
        if is_alone:
            await self._gate.writer.write(lambda tx: release_dead(tx, sorted(self._polled())))

    async def attend(self) -> None:
        """Begins a poll of every source that none is under way of; whether it is due is asked there."""
        for name, settings in self._polled().items():
            task = self._tasks.get(name)
            if task is None or task.done():
                self._tasks[name] = asyncio.create_task(self._poll(name, settings))

    async def tidy(self) -> None:
        """Sets aside what was interrupted, and forgets what is over."""
        await keeping.recover(self._gate)
        await keeping.forget(self._gate)

    async def stop(self) -> None:
        """Ends what is under way: what was committed stays, the rest comes at the next poll."""
        for task in self._tasks.values():
            task.cancel()
        await asyncio.gather(*self._tasks.values(), return_exceptions=True)
        for _, fetching in self._made.values():
            await fetching.aclose()

    def _polled(self) -> dict[str, PollSettings]:
        sources = self._bundles.site.config.sources
        return {name: one.poll for name, one in sources.items() if one.poll is not None}

    async def _poll(self, name: str, settings: PollSettings) -> None:
        try:
            wish = Poll(source=name, every=settings.every)
            polled = await poll(self._gate, wish, partial(self._fetching, name, settings))
            if polled is not None:
                _tell(name, polled)
        except SyncgateError as error:
            log.warning("poll_failed", source=name, code=error.code, reason=error.message)
        except Exception as error:
            log.error("poll_broke", source=name, error=type(error).__name__, at=place_of(error))

    async def _fetching(self, name: str, settings: PollSettings) -> Fetching:
        made, fetching = self._made.get(name, (None, None))
        if fetching is None or made != settings:
            if fetching is not None:
                await fetching.aclose()
            fetching = self._make(name, settings)
            self._made[name] = (settings, fetching)
        return fetching

    def _make(self, name: str, settings: PollSettings) -> Fetching:
        secrets = self._place.found_secrets(self._bundles.site, settings.secret_names)
        clock, entropy = SystemClock(), SystemEntropy()
        if settings.rest is not None:
            return RestInbox(settings.rest, secrets=secrets, clock=clock, entropy=entropy)
        if settings.folder is not None:
            return FolderInbox(self._watched(settings.folder), self._gate, name, clock=clock)
        assert settings.database is not None
        return Inbox(settings.database, secrets=secrets, clock=clock, entropy=entropy)

    def _watched(self, folder: FolderSettings) -> Watched:
        return Watched(
            folder=self._place.root / folder.path,
            files=folder.files,
            format=folder.format,
            settled_for=folder.settled_for,
            size_at_most=folder.size_at_most,
            page=folder.page,
        )


def _tell(name: str, polled: Polled) -> None:
    if polled.unread:
        log.warning("poll_unread", source=name, reason=polled.unread)
    if polled.taken or polled.held or polled.known or polled.flagged:
        log.info(
            "polled", source=name, taken=polled.taken, held=polled.held, known=polled.known, flagged=polled.flagged
        )
