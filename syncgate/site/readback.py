"""How one system is read back: its listings, compiled."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from syncgate.domain.reconciliation.comparison import Comparison
from syncgate.domain.reconciliation.kinds import FOUND_AT, Action, Kind, Level
from syncgate.ports import Query
from syncgate.records.settings import Settings

if TYPE_CHECKING:
    from syncgate.mapping import Mapping as FieldMapping

Json = Any
ONLY_IN_A_WHOLE_LISTING: Final = frozenset({Kind.DUPLICATE, Kind.UNEXPECTED})
"""What nobody sees who asks for one known record after the other."""


def any_record(_: Json) -> bool:
    """True: no scope is declared that it could be out of."""
    return True


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadOne:
    """How one record is read.

    Attributes:
        operation: of the transport.
        record_at: JSON Pointer of the record in its answer.
        absent: the answer condition that means "we hold no such record", as plain JSON.
    """

    operation: str
    record_at: str
    absent: Mapping[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Export:
    """A file that the system's people bring, or lay down, in place of a listing.

    Attributes:
        settings: how it is written; the names of its columns are the keys of its records.
        file: where it is laid down: a path within the site's folder, or an absolute one, in which `{date}` is the
            site's day as `YYYYMMDD`; None: it is only uploaded.
        columns: the first names of all that is read of a record: what a table must have.
    """

    settings: Settings
    file: str | None
    columns: frozenset[str]


@dataclass(frozen=True, slots=True, kw_only=True)
class Adoption:
    """How a record that was typed there by hand is known for one of ours.

    Attributes:
        key_of_record: what a record says, None where it says nothing.
        key_of_ours: the same from the keys of a request and a payload.
    """

    key_of_record: Callable[[Json], str | None]
    key_of_ours: Callable[[Mapping[str, str], Json], str | None]


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadListing:
    """One collection of records at a system.

    Attributes:
        name: its name.
        messages: the messages, and retractions, whose records it has.
        level: how much of it can be read back.
        query: how it is listed, with `from` and `until` filled in by the run; None where only an export brings it, or
            records are only read one by one, or nothing is.
        has_window: whether it is listed by window.
        export: the file that may bring it in place of a listing; None where none does.
        count: how its records are counted by range of keys; None where they are not.
        read: how one record is read; None where none is.
        key_of_record: the reference by which a record is known as ours, None where it bears none.
        key_of_ours: the same from the keys of a request and a payload, as it was sent.
        is_ours: whether a record is ours by scope; those that are not are passed over.
        is_in_scope: the same by the declared scope alone, of a record that is read by itself; without one, always.
        remote_ref_of: the system's own id of a record; None where it shows none.
        is_removed: whether a record that was taken back disappears; else it stays.
        comparisons: by message; a message of another level than fields has none.
        policy: what is done about each class.
        field_policy: the same about an edited field, by message and field; replaces the class's.
        accept: the inbound mapping that makes a case of a record, by message; missing where nothing is accepted.
        adoption: how what was typed there by hand is known; None where it is not.
        profile: digest of all that decides the marks (key, compared fields, rules): two bundles with the same profile
            make the same marks.
    """

    name: str
    messages: tuple[str, ...]
    level: Level
    query: Query | None
    has_window: bool
    export: Export | None = None
    count: Query | None
    read: ReadOne | None
    key_of_record: Callable[[Json], str | None] = field(repr=False)
    key_of_ours: Callable[[Mapping[str, str], Json], str | None] = field(repr=False)
    is_ours: Callable[[Json], bool] = field(repr=False)
    is_in_scope: Callable[[Json], bool] = field(default=any_record, repr=False)
    remote_ref_of: Callable[[Json], str | None] = field(repr=False)
    is_removed: bool
    comparisons: Mapping[str, Comparison] = field(repr=False)
    policy: Mapping[Kind, Action]
    field_policy: Mapping[tuple[str, str], Action]
    accept: Mapping[str, FieldMapping] = field(repr=False)
    adoption: Adoption | None = field(repr=False)
    profile: str

    @property
    def ways(self) -> tuple[str, ...]:
        """In which ways it is read: of `list`, `export`, `read`, `count`."""
        given = {"list": self.query, "export": self.export, "read": self.read, "count": self.count}
        return tuple(name for name, way in given.items() if way is not None)

    @property
    def finds(self) -> frozenset[Kind]:
        """What can be found: what its level allows, less what only a whole listing shows where there is none."""
        found = FOUND_AT[self.level]
        is_whole = self.query is not None or self.export is not None
        return found if is_whole else found - ONLY_IN_A_WHOLE_LISTING

    @property
    def misses(self) -> frozenset[Kind]:
        """What could be found of records that show their fields, and cannot be here."""
        return FOUND_AT[Level.FIELDS] - self.finds


@dataclass(frozen=True, slots=True, kw_only=True)
class ReadBack:
    """How a system is reconciled.

    Attributes:
        every: how often; None: not by itself.
        at: with `every` of a day or more: the site's local time of the day, as `HH:MM`; None: whenever it is due.
        window: how far back a listing by window goes; None: all there is.
        grace: what changed here or there later than so long before a run began is not judged by it.
        mends: whether a run by itself mends as the policy says; else it only lists.
        cap: sends that one run may cause.
        missing_at_most: the share of what should be there that may be missing before a run is implausible.
        listings: in declared order.
        unlisted: messages, and retractions with a payload, whose records are in none of them.
    """

    every: timedelta | None
    at: str | None
    window: timedelta | None
    grace: timedelta
    mends: bool
    cap: int
    missing_at_most: float
    listings: tuple[ReadListing, ...]
    unlisted: tuple[str, ...] = ()

    def listing_of(self, message: str) -> ReadListing | None:
        """Where the records of a message, or of a retraction, are listed."""
        return next((listing for listing in self.listings if message in listing.messages), None)
