"""`syncgate deliveries`: find what failed, and mend it."""

from __future__ import annotations

from typing import Annotated, Any, Final
from uuid import UUID

import typer

from syncgate.cli import requeues
from syncgate.cli.calls import body_of, call
from syncgate.cli.faults import GroupBy, columns, grouped
from syncgate.cli.output import AsJson, facts, note, show, table

DeliveryId = Annotated[UUID, typer.Argument(help="Its id, as `deliveries list` shows it.")]
app = typer.Typer(no_args_is_help=True, help="Find failed deliveries and mend them.")
Reason = Annotated[str, typer.Option(help="Why; kept in the delivery's history.")]
COLUMNS: Final = ["delivery_id", "system", "message", "part", "revision", "phase", "reason", "actor", "changed_at"]
_MORE: Final = ["detail", "operation", "tries_count", "due_at", "remote_ref", "bundle", "sent_at", "delivered_at"]
_ATTEMPT: Final = ["entry_no", "kind", "outcome", "actor", "started_at", "ended_at", "sent", "received", "detail"]
_PAGE: Final = 200
_GROUPED: Final = 10_000
"""How many deliveries are looked at to group them."""

System = Annotated[str | None, typer.Option(help="Only of this system.")]
Message = Annotated[str | None, typer.Option(help="Only of this message.")]
Since = Annotated[
    str | None, typer.Option(help="Only what changed at this time or later, such as 2026-04-30T09:00:00+08:00.")
]
Until = Annotated[str | None, typer.Option(help="Only what changed before this time.")]
Wait = Annotated[bool, typer.Option("--wait", help="Wait for its end, and say how far it is.")]
RequeueId = Annotated[UUID, typer.Argument(help="Its id, as `deliveries requeues` shows it.")]


@app.command("list")
def list_deliveries(
    context: typer.Context,
    phase: Annotated[list[str] | None, typer.Option(help="pending, in_flight, parked, …; may be repeated.")] = None,
    system: Annotated[list[str] | None, typer.Option(help="Only of this system.")] = None,
    message: Annotated[list[str] | None, typer.Option(help="Only of this message.")] = None,
    reason: Annotated[list[str] | None, typer.Option(help="Only with this reason.")] = None,
    case: Annotated[str | None, typer.Option(help="Only of this case: id, or system:number.")] = None,
    since: Since = None,
    until: Until = None,
    group_by: Annotated[
        GroupBy | None, typer.Option(help="One line a fault, with how many there are, instead of one a delivery.")
    ] = None,
    limit: Annotated[int, typer.Option(min=1, help="At most so many, newest first.")] = 50,
    as_json: AsJson = False,
) -> None:
    """List deliveries, newest first, or how many there are under each fault.

    Example: syncgate deliveries list --phase parked --group-by fault
    """
    wanted = {"phase": phase, "system": system, "message": message, "reason": reason, "case": case}
    wanted |= {"changed_from": since, "changed_until": until}
    query = {name: value for name, value in wanted.items() if value}
    most = limit if group_by is None else _GROUPED

    async def act(client: Any) -> Any:
        return await _pages(client, query, most)

    found = call(context.obj, act)
    if group_by is None:
        show(found, as_json=as_json, text=lambda: table(found["deliveries"], COLUMNS))
    else:
        groups = grouped(found["deliveries"], group_by)
        show({"groups": groups}, as_json=as_json, text=lambda: table(groups, columns(group_by)))
    if found["next"] is not None:
        note(
            f"there are more; --limit shows more than {limit}"
            if group_by is None
            else f"only the newest {most} are counted"
        )


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
def requeue(
    context: typer.Context,
    reason: Reason,
    delivery_id: Annotated[
        UUID | None, typer.Argument(help="Its id; left out: every parked one that the filter means.")
    ] = None,
    system: System = None,
    parked_for: Annotated[str | None, typer.Option(help="Only what is parked for this reason.")] = None,
    cause: Annotated[str | None, typer.Option(help="Only what its system gave back for this cause.")] = None,
    message: Message = None,
    field: Annotated[str | None, typer.Option(help="Only with a fault at this field of the payload.")] = None,
    rule: Annotated[str | None, typer.Option(help="Only where this rule is broken.")] = None,
    item: Annotated[str | None, typer.Option(help="Only of cases of this item.")] = None,
    source: Annotated[str | None, typer.Option(help="Only of cases that this source posted.")] = None,
    since: Annotated[str | None, typer.Option(help="Only what was parked at this time or later.")] = None,
    until: Annotated[str | None, typer.Option(help="Only what was parked before this time.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would pass.")] = False,
    canary: Annotated[int | None, typer.Option(min=1, help="So many first; the rest once these are delivered.")] = None,
    cap: Annotated[int | None, typer.Option(min=1, help="Requeue none where more match than this.")] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Send a parked delivery again, or all that failed under one fault: see with --dry-run, begin with --canary.

    Example: syncgate deliveries requeue --system food --parked-for unmapped_code --dry-run --reason "table row added"
    """
    filter_by = {"system": system, "reason": parked_for, "message": message, "field": field, "rule": rule}
    filter_by |= {"cause": cause, "item": item, "source": source, "since": since, "until": until}
    if delivery_id is not None:
        requeues.refuse_both(filter_by, is_many=dry_run or canary is not None or cap is not None)
        _act(context, delivery_id, "requeue", {"reason": reason}, as_json=as_json)
        return
    body = requeues.wish(filter_by, reason=reason, dry_run=dry_run, canary=canary, cap=cap)
    requeues.requeue_many(context, body, wait=wait, as_json=as_json)


@app.command("requeues")
def bulk_requeues(
    context: typer.Context,
    requeue_id: Annotated[UUID | None, typer.Argument(help="Only this one, in full.")] = None,
    wait: Wait = False,
    as_json: AsJson = False,
) -> None:
    """Show how far bulk requeues came, newest first.

    Example: syncgate deliveries requeues
    """
    if requeue_id is None:
        requeues.list_requeues(context, as_json=as_json)
    else:
        requeues.show_requeue(context, requeue_id, wait=wait, as_json=as_json)


@app.command("stop")
def stop_requeue(context: typer.Context, requeue_id: RequeueId, reason: Reason, as_json: AsJson = False) -> None:
    """Requeue no more of a bulk requeue; what is queued already goes.

    Example: syncgate deliveries stop 0198c0de-0000-7000-8000-000000000000 --reason "the wrong row was added"
    """
    requeues.stop_requeue(context, requeue_id, reason=reason, as_json=as_json)


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
    attempts = [
        one | {"detail": _detail(one["detail"]), "sent": _size(one["sent"]), "received": _size(one["received"])}
        for one in found["attempts"]
    ]
    return f"{facts(told, ['case', *COLUMNS, *_MORE])}\n\n{table(attempts, _ATTEMPT)}"


def _detail(detail: Any) -> str:
    """What an attempt says of itself, on one line; it never holds what was sent."""
    if not isinstance(detail, dict):
        return str(detail or "")
    return ", ".join(f"{name}={value}" for name, value in detail.items() if value not in (None, "", [], {}))


def _size(evidence: Any) -> str:
    """How much is kept of what was sent or came, and by which digest it is known."""
    if evidence is None:
        return ""
    size = "" if evidence["size"] is None else f"{evidence['size']} B "
    return f"{size}{evidence['digest'][:12]}"
