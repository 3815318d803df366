"""Where each value of a payload came from: what was read, and every step from there, as frozen values.

Values are as they were; who shows an explanation to people hides what they may not see (`hiding.hidden`).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from syncgate.documents import JsonValue, Place
from syncgate.mapping.results import Fault, Result

Fate = Literal["filled", "left_out", "fault", "waits", "not_chosen"]
"""What became of a field or item. not_chosen: an item for which the `where` of its list does not hold."""

At = tuple[str | int, ...]
"""A place in what was given: a root (`case`, `stage`, `record`), then keys and positions."""


@dataclass(frozen=True, slots=True)
class Absent:
    """There is no value."""


@dataclass(frozen=True, slots=True)
class Failed:
    """There is no value since something is wrong, here or in what it was made of."""

    rule: str
    detail: str


@dataclass(frozen=True, slots=True)
class Waits:
    """There is no value until a system has answered."""

    system: str


@dataclass(frozen=True, slots=True)
class Hidden:
    """There is a value that people do not see.

    Attributes:
        kind: what it is: `a text`, `a list`.
        count: of its characters, items or keys; None where it has none of these.
    """

    kind: str
    count: int | None = None


@dataclass(frozen=True, slots=True)
class Value:
    """A JSON value."""

    json: JsonValue = field(repr=False)


Given = Value | Absent | Failed | Waits | Hidden


@dataclass(frozen=True, slots=True)
class Step:
    """One step inside an operation: a text step, a limit, a row that was hit, an option that decided.

    Attributes:
        word: the word of the language: `trim`, `limit`, `codes`, `absent_as`, `branch`.
        detail: its fixed facts in the words of the language, the same in every language that people speak.
        says: what became of it, as a sentence without the value.
        before: what went in; None where the detail says it all.
        after: what came out; None as above.
        place: where the row that was hit stands, where there is one.
    """

    word: str
    detail: str = ""
    says: str = ""
    before: Given | None = None
    after: Given | None = None
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class Test:
    """A condition with what it compared, and whether it holds."""

    place: Place
    word: str
    holds: bool
    of: tuple[Trace, ...] = ()
    tests: tuple[Test, ...] = ()


@dataclass(frozen=True, slots=True)
class Trace:
    """An expression with what it gave and what that was made of.

    Attributes:
        place: where the mapping says so.
        word: the operation: `path`, `table`, `text`.
        detail: its fixed facts: the path, the table's name, a format.
        given: what it gave in the end, its options applied.
        steps: what happened inside, in order.
        of: the expressions that it was made of, as far as they were needed.
        tests: the conditions that were asked, in order.
        slots: the fields or items of what it built.
        at: for a path, where it read; None where what it read was made by the mapping.
    """

    place: Place
    word: str
    detail: str
    given: Given
    steps: tuple[Step, ...] = ()
    of: tuple[Trace, ...] = ()
    tests: tuple[Test, ...] = ()
    slots: tuple[Slot, ...] = ()
    at: At | None = None


@dataclass(frozen=True, slots=True)
class Slot:
    """A field of the payload or an item of a list, with its fate.

    Attributes:
        field: its place in the payload, steps divided by `/`, as a Fault names it.
        fate: what became of it.
        trace: how; None for an item that was not chosen.
        test: the `where` of its list, where there is one.
        fault: what is wrong, with the fate `fault`.
        item_no: for an item, which one of the list that it was made from, counted from 1.
    """

    field: str
    fate: Fate
    trace: Trace | None
    test: Test | None = None
    fault: Fault | None = None
    item_no: int | None = None


@dataclass(frozen=True, slots=True)
class Explanation:
    """The payload of a mapping field by field; `result` is what `Mapping.apply` gives."""

    mapping: str
    place: Place
    slots: tuple[Slot, ...]
    result: Result


def slots_below(slots: tuple[Slot, ...]) -> Iterator[Slot]:
    """Every slot and those below it that carry a value or a fault of their own, in the payload's order."""
    for slot in slots:
        below = tuple(built_by(slot.trace)) if slot.trace is not None else ()
        yield slot
        yield from slots_below(below)


def built_by(trace: Trace) -> Iterator[Slot]:
    """The slots of every object and list that an expression was made of."""
    yield from trace.slots
    for below in trace.of:
        yield from built_by(below)


def failing_step(trace: Trace) -> Trace:
    """The innermost expression in which it went wrong."""
    for below in trace.of:
        if isinstance(below.given, Failed):
            return failing_step(below)
    return trace
