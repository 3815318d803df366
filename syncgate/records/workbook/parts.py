"""What a workbook says about itself: its sheets, its epoch, its shared texts, its number formats."""

from __future__ import annotations

import posixpath
import re
from dataclasses import dataclass
from typing import Final

from syncgate.documents import unknown
from syncgate.records.expat import Walk
from syncgate.records.record import FileRefused
from syncgate.records.workbook.archive import Archive
from syncgate.records.workbook.formats import BUILT_IN, Shown, shown_by

_MOST_STRINGS_BYTES: Final = 64 * 1024**2
_MOST_SMALL_BYTES: Final = 32 * 1024**2
_ESCAPE: Final = re.compile("_x([0-9A-Fa-f]{4})_")


@dataclass(frozen=True, slots=True)
class Book:
    """Which sheet to read and how. shown: per cell style, how it shows numbers."""

    path: str
    is_1904: bool
    strings: list[str]
    shown: list[Shown]


class Collector:
    """Hears events and keeps none; a base for those that keep some."""

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        """An element begins."""

    def text(self, text: str) -> None:
        """Text of the innermost element."""

    def end(self, name: str) -> None:
        """The innermost element ends."""


def open_book(archive: Archive, sheet: str | None) -> Book:
    """The workbook around the wanted sheet. Raises FileRefused where that is not to be read."""
    root = _Relations()
    _walk(archive, "_rels/.rels", root)
    home = next((target for kind, target in root.kinds.values() if kind == "officeDocument"), "xl/workbook.xml")
    home = home.lstrip("/")
    folder = posixpath.dirname(home)
    found, relations = _Workbook(), _Relations()
    _walk(archive, home, found)
    _walk(archive, f"{folder}/_rels/{posixpath.basename(home)}.rels", relations)
    paths = {key: _resolved(folder, target) for key, (_, target) in relations.kinds.items()}
    kinds = {kind: paths[key] for key, (kind, _) in relations.kinds.items()}
    strings, styles = _Strings(), _Styles()
    if kinds.get("sharedStrings", "") in archive:
        _walk(archive, kinds["sharedStrings"], strings, most=_MOST_STRINGS_BYTES)
    if kinds.get("styles", "") in archive:
        _walk(archive, kinds["styles"], styles)
    chosen = _chosen(found.sheets, sheet, archive.name)
    if chosen not in paths:
        raise FileRefused(f"expected a worksheet in {archive.name}, got a sheet without content")
    return Book(paths[chosen], found.is_1904, strings.texts, styles.shown())


def unescaped(text: str) -> str:
    """A text as it was typed: `_x000D_` stands for a carriage return, and the like (ST_Xstring)."""
    return _ESCAPE.sub(lambda found: chr(int(found[1], 16)), text) if "_x" in text else text


def _walk(archive: Archive, path: str, events: Collector, *, most: int = _MOST_SMALL_BYTES) -> None:
    Walk(events, name=f"{archive.name} ({path})").feed_all(archive.pieces(path, most=most))


def _resolved(folder: str, target: str) -> str:
    return target.lstrip("/") if target.startswith("/") else posixpath.normpath(f"{folder}/{target}")


def _chosen(sheets: list[tuple[str, str, str]], wanted: str | None, name: str) -> str:
    visible = [(title, key) for title, key, state in sheets if state == "visible"]
    if wanted is None:
        if len(visible) != 1:
            titles = ", ".join(title[:40] for title, _ in visible[:10])
            raise FileRefused(f"expected one visible sheet in {name}, or `sheet` to say which, got {titles or 'none'}")
        return visible[0][1]
    for title, key, state in sheets:
        if title == wanted:
            if state != "visible":
                raise FileRefused(f"expected the sheet {wanted} of {name} to be visible, got a hidden one")
            return key
    raise FileRefused(f"{unknown('sheet', wanted, [title for title, _ in visible])} in {name}")


class _Relations(Collector):
    """`kinds`: by id, the last part of the relation's type, and its target."""

    def __init__(self) -> None:
        self.kinds: dict[str, tuple[str, str]] = {}

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "Relationship" and attributes.get("TargetMode") != "External":
            kind = attributes.get("Type", "").rpartition("/")[2]
            self.kinds[attributes.get("Id", "")] = (kind, attributes.get("Target", ""))


class _Workbook(Collector):
    """`sheets`: title, relation id and state, in order."""

    def __init__(self) -> None:
        self.sheets: list[tuple[str, str, str]] = []
        self.is_1904 = False

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "sheet":
            title, key = attributes.get("name", ""), attributes.get("id", "")
            self.sheets.append((title, key, attributes.get("state", "visible")))
        elif name == "workbookPr":
            self.is_1904 = attributes.get("date1904", "0") in ("1", "true")


class _Strings(Collector):
    """`texts`: the shared texts by number, without how they are pronounced."""

    def __init__(self) -> None:
        self.texts: list[str] = []
        self._pieces: list[str] = []
        self._is_text = self._is_sound = False

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "si":
            self._pieces = []
        self._is_sound = self._is_sound or name == "rPh"
        self._is_text = name == "t" and not self._is_sound

    def text(self, text: str) -> None:
        if self._is_text:
            self._pieces.append(text)

    def end(self, name: str) -> None:
        self._is_text = False
        if name == "rPh":
            self._is_sound = False
        elif name == "si":
            self.texts.append(unescaped("".join(self._pieces)))


class _Styles(Collector):
    """How each cell style shows numbers."""

    def __init__(self) -> None:
        self._codes: dict[str, str] = {}
        self._formats: list[str] = []
        self._is_cells = False

    def begin(self, name: str, attributes: dict[str, str], line: int) -> None:
        if name == "numFmt":
            self._codes[attributes.get("numFmtId", "")] = attributes.get("formatCode", "")
        elif name == "cellXfs":
            self._is_cells = True
        elif name == "xf" and self._is_cells:
            self._formats.append(attributes.get("numFmtId", "0"))

    def end(self, name: str) -> None:
        if name == "cellXfs":
            self._is_cells = False

    def shown(self) -> list[Shown]:
        """By style number."""
        return [shown_by(self._codes.get(key, BUILT_IN.get(key, "?"))) for key in self._formats]
