"""`syncgate submit` and `where`: cases in, and where they stand."""

from __future__ import annotations

import time
from functools import partial
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from syncgate.cli.context import Invocation, body_of, call, note, show
from syncgate.domain.errors import SiteInvalid

Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def submit(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A CSV file as the source writes it.")],
    source: Annotated[str, typer.Option(help="The source, as named in config.yaml.")],
    as_json: Json = False,
) -> None:
    """Post every row of a source's file as a case. May be interrupted and run again: nothing goes in twice.

    Example: syncgate submit OPEN1999_202604.csv --source taipei1999
    """
    from rich.console import Console
    from rich.progress import Progress

    from syncgate.cli.records import read_records
    from syncgate.cli.submitting import Tally, cases_of, post_all, write_refused

    invocation: Invocation = context.obj
    chosen = _source(invocation, source)
    columns = frozenset(path.split(".")[1] for path in chosen.mapping.paths)
    tally, begun = Tally(), time.monotonic()
    rows = list(cases_of(read_records(file, chosen.csv, columns=columns), chosen.mapping, tally))
    with Progress(console=Console(stderr=True)) as progress:
        task = progress.add_task(file.name, total=len(rows))

        async def act(client: Any) -> None:
            on_progress = partial(progress.advance, task)
            await post_all(client, iter(rows), source=source, tally=tally, on_progress=on_progress)

        call(invocation, act)
    refused = write_refused(file, tally)
    result = {**{name: tally.counts[name] for name in ("new", "changed", "unchanged", "refused")}}
    seconds = time.monotonic() - begun
    show(
        {**result, "seconds": round(seconds, 2), "refused_file": str(refused) if refused else None},
        as_json=as_json,
        text=lambda: ", ".join(f"{count} {name}" for name, count in result.items()) + f" in {seconds:.1f} s",
    )
    if refused is not None:
        note(f"the refused rows' lines and reasons are in {refused}")
        raise typer.Exit(1)


def where(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="Our id, or system:number.")],
    as_json: Json = False,
) -> None:
    """Say in one sentence per system where a case stands, and why.

    Example: syncgate where window:QX2026000001
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/cases/{quote(case, safe=':')}/passport"))

    passport = call(context.obj, act)
    show(passport, as_json=as_json, text=lambda: "\n".join(map(_sentence, passport["systems"])))


def _source(invocation: Invocation, name: str) -> Any:
    from syncgate.site.folder import load_site

    site = load_site(invocation.root, invocation.config_path)
    source = site.sources.get(name)
    if source is None or source.mapping is None or source.csv is None:
        known = sorted(key for key, one in site.sources.items() if one.mapping is not None and one.csv is not None)
        raise SiteInvalid(f"expected a source with a mapping and csv settings ({', '.join(known)}), got {name}")
    return source


def _sentence(system: dict[str, Any]) -> str:
    """Where the case stands at one system."""
    name = system["system"]
    slots = system.get("slots", [])
    held = [slot for slot in slots if slot.get("delivered_at") or slot.get("phase") == "delivered"]
    open_ones = [slot for slot in slots if slot.get("phase") not in ("delivered", "cancelled")]
    if system.get("is_origin"):
        return f"{name}: posted it, and holds its own record"
    if not slots:
        return f"{name}: gets nothing of this case"
    if not open_ones:
        return f"{name}: holds all {len(held)} records"
    first = open_ones[0]
    why = f" because of {first['reason']}" if first.get("reason") else ""
    part = f" {first['part']}" if first.get("part") else ""
    return f"{name}: holds {len(held)} of {len(slots)} records; {first['message']}{part} is {first['phase']}{why}"
