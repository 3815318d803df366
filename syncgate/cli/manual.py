"""`syncgate systems worklist`: what is to be typed by hand into a system."""

from __future__ import annotations

import csv
import io
import json
from pathlib import Path
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.context import BadArgument
from syncgate.cli.files import write_whole
from syncgate.cli.output import AsJson, note, show, table

_COLUMNS: Final = ["delivery_id", "case_no", "item", "message", "part", "since", "reason"]
_AT_A_TIME: Final = 200


def worklist(
    context: typer.Context,
    system: Annotated[str, typer.Argument(help="The system, as named in config.yaml.")],
    reason: Annotated[str | None, typer.Option(help="Why the values are shown; kept in the audit.")] = None,
    csv_file: Annotated[
        Path | None, typer.Option("--csv", help="A new file for the list, with a row for each field.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List what is to be typed by hand into a system, oldest first.

    Example: syncgate systems worklist disability
    """
    if csv_file is not None and csv_file.exists():
        raise BadArgument("expected a new file, got {file}", file=csv_file.name)

    async def act(client: Any) -> Any:
        found: list[Any] = []
        cursor: str | None = None
        headers = {} if reason is None else {"X-Reason": quote(reason)}
        while True:
            query = {"limit": _AT_A_TIME, "reveal": reason is not None} | ({} if cursor is None else {"cursor": cursor})
            page = body_of(await client.get(f"/v1/systems/{quote(system)}/worklist", params=query, headers=headers))
            found += page["entries"]
            cursor = page["next"]
            if cursor is None:
                return {"system": system, "entries": found}

    found = call(context.obj, act)
    if csv_file is not None:
        _write(csv_file, found["entries"])
        note(f"{len(found['entries'])} entries written to {csv_file}")
        return
    show(found, as_json=as_json, text=lambda: _text(found["entries"], is_open=reason is not None))


def _text(entries: list[dict[str, Any]], *, is_open: bool) -> str:
    lines = [table(entries, _COLUMNS)]
    if is_open:
        for entry in entries:
            fields = [f"  {one['name']}: {_plain(one['value'])}" for one in entry["fields"]]
            lines += ["", f"{entry['delivery_id']} {entry['case_no']} {entry['message']}", *fields]
    return "\n".join(lines)


def _write(target: Path, entries: list[dict[str, Any]]) -> None:
    # The mark tells spreadsheets that this is UTF-8.
    from syncgate.cli.findings import safe

    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow([*_COLUMNS, "field", "title", "value"])
    for entry in entries:
        head = [safe(str(entry[name])) for name in _COLUMNS]
        for one in entry["fields"] or [{"name": "", "title": {}, "value": None}]:
            title = one["title"].get("zh", "")
            writer.writerow([*head, safe(one["name"]), safe(title), safe(_plain(one["value"]))])
    write_whole(target, out.getvalue().encode("utf-8-sig"), mode=0o600, is_new=True)


def _plain(value: Any) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
