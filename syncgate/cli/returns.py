"""`syncgate returns`: what systems give back by a list, by its cause, and the way back to the source."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any, Final

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.context import BadArgument
from syncgate.cli.output import AsJson, note, show, table
from syncgate.cli.speech import said
from syncgate.domain.returns import CHANGES_NOTHING, MOVES

app = typer.Typer(no_args_is_help=True, help="What systems give back.")
System = Annotated[str, typer.Option(help="The system whose list it is.")]
Reason = Annotated[str, typer.Option(help="Why; kept in the audit.")]
_FINE: Final = {result.value for result in MOVES | CHANGES_NOTHING}
_ROW: Final = ["row", "answer", "column", "message", "part", "phase", "cause", "delivery_id", "detail"]
_CAUSE: Final = ["system", "cause", "count", "at_source", "since", "title", "text"]
_SHOWN_AT_MOST: Final = 50


@app.command("import")
def import_list(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A workbook or CSV.", exists=True, dir_okay=False)],
    system: System,
    reason: Reason,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what each row would come to.")] = False,
    charset: Annotated[str | None, typer.Option(help="Of CSV; left out: UTF-8, else GB18030.")] = None,
    sheet: Annotated[str | None, typer.Option(help="Name of the sheet; left out: the only visible one.")] = None,
    header_row: Annotated[int | None, typer.Option(min=1, help="The row of the headers in a workbook.")] = None,
    as_json: AsJson = False,
) -> None:
    """Import a list of what a system gave back: each row is answered; ends with 1 where one needs a person.

    Example: syncgate returns import 质检退回.xlsx --system frontdb --dry-run --reason "quality check of Monday"
    """
    asked = {"reason": reason, "dry_run": str(dry_run).lower(), "charset": charset, "sheet": sheet}
    asked |= {"header_row": None if header_row is None else str(header_row)}
    query = {name: value for name, value in asked.items() if value is not None}
    content = file.read_bytes()

    async def act(client: Any) -> Any:
        headers = {"Content-Type": "application/octet-stream"}
        path = f"/v1/systems/{system}/returns"
        return body_of(await client.post(path, params=query, content=content, headers=headers, timeout=600))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: _told(found))
    if any(result not in _FINE for result in found["results"]):
        raise typer.Exit(1)


@app.command("list")
def list_returns(
    context: typer.Context,
    system: Annotated[list[str] | None, typer.Option(help="Only of this system; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """List what was given back and waits, by its cause, the most first.

    Example: syncgate returns list --system frontdb
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/returns", params={"system": system or []}))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table([_titled(one) for one in found["causes"]], _CAUSE))
    if not found["is_whole"]:
        note("only the newest are counted")


@app.command("send-back")
def send_back(
    context: typer.Context,
    system: System,
    cause: Annotated[str, typer.Option(help="The cause, as `returns list` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the delivery's history.")],
    source: Annotated[str | None, typer.Option(help="Only of cases that this source posted.")] = None,
    item: Annotated[str | None, typer.Option(help="Only of cases of this item.")] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say how many.")] = False,
    as_json: AsJson = False,
) -> None:
    """Put the returns of one cause into the worklist of their source, which corrects them.

    Example: syncgate returns send-back --system frontdb --cause accepted_before_applied --reason "the street typed it"
    """
    if not cause.strip():
        raise BadArgument("expected a cause, got an empty one")
    wanted = {"system": system, "cause": cause, "source": source, "item": item}
    body = {
        "filter": {name: value for name, value in wanted.items() if value is not None},
        "dry_run": dry_run,
        "reason": reason,
    }

    async def act(client: Any) -> Any:
        return body_of(await client.post("/v1/returns:send_back", json=body))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: _sent(found))


def _told(found: dict[str, Any]) -> str:
    counts = [{"count": count, "answer": result} for result, count in found["results"].items()]
    causes = [{"count": count, "cause": cause} for cause, count in found["causes"].items()]
    parts = [table(counts, ["count", "answer"])]
    if causes:
        parts.append(table(causes, ["count", "cause"]))
    open_rows = [one for one in found["rows"] if one["result"] not in _FINE]
    if open_rows:
        shown = [one | {"answer": one["result"], "detail": said(_why(one))} for one in open_rows[:_SHOWN_AT_MOST]]
        parts.append(table(shown, _ROW))
    if len(open_rows) > _SHOWN_AT_MOST:
        parts.append(_more(len(open_rows) - _SHOWN_AT_MOST))
    if found["dry_run"]:
        parts.append("a dry run: nothing was changed")
    return "\n\n".join(parts)


def _why(row: dict[str, Any]) -> str:
    return str(row["why"]) if row["why"] else (f"can mean {row['count']}" if row["count"] else "")


def _more(count: int) -> str:
    return f"{count} more rows need a person; --json shows them all"


def _sent(found: dict[str, Any]) -> str:
    count, already = found["sent_back"], found["already"]
    return (
        f"{count} would go back to their source; {already} lie there"
        if found["dry_run"]
        else (f"{count} went back to their source; {already} lay there")
    )


def _titled(one: dict[str, Any]) -> dict[str, Any]:
    from syncgate.cli.speech import spoken

    return one | {"title": one["title"].get(spoken(), "")}
