"""A source's records out of its own formats, each with its place: pure readers from bytes to JSON-like values."""

from syncgate.records.numbering import Numbering, Seen
from syncgate.records.reading import Columns, read
from syncgate.records.record import FileRefused, Record, Torn
from syncgate.records.settings import (
    CsvSettings,
    Format,
    FormSettings,
    JsonSettings,
    NdjsonSettings,
    XlsxSettings,
    XmlSettings,
)

__all__ = [
    "Columns",
    "CsvSettings",
    "FileRefused",
    "FormSettings",
    "Format",
    "JsonSettings",
    "NdjsonSettings",
    "Numbering",
    "Record",
    "Seen",
    "Torn",
    "XlsxSettings",
    "XmlSettings",
    "read",
]
