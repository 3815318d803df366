"""A run of reconciliation as the command line follows it: begun, watched, told."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

from syncgate.cli.calls import body_of
from syncgate.cli.context import BadArgument
from syncgate.cli.files import write_whole
from syncgate.cli.output import note, table
from syncgate.cli.speech import said, spoken
from syncgate.language import word

COUNTED: Final = ["system", "expected", "reported", "verified", "returned", "unjudged", "differences", "result"]
_LOOKS_EVERY: Final = 0.5
_PIECE: Final = 1024**2
_FORMATS: Final = {
    ".csv": "csv", ".tsv": "csv", ".txt": "csv", ".xlsx": "xlsx", ".ndjson": "ndjson", ".jsonl": "ndjson",
    ".json": "json", ".xml": "xml",
}  # fmt: skip
_REPORTS: Final = {".html": "html", ".xlsx": "xlsx", ".json": "json"}


@dataclass(frozen=True, slots=True, kw_only=True)
class RunFiles:
    """The files of a run. export: stands for the listing; query: how it is written. report: where it is told."""

    export: Path | None
    query: Mapping[str, str]
    report: Path | None

    @classmethod
    def of(cls, export: Path | None, report: Path | None, *, file_format: str | None, charset: str | None) -> RunFiles:
        """The files as a person named them. Raises BadArgument."""
        if report is not None and report.suffix.lower() not in _REPORTS:
            raise BadArgument("expected a report's name that ends with .html, .xlsx or .json, got another")
        query: dict[str, str] = {}
        if export is not None:
            name = file_format or _FORMATS.get(export.suffix.lower())
            if name is None:
                raise BadArgument("expected a file such as .csv or .xlsx, or --format, got {file}", file=export.name)
            query = {"format": name} | ({} if charset is None else {"charset": charset})
        return cls(export=export, query=query, report=report)


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is asked of every system."""

    body: Mapping[str, Any]
    files: RunFiles


def runs_of(systems: Sequence[str] | None, wanted: Wanted) -> Callable[[Any], Awaitable[list[dict[str, Any]]]]:
    """All of the runs, side by side, from their beginning to their end. systems: None: every one that is read back."""

    async def act(client: Any) -> list[dict[str, Any]]:
        names = list(systems) if systems is not None else await _read_back(client)
        begun = [await _begun(client, name, wanted) for name in names]
        with _progress() as tell:
            ended = await asyncio.gather(*(_followed(client, one, tell) for one in begun))
        for one in ended:
            await _reported(client, one, wanted.files.report, is_one=len(ended) == 1)
        return list(ended)

    return act


def run_of_source(source: str, wanted: Wanted) -> Callable[[Any], Awaitable[list[dict[str, Any]]]]:
    """The run of a source by its manifest, from its beginning to its end."""

    async def act(client: Any) -> list[dict[str, Any]]:
        at = f"/v1/sources/{quote(source, safe='')}/manifests"
        begun = body_of(await _sent(client, at, wanted.files, {**wanted.files.query, **wanted.body}))
        with _progress() as tell:
            ended = await _followed(client, begun, tell)
        await _reported(client, ended, wanted.files.report, is_one=True)
        return [ended]

    return act


def changed_at(file: Path) -> str:
    """When a file was last changed, with offset. Raises BadArgument."""
    try:
        return datetime.fromtimestamp(file.stat().st_mtime, UTC).isoformat()
    except OSError as error:
        raise BadArgument("expected a readable file {file}, got {error}", file=file, error=error.strerror) from None


def is_clean(run: Mapping[str, Any]) -> bool:
    """Whether all was judged, and nothing that was found is left as it is."""
    is_left = sum(run["differences"].values()) > sum(run["mended"].values())
    return run["outcome"] == "complete" and not is_left and not run["left"]


def told(runs: Sequence[Mapping[str, Any]]) -> str:
    """The table of some runs, and what follows from each."""
    lines = [table([_counted(run) for run in runs], COUNTED)]
    for run in runs:
        lines += [said(line) for line in _more(run)]
    return "\n".join(lines)


def row(run: Mapping[str, Any]) -> dict[str, Any]:
    """One run as a row."""
    return {**run, "outcome": run["outcome"] or ""}


def discrepancy_row(found: Mapping[str, Any]) -> dict[str, Any]:
    """One discrepancy as a row."""
    at = f"{found['origin']}:{found['case_no']}" if found["case_no"] is not None else ""
    return {**found, "case": at}


def _counted(run: Mapping[str, Any]) -> dict[str, Any]:
    return {
        **run["totals"],
        "system": run["system"],
        "reported": run["totals"]["delivered"],
        "differences": sum(run["differences"].values()),
        "result": word("outcome", run["outcome"] or "", spoken()),
    }


