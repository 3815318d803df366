"""Column types that mean the same on both engines: identifiers, times, flags, words of an enum, JSON as text.

The text of a name sorts by its bytes everywhere, so that both engines list and lock in one order.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Any
from uuid import UUID, SafeUUID

import orjson
from sqlalchemy import REAL, Boolean, Float, Integer, LargeBinary, Text, Uuid
from sqlalchemy.dialects import postgresql
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

Convert = Callable[[Any], Any]

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND = timedelta(microseconds=1)
_NEW = object.__new__
_SET_INT: Any = UUID.int.__set__  # type: ignore[misc, attr-defined]
_SET_SAFE: Any = UUID.is_safe.__set__  # type: ignore[misc, attr-defined]

Name = Text().with_variant(postgresql.TEXT(collation="C"), "postgresql")
"""Text that sorts by its bytes on both engines."""


def _is_sqlite(dialect: Dialect) -> bool:
    return dialect.name == "sqlite"


def microseconds_of(at: datetime) -> int:
    """Microseconds since 1970 in UTC. Raises TypeError for a time without a zone."""
    return (at - _EPOCH) // _MICROSECOND


def _microseconds(at: datetime | None) -> int | None:
    return None if at is None else (at - _EPOCH) // _MICROSECOND


def _time_of_microseconds(count: int | None) -> datetime | None:
    return None if count is None else _EPOCH + timedelta(0, 0, count)


def _aware(at: datetime | None) -> datetime | None:
    if at is not None and at.tzinfo is None:
        raise TypeError("expected a time with a zone, got one without")
    return at


def _in_utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)


def _bytes_of_id(value: UUID | None) -> bytes | None:
    return None if value is None else value.bytes


def _id_of_bytes(value: bytes | None) -> UUID | None:
    """The UUID of 16 bytes, past its constructor: that looks for six ways of writing one."""
    if value is None:
        return None
    made = _NEW(UUID)
    _SET_INT(made, int.from_bytes(value, "big"))
    _SET_SAFE(made, SafeUUID.unknown)
    return made


def _text_of_word(word: StrEnum | None) -> str | None:
    return None if word is None else word.value


def _json_of_text(text: str | None) -> Any:
    return None if text is None else orjson.loads(text)


def _tuple_of_text(text: str | None) -> Any:
    return None if text is None else tuple(orjson.loads(text))


class Id(TypeDecorator[UUID]):
    """A UUID: 16 bytes on SQLite, native on PostgreSQL. Both sort by its bytes, UUIDv7 therefore by time."""

    impl = LargeBinary
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(LargeBinary() if _is_sqlite(dialect) else Uuid())

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return _bytes_of_id if _is_sqlite(dialect) else None

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return _id_of_bytes if _is_sqlite(dialect) else None


class UtcTime(TypeDecorator[datetime]):
    """An aware time: microseconds since 1970 on SQLite, timestamptz on PostgreSQL; comes back in UTC."""

    impl = Integer
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        native = Integer() if _is_sqlite(dialect) else postgresql.TIMESTAMP(timezone=True)
        return dialect.type_descriptor(native)

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return _microseconds if _is_sqlite(dialect) else _aware

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return _time_of_microseconds if _is_sqlite(dialect) else _in_utc


class Flag(TypeDecorator[bool]):
    """True or false: 1 or 0 on SQLite, boolean on PostgreSQL."""

    impl = Boolean
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(Integer() if _is_sqlite(dialect) else Boolean())

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return bool

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return bool


class Word(TypeDecorator[StrEnum]):
    """A member of a closed list, stored as its text."""

    impl = Text
    cache_ok = True

    def __init__(self, words: type[StrEnum]) -> None:
        super().__init__()
        self.words = words

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return Text() if _is_sqlite(dialect) else postgresql.TEXT(collation="C")

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return _text_of_word

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        member_by_text: dict[str | None, StrEnum | None] = {word.value: word for word in self.words}
        return (member_by_text | {None: None}).__getitem__


class Ratio(TypeDecorator[float]):
    """A number with a fraction, in double precision on both engines."""

    impl = Float
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        return dialect.type_descriptor(REAL() if _is_sqlite(dialect) else Float(53))

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return None

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return None


class Json(TypeDecorator[Any]):
    """A JSON value as canonical text (keys sorted), the same bytes on both engines."""

    impl = Text
    cache_ok = True

    def bind_processor(self, dialect: Dialect) -> Convert | None:
        return lambda value: orjson.dumps(value, option=orjson.OPT_SORT_KEYS).decode()

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return _json_of_text


class Names(Json):
    """A tuple of names as JSON text."""

    cache_ok = True

    def result_processor(self, dialect: Dialect, coltype: object) -> Convert | None:
        return _tuple_of_text
