"""`syncgate submit`: a source's files in, row by row, however often."""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncgate.cli.calls import call
from syncgate.cli.context import BadArgument, CallFailed, Invocation
from syncgate.cli.output import AsJson, note, show
from syncgate.cli.terminal import one_line

if TYPE_CHECKING:
    from syncgate.cli.source_files import SourceFile
    from syncgate.cli.staging import Staging
    from syncgate.site.sources import Source


@dataclass(slots=True)
class Report:
    """What became of one file. counts: rows by fate; why: the reason where it was refused as a whole."""

    file: str
    batch: str
    counts: dict[str, int]
    unread: tuple[str, ...] = ()
    listed: Path | None = None
    why: str = ""

    @property
    def is_taken(self) -> bool:
        """Whether all of it was taken, and would be delivered as far as a dry run tells."""
        return not (self.why or self.counts.get("refused") or self.counts.get("parked"))

    def document(self) -> dict[str, Any]:
        """For machines."""
        told = {"file": self.file, "batch": self.batch, **self.counts, "unread_columns": list(self.unread)}
        return {**told, "refused_file": str(self.listed) if self.listed else None, "reason": self.why or None}


@dataclass(frozen=True, slots=True)
class Task:
    """What is to be done with every file."""

    invocation: Invocation
    source: Source
    is_dry: bool
    listing: Path | None


def submit(
    context: typer.Context,
    file: Annotated[
        list[Path],
        typer.Argument(help="Files as the source writes them, or canonical cases as .json or .ndjson; or folders."),
    ],
    source: Annotated[str, typer.Option(help="The source, as named in config.yaml.")],
    batch: Annotated[
        str | None,
        typer.Option(
            help="What tells this delivery from another, for a source without ids; left out: the file's name."
        ),
    ] = None,
    format_name: Annotated[
        str | None,
        typer.Option(
            "--format", help="csv, xml, json, ndjson, xlsx, form or cases; left out: as the file's name says."
        ),
    ] = None,
    dry_run: Annotated[
        bool, typer.Option("--dry-run", help="Say what would become of each row; post nothing.")
    ] = False,
    refused: Annotated[
        Path | None, typer.Option(help="Where refused rows are listed; left out: <FILE>.refused.csv.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Post every row of a source's file as a case. May be interrupted and run again: nothing goes in twice.

    Example: syncgate submit OPEN1999_202604.csv --source taipei1999
    """
    from syncgate.cli.findings import require_free

    begun = time.monotonic()
    invocation: Invocation = context.obj
    chosen = _source(invocation, source)
    files = _files(file, chosen, batch=batch, format_name=format_name)
    if refused is not None and len(files) > 1:
        raise BadArgument("expected one file with --refused, got several")
    if refused is not None:
        require_free(refused)
    task = Task(invocation, chosen, dry_run, refused)
    try:
        reports = [_submitted(task, one) for one in files]
    except sqlite3.Error as error:
        words = "expected room for a copy of the file in the temporary folder (SQLITE_TMPDIR), got: {why}"
        raise CallFailed(words, why=error) from None
    _show(reports, seconds=time.monotonic() - begun, is_dry=dry_run, as_json=as_json)
    if not all(report.is_taken for report in reports):
        raise typer.Exit(1)


def _source(invocation: Invocation, name: str) -> Source:
    from syncgate.documents import unknown

    sources = invocation.site().sources
    if name not in sources:
        raise BadArgument(unknown("source", name, sorted(sources)))
    return sources[name]


def _files(paths: Sequence[Path], source: Source, *, batch: str | None, format_name: str | None) -> list[SourceFile]:
    from syncgate.cli.source_files import FORMATS, chosen, files_in, require_one_batch_each
    from syncgate.documents import unknown

    if format_name is not None and format_name not in FORMATS:
        raise BadArgument(unknown("format", format_name, FORMATS))
    files = [chosen(path, source, batch=batch, format_name=format_name) for path in files_in(paths)]
    require_one_batch_each(files, source.mapping)
    return files


def _submitted(task: Task, file: SourceFile) -> Report:
    """Posts one file. It is read to its end first: one that is refused as a whole posts nothing."""
    from syncgate.cli.records import rows_of
    from syncgate.cli.staging import Staging
    from syncgate.records.header import some
    from syncgate.records.numbering import Seen
    from syncgate.records.reading import Columns
    from syncgate.records.record import FileRefused

    columns = Columns()
    with closing(Staging()) as staging, closing(Seen()) as seen:
        report = Report(file.path.name, file.batch, staging.by_fate())
        try:
            rows = rows_of(file, task.source.mapping, columns=columns, seen=seen)
            staging.take(rows, source=task.source.name, seen=seen)
        except FileRefused as error:
            report.why = error.message
            note(f"{error.code}: {error.message}")
            return report
        report.unread = columns.unread
        if columns.unread:
            note(f"{file.name}: the mapping reads nothing of {some(columns.unread)}")
        try:
            _exchange(task, staging, title=file.name)
        except BaseException:
            note(f"before it ended: {_words(staging.by_fate())}")
            raise
        report.counts = {**staging.by_fate(), **({"parked": staging.counts["parked"]} if task.is_dry else {})}
        ending = ".check.csv" if task.is_dry else ".refused.csv"
        report.listed = _list(task.listing or file.path.with_name(file.path.name + ending), staging, file.name)
    return report


def _exchange(task: Task, staging: Staging, *, title: str) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

    from syncgate.cli.submitting import Posting, check_all, post_all

    look = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*look, console=Console(stderr=True)) as progress:
        on_progress = partial(progress.advance, progress.add_task(escape(title), total=staging.case_count))

        async def act(client: Any) -> None:
            posting = Posting(client, task.source.name, staging, on_progress)
            await (check_all(posting) if task.is_dry else post_all(posting))

        call(task.invocation, act)


def _list(target: Path, staging: Staging, file: str) -> Path | None:
    """Where the findings stand; on stderr where no file can be written."""
    from syncgate.cli.findings import write_findings

    try:
        listed = write_findings(target, staging.findings(), file=file)
    except OSError as error:
        note(f"expected to write {target}, got {error.strerror}; the refused rows:")
        for finding in staging.findings():
            note(f"line {finding.line}: {finding.at}: {finding.reason}")
        return None
    if listed is not None:
        note(f"the refused rows' lines and reasons are in {listed}")
    return listed


def _show(reports: Sequence[Report], *, seconds: float, is_dry: bool, as_json: bool) -> None:
    fates = list(dict.fromkeys(fate for report in reports for fate in report.counts))
    totals = {fate: sum(report.counts.get(fate, 0) for report in reports) for fate in fates}
    only = reports[0].document()["refused_file"] if len(reports) == 1 else None
    told = {**totals, "seconds": round(seconds, 2), "refused_file": only, "dry_run": is_dry}
    show(
        {**told, "files": [report.document() for report in reports]},
        as_json=as_json,
        text=lambda: "\n".join(_lines(reports, totals, seconds, is_dry=is_dry)),
    )


def _lines(reports: Sequence[Report], totals: dict[str, int], seconds: float, *, is_dry: bool) -> list[str]:
    each = [f"{one_line(one.file)}: {'refused as a whole' if one.why else _words(one.counts)}" for one in reports]
    would = "would be " if is_dry else ""
    return [*(each if len(reports) > 1 else ()), f"{would}{_words(totals)} in {seconds:.1f} s"]


def _words(counts: dict[str, int]) -> str:
    return ", ".join(f"{count} {fate}" for fate, count in counts.items())
