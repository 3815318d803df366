"""`syncgate init`, `check`, `deploy`: a site's folder."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from syncgate.cli.context import Invocation, body_of, call, note, show
from syncgate.documents import ProblemSet
from syncgate.domain.errors import SiteInvalid

Json = Annotated[bool, typer.Option("--json", help="For machines.")]


def init(folder: Annotated[Path, typer.Argument(help="A folder that is empty or not there yet.")]) -> None:
    """Write a new site: configuration, one example system with adapter, mapping and contract, and the schema.

    Example: syncgate init my-city
    """
    from syncgate.cli.templates import write_site

    written = write_site(folder)
    typer.echo(f"wrote {len(written)} files to {folder}; next: syncgate --site {folder} check")


def check(context: typer.Context, as_json: Json = False) -> None:
    """Check the whole site: every problem with file, line and column, and what a system makes impossible.

    Example: syncgate check
    """
    from syncgate.site.folder import load_site

    invocation: Invocation = context.obj
    try:
        site = load_site(invocation.root, invocation.config_path)
    except ProblemSet as problems:
        if as_json:
            rows = [_row(problem) for problem in problems.problems]
            show({"ok": False, "problems": rows, "warnings": []}, as_json=True, text=str)
        else:
            note(str(problems))
            note(f"{len(problems.problems)} problems")
        raise typer.Exit(1) from None
    warnings = [_row(problem) for problem in site.warnings]
    result = {"ok": True, "problems": [], "warnings": warnings, "systems": sorted(site.bundles)}
    lines = [f"{w['file']}:{w['line']}:{w['column']}: warning: {w['message']}" for w in warnings]
    lines.append(f"{len(site.bundles)} systems, {len(site.sources)} sources, no problems, {len(warnings)} warnings")
    show(result, as_json=as_json, text=lambda: "\n".join(lines))


def deploy(context: typer.Context, as_json: Json = False) -> None:
    """Check the site and activate it on the running gate, without restart. Queues nothing.

    Example: syncgate deploy
    """
    from syncgate.site.folder import load_site

    invocation: Invocation = context.obj
    site = load_site(invocation.root, invocation.config_path)
    if not site.bundles:
        raise SiteInvalid("expected at least one system to deploy, got none")

    async def act(client: Any) -> Any:
        return body_of(await client.post("/v1/deployments"))

    done = call(invocation, act)
    lines = [f"{row['system']}: {(row['before'] or 'none')[:19]} -> {row['after'][:19]}" for row in done["changed"]]
    show(done, as_json=as_json, text=lambda: "\n".join(lines) or "nothing to change")


def _row(problem: Any) -> dict[str, Any]:
    place = problem.place
    return {"file": place.file, "line": place.line, "column": place.column, "message": problem.message}
