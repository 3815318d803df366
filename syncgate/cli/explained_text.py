"""An explanation of a mapping as text for people: a line a field that is copied, a few more where more happens.

The words of the mapping language and what an adapter's author wrote are the same in every language; what is
said about them is a whole sentence in the reader's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Final

from syncgate.cli.speech import colon, said
from syncgate.documents import JsonValue, kind_of_value
from syncgate.language import Said
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
from syncgate.mapping.explanation_document import ADVICE

_LONGEST: Final = 80
_OPTIONS: Final = frozenset({"absent_as", "empty_as", "when_absent", "optional"})
_BUILT: Final = frozenset({"object", "list", "each"})
_WHOLE: Final = frozenset({"path", "const", "context", "remote_ref", "case_ref"})
"""Operations that are told in one line."""
_COUNTS: Final = "{title}: {filled} filled, {left_out} left out, {waiting} waiting, {faults} with a fault   {file}"


def as_text(explanation: Explanation, title: str) -> str:
    """The explanation as lines under its title, which ends in the mapping's file; a field names its line there."""
    lines = [_counts(explanation, title)]
    for slot in explanation.slots:
        lines += _slot(slot, "")
    return "\n".join(lines)


def _counts(explanation: Explanation, title: str) -> str:
    """How many fields are filled, left out and waited for, and how many places have a fault."""
    fates = [slot.fate for slot in explanation.slots]
    return said(
        Said(
            _COUNTS,
            title=title,
            filled=fates.count("filled"),
            left_out=fates.count("left_out"),
            waiting=fates.count("waits"),
            faults=sum(slot.fault is not None for slot in slots_below(explanation.slots)),
            file=explanation.place.file,
        )
    )


def _slot(slot: Slot, indent: str) -> Iterator[str]:
    inner = f"{indent}    "
    if slot.trace is None:
        yield indent + said(Said("item {no} is not chosen", no=slot.item_no))
        yield from _tests((slot.test,) if slot.test else (), inner)
        return
    source = f" <- {_named(slot.trace)}" if _is_told(slot.trace) else ""
    yield f"{indent}{_fate(slot, slot.trace)}{source}   :{slot.trace.place.line}"
    if slot.test is not None:
        yield from _tests((slot.test,), inner)
    if not _is_told(slot.trace):
        yield from _way(slot.trace, inner)
    if slot.fault is not None:
        failed = failing_step(slot.trace)
        yield inner + said(Said("went wrong in {field}   {words}", field=_named(failed), words=failed.place))
        yield inner + said(Said("to do: {words}", words=said(ADVICE[slot.fault.rule])))


def _fate(slot: Slot, trace: Trace) -> str:
    name = slot.field
    if slot.item_no is not None:
        name = said(Said("{field} (item {no})", field=name, no=slot.item_no))
    if slot.fault is not None:
        facts = {"field": name, "rule": slot.fault.rule, "detail": said(slot.fault.detail)}
        return said(Said("{field} FAULT {rule}: {detail}", **facts))
    if slot.fate == "left_out":
        return said(Said("{field} is left out", field=name))
    is_equal = slot.fate == "filled" and trace.word not in _BUILT
    return f"{name} {'= ' if is_equal else ''}{_words(trace.given)}"


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
    if step.word == "absent":
        return said(Said("{path} is absent", path=step.detail))
    told = f"{step.word} {step.detail}".rstrip()
    if step.says:
        told += f"{colon()}{said(step.says)}"
    if step.before is not None and step.after is not None:
        told += f": {_words(step.before)} -> {_words(step.after)}"
    elif step.after is not None:
        told += f": {_words(step.after)}"
    return told if step.place is None else f"{told}   {step.place.file}:{step.place.line}"


def _tests(tests: tuple[Test, ...], indent: str) -> Iterator[str]:
    for test in tests:
        compared = ", ".join(f"{_named(operand)} {_words(operand.given)}" for operand in test.of)
        holds = "the condition {name} holds" if test.holds else "the condition {name} does not hold"
        sentence = said(Said(holds, name=test.word))
        yield f"{indent}{sentence}{colon()}{compared}" if compared else f"{indent}{sentence}"
        yield from _tests(test.tests, f"{indent}  ")


def _words(given: Given) -> str:
    match given:
        case Value(value):
            return _value(value)
        case Hidden(kind, None):
            return said(Said("({kind}, hidden)", kind=kind))
        case Hidden(kind, count):
            return said(Said("({kind} with a length of {count}, hidden)", kind=kind, count=count))
        case Absent():
            return said(Said("(absent)"))
        case Failed(rule):
            return f"({rule})"
        case Waits(system):
            return said(Said("waits for {system}", system=system))


def _value(value: JsonValue) -> str:
    """JSON that a terminal can show: nothing that moves its cursor, nothing longer than a line."""
    written = json.dumps(value, ensure_ascii=False)
    if isinstance(value, list | dict) and len(written) > _LONGEST:
        return said(Said("({kind} with a length of {count})", kind=kind_of_value(value), count=len(value)))
    safe = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in written)
    if len(safe) <= _LONGEST:
        return safe
    return said(Said("{head}… ({count} characters)", head=safe[:_LONGEST], count=len(safe)))
