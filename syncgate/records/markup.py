"""XML as records: each element at one path.

A leaf without attributes is its text; any other element is an object of its children, of its attributes
under `@name` and of its own text under `#text`. What may come more than once is named under `lists` and is
then always a list. Namespaces do not count.

Source: XML 1.0, Namespaces in XML 1.0.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any, BinaryIO, Final

from syncgate.records.expat import Walk
from syncgate.records.record import MOST_CHARACTERS, FileRefused, Record, Torn, control_in
from syncgate.records.settings import XmlSettings
from syncgate.records.text import texts

_MOST_CHILDREN: Final = 20_000
_SPELLINGS: Final = {
    "utf-8": {"utf-8", "utf8"},
    "utf-8-sig": {"utf-8", "utf8"},
    "gbk": {"gbk", "gb2312", "cp936"},
    "gb18030": {"gb18030", "gbk", "gb2312", "cp936"},
    "big5": {"big5"},
    "cp950": {"cp950", "big5"},
}
"""What a declaration may say in a file of a charset: itself, or one that it contains."""


def read_xml(stream: BinaryIO, settings: XmlSettings, *, name: str) -> Iterator[Record | Torn]:
    """The elements at the path in order.

    Raises:
        FileRefused: while reading, with the line: the text is not well-formed, has a DOCTYPE, declares another
            charset, or has another root; no element stands at the path.
    """
    found = _Records(settings, name)
    walk = Walk(found, name=name, declared=frozenset(_SPELLINGS[settings.charset]))
    for text in texts(stream, charset=settings.charset, name=name):
        walk.feed(text.encode("utf-8"))
        yield from found.taken()
    walk.feed(b"", is_last=True)
    yield from found.taken()
    if not found.is_any:
        raise FileRefused(f"expected elements at {settings.record} in {name}, got none")


@dataclass(slots=True)
class _Element:
    name: str
    line: int
    value: dict[str, Any]
    path: str = ""
    pieces: list[str] = field(default_factory=list)


class _Records:
    """Hears the events and keeps what is done."""

    def __init__(self, settings: XmlSettings, name: str) -> None:
        self.is_any = False
        self._steps = settings.record.split("/")[1:]
        self._lists = frozenset(settings.lists)
        self._name = name
        self._outside: list[str] = []
        self._inside: list[_Element] = []
        self._done: list[Record | Torn] = []
        self._fault: tuple[str, str] | None = None
        self._length = self._children = 0

    def taken(self) -> Iterator[Record | Torn]:
        """What is done since the last call."""
        done, self._done = self._done, []
        yield from done

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        if not self._inside:
            self._outside.append(name)
            if len(self._outside) == 1 and name != self._steps[0]:
                got = name if len(name) < 100 else "a longer name"
                raise FileRefused(f"expected {self._steps[0]} as the root of {self._name}, got {got}")
            if self._outside != self._steps:
                return
            self._fault, self._length, self._children, self.is_any = None, 0, 0, True
        path = f"{self._inside[-1].path}/{name}" if self._inside else ""
        self._children += 1
        self._count(sum(map(len, attributes.values())) + sum(map(len, attributes)) + len(name), line)
        for key, text in attributes.items():
            if (control := control_in(text)) is not None:
                self._note(f"expected text, got the control character {control}", f"{path}/@{key}")
        self._inside.append(_Element(name, line, {f"@{key}": text for key, text in attributes.items()}, path))

    def text(self, text: str) -> None:
        if self._inside:
            self._inside[-1].pieces.append(text)
            self._count(len(text), self._inside[0].line)

    def end(self, name: str) -> None:
        if not self._inside:
            self._outside.pop()
            return
        element = self._inside.pop()
        value = self._value(element)
        if self._inside:
            self._put(self._inside[-1], element, value)
            return
        self._outside.pop()
        if not isinstance(value, dict):
            value = {"#text": value}
        torn = self._fault
        self._done.append(Record(element.line, value) if torn is None else Torn(element.line, *torn))

    def _value(self, element: _Element) -> Any:
        text = "".join(element.pieces)
        control = control_in(text)
        if control is not None:
            self._note(f"expected text, got the control character {control}", element.path)
        if not element.value:
            return text
        if all(key.startswith("@") for key in element.value):
            return {**element.value, "#text": text}
        if text.strip(" \t\r\n"):
            self._note("expected elements or text, got both", element.path)
        return element.value

    def _put(self, parent: _Element, element: _Element, value: Any) -> None:
        if element.path in self._lists:
            parent.value.setdefault(element.name, []).append(value)
        elif element.name in parent.value:
            self._note("expected the element once, got it twice: name it under `lists` where it may", element.path)
        else:
            parent.value[element.name] = value

    def _note(self, fault: str, path: str) -> None:
        self._fault = self._fault or (fault, path)

    def _count(self, length: int, line: int) -> None:
        self._length += length
        if self._length > MOST_CHARACTERS or self._children > _MOST_CHILDREN:
            raise FileRefused(
                f"expected records of at most {MOST_CHARACTERS:,} characters and {_MOST_CHILDREN:,} elements in "
                f"{self._name}, got a longer one that begins in line {self._inside[0].line if self._inside else line}"
            )
