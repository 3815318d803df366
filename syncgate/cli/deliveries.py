"""`syncgate deliveries`: find what failed, and mend it."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from syncgate.cli.context import body_of, call, show, table

app = typer.Typer(no_args_is_help=True, help="Find failed deliveries and mend them.")
Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the delivery's history.")]
COLUMNS = ["delivery_id", "system", "message", "part", "revision", "phase", "reason", "actor", "changed_at"]


@app.command("list")
def list_deliveries(
    context: typer.Context,
    phase: Annotated[list[str] | None, typer.Option(help="pending, in_flight, parked, …; may be repeated.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only of this system.")] = None,
    message: Annotated[list[str] | None, typer.Option(help="Only of this message.")] = None,
    reason: Annotated[list[str] | None, typer.Option(help="Only with this reason.")] = None,
    case: Annotated[str | None, typer.Option(help="Only of this case: id, or system:number.")] = None,
    limit: Annotated[int, typer.Option(help="At most so many, newest first.")] = 50,
    as_json: Json = False,
) -> None:
    """List deliveries, newest first.

    Example: syncgate deliveries list --phase parked --system province
    """
    wanted = {"phase": phase, "system": system, "message": message, "reason": reason, "case": case, "limit": limit}
    query = {name: value for name, value in wanted.items() if value is not None}

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/deliveries", params=query))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table(found["deliveries"], COLUMNS))


@app.command("show")
def show_delivery(context: typer.Context, delivery_id: str, as_json: Json = False) -> None:
    """Show one delivery with its attempts.

    Example: syncgate deliveries show 0198c0de-0000-7000-8000-000000000000
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/deliveries/{delivery_id}"))

    found = call(context.obj, act)
    columns = ["entry_no", "kind", "outcome", "actor", "started_at", "ended_at"]
    facts = "\n".join(f"{name}: {found[name]}" for name in COLUMNS if found.get(name) not in (None, ""))
    show(found, as_json=as_json, text=lambda: f"{facts}\n\n{table(found['attempts'], columns)}")


@app.command("requeue")
def requeue(context: typer.Context, delivery_id: str, reason: Reason, as_json: Json = False) -> None:
    """Send a parked delivery again.

    Example: syncgate deliveries requeue 0198c0de-… --reason "table row added"
    """
    _act(context, delivery_id, "requeue", {"reason": reason}, as_json=as_json)


@app.command("cancel")
def cancel(context: typer.Context, delivery_id: str, reason: Reason, as_json: Json = False) -> None:
    """Never send a waiting delivery.

    Example: syncgate deliveries cancel 0198c0de-… --reason "typed there by hand"
    """
    _act(context, delivery_id, "cancel", {"reason": reason}, as_json=as_json)


@app.command("confirm")
def confirm(
    context: typer.Context,
    delivery_id: str,
    reason: Reason,
    held: Annotated[bool, typer.Option("--held/--absent", help="Whether the system holds it.")],
    remote_ref: Annotated[str | None, typer.Option(help="The system's own id, if known.")] = None,
    as_json: Json = False,
) -> None:
    """Say whether the system holds what an unconfirmed delivery carried.

    Example: syncgate deliveries confirm 0198c0de-… --held --reason "seen on their screen"
    """
    body = {"held": held, "remote_ref": remote_ref, "reason": reason}
    _act(context, delivery_id, "confirm", body, as_json=as_json)


def _act(context: typer.Context, delivery_id: str, verb: str, body: dict[str, Any], *, as_json: bool) -> None:
    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/deliveries/{delivery_id}/{verb}", json=body))

    after = call(context.obj, act)
    show(after, as_json=as_json, text=lambda: f"{after['system']} {after['message']}: {after['phase']}")
