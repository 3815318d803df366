"""`syncgate db`: the store's schema and its audit chain."""

from __future__ import annotations

from typing import Any

import typer

from syncgate.cli.context import Invocation
from syncgate.cli.output import AsJson, show

app = typer.Typer(no_args_is_help=True, help="The store.")


@app.command("migrate")
def migrate(context: typer.Context, as_json: AsJson = False) -> None:
    """Bring the store's schema to this version. `serve` does the same at start.

    Example: syncgate db migrate
    """
    with _opened(context):
        pass
    show({"migrated": True}, as_json=as_json, text=lambda: "the store has this version's schema")


@app.command("check")
def check(context: typer.Context, as_json: AsJson = False) -> None:
    """Compare the roll-up counters with the deliveries, and verify the audit's hash chain. Needs no running gate.

    Example: syncgate db check
    """
    with _opened(context) as opened:
        broken = opened.store.broken_counters()
        audit = opened.store.verify_audit(opened.keyring)
    result = {"counters_broken": len(broken), "audit_is_whole": audit.is_whole}
    show(result, as_json=as_json, text=lambda: _words(result))
    if broken or not audit.is_whole:
        raise typer.Exit(1)


def _words(result: dict[str, Any]) -> str:
    counters = "equal the deliveries" if not result["counters_broken"] else "differ from the deliveries"
    return f"counters {counters}; the audit chain is {'whole' if result['audit_is_whole'] else 'BROKEN'}"


def _opened(context: typer.Context) -> Any:
    from syncgate.bootstrap import open_store

    invocation: Invocation = context.obj
    return open_store(invocation.root, invocation.config(), writer="cli")
