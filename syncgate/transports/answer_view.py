"""An answer as the rules see it: status, headers, and the body as text and as a document, read when first asked."""

from __future__ import annotations

import codecs
from collections.abc import Iterable, Mapping
from functools import cached_property
from typing import Any, Final, Literal

import orjson

from syncgate.transports.pointer import MISSING
from syncgate.transports.xml_document import declared_charset, read_xml

AnswerFormat = Literal["json", "xml"]
"""How the body of an answer is read."""

_UTF8: Final = "utf-8"
_BY_CHANCE: Final = 8
"""Bytes that continue a character in UTF-8; more do not come about by chance."""

_CHARSETS: Final = {
    # What is declared as gb2312 or gbk is in practice often their superset, which decodes both alike.
    "gb2312": "gb18030",
    "gbk": "gb18030",
    "gb18030": "gb18030",
    "big5": "big5hkscs",
    "big5hkscs": "big5hkscs",
    "iso8859-1": "cp1252",
    "cp1252": "cp1252",
    "utf-16": "utf-16",
    "utf-16-le": "utf-16-le",
    "utf-16-be": "utf-16-be",
}
"""By Python's name: the charsets that are read as declared. Any other counts as UTF-8."""


class AnswerView:
    """One answer. Nothing in it changes."""

    def __init__(
        self,
        status: int,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        *,
        format: AnswerFormat = "json",
        undeclared: str = _UTF8,
    ) -> None:
        """Args:
        status, headers, body: as they came; header names in any case.
        format: what the body is expected to be.
        undeclared: the charset of JSON that declares none.
        """
        self.status = status
        self.format = format
        self._undeclared = undeclared
        self.headers: Mapping[str, str] = _joined(headers)
        self.body = body

    @cached_property
    def document(self) -> Any:
        """The body as JSON or as an `XmlElement`, whatever its declared type; MISSING where it is something else."""
        try:
            if self.format == "xml":
                return read_xml(self._bare.decode(self._charset))
            if self._charset == _UTF8:
                return orjson.loads(self._bare)
            return orjson.loads(self.body.decode(self._charset))
        except (orjson.JSONDecodeError, UnicodeDecodeError, ValueError):
            return MISSING

    @cached_property
    def text(self) -> str:
        """The body as text; what cannot be decoded shows as U+FFFD."""
        return self._bare.decode(self._charset, errors="replace")

    @cached_property
    def is_misdeclared(self) -> bool:
        """Whether it declares another charset and is UTF-8: what is read of it is not what was meant.

        A text of another charset that is UTF-8 by chance, with more than a few characters beyond ASCII, there is none.
        """
        if self._charset == _UTF8 or self.body.isascii():
            return False
        try:
            return len(self.body) - len(self.body.decode(_UTF8)) > _BY_CHANCE
        except UnicodeDecodeError:
            return False

    @property
    def _bare(self) -> bytes:
        return self.body.removeprefix(codecs.BOM_UTF8)

    @cached_property
    def _charset(self) -> str:
        if self.body.startswith(codecs.BOM_UTF8):
            return _UTF8
        for parameter in self.headers.get("content-type", "").split(";")[1:]:
            name, _, value = parameter.partition("=")
            if name.strip().lower() == "charset":
                return _known_charset(value.strip().strip('"'))
        return _known_charset(declared_charset(self.body) if self.format == "xml" else self._undeclared)


def _known_charset(name: str) -> str:
    try:
        return _CHARSETS.get(codecs.lookup(name).name, _UTF8)
    except (LookupError, ValueError):
        return _UTF8


def _joined(headers: Iterable[tuple[str, str]]) -> dict[str, str]:
    found: dict[str, str] = {}
    for name, value in headers:
        key = name.lower()
        found[key] = f"{found[key]}, {value}" if key in found else value
    return found
