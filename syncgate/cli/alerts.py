"""`syncgate alerts`: what somebody must know of, and taking it on."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, show, table

app = typer.Typer(no_args_is_help=True, help="What somebody must know of.")
COLUMNS = ["alert_id", "alert", "system", "state", "raised_at", "told_count", "due_at", "acknowledged_by", "ended_at"]


@app.command("list")
def list_alerts(
    context: typer.Context,
    every: Annotated[bool, typer.Option("--all", help="Those that are over, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the alerts, newest first.

    Example: syncgate alerts list
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/alerts", params={"open": str(not every).lower(), "limit": 200}))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table([one | {"alert": one["kind"]} for one in found], COLUMNS))


@app.command("acknowledge")
def acknowledge(
    context: typer.Context,
    alert_id: Annotated[UUID, typer.Argument(help="Its id, as `alerts list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")],
    as_json: AsJson = False,
) -> None:
    """Take an alert on: nobody is told of it again; it stays open until it is over.

    Example: syncgate alerts acknowledge 0198c0de-0000-7000-8000-000000000000 --reason "I call them"
    """

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/alerts/{alert_id}/acknowledge", json={"reason": reason}))

    done = call(context.obj, act)
    is_over = done["state"] == "ended"
    show(done, as_json=as_json, text=lambda: _over(alert_id) if is_over else _taken_on(alert_id))


def _over(alert_id: UUID) -> str:
    return f"the alert {alert_id} is over"


def _taken_on(alert_id: UUID) -> str:
    return f"the alert {alert_id} is taken on; nobody is told of it again"
