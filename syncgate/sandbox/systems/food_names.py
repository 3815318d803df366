"""How food knows its applications: under its own number, and under the key of whoever delivered to them."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from typing import Any

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems.interface import parse_json

APPLICATION_NUMBER = "SPJY2026{:06d}"
EVENT_NUMBER = "SPEV2026{:06d}"
_TYPED_APPLICATION = re.compile(r"SPJY2026[5-9][0-9]{5}")
_TYPED_EVENT = re.compile(r"SPEV2026[5-9][0-9]{5}")


class Names:
    """Every application stands under one key: its bizKey if it was delivered, its number if it was typed in.

    An application that was typed in has no bizKey until something is delivered to it; it takes the first
    one, and no other after.
    """

    def __init__(self) -> None:
        self._key_by_name: dict[str, str] = {}
        self._biz_key_by_key: dict[str, str] = {}

    def key(self, name: str) -> str:
        """The key of the application with this number or bizKey; an unknown name is its own key."""
        return self._key_by_name.get(name, name)

    def allows(self, biz_key: str, key: str) -> bool:
        """Whether a record with this bizKey may be delivered to the application under this key."""
        mine = self._biz_key_by_key.get(key)
        if mine is None and is_typed_number(key):
            return biz_key not in self._key_by_name
        return biz_key == (mine or key)

    def remember(self, change: Change, *, number: str) -> None:
        """Know an application by its number, and by the bizKey of what is delivered to it."""
        if not change.part:
            self._key_by_name[number] = change.key
        if change.kind != "typed":
            biz_key = change.key if not is_typed_number(change.key) else str(parse_json(change.record)["bizKey"])
            self._key_by_name[biz_key] = change.key
            self._biz_key_by_key[change.key] = biz_key


def is_typed_number(number: str) -> bool:
    """Whether this is a number that a clerk's own application gets."""
    return _TYPED_APPLICATION.fullmatch(number) is not None


def is_typed_event_number(number: str) -> bool:
    """Whether this is a number that a clerk's own event gets."""
    return _TYPED_EVENT.fullmatch(number) is not None


def with_key_of(record: Mapping[str, Any], held: str | None) -> str:
    """A clerk's record as JSON text, with the bizKey that the record held until now has."""
    known = parse_json(held) if held is not None else {}
    own = {"bizKey": known["bizKey"]} if "bizKey" in known else {}
    return json.dumps({**own, **record}, ensure_ascii=False)
