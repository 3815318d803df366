"""`syncgate systems`: how the systems are, and stopping and starting them."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from syncgate.cli.context import body_of, call, show, table

app = typer.Typer(no_args_is_help=True, help="The systems that cases are pushed to.")
Json = Annotated[bool, typer.Option("--json", help="For machines.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit.")]
COLUMNS = ["system", "mode", "paused", "breaker", "pending", "in_flight", "unconfirmed", "parked", "delivered"]


@app.command("list")
def list_systems(context: typer.Context, as_json: Json = False) -> None:
    """List the systems with breaker, pause and backlog.

    Example: syncgate systems list
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/systems"))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table([_row(one) for one in found["systems"]], COLUMNS))


@app.command("show")
def show_system(context: typer.Context, system: str, as_json: Json = False) -> None:
    """Show one system.

    Example: syncgate systems show province
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/systems/{system}"))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table([_row(found)], COLUMNS))


@app.command("pause")
def pause(context: typer.Context, system: str, reason: Reason, as_json: Json = False) -> None:
    """Send nothing more to a system; says how much was already in flight.

    Example: syncgate systems pause province --reason "their maintenance"
    """

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/systems/{system}/pause", json={"reason": reason}))

    done = call(context.obj, act)
    show(done, as_json=as_json, text=lambda: f"{system} is paused; {done['in_flight']} already in flight")


@app.command("resume")
def resume(context: typer.Context, system: str, reason: Reason, as_json: Json = False) -> None:
    """Send to a paused system again.

    Example: syncgate systems resume province --reason "maintenance is over"
    """

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/systems/{system}/resume", json={"reason": reason}))

    done = call(context.obj, act)
    show(done, as_json=as_json, text=lambda: f"{system} is sent to again")


def _row(system: dict[str, Any]) -> dict[str, Any]:
    backlog = system.get("backlog") or {}
    breaker = system.get("breaker")
    return {
        **{name: backlog.get(name, 0) for name in COLUMNS[4:]},
        "system": system["system"],
        "mode": system.get("mode"),
        "paused": "yes" if system.get("is_paused") else "",
        "breaker": breaker.get("state") if isinstance(breaker, dict) else breaker,
    }
