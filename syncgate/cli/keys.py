"""`syncgate keys`: who may call. A key is shown once and stored hashed."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from syncgate.cli.context import Invocation, body_of, call, show, table

app = typer.Typer(no_args_is_help=True, help="API keys with roles and scopes.")
Json = Annotated[bool, typer.Option("--json", help="For machines.")]


@app.command("create")
def create(
    context: typer.Context,
    name: Annotated[str, typer.Option(help="Who or what holds the key.")],
    role: Annotated[str, typer.Option(help="source, viewer, operator, integrator, admin, security or auditor.")],
    source: Annotated[list[str] | None, typer.Option(help="Posts as this source; may be repeated.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Reaches only this system.")] = None,
    region: Annotated[list[str] | None, typer.Option(help="Reaches only this region.")] = None,
    days: Annotated[int | None, typer.Option(help="Valid for so many days; left out: until revoked.")] = None,
    as_json: Json = False,
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
        "valid_days": days,
    }

    async def act(client: Any) -> Any:
        return body_of(await client.post("/v1/keys", json=wish))

    made = call(_of(context), act)
    show(made, as_json=as_json, text=lambda: f"{made['key']}\nIt is shown once and cannot be read again.")


@app.command("list")
def list_keys(context: typer.Context, as_json: Json = False) -> None:
    """List the keys, without what could be used to call.

    Example: syncgate keys list
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/keys"))

    found = call(_of(context), act)
    columns = ["principal_id", "name", "role", "sources", "systems", "key_hint", "expires_at", "revoked_at"]
    show(found, as_json=as_json, text=lambda: table(found["keys"], columns))


@app.command("revoke")
def revoke(context: typer.Context, principal_id: str, as_json: Json = False) -> None:
    """Revoke a key at once.

    Example: syncgate keys revoke 0198c0de-0000-7000-8000-000000000000
    """

    async def act(client: Any) -> Any:
        return body_of(await client.delete(f"/v1/keys/{principal_id}"))

    gone = call(_of(context), act)
    show(gone, as_json=as_json, text=lambda: f"revoked {gone['name']}")


def _of(context: typer.Context) -> Invocation:
    invocation: Invocation = context.obj
    return invocation
