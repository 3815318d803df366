"""`syncgate where`: where a case stands."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, show
from syncgate.cli.submit import submit

__all__ = ["submit", "where"]


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
