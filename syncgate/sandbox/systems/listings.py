"""Listings and counts as the simulated systems answer them, and the ways in which a listing can be wrong."""

from __future__ import annotations

import json
import uuid
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable
from urllib.parse import parse_qs

from syncgate.sandbox.systems.interface import Call, Verdict, parse_json
from syncgate.sandbox.systems.shelf import Shelf, Shelved
from syncgate.sandbox.wire import Reply, Request, json_reply

MOST = 1000
"""Records of a page, however many are asked for."""

USUAL = 100
MALFORMED = Verdict(json_reply(400, {"error": "malformed"}), "refused")

_SHIFTS = {"repeat_page": -1, "lose_page": 1}
_AFTER_THE_FIRST = frozenset({"repeat_page", "lose_page", "end_early", "shift", "break_off"})


@dataclass(frozen=True, slots=True)
class Wanted:
    """What a listing is asked for.

    Attributes:
        offset: how many records lie before the page; -1 with `after`.
        size: records of the page.
        after: the cursor: the number behind which the page begins.
    """

    offset: int
    size: int
    after: int | None = None


@dataclass(frozen=True, slots=True)
class Sheet:
    """One page: the JSON texts of its records, how many there are in all, and the next cursor."""

    items: tuple[str, ...]
    total: int
    following: int | None

    def reply(self, listing: Listing, *, charset: str = "utf-8", declared: str = "utf-8") -> Reply:
        """The page as it is answered; what a charset lacks is a question mark."""
        following = "" if self.following is None else f"{self.following}"
        cursor = f',"next":"{following}"' if listing.has_cursor else ""
        text = f'{{"{listing.name}":[{",".join(self.items)}],"total":{self.total}{cursor}}}'
        return Reply(200, text.encode(charset, "replace"), media_type=f"application/json; charset={declared}")


@dataclass(frozen=True, slots=True)
class Listing:
    """One collection of a system.

    Attributes:
        shelf: its records.
        show: a record's JSON text as the listing has it.
        key_name: the field that says under which key it was sent.
        has_cursor: whether pages are asked for by cursor; else by number.
        name: of the list in the answer.
    """

    shelf: Shelf
    show: Callable[[Shelved], str]
    key_name: str
    has_cursor: bool = False
    name: str = "items"

    def wanted(self, request: Request) -> Wanted | None:
        """What a request asks for, None where it cannot be told."""
        fields = {name: values[-1] for name, values in parse_qs(request.query, keep_blank_values=True).items()}
        size, place = fields.get("size", str(USUAL)), fields.get("cursor" if self.has_cursor else "page", "")
        place = place or ("0" if self.has_cursor else "1")
        if not all(text.isascii() and text.isdigit() and len(text) < 10 for text in (size, place)):
            return None
        if int(size) < 1 or (int(place) < 1 and not self.has_cursor):
            return None
        limit = min(int(size), MOST)
        return Wanted(-1, limit, int(place)) if self.has_cursor else Wanted((int(place) - 1) * limit, limit)

    def sheet(self, wanted: Wanted, *, shift: int = 0) -> Sheet:
        """The page that is asked for, or the one that begins so many records later."""
        rows = self.shelf.rows()
        start = self.shelf.after(wanted.after) if wanted.after is not None else wanted.offset
        found = rows[max(0, start + shift) : max(0, start + shift) + wanted.size]
        is_last = start + shift + wanted.size >= len(rows)
        return Sheet(tuple(map(self.show, found)), len(rows), None if is_last or not found else found[-1].number)

    def is_first(self, wanted: Wanted) -> bool:
        """Whether no page comes before."""
        return not wanted.after if wanted.after is not None else wanted.offset == 0

    def page(self, wanted: Wanted | None) -> Verdict:
        """The true answer."""
        if wanted is None:
            return MALFORMED
        return Verdict(self.sheet(wanted).reply(self), "read")

    def count(self, request: Request) -> Verdict:
        """How many records have a key in a range: {"count": n}."""
        fields = parse_qs(request.query, keep_blank_values=True)
        low, high = fields.get("low", [""])[-1], fields.get("high", [None])[-1]
        return Verdict(json_reply(200, {"count": self.shelf.count(low, high, self._key_of)}), "read")

    def _key_of(self, row: Shelved) -> str:
        key = parse_json(row.record).get(self.key_name)
        return key if isinstance(key, str) else ""

    def strikes(self, mode: str, wanted: Wanted | None) -> bool:
        """Whether a mode makes this page another one."""
        return wanted is not None and not (mode in _AFTER_THE_FIRST and self.is_first(wanted))

    def spoiled(self, wanted: Wanted, mode: str, draw: Callable[[int], int]) -> Verdict:
        """The answer that a mode makes of it; `draw` gives one of several kinds."""
        if mode == "break_off":
            return Verdict(json_reply(500, {"error": "internal"}), "read")
        if mode == "other_charset":
            charset, declared = ("gbk", "utf-8") if draw(2) else ("utf-8", "gbk")
            reply = self.sheet(wanted).reply(self, charset=charset, declared=declared)
            return Verdict(reply, "read")
        return Verdict(self._spoiled(wanted, mode, draw).reply(self), "read")

    def _spoiled(self, wanted: Wanted, mode: str, draw: Callable[[int], int]) -> Sheet:
        true = self.sheet(wanted)
        match mode:
            case "repeat_page" | "lose_page":
                return self.sheet(wanted, shift=_SHIFTS[mode] * wanted.size)
            case "shift":
                return self.sheet(wanted, shift=1 if draw(2) else -1)
            case "end_early":
                return Sheet((), true.total, None)
            case "list_nothing":
                return Sheet((), 0, None)
            case "lie_total":
                return replace(true, total=true.total // 2 if draw(2) else true.total * 2 + 1)
            case "repeat_record":
                return replace(true, items=true.items[:1] + true.items)
            case _:
                return replace(true, items=true.items + self._strangers(true.items))

    def _strangers(self, items: Sequence[str]) -> tuple[str, ...]:
        pattern = json.loads(items[0]) if items else {}
        known = uuid.uuid5(uuid.NAMESPACE_OID, items[0] if items else "").int
        made = (
            {**pattern, self.key_name: str(uuid.UUID(int=(known + no) % 2**128)), "id": f"X{no}"} for no in range(3)
        )
        return tuple(json.dumps(one, ensure_ascii=False) for one in made)


def with_more(record: str, **more: str | int) -> str:
    """The JSON text of an object with more members, which it does not have."""
    bare = record.strip()
    members = json.dumps(more, ensure_ascii=False)[1:]
    return f"{{{members}" if bare[1:-1].strip() == "" else f"{bare[:-1]},{members}"


@runtime_checkable
class Lists(Protocol):
    """A system that can list what it holds."""

    def listing(self, call: Call) -> Listing | None:
        """The collection that a call lists; None: it lists none."""
