"""`syncgate keys`: who may call. A key is shown once and stored hashed."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any
from uuid import UUID

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, show, table

PrincipalId = Annotated[UUID, typer.Argument(help="Its id, as `keys list` shows it.")]
app = typer.Typer(no_args_is_help=True, help="API keys with roles and scopes.")


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Who or what holds the key.")],
    role: Annotated[str, typer.Option(help="source, viewer, operator, integrator, admin, security or auditor.")],
    source: Annotated[list[str] | None, typer.Option(help="Posts as this source; may be repeated.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Reaches only this system.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Reaches only this region.")] = None,
    days: Annotated[int | None, typer.Option(min=1, help="Valid for so many days; left out: until revoked.")] = None,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")] = "made on the command line",
    as_json: AsJson = False,
) -> None:
    """Create a key and show it once.

    Example: syncgate keys create --name window --role source --source window
    """
    wish = {
        "name": name,
        "role": role,
        "sources": source or [],
        "systems": system or [],
        "regions": region or [],
        "expires_at": (datetime.now(UTC) + timedelta(days=days)).isoformat() if days is not None else None,
        "reason": reason,
    }

    async def act(client: Any) -> Any:
        return body_of(await client.post("/v1/keys", json=wish))

    made = call(context.obj, act)
    show(made, as_json=as_json, text=lambda: f"{made['key']}\nIt is shown once and cannot be read again.")


@app.command("list")
def list_keys(context: typer.Context, as_json: AsJson = False) -> None:
    """List the keys, without what could be used to call.

    Example: syncgate keys list
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/keys"))

    found = call(context.obj, act)
    columns = ["principal_id", "name", "role", "sources", "systems", "key_hint", "expires_at", "revoked_at"]
    show(found, as_json=as_json, text=lambda: table(found, columns))


@app.command("revoke")
def revoke(
    context: typer.Context,
    principal_id: PrincipalId,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")] = "revoked on the command line",
    as_json: AsJson = False,
) -> None:
    """Revoke a key at once.

    Example: syncgate keys revoke 0198c0de-0000-7000-8000-000000000000
    """

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/keys/{principal_id}/revoke", json={"reason": reason}))

    gone = call(context.obj, act)
    show(gone, as_json=as_json, text=lambda: f"revoked {gone['name']}")
