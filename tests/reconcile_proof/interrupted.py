"""Runs between whose steps time passes: before each page, each single record and each transaction of theirs."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, TypeVar

from syncgate.domain.outcome import Reading
from syncgate.ports import Page, Query, Request, Step, Unread, Writer

T = TypeVar("T")
Pause = Callable[[], Awaitable[None]]


@dataclass(frozen=True, slots=True)
class PausingTransport:
    """Reads as the transport behind it does, and pauses before every question."""

    behind: Any
    pause: Pause

    async def list_page(self, query: Query, following: str | None) -> Page | Unread:
        """One page."""
        await self.pause()
        page: Page | Unread = await self.behind.list_page(query, following)
        return page

    async def count(self, query: Query, *, low: str, high: str | None) -> int | Unread:
        """How many records there are in a range."""
        await self.pause()
        count: int | Unread = await self.behind.count(query, low=low, high=high)
        return count

    async def look_up(self, request: Request, *, record_at: str, absent: Mapping[str, Any]) -> Reading:
        """One record."""
        await self.pause()
        reading: Reading = await self.behind.look_up(request, record_at=record_at, absent=absent)
        return reading


@dataclass(frozen=True, slots=True)
class PausingWriter:
    """Works as the writer behind it does, and pauses before every step."""

    behind: Writer
    pause: Pause

    async def write(self, step: Step[T]) -> T:
        """The step's result."""
        await self.pause()
        return await self.behind.write(step)

    async def read(self, step: Step[T]) -> T:
        """The step's result."""
        await self.pause()
        return await self.behind.read(step)

    @property
    def is_taking(self) -> bool:
        """Whether the last commit went through."""
        return self.behind.is_taking

    async def aclose(self) -> None:
        """Whoever made the writer closes it."""
