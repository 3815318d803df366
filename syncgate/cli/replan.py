"""`syncgate replan`: have sent what a changed mapping means for what was delivered before it."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from functools import partial
from json import dumps
from typing import Annotated, Any, Final

import typer

from syncgate.cli.calls import call
from syncgate.cli.context import BadArgument
from syncgate.cli.endings import REFUSED
from syncgate.cli.output import AsJson, show, table
from syncgate.cli.replanning import Pace, queue_all

System = Annotated[str, typer.Argument(help="The system, as named in config.yaml.")]
Since = Annotated[str | None, typer.Option(help="Only cases that came at this time or later, such as 2026-04-01.")]
Until = Annotated[str | None, typer.Option(help="Only cases that came before this time.")]
COLUMNS: Final = ["message", "queued", "refreshed", "cancelled", "retracted", "parks", "fields"]
_SHOWN: Final = 3
"""Slots that the table shows field by field; JSON has all of the sample."""


def replan(
    context: typer.Context,
    system: System,
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")],
    item: Annotated[str | None, typer.Option(help="Only cases of this item.")] = None,
    message: Annotated[str | None, typer.Option(help="Only this message of each case.")] = None,
    source: Annotated[str | None, typer.Option(help="Only cases that this source posted first.")] = None,
    case: Annotated[str | None, typer.Option(help="Only this case: id, or system:number.")] = None,
    region: Annotated[str | None, typer.Option(help="Only cases whose region code begins so.")] = None,
    since: Since = None,
    until: Until = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only count; send and store nothing.")] = False,
    cap: Annotated[int, typer.Option(min=1, help="Queue at most so many deliveries.")] = 1000,
    canary: Annotated[
        int, typer.Option(min=0, max=100, help="Queue so many first, and the rest once these are delivered.")
    ] = 0,
    canary_within: Annotated[int, typer.Option(min=1, help="Seconds to wait for the first few.")] = 600,
    per_minute: Annotated[int | None, typer.Option(min=1, help="Queue at most so many a minute.")] = None,
    as_json: AsJson = False,
) -> None:
    """Have a system sent what its active bundle makes of cases otherwise than what it was sent.

    Ends with 1 where anything was left unqueued, or a case could not be compared.

    Example: syncgate replan province --item 9901010001 --since 2026-04-01 --dry-run --reason "days were calendar days"
    """
    conditions = {"item": item, "message": message, "source": source, "case": case, "region": region}
    body = {
        "filter": {name: value for name, value in conditions.items() if value is not None},
        "since": time(since, "--since"),
        "until": time(until, "--until"),
        "dry_run": dry_run,
        "reason": reason,
    }
    pace = Pace(cap, canary=canary, canary_within=canary_within, per_minute=per_minute)
    done = call(context.obj, partial(queue_all, system=system, body=body, pace=pace))
    show(done, as_json=as_json, text=lambda: _words(done))
    if done["stopped"] is not None or done["failed"]:
        raise typer.Exit(REFUSED)


def time(text: str | None, option: str) -> str | None:
    """A time that a person wrote, with offset: this machine's where none is given. Raises BadArgument."""
    if text is None:
        return None
    try:
        return datetime.fromisoformat(text).astimezone().isoformat()
    except (ValueError, OverflowError):
        raise BadArgument(
            "expected a time such as 2026-04-01 or 2026-04-01T08:00+08:00 for {option}, got another text", option=option
        ) from None


def _words(done: dict[str, Any]) -> str:
    rows = [
        one | {name: [f"{count} {word}" for word, count in one[name].items()] for name in ("parks", "fields")}
        for one in done["messages"]
    ]
    told = f"{done['cases']} cases looked at, {done['differing']} differ, {done['sent']} deliveries"
    lines = [table(rows, COLUMNS), told] if rows else [told]
    lines += _changes(done["sample"])
    if done["dry_run"]:
        lines.append("nothing was stored")
    if done["stopped"] == "canary_failed":
        lines.append("stopped: of the first few, these were not delivered:")
        lines += [f"  syncgate deliveries show {one}" for one in done["canaries"]]
    elif done["stopped"] == "canary_open":
        lines.append("stopped: the first few are still open; the same command goes on")
    elif done["exceeds_cap"]:
        lines.append(f"the cap of {done['cap']} leaves some unqueued; the same command goes on")
    if done["failed"]:
        lines.append(f"{len(done['failed'])} cases could not be compared")
    return "\n".join(lines)


def _changes(sample: list[dict[str, Any]]) -> Iterator[str]:
    """The first few slots whose payload differs, field by field."""
    for one in [one for one in sample if one["fields"]][:_SHOWN]:
        yield f"{one['case_id']} {one['message']} {one['part']}".rstrip()
        for changed in one["fields"]:
            yield f"  {changed['field']}: {_given(changed['before'])} -> {_given(changed['after'])}"


def _given(given: dict[str, Any]) -> str:
    if "value" in given:
        return dumps(given["value"], ensure_ascii=False)
    if "hidden" in given:
        count = given.get("count")
        return f"({given['hidden']})" if count is None else f"({given['hidden']}, {count})"
    return "-"
