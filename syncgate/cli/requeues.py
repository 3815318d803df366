"""What `syncgate deliveries requeue` does with many at once, and how it is followed."""

from __future__ import annotations

import asyncio
from typing import Any, Final

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.context import BadArgument
from syncgate.cli.output import facts, note, show, table

_OVER: Final = frozenset({"done", "canary_failed", "cap_exceeded", "stopped"})
_FAILING: Final = ["count", "reason", "field", "rule", "actor"]
_LEFT: Final = ["count", "phase", "reason"]
_LISTED: Final = ["requeue_id", "state", "system", "matched", "queued", "by", "started_at", "ended_at"]
_SHOWN: Final = [*_LISTED, "skipped", "canary", "cap", "reason"]
_LOOKS_EVERY: Final = 0.5


def requeue_many(context: typer.Context, body: dict[str, Any], *, wait: bool, as_json: bool) -> None:
    """Requeues, or rehearses it, and says what came of it; ends with 1 where it did not come to what was asked."""

    async def act(client: Any) -> Any:
        found = body_of(await client.post("/v1/deliveries:requeue", json=body))
        return await _followed(client, found) if wait and found.get("requeue_id") else found

    found = call(context.obj, act)
    words = _rehearsed if body["dry_run"] else _told
    show(found, as_json=as_json, text=lambda: words(found))
    if not is_as_asked(found):
        raise typer.Exit(1)


def list_requeues(context: typer.Context, *, as_json: bool) -> None:
    """Shows the newest bulk requeues."""

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/requeues"))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table([_row(one) for one in found], _LISTED))


def show_requeue(context: typer.Context, requeue_id: Any, *, wait: bool, as_json: bool) -> None:
    """Shows one bulk requeue, at its end where that is waited for."""

    async def act(client: Any) -> Any:
        found = body_of(await client.get(f"/v1/requeues/{requeue_id}"))
        return await _followed(client, found) if wait else found

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: f"{facts(_row(found), _SHOWN)}\n\n{_told(found)}")
    if not is_as_asked(found):
        raise typer.Exit(1)


def stop_requeue(context: typer.Context, requeue_id: Any, *, reason: str, as_json: bool) -> None:
    """Lets no more of a bulk requeue be queued."""

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/requeues/{requeue_id}/stop", json={"reason": reason}))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: _told(found))


def wish(filter_by: dict[str, Any], **asked: Any) -> dict[str, Any]:
    """The body of a bulk requeue. Raises BadArgument where nothing says which deliveries are meant."""
    given = {name: value for name, value in filter_by.items() if value is not None}
    if not given:
        raise BadArgument("expected a delivery's id, or a filter such as --system and --parked-for, got neither")
    return {"filter": given, **{name: value for name, value in asked.items() if value is not None}}


def refuse_both(filter_by: dict[str, Any], *, is_many: bool) -> None:
    """Raises BadArgument where one delivery is named and many are meant."""
    if is_many or any(value is not None for value in filter_by.values()):
        raise BadArgument("expected either a delivery's id or a filter, got both")


def is_as_asked(found: dict[str, Any]) -> bool:
    """Whether it came, or may still come, to what was asked."""
    return not found.get("exceeds_cap") and found.get("state") not in _OVER - {"done"}


async def _followed(client: Any, found: Any) -> Any:
    """The requeue at its end; what moves meanwhile is said on stderr."""
    before = None
    while found["state"] not in _OVER:
        now = (found["queued"], found["state"])
        if now != before:
            note(f"{found['queued']} of {found['matched']} requeued")
        before = now
        await asyncio.sleep(_LOOKS_EVERY)
        found = body_of(await client.get(f"/v1/requeues/{found['requeue_id']}"))
    return found


def _row(found: dict[str, Any]) -> dict[str, Any]:
    return found | {"system": found["filter"]["system"]}


def _rehearsed(found: dict[str, Any]) -> str:
    count = found["matched"]
    lines = [f"{count} parked deliveries match" if found["is_whole"] else f"at least {count} parked deliveries match"]
    lines.append(f"{found['passes']} of {found['checked']} pass the dry run")
    if found["waits"]:
        lines.append(f"{found['waits']} would wait for another system's number")
    if found["drops"]:
        lines.append(f"{found['drops']} would be cancelled: their message ignores changes")
    if found["fails"]:
        lines += [f"{found['fails']} would park again:", table(found["failing"], _FAILING)]
    if found["exceeds_cap"]:
        lines.append(f"more match than the cap of {found['cap']}: none would be requeued")
    return "\n".join([*lines, *_left_alone(found)])


def _told(found: dict[str, Any]) -> str:
    lines = [f"{found['queued']} of {found['matched']} requeued"]
    if found["skipped"]:
        lines.append(f"{found['skipped']} had moved by themselves meanwhile")
    match found["state"]:
        case "canary":
            lines.append("the rest follows once these are delivered; look with:")
            lines.append(f"  syncgate deliveries requeues {found['requeue_id']}")
        case "canary_failed":
            lines.append("stopped: of the first few, these were not delivered:")
            lines += [f"  syncgate deliveries show {one}" for one in found["failed"]]
        case "cap_exceeded":
            lines.append(f"stopped: more match than the cap of {found['cap']}")
        case "stopped":
            lines.append("stopped by hand: the rest stays as it is")
    return "\n".join([*lines, *_left_alone(found)])


def _left_alone(found: dict[str, Any]) -> list[str]:
    left = found["left_alone"]
    return ["left alone, because they are not parked:", table(left, _LEFT)] if left else []
