"""`syncgate db`: the store's schema, its counters and its audit chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, Final

import typer

from syncgate.cli.context import Invocation
from syncgate.cli.output import AsJson, show

if TYPE_CHECKING:
    from contextlib import AbstractContextManager

    from syncgate.bootstrap import OpenStore
    from syncgate.domain.rows import Delivery
    from syncgate.ports import Tx

app = typer.Typer(no_args_is_help=True, help="The store.")
_PAGE: Final = 5000


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
        wrong = opened.store.read(_wrong_counters)
        audit = opened.store.read(lambda tx: tx.verify_audit(opened.keyring))
    result = {
        "counters_wrong": wrong,
        "audit_entries": audit.entries_count,
        "audit_broken": [f"{writer}:{entry_no}" for writer, entry_no in audit.broken],
    }
    show(result, as_json=as_json, text=lambda: _words(result))
    if wrong or not audit.is_whole:
        raise typer.Exit(1)


def _wrong_counters(tx: Tx) -> list[str]:
    """Every counter that differs from the deliveries, and how."""
    counted = Counter((one.system, one.phase, one.reason or "") for one in _deliveries(tx))
    rolled = Counter(tx.counters())
    keys = sorted(key for key in counted.keys() | rolled.keys() if counted[key] != rolled[key])
    return [f"{' '.join(filter(None, key))}: expected {counted[key]}, got {rolled[key]}" for key in keys]


def _deliveries(tx: Tx) -> Iterator[Delivery]:
    from syncgate.ports import DeliveryFilter

    after = None
    while page := tx.list_deliveries(DeliveryFilter(), after=after, limit=_PAGE):
        yield from page
        after = page[-1].delivery_id


def _words(result: dict[str, Any]) -> str:
    wrong, broken = result["counters_wrong"], result["audit_broken"]
    counters = "counters equal the deliveries" if not wrong else f"counters are wrong: {'; '.join(wrong)}"
    chain = f"the audit chain of {result['audit_entries']} entries is"
    return f"{counters}\n" + (f"{chain} whole" if not broken else f"{chain} BROKEN at {', '.join(broken)}")


def _opened(context: typer.Context) -> AbstractContextManager[OpenStore]:
    from syncgate.bootstrap import open_store

    invocation: Invocation = context.obj
    return open_store(invocation.place, invocation.config(), writer="cli")
