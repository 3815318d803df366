"""What happens to a system's records behind the gate's back: edited, put back, doubled, removed, put in by others."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, runtime_checkable

from syncgate.sandbox.ledger import Change
from syncgate.sandbox.systems.interface import parse_json

DEEDS: Final = ("edit", "roll_back", "double", "remove", "insert")
_KEYS: Final = frozenset({"do", "operation", "key", "part", "set", "record"})


class BadAlteration(ValueError):
    """An alteration that cannot be made; the message says what was expected."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alteration:
    """One thing done to a record.

    Attributes:
        do: `edit`: top-level fields are `set`, null takes one away; `roll_back`: the content before its newest update
            stands again; `double`: it is there a second time, under a number of its own; `remove`: it is gone, and
            its doubles with it; `insert`: a `record` stands that nobody delivered.
        operation: that which creates such a record.
        key, part: of the record, as the ledger names them.
    """

    do: str
    operation: str
    key: str
    part: str = ""
    set: Mapping[str, Any] = field(default_factory=dict)
    record: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Standing:
    """A record's text as it stands, and as it stood before its newest update; None where there is none."""

    now: str | None
    before: str | None


@runtime_checkable
class Alterable(Protocol):
    """A system whose records can be altered behind the gate's back."""

    def alter(self, alteration: Alteration) -> Change:
        """What the alteration changes; it is not applied yet. Raises BadAlteration."""


def parse_alterations(value: Any) -> list[Alteration]:
    """The alterations of a call. Raises BadAlteration."""
    listed = value.get("alterations") if isinstance(value, dict) else None
    if not isinstance(listed, list):
        raise BadAlteration("expected a list of alterations")
    return [_parse(one) for one in listed]


def _parse(value: Any) -> Alteration:
    if not isinstance(value, dict) or not value.keys() <= _KEYS or not isinstance(value.get("key"), str):
        raise BadAlteration(f"expected an object of {', '.join(sorted(_KEYS))}")
    if value.get("do") not in DEEDS:
        raise BadAlteration(f"expected do to be one of {', '.join(DEEDS)}")
    return Alteration(**{"operation": "create", **value})


def change_of(alteration: Alteration, standing: Standing) -> Change:
    """What an alteration changes, given what stands. Raises BadAlteration."""
    kind, record = "altered", alteration.record
    match alteration.do:
        case "insert":
            if record is None:
                raise BadAlteration("expected a record to insert")
            return _change(alteration, "altered", json.dumps(record, ensure_ascii=False))
        case _ if standing.now is None:
            raise BadAlteration(f"expected a record to {alteration.do}, got none")
        case "edit":
            return _change(alteration, kind, _edited(standing.now, alteration.set))
        case "roll_back":
            if standing.before is None:
                raise BadAlteration("expected a record that was updated, got one that was not")
            return _change(alteration, kind, standing.before)
        case "double":
            return _change(alteration, "doubled", standing.now)
        case _:
            return _change(alteration, "removed", standing.now)


def _change(alteration: Alteration, kind: str, record: str) -> Change:
    return Change(alteration.operation, alteration.key, alteration.part, record, kind)


def _edited(record: str, fields: Mapping[str, Any]) -> str:
    value = {**parse_json(record), **fields}
    return json.dumps({name: one for name, one in value.items() if one is not None}, ensure_ascii=False)
