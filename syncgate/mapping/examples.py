"""Runs the examples that a mapping carries and says where one differs."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime

from syncgate.documents import JsonValue
from syncgate.domain.plan import PartOf, part_of
from syncgate.mapping.document import Document, Example
from syncgate.mapping.results import Context, Inputs, Mapped, Refs, Result, Unmappable, WaitsFor
from syncgate.mapping.schema import PARTS

CASE_ID = "01890000-0000-7000-8000-000000000001"
"""The case_id of every example that gives none."""

SENT_AT = "2026-01-01T09:00:00+08:00"
"""The sending time of every example that gives none."""


@dataclass(frozen=True, slots=True)
class ExampleResult:
    """Whether an example gave what it says, and line by line where it did not."""

    name: str
    ok: bool
    diff: tuple[str, ...] = ()


def run_example(
    example: Example,
    document: Document,
    apply: Callable[[Inputs], Result],
    read: Callable[[str], JsonValue] | None,
) -> ExampleResult:
    """The result of one example."""
    if example.case_file is not None and read is None:
        return _different(example, "its case is in a file, and nothing here reads files")
    case = example.case if example.case_file is None or read is None else read(example.case_file)
    part = _part(document, case, example.part)
    if example.part is not None and part is None:
        return _different(example, f"the case has no {document.reads} {example.part!r}")
    refs = Refs(dict(example.remote_refs), dict(example.case_refs))
    try:
        context = context_of(document, (*marked(case), *example.context))
    except (TypeError, ValueError):
        return _different(example, "its context does not hold: expected sent_at as RFC 3339")
    got = apply(Inputs(case, part, context, refs))
    diff = tuple(_differences(example, got))
    return ExampleResult(example.name, not diff, diff)


def _different(example: Example, why: str) -> ExampleResult:
    return ExampleResult(example.name, ok=False, diff=(why,))


def _part(document: Document, case: JsonValue, part_id: str | None) -> JsonValue:
    if document.reads == "leg":
        return part_of(case, PartOf.LEG, part_id or "")
    listed = case.get(PARTS[document.reads]) if document.reads in PARTS and isinstance(case, dict) else None
    parts = listed if isinstance(listed, list) else []
    return next((part for part in parts if isinstance(part, dict) and part.get("id") == part_id), None)


def marked(case: JsonValue) -> tuple[tuple[str, JsonValue], ...]:
    """What a case that is marked confidential says of its context, where the example does not."""
    is_marked = isinstance(case, dict) and case.get("is_confidential") is True
    return (("is_withheld", True),) if is_marked else ()


def context_of(document: Document, given: tuple[tuple[str, JsonValue], ...] = ()) -> Context:
    """The context of an example: what it gives over fixed values."""
    values: dict[str, JsonValue] = {
        "case_id": CASE_ID,
        "revision": 1,
        "slot_key": f"{CASE_ID}-{document.message}-1",
        "send_key": f"{CASE_ID}-{document.message}-1-1",
        "version_no": 1,
        "ordinal": 1,
        "sent_at": SENT_AT,
        "system": document.system,
        "message": document.message,
        **dict(given),
    }
    values["sent_at"] = datetime.fromisoformat(values["sent_at"])
    return Context(**values)


def _differences(example: Example, got: Result) -> Iterator[str]:
    if example.waits_for is not None:
        if got != WaitsFor(example.waits_for):
            yield f"expected to wait for {example.waits_for}, got {_summary(got)}"
    elif example.fails is not None:
        yield from _fault_differences(example.fails, got)
    elif isinstance(got, Mapped):
        yield from differences(example.gives, got.payload)
    else:
        yield f"expected a payload, got {_summary(got)}"


def _fault_differences(expected: tuple[tuple[str, str], ...], got: Result) -> Iterator[str]:
    found = [(fault.field, fault.rule) for fault in got.faults] if isinstance(got, Unmappable) else []
    if not found:
        yield f"expected faults, got {_summary(got)}"
        return
    for field, rule in expected:
        if (field, rule) not in found:
            yield f"{field}: expected the fault {rule}, got none such"
    for field, rule in found:
        if (field, rule) not in expected:
            yield f"{field}: expected no fault, got {rule}"


def _summary(got: Result) -> str:
    match got:
        case Mapped():
            return "a payload"
        case WaitsFor():
            return f"waiting for {got.system}"
        case Unmappable():
            return "; ".join(f"{fault.field}: {fault.rule} ({fault.detail})" for fault in got.faults)


def differences(expected: JsonValue, got: JsonValue, at: str = "") -> Iterator[str]:
    """A line per place where two JSON values differ; true is not 1, and 1 is 1.0."""
    if isinstance(expected, dict) and isinstance(got, dict):
        for key in {**expected, **got}:
            where = f"{at}/{key}" if at else str(key)
            if key not in got:
                yield f"{where}: expected {expected[key]!r}, got no such field"
            elif key not in expected:
                yield f"{where}: expected no such field, got {got[key]!r}"
            else:
                yield from differences(expected[key], got[key], where)
    elif isinstance(expected, list) and isinstance(got, list) and len(expected) == len(got):
        for index, (one, other) in enumerate(zip(expected, got, strict=True)):
            yield from differences(one, other, f"{at}/{index}" if at else str(index))
    elif isinstance(expected, bool) is not isinstance(got, bool) or expected != got:
        yield f"{at or 'payload'}: expected {expected!r}, got {got!r}"
