"""An explanation of a mapping as text for people: a line a field that is copied, a few more where more happens."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from syncgate.cli.explained import ADVICE
from syncgate.documents import JsonValue, kind_of_value
from syncgate.mapping.explanation import (
    Absent,
    Explanation,
    Failed,
    Given,
    Hidden,
    Slot,
    Step,
    Test,
    Trace,
    Value,
    Waits,
    failing_step,
    slots_below,
)

_LONGEST: Final = 80
_FATES: Final = {"filled": "filled", "left_out": "left out", "waits": "waiting"}
_OPTIONS: Final = frozenset({"absent_as", "empty_as", "when_absent", "optional"})
_BUILT: Final = frozenset({"object", "list", "each"})
_WHOLE: Final = frozenset({"path", "const", "context", "remote_ref", "case_ref"})
"""Operations that are told in one line."""


def as_text(explanation: Explanation, title: str) -> str:
    """The explanation as lines under its title, which ends in the mapping's file; a field names its line there."""
    lines = [f"{title}: {_counts(explanation)}   {explanation.place.file}"]
    for slot in explanation.slots:
        lines += _slot(slot, "")
    return "\n".join(lines)


def _counts(explanation: Explanation) -> str:
    """How many fields are filled, left out and waited for, and how many faults there are."""
    slots = explanation.slots
    faults = sum(slot.fault is not None for slot in slots_below(slots))
    told = [(sum(slot.fate == fate for slot in slots), word) for fate, word in _FATES.items()]
    told.append((faults, "fault" if faults == 1 else "faults"))
    return ", ".join(f"{count} {word}" for count, word in told if count) or "no fields"


def _slot(slot: Slot, indent: str) -> Iterator[str]:
    inner = f"{indent}    "
    if slot.trace is None:
        yield f"{indent}item {slot.item_no} is not chosen"
        yield from _tests((slot.test,) if slot.test else (), inner)
        return
    name = slot.field if slot.item_no is None else f"{slot.field} (item {slot.item_no})"
    yield f"{indent}{name} {_fate(slot, slot.trace)}   :{slot.trace.place.line}"
    if slot.test is not None:
        yield from _tests((slot.test,), inner)
    if not _is_told(slot.trace):
        yield from _way(slot.trace, inner)
    if slot.fault is not None:
        failed = failing_step(slot.trace)
        yield f"{inner}went wrong in {_named(failed)}   {failed.place}"
        yield f"{inner}to do: {ADVICE[slot.fault.rule]}"


def _fate(slot: Slot, trace: Trace) -> str:
    source = f" <- {_named(trace)}" if _is_told(trace) else ""
    if slot.fault is not None:
        return f"FAULT {slot.fault.rule}: {slot.fault.detail}{source}"
    if slot.fate == "left_out":
        return f"is left out{source}"
    is_equal = slot.fate == "filled" and trace.word not in _BUILT
    return f"{'= ' if is_equal else ''}{_words(trace.given)}{source}"


def _is_told(trace: Trace) -> bool:
    """Whether the field's own line says everything."""
    is_left_out = [step.word for step in trace.steps] == ["optional"]
    return trace.word in _WHOLE and (not trace.steps or is_left_out) and not trace.of


def _way(trace: Trace, indent: str) -> Iterator[str]:
    """From what was read to what came out."""
    options = [step for step in trace.steps if step.word in _OPTIONS]
    steps = [step for step in trace.steps if step.word not in _OPTIONS]
    has_other = any(step.word == "when_absent" for step in options)
    of, instead = (trace.of[:-1], trace.of[-1:]) if has_other else (trace.of, ())
    yield from _operands(of, indent)
    yield from _tests(trace.tests, indent)
    for step in steps:
        yield f"{indent}{_step(step)}"
    given = trace.given if not options else options[0].before or Absent()
    if trace.word in _WHOLE:
        yield f"{indent}{_named(trace)}: {_words(given)}"
    elif trace.word not in _BUILT and not any(step.after == given for step in steps[-1:]):
        yield f"{indent}{_named(trace)} -> {_words(given)}"
    for slot in trace.slots:
        yield from _slot(slot, indent)
    yield from _operands(instead, indent)
    for step in options:
        yield f"{indent}{_step(step)}"


def _operands(of: tuple[Trace, ...], indent: str) -> Iterator[str]:
    for operand in of:
        if _is_told(operand):
            yield f"{indent}{_named(operand)}: {_words(operand.given)}"
        else:
            yield from _way(operand, indent if len(of) == 1 else f"{indent}  ")


def _named(trace: Trace) -> str:
    if trace.word == "path":
        return trace.detail
    return f"{trace.word} {trace.detail}".rstrip()


def _step(step: Step) -> str:
    told = f"{step.word} {step.detail}".rstrip() if step.word != "absent" else f"{step.detail} is absent"
    if step.before is not None and step.after is not None:
        told += f": {_words(step.before)} -> {_words(step.after)}"
    elif step.after is not None:
        told += f": {_words(step.after)}"
    return told if step.place is None else f"{told}   {step.place.file}:{step.place.line}"


def _tests(tests: tuple[Test, ...], indent: str) -> Iterator[str]:
    for test in tests:
        compared = " and ".join(f"{_named(operand)} {_words(operand.given)}" for operand in test.of)
        yield f"{indent}{test.word} {'holds' if test.holds else 'does not hold'}{f': {compared}' if compared else ''}"
        yield from _tests(test.tests, f"{indent}  ")


def _words(given: Given) -> str:
    match given:
        case Value(value):
            return _value(value)
        case Hidden(kind):
            return f"({kind}, hidden)"
        case Absent():
            return "(absent)"
        case Failed(rule):
            return f"({rule})"
        case Waits(system):
            return f"waits for {system}"


def _value(value: JsonValue) -> str:
    """JSON that a terminal can show: nothing that moves its cursor, nothing longer than a line."""
    written = json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | dict) and len(written) > _LONGEST:
        return f"{kind_of_value(value)} of {len(value)}"
    safe = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in written)
    return safe if len(safe) <= _LONGEST else f"{safe[:_LONGEST]}… ({len(safe)} characters)"
