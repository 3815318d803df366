"""`syncgate reconcile`: compare what systems hold with what they should hold, and mend what differs."""

from __future__ import annotations

import unicodedata
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote
from uuid import UUID

import typer
from typer.core import TyperGroup

from syncgate.cli import reconciling
from syncgate.cli.calls import body_of, call
from syncgate.cli.context import BadArgument
from syncgate.cli.endings import REFUSED
from syncgate.cli.output import AsJson, facts, note_more, show, table
from syncgate.cli.reconciling import RunFiles, Wanted
from syncgate.cli.replan import time

RUN: Final = "run"
SOURCE: Final = "source"
_LISTED: Final = ["reconciliation_id", "mode", "stage", "outcome", "records", "by", "begun_at", "ended_at"]
_SHOWN: Final = [*_LISTED, "trigger", "reason", "messages", "since", "until", "cap", "cancelled_by", "left"]
_FOUND: Final = ["discrepancy_id", "system", "message", "kind", "case", "part", "action", "found_at", "seen_at"]
_MOST: Final = 200


class RunByDefault(TyperGroup):
    """What is no command of the group is what `run` is called with: `reconcile food` is `reconcile run food`.

    `reconcile --source window` is `reconcile source window`.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """The arguments, with the command's name where it was left out."""
        is_named = bool(args) and (args[0] in self.commands or args[0] == "--help")
        if not is_named and f"--{SOURCE}" in args:
            at = args.index(f"--{SOURCE}")
            return super().parse_args(ctx, [SOURCE, *args[at + 1 : at + 2], *args[:at], *args[at + 2 :]])
        return super().parse_args(ctx, args if is_named or not args else [RUN, *args])


app = typer.Typer(
    cls=RunByDefault,
    no_args_is_help=True,
    help="What systems really hold, and sources list. `syncgate reconcile food` is `syncgate reconcile run food`.",
)
RunId = Annotated[str, typer.Argument(help="Its id, as `reconcile list` shows it.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit.")]


@app.command(RUN)
def run(
    context: typer.Context,
    systems: Annotated[list[str] | None, typer.Argument(help="The systems, as named in config.yaml.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Every system that is read back.")] = False,
    mend: Annotated[bool, typer.Option("--mend", help="Do what the policy of its adapter says.")] = False,
    adopt: Annotated[bool, typer.Option("--adopt", help="Link what was typed there by hand.")] = False,
    message: Annotated[list[str] | None, typer.Option(help="Only this message; may be repeated.")] = None,
    since: Annotated[str | None, typer.Option(help="The window's beginning; left out: as its adapter says.")] = None,
    until: Annotated[str | None, typer.Option(help="The window's end; left out: now.")] = None,
    cap: Annotated[int | None, typer.Option(min=0, help="Cause at most so many sends.")] = None,
    export: Annotated[Path | None, typer.Option(help="A file that stands for what the system lists.")] = None,
    file_format: Annotated[
        str | None, typer.Option("--format", help="Its format, where its name does not tell.")
    ] = None,
    charset: Annotated[str | None, typer.Option(help="Its charset, where it is not UTF-8.")] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report to this file: .html, .xlsx or .json.")] = None,
    reason: Reason = "asked for on the command line",
    as_json: AsJson = False,
) -> None:
    """Read back what a system holds, compare it with what it should hold, and say what differs.

    Ends with 0 only where all was judged and nothing is left open.

    Example: syncgate reconcile run food --mend --report food.html
    """
    if mend and adopt:
        raise BadArgument("expected --mend or --adopt, got both")
    if systems and every:
        raise BadArgument("expected systems or --all, got both")
    if not systems and not every:
        raise BadArgument("expected systems or --all, got neither")
    body = {
        "mode": "mend" if mend else "adopt" if adopt else "list",
        "messages": message or None,
        "since": time(since, "--since"),
        "until": time(until, "--until"),
        "cap": cap,
        "reason": reason,
    }
    files = RunFiles.of(export, report, file_format=file_format, charset=charset)
    wanted = Wanted({name: value for name, value in body.items() if value is not None}, files)
    if files.export is not None and len(systems or ()) != 1:
        raise BadArgument("expected one system for an export, got {count}", count=len(systems or ()))
    found = call(context.obj, reconciling.runs_of(systems, wanted), is_reconciling=True)
    show(found, as_json=as_json, text=lambda: reconciling.told(found))
    if not all(reconciling.is_clean(one) for one in found):
        raise typer.Exit(REFUSED)


