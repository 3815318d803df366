"""A form as one record.

Source: the URL standard, application/x-www-form-urlencoded parsing, made strict.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import BinaryIO, Final
from urllib.parse import unquote_to_bytes

from syncgate.records.json_lines import checked
from syncgate.records.record import MOST_CHARACTERS, MOST_COLUMNS, FileRefused, Record, Torn
from syncgate.records.settings import FormSettings

_WRITTEN: Final = re.compile(rb"(?:[^%\x00-\x20\x7f-\xff]|%[0-9A-Fa-f]{2})*\Z")


def read_form(stream: BinaryIO, settings: FormSettings, *, name: str) -> Iterator[Record | Torn]:
    """The form's one record: texts by field, and lists of texts for the fields that may come more than once.

    Raises:
        FileRefused: it is longer than a record may be, or not written as a form in this charset.
    """
    content = stream.read(MOST_CHARACTERS + 1)
    if len(content) > MOST_CHARACTERS:
        raise FileRefused(f"expected a form of at most {MOST_CHARACTERS:,} bytes in {name}, got a longer one")
    content = content.removesuffix(b"\n").removesuffix(b"\r")
    if not content:
        raise FileRefused(f"expected a form in {name}, got an empty one")
    pairs = content.split(b"&", MOST_COLUMNS)
    if len(pairs) > MOST_COLUMNS:
        raise FileRefused(f"expected at most {MOST_COLUMNS} fields in {name}, got more")
    yield _record([_pair(pair, no, settings.charset, name) for no, pair in enumerate(pairs, start=1)], settings)


def _record(pairs: list[tuple[str, str]], settings: FormSettings) -> Record | Torn:
    given = {field for field, _ in pairs}
    found: dict[str, str | list[str]] = {field: [] for field in settings.lists if field in given}
    for field, text in pairs:
        known = found.get(field)
        if isinstance(known, list):
            known.append(text)
        elif known is not None:
            return Torn(1, "expected the field once, got it twice: name it under `lists` where it may", field)
        else:
            found[field] = text
    return checked(1, found)


def _pair(pair: bytes, no: int, charset: str, name: str) -> tuple[str, str]:
    field, sign, text = pair.partition(b"=")
    if not sign or not field:
        raise FileRefused(f"expected name=value as field {no} of {name}, got another text")
    return _text(field, no, charset, name), _text(text, no, charset, name)


def _text(written: bytes, no: int, charset: str, name: str) -> str:
    if not _WRITTEN.match(written):
        raise FileRefused(f"expected percent-encoded text in field {no} of {name}, got other signs")
    try:
        text = unquote_to_bytes(written.replace(b"+", b" ")).decode(charset)
    except UnicodeDecodeError:
        raise FileRefused(f"expected {charset} in field {no} of {name}, got other bytes") from None
    return text
