"""A body in a source's own words as records, each with its place."""

from __future__ import annotations

import io
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Final

from syncgate.domain.errors import InvalidRecord
from syncgate.mapping import Mapping as FieldMapping
from syncgate.records import Columns, FileRefused, FormSettings, JsonSettings, Record, Torn, XmlSettings, read
from syncgate.records.json_lines import record_of
from syncgate.records.settings import Format, Settings
from syncgate.records.text import texts
from syncgate.site.sources import Source

RECORD: Final = "record"
"""The format of one record that was read before: its value as JSON."""
_NAME: Final = "body"
"""What messages call a body."""


class BodyRefused(InvalidRecord):
    """Nothing of a body can be read."""

    code = "file_refused"


@dataclass(frozen=True, slots=True)
class Body:
    """What came. format: one of the source's, in which `content` is written."""

    format: Format
    content: bytes = field(repr=False)


@dataclass(frozen=True, slots=True)
class Brought:
    """The records of a body, in order. is_alone: whether the body is one record, and its answer that record's."""

    records: tuple[Record | Torn, ...] = field(repr=False)
    is_alone: bool


def records_in(source: Source, mapping: FieldMapping, body: Body) -> Brought:
    """All records of a body.

    Raises:
        BodyRefused: nothing of it can be read. InvalidRecord: it has no record.
    """
    try:
        return _brought(source, mapping, body)
    except FileRefused as error:
        raise BodyRefused(error.said) from None


def _brought(source: Source, mapping: FieldMapping, body: Body) -> Brought:
    settings = source.formats[body.format]
    if isinstance(settings, JsonSettings) and not settings.records and _is_object(body.content, settings.charset):
        text = "".join(texts(io.BytesIO(body.content), charset=settings.charset, name=_NAME))
        return Brought((record_of(1, text),), is_alone=True)
    records = tuple(_read(body, settings, mapping))
    if not records:
        raise InvalidRecord("expected a record in the body, got none")
    return Brought(records, is_alone=_holds_one(settings))


def _read(body: Body, settings: Settings, mapping: FieldMapping) -> Iterator[Record | Torn]:
    return read(io.BytesIO(body.content), settings, name=_NAME, columns=Columns(mapping.columns))


def _is_object(content: bytes, charset: str) -> bool:
    """Whether the first sign of a JSON document opens an object."""
    mark = b"\xef\xbb\xbf" if charset == "utf-8-sig" else b""
    return content.removeprefix(mark).lstrip(b" \t\r\n").startswith(b"{")


def _holds_one(settings: Settings) -> bool:
    """Whether a body in this format is one record by its nature: a form, or XML whose root is the record."""
    return isinstance(settings, FormSettings) or (isinstance(settings, XmlSettings) and settings.record.count("/") == 1)
