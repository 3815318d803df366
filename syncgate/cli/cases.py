"""`syncgate submit` and `where`: cases in, and where they stand."""

from __future__ import annotations

import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import quote

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.context import BadArgument, Invocation
from syncgate.cli.output import AsJson, note, show

if TYPE_CHECKING:
    from syncgate.cli.records import Row
    from syncgate.cli.submitting import Tally


def submit(
    context: typer.Context,
    file: Annotated[
        Path, typer.Argument(help="A CSV file as the source writes it, or canonical cases as .json or .ndjson.")
    ],
    source: Annotated[str, typer.Option(help="The source, as named in config.yaml.")],
    refused: Annotated[
        Path | None, typer.Option(help="Where refused rows are listed; left out: <FILE>.refused.csv.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Post every row of a source's file as a case. May be interrupted and run again: nothing goes in twice.

    Example: syncgate submit OPEN1999_202604.csv --source taipei1999
    """
    from syncgate.cli.submitting import Tally

    invocation: Invocation = context.obj
    tally, begun = Tally(), time.monotonic()
    rows = _rows(invocation, file, source, tally)
    try:
        _post(invocation, rows, title=file.name, source=source, tally=tally)
    except BaseException:
        note(f"before it ended: {_counts(tally)}")
        raise
    seconds = time.monotonic() - begun
    listed = _list_refused(refused or file.with_name(file.name + ".refused.csv"), tally)
    show(
        {**tally.by_fate(), "seconds": round(seconds, 2), "refused_file": str(listed) if listed else None},
        as_json=as_json,
        text=lambda: f"{_counts(tally)} in {seconds:.1f} s",
    )
    if tally.refused:
        raise typer.Exit(1)


def where(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="Our id, or system:number.")],
    as_json: AsJson = False,
) -> None:
    """Say in one sentence per system where a case stands, and why.

    Example: syncgate where window:QX2026000001
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/cases/{quote(case, safe=':')}/passport"))

    passport = call(context.obj, act)
    show(passport, as_json=as_json, text=lambda: "\n".join([_title(passport["case"]), *_sentences(passport)]))


def _rows(invocation: Invocation, file: Path, source: str, tally: Tally) -> list[Row]:
    """Every row that can be posted. The whole file is read first: a torn one posts nothing."""
    from syncgate.cli.case_files import SUFFIXES, read_cases
    from syncgate.cli.records import read_records
    from syncgate.cli.submitting import cases_of, once_each

    site = invocation.site()
    chosen = site.sources.get(source)
    if chosen is None:
        raise BadArgument(_unknown_source(source, sorted(site.sources)))
    if file.suffix.lower() in SUFFIXES:
        return list(once_each(read_cases(file), tally))
    if chosen.mapping is None or chosen.csv is None:
        raise BadArgument(f"expected a source with `mapping` and `csv` for {file.name}, got {source} without")
    columns = frozenset(path.split(".", 1)[1] for path in chosen.mapping.paths if "." in path)
    records = read_records(file, chosen.csv, columns=columns)
    return list(once_each(cases_of(records, chosen.mapping, tally), tally))


def _unknown_source(name: str, known: Sequence[str]) -> str:
    from syncgate.documents import unknown

    return unknown("source", name, known)


def _post(invocation: Invocation, rows: list[Row], *, title: str, source: str, tally: Tally) -> None:
    from rich.console import Console
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from syncgate.cli.submitting import post_all

    look = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*look, console=Console(stderr=True)) as progress:
        on_progress = partial(progress.advance, progress.add_task(title, total=len(rows)))

        async def act(client: Any) -> None:
            await post_all(client, rows, source=source, tally=tally, on_progress=on_progress)

        call(invocation, act)


def _list_refused(target: Path, tally: Tally) -> Path | None:
    """Where the refused rows stand; on stderr where no file can be written."""
    from syncgate.cli.submitting import write_refused

    try:
        listed = write_refused(target, tally)
    except OSError as error:
        if tally.refused:
            note(f"expected to write {target}, got {error.strerror}; the refused rows:")
            note("\n".join(f"line {line}: {reason}" for line, reason in sorted(tally.refused)))
        return None
    if listed is not None:
        note(f"the refused rows' lines and reasons are in {listed}")
    return listed


def _counts(tally: Tally) -> str:
    return ", ".join(f"{count} {fate}" for fate, count in tally.by_fate().items())


def _title(case: dict[str, Any]) -> str:
    return f"case {case['case_id']} ({case['origin']}:{case['case_no']}), revision {case['revision']}"


def _sentences(passport: dict[str, Any]) -> list[str]:
    return [_sentence(system) for system in passport["systems"]]


def _sentence(system: dict[str, Any]) -> str:
    """Where the case stands at one system, and why."""
    name, slots = system["system"], system["slots"]
    if system["is_origin"] and not slots:
        return f"{name}: posted it, and holds its own record"
    if not slots:
        return f"{name}: gets nothing of this case"
    held_count = sum(1 for slot in slots if slot["holds"])
    number = f" as {system['case_ref']}" if system["case_ref"] else ""
    waiting = [(slot, one) for slot in slots for one in slot["opens"]]
    own_count = sum(1 for slot in slots if slot["holds"] and slot["holds"].get("reason"))
    own = f", {own_count} of them its own" if own_count else ""
    records = f"{held_count} of {len(slots)} records{number}{own}"
    if not waiting:
        return f"{name}: holds {records}" + ("" if held_count == len(slots) else "; no more is due")
    waits = f"; waits for {system['waits_for']}" if system["waits_for"] else ""
    return f"{name}: holds {records}; {_reason(*waiting[0])}{waits}"


def _reason(slot: dict[str, Any], waiting: dict[str, Any]) -> str:
    part = f" {slot['part']}" if slot["part"] else ""
    why = f" because of {waiting['reason']}" if waiting["reason"] else ""
    who = f", {waiting['actor']} must act" if waiting["phase"] == "parked" and waiting["actor"] else ""
    return f"{slot['message']}{part} is {waiting['phase']}{why}{who}"
