"""The one Typer application, its global options, and how errors end a command."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.main import get_command

from syncgate.cli import (
    alerts,
    arrivals,
    cases,
    closing,
    database,
    deliveries,
    demo,
    duplicates,
    keys,
    letters,
    mappings,
    meter,
    reconcile,
    replan,
    returns,
    serving,
    sites,
    systems,
    worklist,
)
from syncgate.cli.context import Invocation
from syncgate.cli.endings import REFUSED, end, misused
from syncgate.cli.output import note
from syncgate.cli.speech import asked_for, is_for_machines, never_fail, speak
from syncgate.language import Language

app = typer.Typer(
    name="syncgate",
    help="A case is typed once, and every system that needs it holds it, provably.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
)

app.command("init")(sites.init)
app.command("check")(sites.check)
app.command("deploy")(sites.deploy)
app.command("serve")(serving.serve)
app.command("demo")(demo.demo)
app.command("submit")(cases.submit)
app.command("where")(cases.where)
app.add_typer(closing.app, name="cases")
app.add_typer(duplicates.app, name="duplicates")
app.command("map")(mappings.map_case)
app.add_typer(mappings.app, name="mapping")
app.add_typer(deliveries.app, name="deliveries")
app.add_typer(returns.app, name="returns")
app.command("worklist")(worklist.worklist)
app.command("letter")(letters.letter)
app.command("proof")(letters.proof)
app.add_typer(systems.app, name="systems")
app.command("replan")(replan.replan)
app.add_typer(reconcile.app, name="reconcile")
app.add_typer(alerts.app, name="alerts")
app.add_typer(arrivals.app, name="arrivals")
app.command("meter")(meter.meter)
app.add_typer(keys.app, name="keys")
app.add_typer(database.app, name="db")


@app.callback()
def invocation(
    context: typer.Context,
    site: Annotated[Path, typer.Option(help="The site's folder.", envvar="SYNCGATE_SITE")] = Path(),
    config: Annotated[
        Path | None,
        typer.Option(help="Another configuration than the site's config.yaml.", envvar="SYNCGATE_CONFIG"),
    ] = None,
    environment: Annotated[
        str | None,
        typer.Option(help="Another environment than the configuration chooses.", envvar="SYNCGATE_ENVIRONMENT"),
    ] = None,
    language: Annotated[
        Language | None, typer.Option(help="zh or en; left out: as the terminal is set.", show_default=False)
    ] = None,
) -> None:
    """A case is typed once, and every system that needs it holds it, provably.

    Example: syncgate --site my-city check
    """
    context.obj = Invocation(site.resolve(), config.resolve() if config is not None else None, environment)


def main() -> None:
    """Runs the command line and ends the process."""
    arguments = sys.argv[1:]
    never_fail(sys.stdout, sys.stderr)
    language = asked_for(arguments, os.environ)
    speak("en" if is_for_machines(arguments) else language)
    command = get_command(app)
    if language == "zh":
        from syncgate.cli.chinese_help import translate

        translate(command)
    sys.exit(_ended(command))


def _ended(command: Any) -> int:
    """The exit code of one run of the command line."""
    try:
        return int(command.main(prog_name="syncgate", standalone_mode=False) or 0)
    except typer.Abort:
        note("Aborted!")
        return REFUSED
    except Exception as error:
        return misused(error) if hasattr(error, "format_message") else end(error)
