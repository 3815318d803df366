"""`syncgate systems hold`, `holds`, `release`: hold back one system, message, item or source for a while."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, note_more, show, table
from syncgate.cli.replan import time

COLUMNS: Final = ["hold_id", "system", "message", "item", "source", "until", "reason", "by", "created_at"]
_ENDED: Final = [*COLUMNS, "lifted_at", "lifted_by"]
_MOST: Final = 200


def list_holds(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the holds, newest first.

    Example: syncgate systems holds
    """

    async def act(client: Any) -> Any:
        query = {"limit": _MOST} | ({} if every else {"active": "true"})
        return body_of(await client.get("/v1/holds", params=query))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table(found["holds"], _ENDED if every else COLUMNS))
    note_more(found, _MOST)


def place(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit, and shown with what is held.")],
    system: Annotated[str | None, typer.Option(help="Only what goes to this system.")] = None,
    message: Annotated[str | None, typer.Option(help="Only this message.")] = None,
    item: Annotated[str | None, typer.Option(help="Only cases of this item.")] = None,
    source: Annotated[str | None, typer.Option(help="Only cases that this source posted first.")] = None,
    until: Annotated[str | None, typer.Option(help="When it ends by itself; left out: when it is lifted.")] = None,
    as_json: AsJson = False,
) -> None:
    """Send nothing of what fits all that is named; says how much was already in flight.

    Example: syncgate systems hold --system province --item 9901010001 --until 2026-05-01 --reason "code list changes"
    """
    wished = {"system": system, "message": message, "item": item, "source": source}
    body = {name: value for name, value in wished.items() if value is not None}
    body |= {"reason": reason} | ({} if until is None else {"until": str(time(until, "--until"))})

    async def act(client: Any) -> Any:
        return body_of(await client.post("/v1/holds", json=body))

    done = call(context.obj, act)
    show(done, as_json=as_json, text=lambda: f"{done['hold']['hold_id']} holds; {done['in_flight']} already in flight")


def release(
    context: typer.Context,
    hold_id: Annotated[UUID, typer.Argument(help="Its id, as `systems holds` shows it.")],
    as_json: AsJson = False,
) -> None:
    """End a hold; what it held is sent again.

    Example: syncgate systems release 0198c0de-0000-7000-8000-000000000000
    """

    async def act(client: Any) -> Any:
        return body_of(await client.delete(f"/v1/holds/{hold_id}"))

    done = call(context.obj, act)
    show(done, as_json=as_json, text=lambda: f"{hold_id} is over")
