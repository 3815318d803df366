"""`syncgate init`, `check`, `deploy`: a site's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from syncgate.cli import readbacks
from syncgate.cli.calls import body_of, call
from syncgate.cli.context import Invocation
from syncgate.cli.live import is_well, look, row, words
from syncgate.cli.output import AsJson, note, show
from syncgate.domain.errors import SiteInvalid


def init(
    folder: Annotated[Path, typer.Argument(help="A folder that is empty or not there yet.")],
    as_json: AsJson = False,
) -> None:
    """Write a new site: configuration, one example system with adapter, mapping and contract, and the schema.

    Example: syncgate init my-city
    """
    from syncgate.cli.templates import write_site

    written = write_site(folder)
    result = {"folder": str(folder), "files": [path.relative_to(folder).as_posix() for path in written]}
    lines = [f"wrote {len(written)} files to {folder}; next:"]
    lines += [
        f"  syncgate --site {folder} {words}" for words in ("check", "mapping test", f"map {folder}/examples/case.json")
    ]
    show(result, as_json=as_json, text=lambda: "\n".join(lines))


def check(
    context: typer.Context,
    live: Annotated[
        bool, typer.Option("--live", help="Look at the systems too: what is there and contradicts its adapter.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Check the whole site: every problem with file, line and column, and what a system makes impossible.

    Example: syncgate check --live
    """
    from syncgate.documents import ProblemSet

    invocation: Invocation = context.obj
    try:
        site = invocation.site()
    except ProblemSet as found:
        _refuse(found.problems, as_json=as_json)
    warnings = [_row(problem) for problem in site.warnings]
    result: dict[str, Any] = {"ok": True, "problems": [], "warnings": warnings, "systems": sorted(site.bundles)}
    result["readback"] = [readbacks.row(site.bundles[system]) for system in sorted(site.bundles)]
    lines = [f"{w['file']}:{w['line']}:{w['column']}: warning: {w['message']}" for w in warnings]
    lines += readbacks.words(result["readback"])
    lines.append(f"{len(site.bundles)} systems, {len(site.sources)} sources, no problems, {len(warnings)} warnings")
    seen = look(invocation, site) if live else ()
    if live:
        result |= {"ok": all(map(is_well, seen)), "live": [row(one) for one in seen]}
        lines += [line for one in seen for line in words(one)]
    show(result, as_json=as_json, text=lambda: "\n".join(lines))
    if not result["ok"]:
        raise typer.Exit(1)


def deploy(context: typer.Context, as_json: AsJson = False) -> None:
    """Check the site and activate it on the running gate, without restart. Queues nothing.

    Example: syncgate deploy
    """
    invocation: Invocation = context.obj
    if not invocation.site().bundles:
        raise SiteInvalid("expected at least one system to deploy, got none")

    async def act(client: Any) -> Any:
        return body_of(await client.post("/v1/deployments"))

    done = call(invocation, act)
    lines = [f"{row['system']}: {_short(row['before'])} -> {_short(row['after'])}" for row in done["changed"]]
    for one in done["refused"]:
        lines.append(f"{one['system']}: not activated, because what is there contradicts its adapter:")
        lines += [f"  {difference['at']}: {difference['words']}" for difference in one["differences"]]
    lines += [f"{one['system']}: could not be looked at: {one['failure']}" for one in done["unseen"]]
    show(done, as_json=as_json, text=lambda: "\n".join(lines) or "nothing to change")
    if done["refused"]:
        raise typer.Exit(1)


def _refuse(problems: Any, *, as_json: bool) -> Any:
    if as_json:
        rows = [_row(problem) for problem in problems]
        show({"ok": False, "problems": rows, "warnings": [], "systems": []}, as_json=True, text=str)
    else:
        note("\n".join(map(str, problems)))
        note(f"{len(problems)} problems")
    raise typer.Exit(1)


def _row(problem: Any) -> dict[str, Any]:
    place = problem.place
    return {
        "file": place.file,
        "line": place.line,
        "column": place.column,
        "code": problem.code,
        "message": problem.message,
    }


def _short(digest: str | None) -> str:
    return "none" if digest is None else digest.removeprefix("sha256:")[:12]
