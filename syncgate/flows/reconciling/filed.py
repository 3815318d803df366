"""A file that stands for what a system lists: an uploaded export, or one that is laid down every day."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import BinaryIO, Final

from syncgate.domain.errors import SyncgateError
from syncgate.ports import UNREADABLE, Page, Query, Unread
from syncgate.records import Columns, FileRefused, Record, Torn, read
from syncgate.records.settings import Settings

PAGE: Final = 1000
"""Records of a page."""

SETTLED: Final = timedelta(minutes=1)
"""A file that was written to less long ago may not be whole yet."""

Open = Callable[[], BinaryIO]
"""Opens the file at its beginning."""


class FiledListing:
    """A `Listing` out of a file, in bounded memory. Whoever goes on where another ended reads it up to there again."""

    def __init__(self, opened: Open, settings: Settings, *, name: str, columns: frozenset[str] = frozenset()) -> None:
        """Args:
        opened: opens the file; a workbook's must be able to go back.
        settings: how it is written.
        name: what messages call it.
        columns: that a table must have.
        """
        self._opened = opened
        self._settings = settings
        self._name = name
        self._columns = columns
        self._stream: BinaryIO | None = None
        self._records: Iterator[Record | Torn] = iter(())
        self._at = -1
        self._torn: list[Torn] = []

    async def list_page(self, query: Query, following: str | None) -> Page | Unread:
        """One page of records, as the file has them.

        A row that cannot be read is on no page; the listing then ends as `unreadable`, so that it shows what is there
        and nothing of what is not.
        """
        return await asyncio.to_thread(self._page, 0 if following is None else int(following))

    async def count(self, query: Query, *, low: str, high: str | None) -> int | Unread:
        """A file is not asked."""
        return Unread(reason=UNREADABLE, words="expected a system that counts, got a file")

    async def aclose(self) -> None:
        """Closes the file."""
        await asyncio.to_thread(self._close)

    def _page(self, start: int) -> Page | Unread:
        try:
            if start != self._at:
                self._begin(start)
            found = list(islice(self._records, PAGE))
        except FileRefused as refused:
            self._close()
            return Unread(reason=UNREADABLE, words=str(refused))
        except (OSError, SyncgateError) as error:
            self._close()
            # What a system call says would name the path.
            return Unread(reason="unavailable", words=f"expected a file to read, got {type(error).__name__}")
        self._torn += [one for one in found if isinstance(one, Torn)]
        self._at = start + len(found)
        records = [one.value for one in found if isinstance(one, Record)]
        if len(found) == PAGE:
            return Page(records=records, following=str(self._at))
        return self._last(records, is_empty=not found)

    def _last(self, records: list[object], *, is_empty: bool) -> Page | Unread:
        if not self._torn:
            self._close()
            return Page(records=records, following=None)
        if not is_empty:
            return Page(records=records, following=str(self._at))
        count, first = len(self._torn), self._torn[0]
        self._close()
        words = (
            f"expected rows that can be read, got {count} that cannot, the first in row {first.line}: {first.reason}"
        )
        return Unread(reason=UNREADABLE, words=words)

    def _begin(self, start: int) -> None:
        self._close()
        self._stream = self._opened()
        columns = Columns(self._columns)
        self._records = read(self._stream, self._settings, name=self._name, columns=columns)
        self._torn = [one for one in islice(self._records, start) if isinstance(one, Torn)]
        self._at = start

    def _close(self) -> None:
        if self._stream is not None:
            self._stream.close()
        self._stream, self._records, self._at, self._torn = None, iter(()), -1, []


def laid_down(template: str, *, root: Path, day: date, now: datetime) -> Open | Unread:
    """Opens the file of a day, or says why there is none to read yet.

    Args:
        template: its path within the site's folder, or an absolute one, in which `{date}` is the day as YYYYMMDD.
        root: the site's folder.
        day: the site's.
        now: a file that was changed just before may not be whole.
    """
    path = root / template.replace("{date}", day.strftime("%Y%m%d"))
    try:
        changed = datetime.fromtimestamp(path.stat().st_mtime, UTC)
    except OSError:
        return Unread(reason="unavailable", words=f"expected the file of {day.isoformat()}, got none")
    if now - changed < SETTLED:
        return Unread(reason="unavailable", words="expected a file that is whole, got one that was just written to")
    return lambda: path.open("rb")
