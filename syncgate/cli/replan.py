"""`syncgate replan`: have sent what a changed mapping means for what was delivered before it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from datetime import datetime
from json import dumps
from typing import Annotated, Any, Final
from urllib.parse import quote

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.context import BadArgument
from syncgate.cli.endings import REFUSED
from syncgate.cli.output import AsJson, note, show, table

System = Annotated[str, typer.Argument(help="The system, as named in config.yaml.")]
Since = Annotated[str | None, typer.Option(help="Only cases that came at this time or later, such as 2026-04-01.")]
Until = Annotated[str | None, typer.Option(help="Only cases that came before this time.")]
COLUMNS: Final = ["message", "queued", "refreshed", "cancelled", "retracted", "parks", "fields"]
_SHOWN: Final = 3
"""Slots that the table shows field by field; JSON has all of the sample."""
_SUMMED: Final = ["queued", "refreshed", "cancelled", "retracted"]


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
    as_json: AsJson = False,
) -> None:
    """Have a system sent what its active bundle makes of cases otherwise than what it was sent.

    Ends with 1 where the cap left anything unqueued, or a case could not be compared.

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
    done = call(context.obj, _whole(system, body, cap))
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


def _whole(system: str, body: dict[str, Any], cap: int) -> Callable[[Any], Awaitable[dict[str, Any]]]:
    """All of a replan, over as many calls as it takes."""

    async def act(client: Any) -> dict[str, Any]:
        whole: dict[str, Any] = {}
        more: dict[str, Any] = {}
        left = cap
        while True:
            asked = body | more | {"cap": max(1, left)}
            part = body_of(await client.post(f"/v1/systems/{quote(system)}/replan", json=asked))
            whole = _summed(whole, part, cap)
            left = cap if body["dry_run"] else cap - whole["sent"]
            if part["stopped"] != "time_up":
                return whole
            if left < 1:
                return whole | {"stopped": "cap_exceeded"}
            note(f"{whole['cases']} cases looked at, {whole['differing']} differ, {whole['sent']} deliveries")
            more = {"cursor": part["next"]}

    return act


def _summed(whole: dict[str, Any], part: dict[str, Any], cap: int) -> dict[str, Any]:
    """Two parts of one replan as one."""
    if not whole:
        return part | {"cap": cap, "exceeds_cap": part["stopped"] == "cap_exceeded" or part["sent"] > cap}
    by_name = {one["message"]: one for one in whole["messages"]}
    for one in part["messages"]:
        by_name[one["message"]] = _with(by_name.get(one["message"]), one)
    counts = {name: whole[name] + part[name] for name in ("cases", "differing", "sent")}
    return {
        **part,
        **counts,
        "cap": cap,
        "exceeds_cap": part["stopped"] == "cap_exceeded" or counts["sent"] > cap,
        "messages": list(by_name.values()),
        "sample": (whole["sample"] + part["sample"])[:20],
        "failed": whole["failed"] + part["failed"],
    }


def _with(before: dict[str, Any] | None, one: dict[str, Any]) -> dict[str, Any]:
    if before is None:
        return one
    counts = {name: dict(Counter(before[name]) + Counter(one[name])) for name in ("parks", "fields")}
    return one | {name: before[name] + one[name] for name in _SUMMED} | counts


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
    if done["exceeds_cap"]:
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
