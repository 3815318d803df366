"""A payload as rows: every value checked against its column before anything is sent. Pure."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final
from zoneinfo import ZoneInfo

from syncgate.transports.database.columns import Unfit, bind, show
from syncgate.transports.database.tables import Table
from syncgate.transports.database.texts import Text, ValueMissing
from syncgate.transports.database.unfit import Unsendable

_DIGITS: Final = re.compile(r"[0-9]{1,18}")
Fill = Callable[[Text], str]
"""Gives a text with the values of one request; raises ValueMissing."""


@dataclass(frozen=True, slots=True)
class Row:
    """One row to write.

    Attributes:
        table: where it goes.
        values: as they are bound, by column.
        filled: the columns that the adapter filled; they hold no personal data.
    """

    table: Table
    values: Mapping[str, Any]
    filled: frozenset[str]

    def shown(self, zone: ZoneInfo) -> dict[str, Any]:
        """As JSON, the way it is read back."""
        return {name: show(self.table.columns[name], value, zone) for name, value in self.values.items()}


class Faults:
    """Everything that is wrong with the rows of one message, told at once."""

    def __init__(self) -> None:
        self._found: list[tuple[str, Unfit]] = []

    def add(self, at: str, fault: Unfit) -> None:
        """One more, at a place of the payload or a column."""
        self._found.append((at, fault))

    def settle(self) -> None:
        """Raises Unsendable where there is any; the first one gives reason and actor."""
        if self._found:
            note = "; ".join(f"{at}: {fault}" for at, fault in self._found)
            first = self._found[0][1]
            raise Unsendable(note, reason=first.reason, actor=first.actor)


def row_of(
    table: Table, given: Any, filled: Mapping[str, Any], *, at: str, fill: Fill, faults: Faults, is_whole: bool
) -> Row:
    """The row that an object of the payload and the adapter's own columns make.

    Args:
        table: where it goes.
        given: the object; its members are columns.
        filled: what the adapter fills, parsed.
        at: the object's place in the payload, for faults.
        fill: gives texts their values.
        faults: takes what is wrong.
        is_whole: whether every required column must have a value: an insert.
    """
    if not isinstance(given, Mapping):
        faults.add(at or "/", Unfit("expected an object whose members are columns", reason="payload_not_rows"))
        return Row(table, {}, frozenset())
    values: dict[str, Any] = {}
    for name, value in _values(table, given, filled, at=at, fill=fill, faults=faults):
        try:
            values[name] = bind(table.columns[name], value, table.rules)
        except Unfit as fault:
            faults.add(f"{at}/{name}", fault)
            values[name] = None
    if is_whole:
        for name, column in table.columns.items():
            if column.is_required and name not in values:
                faults.add(f"{at}/{name}", Unfit("expected a value, got none", reason="value_missing"))
    return Row(table, values, frozenset(filled))


def _values(
    table: Table, given: Mapping[str, Any], filled: Mapping[str, Any], *, at: str, fill: Fill, faults: Faults
) -> Iterator[tuple[str, Any]]:
    for name, value in given.items():
        if name not in table.columns:
            faults.add(
                f"{at}/{name}", Unfit(f"expected a column of {table.name}, got another", reason="column_unknown")
            )
        elif name in filled:
            note = "expected a column that the adapter does not fill, got one that it does"
            faults.add(f"{at}/{name}", Unfit(note, reason="column_twice"))
        else:
            yield name, value
    for name, value in filled.items():
        try:
            yield name, _filled(table, name, value, fill)
        except ValueMissing as missing:
            faults.add(name, Unfit(str(missing), reason="key_missing", actor="operations"))


def _filled(table: Table, name: str, value: Any, fill: Fill) -> Any:
    """What the adapter says for a column; keys are texts, so a column of numbers takes their digits."""
    if not isinstance(value, Text):
        return value
    text = fill(value)
    return int(text) if table.columns[name].is_number and _DIGITS.fullmatch(text) else text


def found_by(table: Table, where: Mapping[str, Any], *, fill: Fill) -> dict[str, Any]:
    """The values that rows are found by, as they are bound.

    Raises:
        Unsendable: one is missing, or its column cannot hold it.
    """
    faults, values = Faults(), {}
    for name, value in where.items():
        try:
            values[name] = bind(table.columns[name], _filled(table, name, value, fill), table.rules)
        except ValueMissing as missing:
            faults.add(name, Unfit(str(missing), reason="key_missing", actor="operations"))
        except Unfit as fault:
            faults.add(name, fault)
    faults.settle()
    return values