def _more(run: Mapping[str, Any]) -> Iterator[str]:
    name = run["system"]
    for kind, count in sorted(run["differences"].items()):
        yield f"{name}: {count} {word('kind', kind, spoken())}"
    if run["left"]:
        yield f"{name}: {run['left']} left to a person; look with:"
        yield f"  syncgate reconcile discrepancies --system {name}"
    for one in run["listings"]:
        if one["doubts"]:
            doubts = ", ".join(word("doubt", doubt, spoken()) for doubt in one["doubts"])
            yield f"{name}: {one['listing']} was not read for certain: {doubts}"
    if run["cancelled_by"]:
        yield f"{name}: cancelled by {run['cancelled_by']}"


async def _read_back(client: Any) -> list[str]:
    systems = body_of(await client.get("/v1/systems"))
    found = [
        one["system"] for one in systems if one["readback"] is not None and one["mode"] not in ("draft", "retired")
    ]
    if not found:
        raise BadArgument("expected systems whose adapters have `reconciliation`, got none")
    return found


async def _begun(client: Any, system: str, wanted: Wanted) -> dict[str, Any]:
    body = {"system": system, **wanted.body}
    if wanted.files.export is not None:
        body["export"] = await _uploaded(client, system, wanted.files)
    begun: dict[str, Any] = body_of(await client.post("/v1/reconciliations", json=body))
    return begun


async def _uploaded(client: Any, system: str, files: RunFiles) -> str:
    answer = await _sent(client, f"/v1/systems/{quote(system)}/exports", files, files.query)
    return str(body_of(answer)["export_id"])


async def _sent(client: Any, at: str, files: RunFiles, query: Mapping[str, Any]) -> Any:
    """The answer to a file."""
    assert files.export is not None
    return await client.post(
        at,
        params=query,
        content=_pieces(files.export),
        headers={"Content-Type": "application/octet-stream"},
        timeout=600,
    )


async def _pieces(path: Path) -> AsyncIterator[bytes]:
    try:
        stream = path.open("rb")
    except OSError as error:
        raise BadArgument("expected a readable file {file}, got {error}", file=path, error=error.strerror) from None
    with stream:
        while piece := await asyncio.to_thread(stream.read, _PIECE):
            yield piece


Tell = Callable[[Mapping[str, Any]], None]


async def _followed(client: Any, run: dict[str, Any], tell: Tell) -> dict[str, Any]:
    """The run at its end; a person who ends the command ends the run too."""
    path = f"/v1/reconciliations/{quote(run['reconciliation_id'])}"
    try:
        while run["outcome"] is None:
            tell(run)
            await asyncio.sleep(_LOOKS_EVERY)
            run = body_of(await client.get(path))
    except asyncio.CancelledError:
        await client.delete(path)
        raise
    tell(run)
    return run


async def _reported(client: Any, run: Mapping[str, Any], file: Path | None, *, is_one: bool) -> None:
    if file is None:
        return
    named = file if is_one else file.with_name(f"{file.stem}-{run['system']}{file.suffix}")
    query = {"format": _REPORTS[file.suffix.lower()], "language": spoken()}
    answer = await client.get(f"/v1/reconciliations/{quote(run['reconciliation_id'])}/report", params=query)
    if not answer.is_success:
        body_of(answer)
    await asyncio.to_thread(write_whole, named, answer.content)
    note(f"the report is in {named}")


@contextmanager
def _progress() -> Iterator[Tell]:
    """Tells how far runs are: a line each that moves on a terminal, else a line whenever something changed."""
    if not sys.stderr.isatty():
        yield _lines()
        return
    from rich.console import Console
    from rich.progress import BarColumn, Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(20), TextColumn("{task.fields[words]}"))
    with Progress(*columns, TimeElapsedColumn(), console=Console(stderr=True), transient=True) as progress:
        tasks: dict[str, Any] = {}

        def tell(run: Mapping[str, Any]) -> None:
            name = run["system"]
            if name not in tasks:
                tasks[name] = progress.add_task(name, total=None, words="")
            expected = run["totals"]["expected"] or None
            progress.update(tasks[name], words=_words(run), completed=run["records"], total=expected)

        yield tell


def _lines() -> Tell:
    before: dict[str, str] = {}

    def tell(run: Mapping[str, Any]) -> None:
        words = _words(run)
        if before.get(run["system"]) != words:
            before[run["system"]] = words
            note(f"{run['system']}: {words}")

    return tell


def _words(run: Mapping[str, Any]) -> str:
    if run["outcome"] is not None:
        return word("outcome", run["outcome"], spoken())
    return " ".join(filter(None, [word("stage", run["stage"], spoken()), run["listing"], str(run["records"] or "")]))
