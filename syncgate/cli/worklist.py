"""`syncgate worklist`: what came back to a source to correct."""

from __future__ import annotations

from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, note, show, table

_COLUMNS: Final = ["case_no", "work", "system", "message", "reason", "cause", "faults", "text", "since", "delivery_id"]

_HELD: Final = ["arrival_id", "code", "number", "faults", "since"]


def worklist(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="The source.")],
    as_json: AsJson = False,
) -> None:
    """Show what came back to a source to correct, the oldest first; what it corrects goes on by itself.

    Example: syncgate worklist window
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/sources/{quote(source, safe='')}/worklist"))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: _told(found))
    if not found["is_whole"]:
        note("only the newest are listed")


def _told(found: dict[str, Any]) -> str:
    tables = [table([_row(one) for one in found["items"]], _COLUMNS)]
    if found["held"]:
        tables.append(table([one | {"faults": _faults(one)} for one in found["held"]], _HELD))
    return "\n".join(tables)


def _row(one: dict[str, Any]) -> dict[str, Any]:
    return one | {"work": one["kind"], "faults": _faults(one)}


def _faults(one: dict[str, Any]) -> list[str]:
    return [f"{fault['field']} {fault['rule']}" for fault in one["faults"]]
