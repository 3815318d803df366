"""What a system answers in XML, read without a document type, without entities of its own, and within bounds."""

from __future__ import annotations

import codecs
import re
from dataclasses import dataclass, field
from typing import Any, Final
from xml.parsers import expat

DEEPEST: Final = 64
"""Elements within elements; anything deeper is no answer."""

MOST_ELEMENTS: Final = 50_000
"""Elements of one answer; one with more is no answer."""

_DECLARED: Final = re.compile(rb"""^\s*<\?xml[^>]{0,200}?\sencoding\s*=\s*["']([A-Za-z0-9._-]{1,40})["']""")
_STEP: Final = re.compile(r"(?P<name>[^\[\]]+)\[@(?P<attribute>[^=\[\]]+)=(?P<value>.*)\]", re.DOTALL)
_BLANK: Final = " \t\r\n"


class XmlRefused(ValueError):
    """The text is no XML, or none that is read."""


@dataclass(slots=True)
class XmlElement:
    """One element. Names are without prefixes, so that a path needs none.

    Attributes:
        name: empty for the document itself.
        attributes: by name.
        children: in their order.
        pieces: the text between them.
    """

    name: str
    attributes: dict[str, str] = field(default_factory=dict)
    children: list[XmlElement] = field(default_factory=list)
    pieces: list[str] = field(default_factory=list)

    def text(self) -> str:
        """The element's own text without the white space around it."""
        return "".join(self.pieces).strip(_BLANK)

    def value(self) -> Any:
        """The element as JSON: its text, or an object of `@attribute`, `#text` and children, lists where repeated."""
        if not self.attributes and not self.children:
            return self.text()
        found: dict[str, Any] = {f"@{name}": value for name, value in self.attributes.items()}
        if self.text():
            found["#text"] = self.text()
        values_by_name: dict[str, list[Any]] = {}
        for child in self.children:
            values_by_name.setdefault(child.name, []).append(child.value())
        return found | {name: values[0] if len(values) == 1 else values for name, values in values_by_name.items()}

    def named(self, name: str) -> list[XmlElement]:
        """The children of this name, in their order."""
        return [child for child in self.children if child.name == name]

    def matching(self, step: str) -> list[XmlElement]:
        """The children that a step of a path means: `name`, or `name[@attribute=value]`."""
        found = _STEP.fullmatch(step)
        if found is None:
            return self.named(step)
        attribute, value = found["attribute"], found["value"]
        return [child for child in self.named(found["name"]) if child.attributes.get(attribute) == value]


def declared_charset(body: bytes) -> str:
    """The charset that the XML declaration names, `utf-8` where there is none (XML 1.0 §4.3.3)."""
    if body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return "utf-16"
    found = _DECLARED.match(body[:400])
    return found[1].decode() if found else "utf-8"


def read_xml(text: str) -> XmlElement:
    """The document, whose only child is the root.

    Raises:
        XmlRefused: it is not well-formed, has a document type, or is too deep or too large.
    """
    parser = expat.ParserCreate()
    reader = _Reader()
    parser.StartElementHandler = reader.start
    parser.EndElementHandler = reader.end
    parser.CharacterDataHandler = reader.data
    parser.StartDoctypeDeclHandler = reader.refuse
    parser.EntityDeclHandler = reader.refuse
    parser.buffer_text = True
    try:
        # A text is parsed as such, whatever charset its declaration names.
        parser.Parse(text, True)
    except (expat.ExpatError, UnicodeEncodeError):
        # The library's message may repeat a name.
        raise XmlRefused("expected well-formed XML, got something else") from None
    return reader.document


class _Reader:
    def __init__(self) -> None:
        self.document = XmlElement("")
        self._open = [self.document]
        self._count = 0

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if len(self._open) > DEEPEST or self._count > MOST_ELEMENTS:
            raise XmlRefused(f"expected at most {DEEPEST} levels and {MOST_ELEMENTS} elements, got more")
        element = XmlElement(_local(name), {_local(key): value for key, value in attributes.items() if _is_own(key)})
        self._open[-1].children.append(element)
        self._open.append(element)

    def end(self, _: str) -> None:
        self._open.pop()

    def data(self, text: str) -> None:
        self._open[-1].pieces.append(text)

    def refuse(self, *_: object) -> None:
        raise XmlRefused("expected XML without a document type, got one")


def _local(name: str) -> str:
    return name.rpartition(":")[2]


def _is_own(key: str) -> bool:
    return key != "xmlns" and not key.startswith("xmlns:")
