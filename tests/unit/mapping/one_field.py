"""Mappings of one field, so that a test says only what it is about."""

from __future__ import annotations

from functools import cache
from typing import Any

import pytest

from syncgate import mapping
from syncgate.documents import ProblemSet
from syncgate.mapping import Context, Fault, Inputs, Mapped, Refs, Unmappable

FILE = "mappings/food/application.yaml"

TABLES = {
    "mappings/tables/applicant_type.yaml": (
        'table: applicant_type\ncodes: {natural_person: "1", enterprise: "2", "true": yes, "7": seven}\n'
    ),
    "mappings/tables/short.yaml": 'table: short\nlossy: true\ncodes: {a: "1", b: "1"}\n',
    "mappings/tables/unsaid.yaml": 'table: unsaid\ncodes: {a: "1", b: "1"}\n',
    "mappings/food/tables/own.yaml": "table: own\ncodes: {a: food}\n",
    "mappings/tables/own.yaml": "table: own\ncodes: {a: shared}\n",
    "mappings/tables/rare.yaml": "table: rare\ncodes: {䶮: 龑}\n",
    "mappings/tables/organisations.yaml": (
        "table: organisations\nkey: uscc\ncolumns: [code, area]\nrows:\n"
        "  - {key: A, until: 2025-01-01, code: old}\n"
        '  - {key: A, from: 2025-01-01, code: new, area: "01"}\n'
        "  - {key: B, from: 2025-01-01, until: 2026-01-01, code: b}\n"
    ),
    "mappings/tables/items.yaml": "table: items\nkey: task_code\ncolumns: [no]\nrows:\n  - {key: T, no: N1}\n",
}


@cache
def shared_tables() -> mapping.Tables:
    """The tables of TABLES, read once."""
    return mapping.load_tables(TABLES)


def load(payload: str, *, reads: str = "case", direction: str = "out", **more: Any) -> mapping.Mapping:
    """A mapping with the payload written as the lines below `payload:`."""
    given = "record" if direction == "in" else "case"
    part = "part: s1, " if reads in ("stage", "material") else ""
    lines = "\n".join(f"  {line}" for line in payload.splitlines())
    text = (
        f"mapping: food/application\ndirection: {direction}\nreads: {reads}\npayload:\n{lines}\n"
        f"examples:\n  - {{name: none, {given}: {{}}, {part}gives: {{}}}}\n"
    )
    tables = more.pop("tables", None) or shared_tables()
    return mapping.load_mapping(text, FILE, tables=tables, **more)


def apply(payload: str, case: Any, **more: Any) -> mapping.Result:
    """What a payload makes of a case; its explanation must end in the same."""
    part, context, refs = more.pop("part", None), more.pop("context", Context()), more.pop("refs", Refs())
    loaded, inputs = load(payload, **more), Inputs(case, part, context, refs)
    result = loaded.apply(inputs)
    assert loaded.explain(inputs).result == result
    return result


def given(expression: str, case: Any, **more: Any) -> Any:
    """The value that one expression gives; LEFT_OUT as text where the field is left out."""
    result = apply(f"f: {expression}", case, **more)
    assert isinstance(result, Mapped), result
    return result.payload.get("f", "LEFT_OUT")


def faults(payload: str, case: Any, **more: Any) -> tuple[Fault, ...]:
    """The faults of a payload."""
    result = apply(payload, case, **more)
    assert isinstance(result, Unmappable), result
    return result.faults


def fault(expression: str, case: Any, **more: Any) -> Fault:
    """The one fault of one expression."""
    (found,) = faults(f"f: {expression}", case, **more)
    assert found.field == "f"
    return found


def problems(payload: str, **more: Any) -> list[str]:
    """What is wrong with a payload, places counted from its own first line and column."""
    with pytest.raises(ProblemSet) as raised:
        load(payload, **more)
    return [
        f"{problem.place.line - 4}:{problem.place.column - 2}: {problem.message}" for problem in raised.value.problems
    ]
