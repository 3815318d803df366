"""`syncgate systems maintenance`, `end-maintenance`: say when a system will be away."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, show
from syncgate.cli.replan import time
from syncgate.cli.speech import spoken
from syncgate.language import word

System = Annotated[str, typer.Argument(help="The system, as named in config.yaml.")]


def announce(
    context: typer.Context,
    system: System,
    until: Annotated[str, typer.Option(help="When it is over; sending then resumes by itself.")],
    reason: Annotated[str, typer.Option(help="What for; kept in the audit, and shown with what waits.")],
    since: Annotated[str | None, typer.Option("--from", help="When it begins; left out: now.")] = None,
    as_json: AsJson = False,
) -> None:
    """Announce that a system will be away: nothing is sent or asked meanwhile, and nobody is told that it fails.

    Example: syncgate systems maintenance province --from 2026-05-01 --until 2026-05-02 --reason "their new release"
    """
    body = {"until": str(time(until, "--until")), "reason": reason}
    if since is not None:
        body["from"] = str(time(since, "--from"))

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/systems/{quote(system)}/maintenance", json=body))

    done = call(context.obj, act)
    show(
        done,
        as_json=as_json,
        text=lambda: f"maintenance {done['maintenance_id']} is announced; {done['in_flight']} already in flight",
    )


def closure_words(closure: dict[str, Any] | None) -> str:
    """Why a system is not spoken to now, and until when."""
    if closure is None:
        return ""
    why = word("reason", closure["why"], spoken())
    until = closure["until"] and f"until {closure['until']}"
    return " ".join(filter(None, [why, until, closure["reason"]]))


def words(announced: dict[str, Any]) -> str:
    """One maintenance, in short."""
    times = f"{announced['starts_at']} until {announced['until']}"
    return f"{announced['maintenance_id']} from {times} by {announced['by']}: {announced['reason']}"


def end(
    context: typer.Context,
    system: System,
    maintenance_id: Annotated[UUID, typer.Argument(help="Its id, as `systems show` shows it.")],
    as_json: AsJson = False,
) -> None:
    """Call maintenance off, or end it early: the system is spoken to again.

    Example: syncgate systems end-maintenance province 0198c0de-0000-7000-8000-000000000000
    """

    async def act(client: Any) -> Any:
        return body_of(await client.delete(f"/v1/systems/{quote(system)}/maintenance/{maintenance_id}"))

    done = call(context.obj, act)
    show(done, as_json=as_json, text=lambda: f"maintenance {maintenance_id} is over")
