"""`syncgate db`: the store's schema, its counters and its audit chain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING, Annotated, Any, Final

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
_TOLD_EVERY: Final = 50_000


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
    """Look for damage, compare the counters with the deliveries, verify the audit's hash chain. Needs no running gate.

    Example: syncgate db check
    """
    with _opened(context) as opened:
        damage = opened.store.damage()
        if damage:
            show({"damage": damage}, as_json=as_json, text=lambda: _damage_words(damage))
            raise typer.Exit(1)
        wrong = opened.store.read(_wrong_counters)
        audit = opened.store.read(lambda tx: tx.verify_audit(opened.keyring))
    result = {
        "damage": [],
        "counters_wrong": wrong,
        "audit_entries": audit.entries_count,
        "audit_broken": [f"{writer}:{entry_no}" for writer, entry_no in audit.broken],
    }
    show(result, as_json=as_json, text=lambda: _words(result))
    if wrong or not audit.is_whole:
        raise typer.Exit(1)


@app.command("restored")
def restored(
    context: typer.Context,
    reason: Annotated[str, typer.Option(help="Which backup was restored, and why; kept in the audit.")],
    hold: Annotated[
        bool, typer.Option("--hold", help="Also hold every system until you lift that, so that sources can post first.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """After an older store was put back: have all that is open in it asked about before anything is sent. No gate runs.

    Example: syncgate db restored --reason "disk of 2 May lost, backup of 1 May 03:00"
    """
    import asyncio

    told = asyncio.run(_put_in_question(context, reason, is_holding=hold))
    show(told, as_json=as_json, text=lambda: _in_question_words(told))


async def _put_in_question(context: typer.Context, reason: str, *, is_holding: bool) -> dict[str, Any]:
    from syncgate.bootstrap import running_gate
    from syncgate.flows.operating.restored import put_all_in_question
    from syncgate.telemetry import configure

    place = context.obj.place
    configure(level="warning", form="console")
    with _opened(context, is_exclusive=True) as opened:
        async with running_gate(place, opened, is_dispatching=False) as running:
            done = await put_all_in_question(
                running.gate, by="cli", reason=reason, is_holding=is_holding, on_progress=_counting()
            )
    systems = {name: asdict(found) for name, found in done.systems.items()}
    return {"restored_at": done.restored_at.isoformat(), "is_holding": is_holding, "systems": systems}


def _counting() -> Callable[[int], None]:
    """Says now and then how many deliveries were looked at."""
    from syncgate.cli.output import note

    looked_at = 0

    def count(more: int) -> None:
        nonlocal looked_at
        before, looked_at = looked_at, looked_at + more
        if looked_at // _TOLD_EVERY > before // _TOLD_EVERY:
            note(f"looked at {looked_at} open deliveries")

    return count


def _in_question_words(told: dict[str, Any]) -> str:
    columns = ("asked", "held", "in_turn", "sent_again")
    lines = [
        f"{name}: {counts['asked']} to be looked up, {counts['held']} held for a person,"
        f" {counts['in_turn']} when their turn comes, {counts['sent_again']} the system tells apart itself"
        for name, counts in told["systems"].items()
        if any(counts[column] for column in columns)
    ]
    held = ["every system is held; see holds list"] if told["is_holding"] else []
    return "\n".join([*(lines or ["nothing was open"]), *held])


def _damage_words(damage: list[str]) -> str:
    found = "\n".join(damage)
    return f"the store is DAMAGED; see how to back up and restore:\n{found}"


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


def _opened(context: typer.Context, *, is_exclusive: bool = False) -> AbstractContextManager[OpenStore]:
    from syncgate.bootstrap import open_store

    invocation: Invocation = context.obj
    return open_store(invocation.place, invocation.config(), writer="cli", is_exclusive=is_exclusive)
