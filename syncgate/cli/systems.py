"""`syncgate systems`: how the systems are, and stopping and starting them."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from syncgate.cli import forecasts, holds, maintenance, manual, readbacks
from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, facts, show, table

System = Annotated[str, typer.Argument(help="The system, as named in config.yaml.")]
app = typer.Typer(no_args_is_help=True, help="The systems that cases are pushed to.")
Reason = Annotated[str, typer.Option(help="Why; kept in the audit.")]
app.command("hold")(holds.place)
app.command("holds")(holds.list_holds)
app.command("release")(holds.release)
app.command("maintenance")(maintenance.announce)
app.command("end-maintenance")(maintenance.end)
app.command("worklist")(manual.worklist)
COLUMNS = [
    "system",
    "mode",
    "paused",
    "breaker",
    "pending",
    "in_flight",
    "awaiting",
    "unconfirmed",
    "parked",
    "delivered",
    "holds",
    "closed",
    "drained_at",
]


@app.command("list")
def list_systems(context: typer.Context, as_json: AsJson = False) -> None:
    """List the systems with breaker, pause and backlog.

    Example: syncgate systems list
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/systems"))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table([_row(one) for one in found], COLUMNS))


@app.command("show")
def show_system(context: typer.Context, system: System, as_json: AsJson = False) -> None:
    """Show one system: what it is sent, what waits and why.

    Example: syncgate systems show province
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/systems/{quote(system)}"))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: _words(found))


@app.command("pause")
def pause(context: typer.Context, system: System, reason: Reason, as_json: AsJson = False) -> None:
    """Send nothing more to a system; says how much was already in flight.

    Example: syncgate systems pause province --reason "their maintenance"
    """

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/systems/{quote(system)}/pause", json={"reason": reason}))

    done = call(context.obj, act)
    show(done, as_json=as_json, text=lambda: f"{system} is paused; {done['in_flight']} already in flight")


@app.command("resume")
def resume(context: typer.Context, system: System, reason: Reason, as_json: AsJson = False) -> None:
    """Send to a paused system again.

    Example: syncgate systems resume province --reason "maintenance is over"
    """

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/systems/{quote(system)}/resume", json={"reason": reason}))

    done = call(context.obj, act)
    show(done, as_json=as_json, text=lambda: f"{system} is sent to again")


def _row(system: dict[str, Any]) -> dict[str, Any]:
    backlog = system.get("backlog") or {}
    return {
        **{name: backlog.get(name, 0) for name in COLUMNS[4:-3]},
        "system": system["system"],
        "mode": system["mode"],
        "paused": "yes" if system["pause"]["is_paused"] else "",
        "breaker": system["breaker"]["state"],
        "holds": len(system["holds"]) or "",
        "closed": (system["closure"] or {}).get("why", ""),
        "drained_at": forecasts.in_short(system["forecast"]),
    }


def _words(system: dict[str, Any]) -> str:
    """One system with the reasons: of its pause, of its breaker, and of what is parked."""
    pause, breaker = system["pause"], system["breaker"]
    parked = ", ".join(f"{count} {reason}" for reason, count in sorted(system["parked"].items()))
    told = _row(system) | {
        "title": " ".join(dict.fromkeys(system["title"].values())),
        "paused": f"since {pause['at']} by {pause['by']}: {pause['reason']}" if pause["is_paused"] else "",
        "breaker": " ".join(filter(None, [breaker["state"], breaker["reason"], breaker["until"]])),
        "holds": [_hold(one) for one in system["holds"]],
        "parked": f"{system['backlog'].get('parked', 0)}" + (f" ({parked})" if parked else ""),
    }
    told["closed"] = maintenance.closure_words(system["closure"])
    told["maintenance"] = [maintenance.words(one) for one in system["maintenance"]]
    told["drained_at"] = forecasts.in_words(system["forecast"])
    more = ["active_bundle", "next_due_at", "last_taken_at"]
    stated = facts(
        told | {name: system[name] for name in more}, ["system", "title", *COLUMNS[1:], "maintenance", *more]
    )
    return "\n\n".join(filter(None, [stated, readbacks.of_one(system["readback"])]))


def _hold(hold: dict[str, Any]) -> str:
    """What a hold is about, in short."""
    about = " ".join(hold[name] for name in ("message", "item", "source") if hold[name])
    return " ".join(
        filter(None, [about, hold["until"] and f"until {hold['until']}", f"by {hold['by']}: {hold['reason']}"])
    )