@app.command(SOURCE)
def compare_source(
    context: typer.Context,
    source: Annotated[str, typer.Argument(help="The source, as named in config.yaml.")],
    manifest: Annotated[Path, typer.Option(help="The file in which it lists its own cases.")],
    since: Annotated[
        str | None, typer.Option(help="Cases accepted from then on must be listed; with neither, none must.")
    ] = None,
    until: Annotated[str | None, typer.Option(help="Cases accepted before must be listed.")] = None,
    as_of: Annotated[
        str | None, typer.Option(help="When the file was written; left out: when it was last changed.")
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(help="Which column holds which field, such as /case_no=编号; may be repeated."),
    ] = None,
    batch: Annotated[
        str | None, typer.Option(help="The name that its records are numbered by; left out: the file's.")
    ] = None,
    file_format: Annotated[
        str | None, typer.Option("--format", help="Its format, where its name does not tell.")
    ] = None,
    charset: Annotated[
        str | None, typer.Option(help="Its charset, where it is not the one of the source's files.")
    ] = None,
    report: Annotated[Path | None, typer.Option(help="Write the report to this file: .html, .xlsx or .json.")] = None,
    reason: Reason = "asked for on the command line",
    as_json: AsJson = False,
) -> None:
    """Compare what a source lists of its own cases with what was accepted from it, and say what differs.

    Ends with 0 only where all was judged and nothing differs.

    Example: syncgate reconcile source window --manifest cases.csv --since 2026-04-01
    """
    files = RunFiles.of(manifest, report, file_format=file_format, charset=charset)
    asked = {
        "since": time(since, "--since"),
        "until": time(until, "--until"),
        "as_of": time(as_of, "--as-of") or reconciling.changed_at(manifest),
        "batch": batch or unicodedata.normalize("NFC", manifest.name),
        "column": column,
        "reason": reason,
    }
    wanted = Wanted({name: value for name, value in asked.items() if value is not None}, files)
    found = call(context.obj, reconciling.run_of_source(source, wanted), is_reconciling=True)
    show(found, as_json=as_json, text=lambda: reconciling.told(found))
    if not all(reconciling.is_clean(one) for one in found):
        raise typer.Exit(REFUSED)


@app.command("list")
def list_runs(
    context: typer.Context,
    system: Annotated[list[str] | None, typer.Option(help="Only of this system; may be repeated.")] = None,
    outcome: Annotated[
        list[str] | None, typer.Option(help="Only those that ended so, such as incomplete; may be repeated.")
    ] = None,
    open_only: Annotated[bool, typer.Option("--open", help="Only those that have not ended.")] = False,
    as_json: AsJson = False,
) -> None:
    """List the runs, newest first.

    Example: syncgate reconcile list --system food
    """
    query = {"system": system or [], "outcome": outcome or [], "limit": _MOST}
    query |= {"open": "true"} if open_only else {}

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/reconciliations", params=query))

    found = call(context.obj, act)
    rows = found["reconciliations"]
    show(found, as_json=as_json, text=lambda: table([reconciling.row(one) for one in rows], _LISTED))
    note_more(found, _MOST)


@app.command("show")
def show_run(context: typer.Context, run_id: RunId, as_json: AsJson = False) -> None:
    """Show one run: what was asked, how far it is, what it counted.

    Example: syncgate reconcile show food.20260430T182307Z
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/reconciliations/{quote(run_id)}"))

    found = call(context.obj, act)
    show(
        found,
        as_json=as_json,
        text=lambda: f"{facts(reconciling.row(found), _SHOWN)}\n\n{reconciling.told([found])}",
    )


@app.command("cancel")
def cancel(context: typer.Context, run_id: RunId, as_json: AsJson = False) -> None:
    """End a run; what it found is kept.

    Example: syncgate reconcile cancel food.20260430T182307Z
    """

    async def act(client: Any) -> Any:
        return body_of(await client.delete(f"/v1/reconciliations/{quote(run_id)}"))

    found = call(context.obj, act)
    is_over = found["outcome"] is not None
    show(found, as_json=as_json, text=lambda: f"{run_id} has ended" if is_over else f"{run_id} ends within a second")


@app.command("discrepancies")
def discrepancies(
    context: typer.Context,
    system: Annotated[list[str] | None, typer.Option(help="Only of this system; may be repeated.")] = None,
    kind: Annotated[list[str] | None, typer.Option(help="Only of this kind; may be repeated.")] = None,
    case: Annotated[str | None, typer.Option(help="Only of this case: id, or system:number.")] = None,
    run_id: Annotated[str | None, typer.Option("--run", help="Only those that this run found first.")] = None,
    every: Annotated[bool, typer.Option("--all", help="Those that are closed, too.")] = False,
    as_json: AsJson = False,
) -> None:
    """List discrepancies, newest first.

    Example: syncgate reconcile discrepancies --system food --kind missing
    """
    if run_id is not None and (system or case is not None):
        raise BadArgument("expected --run or another filter, got both")
    query: dict[str, Any] = {"kind": kind or [], "limit": _MOST} | ({} if every else {"open": "true"})
    path = "/v1/discrepancies" if run_id is None else f"/v1/reconciliations/{quote(run_id)}/discrepancies"
    if run_id is None:
        query |= {"system": system or []} | ({} if case is None else {"case": case})

    async def act(client: Any) -> Any:
        return body_of(await client.get(path, params=query))

    found = call(context.obj, act)
    columns = [*_FOUND, "closed_as"] if every else _FOUND
    rows = found["discrepancies"]
    show(found, as_json=as_json, text=lambda: table([reconciling.discrepancy_row(one) for one in rows], columns))
    note_more(found, _MOST)


@app.command("repair")
def repair(
    context: typer.Context,
    discrepancy_id: Annotated[UUID, typer.Argument(help="Its id, as `reconcile discrepancies` shows it.")],
    action: Annotated[str, typer.Option(help="resend, retract, accept, confirm or ignore.")],
    reason: Reason,
    as_json: AsJson = False,
) -> None:
    """Do something about one discrepancy.

    Example: syncgate reconcile repair 0198c0de-0000-7000-8000-000000000000 --action resend --reason "they lost it"
    """
    body = {"action": action, "reason": reason}

    async def act(client: Any) -> Any:
        return body_of(await client.post(f"/v1/discrepancies/{discrepancy_id}/repair", json=body))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table([reconciling.discrepancy_row(found)], [*_FOUND, "closed_as"]))
