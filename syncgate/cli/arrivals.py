"""`syncgate arrivals`: what sources brought and could not be taken in; taking it in after the fix, or giving it up."""

from __future__ import annotations

from typing import Annotated, Any
from uuid import UUID

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, show, table

app = typer.Typer(no_args_is_help=True, help="What sources brought in their own words.")
COLUMNS = ["arrival_id", "source", "state", "came_at", "format", "place", "code", "said"]
Why = Annotated[str, typer.Option(help="Why; kept in the audit.")]
DryRun = Annotated[bool, typer.Option("--dry-run", help="Only say what would come of it.")]
Id = Annotated[UUID, typer.Argument(help="Its id, as `arrivals list` shows it.")]


@app.command("list")
def list_arrivals(
    context: typer.Context,
    source: Annotated[list[str] | None, typer.Option(help="Only of this source; may be given several times.")] = None,
    state: Annotated[
        list[str] | None, typer.Option(help="received, taken, refused, held or dropped; left out: held.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what sources brought and waits for somebody, newest first.

    Example: syncgate arrivals list --source parks
    """

    async def act(client: Any) -> Any:
        params = {"source": source or [], "state": state or [], "limit": 200}
        return body_of(await client.get("/v1/arrivals", params=params))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table(found["arrivals"], COLUMNS))


@app.command("show")
def show_arrival(context: typer.Context, arrival_id: Id, as_json: AsJson = False) -> None:
    """Show one arrival: what is wrong with it, and its records with personal values masked.

    Example: syncgate arrivals show 0198c0de-0000-7000-8000-000000000000
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/arrivals/{arrival_id}"))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: _shown(found))


@app.command("replay")
def replay(
    context: typer.Context,
    reason: Why,
    arrival_id: Annotated[UUID | None, typer.Argument(help="Its id; left out: all of --source.")] = None,
    source: Annotated[str | None, typer.Option(help="All that this source has waiting, the oldest first.")] = None,
    dry_run: DryRun = False,
    as_json: AsJson = False,
) -> None:
    """Take in what is held, now that what was wrong is mended; it enters as a post of it would.

    Example: syncgate arrivals replay --source parks --dry-run --reason "channel added to the table"
    """
    if (arrival_id is None) == (source is None):
        raise typer.BadParameter("give the id of an arrival, or --source")
    path = f"/v1/arrivals/{arrival_id}/replay" if source is None else f"/v1/sources/{source}/arrivals:replay"

    async def act(client: Any) -> Any:
        return body_of(await client.post(path, json={"reason": reason, "dry_run": dry_run}))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: _came_of(found))


@app.command("drop")
def drop(context: typer.Context, arrival_id: Id, reason: Why, as_json: AsJson = False) -> None:
    """Give a held arrival up; its content is gone, the reason stays.

    Example: syncgate arrivals drop 0198c0de-0000-7000-8000-000000000000 --reason "posted again under another number"
    """

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/arrivals/{arrival_id}/drop", json={"reason": reason}))

    done = call(context.obj, act)
    show(done, as_json=as_json, text=lambda: f"the arrival {arrival_id} is dropped")


def _shown(found: dict[str, Any]) -> str:
    lines = [table([found], COLUMNS)]
    lines += [f"{one['pointer']}: {one['message']}" for one in found["errors"]]
    lines += [str(record) for record in found["records"] or ()]
    return "\n".join(lines)


def _came_of(found: dict[str, Any]) -> str:
    results = found.get("results")
    if results is not None:
        return "\n".join(_one(one) for one in results)
    counts = ", ".join(f"{count} {fate}" for fate, count in sorted(found["counts"].items())) or "0"
    return "\n".join([counts, *(_one(one) for one in found["samples"])])


def _one(one: dict[str, Any]) -> str:
    problem = one["problem"]
    if problem is None:
        return f"{one['arrival_id']}: {one['fate']} {one['case_no']}"
    wrong = "; ".join(f"{error['pointer']}: {error['message']}" for error in problem["errors"])
    return f"{one['arrival_id']}: {one['fate']}: {wrong or problem['said']}"
