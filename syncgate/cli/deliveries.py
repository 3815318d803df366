"""`syncgate deliveries`: find what failed, and mend it."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, facts, note, show, table

DeliveryId = Annotated[UUID, typer.Argument(help="Its id, as `deliveries list` shows it.")]
app = typer.Typer(no_args_is_help=True, help="Find failed deliveries and mend them.")
Reason = Annotated[str, typer.Option(help="Why; kept in the delivery's history.")]
COLUMNS: Final = ["delivery_id", "system", "message", "part", "revision", "phase", "reason", "actor", "changed_at"]
_MORE: Final = ["detail", "operation", "tries_count", "due_at", "remote_ref", "bundle", "sent_at", "delivered_at"]
_ATTEMPT: Final = ["entry_no", "kind", "outcome", "actor", "started_at", "ended_at", "detail"]
_PAGE: Final = 200


@app.command("list")
def list_deliveries(
    context: typer.Context,
    phase: Annotated[list[str] | None, typer.Option(help="pending, in_flight, parked, …; may be repeated.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only of this system.")] = None,
    message: Annotated[list[str] | None, typer.Option(help="Only of this message.")] = None,
    reason: Annotated[list[str] | None, typer.Option(help="Only with this reason.")] = None,
    case: Annotated[str | None, typer.Option(help="Only of this case: id, or system:number.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first.

    Example: syncgate deliveries list --phase parked --system province
    """
    wanted = {"phase": phase, "system": system, "message": message, "reason": reason, "case": case}
    query = {name: value for name, value in wanted.items() if value}

    async def act(client: Any) -> Any:
        return await _pages(client, query, limit)

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table(found["deliveries"], COLUMNS))
    if found["next"] is not None:
        note(f"there are more; --limit shows more than {limit}")


async def _pages(client: Any, query: dict[str, Any], limit: int) -> dict[str, Any]:
    """The newest deliveries, over as many pages as they take."""
    found: list[Any] = []
    cursor = None
    while len(found) < limit:
        more = {"limit": min(limit - len(found), _PAGE), **({"cursor": cursor} if cursor else {})}
        page = body_of(await client.get("/v1/deliveries", params=query | more))
        found += page["deliveries"]
        cursor = page["next"]
        if cursor is None:
            break
    return {"deliveries": found, "next": cursor}


@app.command("show")
def show_delivery(context: typer.Context, delivery_id: DeliveryId, as_json: AsJson = False) -> None:
    """Show one delivery with its attempts.

    Example: syncgate deliveries show 0198c0de-0000-7000-8000-000000000000
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/deliveries/{delivery_id}"))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: _words(found))


@app.command("requeue")
def requeue(context: typer.Context, delivery_id: DeliveryId, reason: Reason, as_json: AsJson = False) -> None:
    """Send a parked delivery again.

    Example: syncgate deliveries requeue 0198c0de-0000-7000-8000-000000000000 --reason "table row added"
    """
    _act(context, delivery_id, "requeue", {"reason": reason}, as_json=as_json)


@app.command("cancel")
def cancel(context: typer.Context, delivery_id: DeliveryId, reason: Reason, as_json: AsJson = False) -> None:
    """Never send a waiting delivery.

    Example: syncgate deliveries cancel 0198c0de-0000-7000-8000-000000000000 --reason "typed there by hand"
    """
    _act(context, delivery_id, "cancel", {"reason": reason}, as_json=as_json)


@app.command("confirm")
def confirm(
    context: typer.Context,
    delivery_id: DeliveryId,
    reason: Reason,
    held: Annotated[bool, typer.Option("--held/--absent", help="Whether the system holds it.")],
    remote_ref: Annotated[str | None, typer.Option(help="The system's own id, if known.")] = None,
    as_json: AsJson = False,
) -> None:
    """Say whether the system holds what an unconfirmed delivery carried.

    Example: syncgate deliveries confirm 0198c0de-0000-7000-8000-000000000000 --held --reason "seen on their screen"
    """
    body = {"held": held, "remote_ref": remote_ref, "reason": reason}
    _act(context, delivery_id, "confirm", body, as_json=as_json)


def _act(context: typer.Context, delivery_id: DeliveryId, verb: str, body: dict[str, Any], *, as_json: bool) -> None:
    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/deliveries/{delivery_id}/{verb}", json=body))

    after = call(context.obj, act)
    show(after, as_json=as_json, text=lambda: f"{after['system']} {after['message']}: {after['phase']}")


def _words(found: dict[str, Any]) -> str:
    """One delivery, its case and its history."""
    case = found["case"]
    told = found["delivery"] | {"case": f"{case['origin']}:{case['case_no']}"}
    attempts = [one | {"detail": _detail(one["detail"])} for one in found["attempts"]]
    return f"{facts(told, ['case', *COLUMNS, *_MORE])}\n\n{table(attempts, _ATTEMPT)}"


def _detail(detail: Any) -> str:
    """What an attempt says of itself, on one line; it never holds what was sent."""
    if not isinstance(detail, dict):
        return str(detail or "")
    return ", ".join(f"{name}={value}" for name, value in detail.items() if value not in (None, "", [], {}))
