"""A folder into which a source puts files: each is read once it is whole, and set aside once all of it is in.

What tells a record from the others is its file's content and its place in it, so that a file that comes again, under
whatever name, changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import os
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from fnmatch import fnmatchcase
from pathlib import Path
from typing import Final

from syncgate.domain.errors import InvalidRecord
from syncgate.flows.gate import Gate
from syncgate.flows.taking_in.content import Body, BodyRefused, records_in
from syncgate.flows.taking_in.taking import source_of
from syncgate.ports import UNREADABLE, Clock, Unread
from syncgate.ports.fetching import Fetched, Ready, Settled, Whole
from syncgate.records import Record, Torn
from syncgate.records.settings import Format

DONE: Final = "done"
BAD: Final = "bad"


@dataclass(frozen=True, slots=True, kw_only=True)
class Watched:
    """What is watched.

    Attributes:
        folder: where the files come.
        files: the pattern of their names.
        format: how they are written.
        settled_for: a file is whole once it was left alone for so long.
        size_at_most: bytes of a file that is read.
        page: records that are taken in at a time.
    """

    folder: Path
    files: str
    format: Format
    settled_for: timedelta
    size_at_most: int
    page: int


@dataclass(frozen=True, slots=True)
class Sight:
    """A file as it was seen: another sight under its name is another file."""

    name: str = field(repr=False)
    inode: int
    size: int
    changed_ns: int

    @classmethod
    def of(cls, name: str, seen: os.stat_result) -> Sight:
        """The file that was seen under a name."""
        return cls(name, seen.st_ino, seen.st_size, seen.st_mtime_ns)


@dataclass(slots=True)
class _Reading:
    """A file on its way in. at: records that were given; is_bad: whether something in it cannot be read."""

    sight: Sight
    digest: str
    records: Sequence[Fetched] = field(repr=False)
    is_bad: bool
    at: int = 0

    @property
    def is_over(self) -> bool:
        return self.at >= len(self.records)


class FolderInbox:
    """The files of one folder that are whole and not yet in."""

    def __init__(self, watched: Watched, gate: Gate, source: str, *, clock: Clock) -> None:
        self._watched = watched
        self._gate, self._source, self._clock = gate, source, clock
        self._reading: _Reading | None = None
        self._following: str | None = None
        self._left: set[Sight] = set()
        self._unfit: set[Sight] = set()
        self._in: set[str] = set()

    async def page(self, following: str | None) -> Ready | Unread:
        """Records of one file, the one first that was changed first."""
        return await asyncio.to_thread(self._page, is_first=following is None or following != self._following)

    async def settle(self, settled: Sequence[Settled]) -> int | Unread:
        """Sets a file aside once all of it is in; gives how many records such a file has."""
        reading = self._reading
        if reading is None or not reading.is_over:
            return 0
        self._reading = None
        return await asyncio.to_thread(self._set_aside, reading)

    async def aclose(self) -> None:
        """Nothing is kept open."""

    def _page(self, *, is_first: bool) -> Ready | Unread:
        if is_first:
            self._reading = None
            self._unfit.clear()
            self._in.clear()
        try:
            reading = self._reading or self._next()
        except OSError:
            return Unread(reason="unavailable", words="expected a folder that can be read, got none")
        self._reading = reading
        if reading is None:
            return self._end()
        begin, reading.at = reading.at, reading.at + self._watched.page
        self._following = f"{reading.digest}:{reading.at}"
        return Ready(records=reading.records[begin : reading.at], following=self._following)

    def _end(self) -> Ready | Unread:
        if not self._unfit:
            return Ready(records=())
        most, count = self._watched.size_at_most, len(self._unfit)
        return Unread(
            reason=UNREADABLE, words=f"expected files of at most {most} bytes that can be read, got {count} others"
        )

    def _next(self) -> _Reading | None:
        """The next file with records; one without any, and one of a content that is in, is set aside at once."""
        for sight in self._whole():
            content = self._content(sight)
            if content is None:
                continue
            reading = self._read(sight, content)
            if reading.records and reading.digest not in self._in:
                return reading
            self._set_aside(reading)
        return None

    def _whole(self) -> Iterator[Sight]:
        watched, now = self._watched, self._clock.now().timestamp()
        sights = list(_sights(watched))
        self._left &= set(sights)
        for sight in sorted(sights, key=lambda one: (one.changed_ns, one.name)):
            is_quiet = now - sight.changed_ns / 1e9 >= watched.settled_for.total_seconds()
            if is_quiet and sight.size and sight not in self._left and sight not in self._unfit:
                yield sight

    def _content(self, sight: Sight) -> bytes | None:
        """All of a file, None where it cannot be had as it was seen."""
        if sight.size > self._watched.size_at_most:
            self._unfit.add(sight)
            return None
        try:
            # A name that became a link, or a pipe, is neither followed nor waited for.
            descriptor = os.open(self._watched.folder / sight.name, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
            with os.fdopen(descriptor, "rb") as file:
                content = file.read(sight.size + 1)
                is_same = Sight.of(sight.name, os.fstat(file.fileno())) == sight
        except OSError:
            self._unfit.add(sight)
            return None
        return content if is_same and len(content) == sight.size else None

    def _read(self, sight: Sight, content: bytes) -> _Reading:
        source, mapping = source_of(self._gate, self._source)
        digest = hashlib.sha256(content).hexdigest()
        body = Body(self._watched.format, content)
        try:
            found = records_in(source, mapping, body).records
        except BodyRefused as error:
            whole = Fetched(key=digest, value=None, fault=error.message, whole=Whole(body.format, content))
            return _Reading(sight, digest, [whole], is_bad=True)
        except InvalidRecord:
            return _Reading(sight, digest, [], is_bad=False)
        records = [_fetched(f"{digest}#{no}", one) for no, one in enumerate(found)]
        return _Reading(sight, digest, records, is_bad=any(isinstance(one, Torn) for one in found))

    def _set_aside(self, reading: _Reading) -> int:
        """Moves a file where that is allowed; otherwise it is left, and known from now on."""
        self._in.add(reading.digest)
        try:
            _move(self._watched.folder, BAD if reading.is_bad else DONE, reading)
        except OSError:
            self._left.add(reading.sight)
            return 0
        return len(reading.records)


def _sights(watched: Watched) -> Iterator[Sight]:
    """The plain files of the pattern. Raises OSError where the folder cannot be listed."""
    with os.scandir(watched.folder) as entries:
        for entry in entries:
            if entry.name.startswith(".") or not fnmatchcase(entry.name, watched.files):
                continue
            try:
                seen = entry.stat(follow_symlinks=False)
            except FileNotFoundError:
                continue
            if stat.S_ISREG(seen.st_mode):
                yield Sight.of(entry.name, seen)


def _fetched(key: str, record: Record | Torn) -> Fetched:
    if isinstance(record, Record):
        return Fetched(key=key, value=record.value, place=record.line)
    fault = f"{record.at}: {record.reason}" if record.at else record.reason
    return Fetched(key=key, value=None, fault=fault, place=record.line)


def _move(folder: Path, kind: str, reading: _Reading) -> None:
    """Moves the file that was read, and no other: one that took its name meanwhile goes back. Raises OSError."""
    sight = reading.sight
    origin = folder / sight.name
    if Sight.of(sight.name, origin.lstat()) != sight:
        raise FileNotFoundError
    (folder / kind).mkdir(exist_ok=True)
    target = _free(folder / kind / sight.name, reading.digest)
    origin.rename(target)
    if Sight.of(sight.name, target.lstat()) != sight:
        target.rename(_free(origin, str(target.lstat().st_ino)))
        raise FileNotFoundError


def _free(wished: Path, mark: str) -> Path:
    """The path wished for, with a mark where another file has it."""
    return wished if not wished.exists() else wished.with_name(f"{wished.stem}.{mark[:12]}{wished.suffix}")
