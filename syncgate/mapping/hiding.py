"""An explanation as people may see it: what is personal, and whatever was made of it, hidden.

A value that was read is shown as the masked case has it. What was made of a hidden value shows only its kind
and length; a choice that asked for one does not show which way it went, nor a table which row it hit. Whether
something is there is not hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Final, TypeVar

from syncgate.documents import JsonValue, kind_of_value
from syncgate.language import Said
from syncgate.mapping.explanation import At, Explanation, Given, Hidden, Slot, Step, Test, Trace, Value
from syncgate.mapping.results import Mapped

T = TypeVar("T")
G = TypeVar("G", bound=Given | None)
_NUMBERS: Final = frozenset({"remote_ref", "case_ref"})
_HITS: Final = frozenset({"codes", "rows", "otherwise"})
"""Steps that tell which row of a table was hit, or that none was."""
_UNSAID: Final = Said("hidden, since it depends on a personal value")


def hidden(
    explanation: Explanation,
    shown: Mapping[str, JsonValue],
    *,
    shows_number: Callable[[str], bool] = lambda system: True,
) -> Explanation:
    """The explanation with personal values hidden; its result is without payload.

    Args:
        explanation: with all values.
        shown: what people may see, by root (`case`, `stage`, `record`): the same shape as what was given, with
            other values in place of the personal ones.
        shows_number: whether people may see what a system calls things.
    """
    hiding = _Hiding(shown, shows_number)
    slots = tuple(hiding.slot(slot)[0] for slot in explanation.slots)
    result = explanation.result
    return replace(explanation, slots=slots, result=Mapped(None) if isinstance(result, Mapped) else result)


@dataclass(frozen=True, slots=True)
class _Hiding:
    """Hides what differs from what people may see. Every method also tells whether what it gave is hidden.

    Attributes:
        shown: by root.
        shows_number: by system.
        is_item_hidden: whether `it` was made of a hidden value.
    """

    shown: Mapping[str, JsonValue]
    shows_number: Callable[[str], bool]
    is_item_hidden: bool = False

    def slot(self, slot: Slot) -> tuple[Slot, bool]:
        test = None if slot.test is None else self.test(slot.test)[0]
        trace, is_hidden = (None, False) if slot.trace is None else self.trace(slot.trace)
        return replace(slot, trace=trace, test=test), is_hidden

    def trace(self, trace: Trace) -> tuple[Trace, bool]:
        if trace.at is not None and isinstance(trace.given, Value):
            return self.read(trace, _at(self.shown, trace.at), trace.given.json)
        if trace.word in _NUMBERS and not self.shows_number(trace.detail.partition("/")[0]):
            return _closed(trace), True
        of = [self.trace(operand) for operand in trace.of]
        tests = [self.test(test) for test in trace.tests]
        inside = replace(self, is_item_hidden=of[0][1]) if trace.word == "each" and of else self
        asked = [*tests, *(inside.test(slot.test) for slot in trace.slots if slot.test is not None)]
        if _any_hidden(asked):
            return _unsaid(trace), True
        slots = [inside.slot(slot) for slot in trace.slots]
        is_item = trace.word == "path" and trace.at is None and not of
        opened = replace(trace, of=_shown(of), tests=_shown(tests), slots=_shown(slots))
        # What the items of a list hide is asked of each.
        is_of_hidden = trace.word != "each" and _any_hidden(of)
        if is_of_hidden or _any_hidden(slots) or (is_item and self.is_item_hidden):
            return _closed(opened), True
        return opened, False

    def read(self, trace: Trace, seen: JsonValue, value: JsonValue) -> tuple[Trace, bool]:
        """A path: what people see in its place."""
        if _is_same(seen, value):
            return trace, False
        return replace(_closed(trace), given=Value(seen)), True

    def test(self, test: Test) -> tuple[Test, bool]:
        """A condition; that something is there may be known."""
        of = [self.trace(operand) for operand in test.of]
        tests = [self.test(inner) for inner in test.tests]
        is_hidden = _any_hidden(tests) or (test.word != "present" and _any_hidden(of))
        return replace(test, of=_shown(of), tests=_shown(tests)), is_hidden


def _shown(pairs: Iterable[tuple[T, bool]]) -> tuple[T, ...]:
    return tuple(one for one, _ in pairs)


def _any_hidden(pairs: Iterable[tuple[Trace | Test | Slot, bool]]) -> bool:
    return any(is_hidden for _, is_hidden in pairs)


def _closed(trace: Trace) -> Trace:
    """The trace without the values that it gave and those of its steps, and without which row a table hit."""
    steps = tuple(
        Step("codes", says=_UNSAID)
        if step.word in _HITS
        else replace(step, before=_kind(step.before), after=_kind(step.after), place=None)
        for step in trace.steps
    )
    return replace(trace, given=_kind(trace.given), steps=steps)


def _unsaid(trace: Trace) -> Trace:
    """The trace without what it chose and why."""
    steps = (Step(trace.steps[0].word if trace.steps else "where", says=_UNSAID),)
    return replace(trace, given=_kind(trace.given), steps=steps, of=(), tests=(), slots=())


def _kind(given: G) -> G | Hidden:
    if not isinstance(given, Value):
        return given
    value = given.json
    return Hidden(kind_of_value(value), len(value) if isinstance(value, str | list | dict) else None)


def _at(shown: Mapping[str, JsonValue], at: At) -> JsonValue:
    """What people see at a place; None where they see nothing."""
    here: JsonValue = shown
    for step in at:
        if isinstance(here, Mapping):
            here = here.get(str(step))
        elif isinstance(here, list) and isinstance(step, int) and step < len(here):
            here = here[step]
        else:
            return None
    return here


def _is_same(seen: JsonValue, value: JsonValue) -> bool:
    return type(seen) is type(value) and bool(seen == value)
