"""`syncgate mapping explain`: where each field of a payload comes from, without sending or storing anything."""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Final
from urllib.parse import quote

import typer

from syncgate.cli.context import BadArgument, Invocation
from syncgate.cli.output import AsJson, show

if TYPE_CHECKING:
    from syncgate.cli.explaining_files import Asked
    from syncgate.mapping.explanation import Explanation

_USAGE: Final = "SYSTEM MESSAGE CASE | SOURCE FILE"
_STORED: Final = re.compile(r"[0-9a-fA-F]{8}-(?:[0-9a-fA-F]{4}-){3}[0-9a-fA-F]{12}|[^/\\:]+:.+")
"""How a case is named that the gate has: our id, or system:number."""


def explain(
    context: typer.Context,
    about: Annotated[
        list[str],
        typer.Argument(
            metavar=_USAGE,
            help="A system, one of its messages and a case: a file with one canonical case as JSON, or one that the "
            "gate has, by our id or system:number. Or a source and a file as the source writes it.",
        ),
    ],
    part: Annotated[
        str | None, typer.Option(help="The stage or material, by its id, of a message that has parts.")
    ] = None,
    active: Annotated[
        bool, typer.Option("--active", help="A stored case under the active bundle, not as it was sent.")
    ] = False,
    row: Annotated[
        str | None,
        typer.Option(
            help="The record that begins in this line of the source's file (of a workbook: in this row); 7/2 is the "
            "second of line 7."
        ),
    ] = None,
    batch: Annotated[
        str | None,
        typer.Option(
            help="What tells this delivery from another, for a source without ids; left out: the file's name."
        ),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option("--format", help="csv, xml, json, ndjson, xlsx or form; left out: as the file's name says."),
    ] = None,
    field: Annotated[list[str] | None, typer.Option(help="Only this field of the payload; may be repeated.")] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show personal values as they are in the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where each field of a payload comes from, step by step. Personal values are masked.

    Example: syncgate mapping explain province basic_info case.json
    """
    invocation: Invocation = context.obj
    given = {"--part": part, "--active": active, "--row": row, "--batch": batch, "--format": format_name}
    match about:
        case [system, message, case] if _is_stored(case):
            _refuse(given | {"--reveal": reveal}, "--part", "--active")
            _stored(invocation, (system, message, part or ""), case, active, field or [], as_json=as_json)
        case [system, message, case]:
            from syncgate.cli.explaining_files import outward

            _refuse(given, "--part")
            _show(outward(invocation.site(), system, message, Path(case), part), field or [], reveal, as_json=as_json)
        case [source, file]:
            from syncgate.cli.explaining_files import Chosen, inward

            _refuse(given, "--row", "--batch", "--format")
            chosen = Chosen(Path(file), row=row, batch=batch, format_name=format_name)
            _show(inward(invocation.site(), source, chosen), field or [], reveal, as_json=as_json)
        case _:
            raise BadArgument("expected {usage}, got {count} words", usage=_USAGE, count=len(about))


def _is_stored(case: str) -> bool:
    return _STORED.fullmatch(case) is not None and not Path(case).exists()


def _refuse(given: dict[str, Any], *taken: str) -> None:
    """Nothing where only options are given that mean something here. Raises BadArgument."""
    names = [name for name, value in given.items() if value and name not in taken]
    if names:
        raise BadArgument("expected no {names} here, got it", names=", ".join(names))


def _show(asked: Asked, fields: list[str], reveal: bool, *, as_json: bool) -> None:
    from syncgate.cli.explained_text import as_text
    from syncgate.mapping.explanation_document import document_of
    from syncgate.mapping.hiding import hidden

    explanation = asked.mapping.explain(asked.inputs)
    seen = _only(explanation if reveal else hidden(explanation, asked.shown), fields)
    show(document_of(seen), as_json=as_json, text=lambda: as_text(seen, asked.title), is_said=True)


def _stored(
    invocation: Invocation, slot: tuple[str, str, str], case: str, active: bool, fields: list[str], *, as_json: bool
) -> None:
    from syncgate.cli.calls import body_of, call
    from syncgate.cli.explained_text import as_text
    from syncgate.cli.explaining_files import not_sent, titled
    from syncgate.mapping.explanation_document import document_of, explanation_of

    system, message, part = slot
    query = {"system": system, "message": message, "part": part, "bundle": "active" if active else "newest"}

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/cases/{quote(case, safe=':')}/explanation", params=query))

    told = call(invocation, act)
    if not told["planned"]:
        not_sent(system, message)
    seen = _only(explanation_of(told["explanation"]), fields)
    title = f"{told['case']['origin']}:{told['case']['case_no']} {titled(system, message, part)}"
    show({**told, "explanation": document_of(seen)}, as_json=as_json, text=lambda: as_text(seen, title), is_said=True)


def _only(explanation: Explanation, fields: list[str]) -> Explanation:
    from syncgate.documents import unknown

    known = [slot.field for slot in explanation.slots]
    for field in fields:
        if field not in known:
            raise BadArgument(unknown("field", field, known))
    return replace(explanation, slots=tuple(s for s in explanation.slots if not fields or s.field in fields))
