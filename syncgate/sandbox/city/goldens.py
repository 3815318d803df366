"""The cases written by hand: their calls and what the systems must hold of them, as files."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from syncgate.sandbox.city.joining import said_again
from syncgate.sandbox.city.script import Call, Gate, Life, Typed

GOLDEN_FOLDER = Path(__file__).parent.parent / "golden"


def golden_documents() -> dict[str, dict[str, Any]]:
    """File name without ending -> the document, in the order of their names."""
    return {path.stem: json.loads(path.read_text("utf-8")) for path in sorted(GOLDEN_FOLDER.glob("*.json"))}


def golden_life(document: dict[str, Any]) -> Life:
    """The life that a golden document writes out."""
    calls: list[Call] = []
    for written in document["calls"]:
        calls.append(said_again(calls[written["again"]]) if "again" in written else _call(written))
    return Life(calls[0].body["case_no"], frozenset(document["traits"]), tuple(calls))


def _call(written: dict[str, Any]) -> Call:
    gates = tuple(Gate(system, message, phase) for system, message, phase in written.get("after", ()))
    return Call(
        written["method"],
        written["path"],
        written["body"],
        idempotency_key=written.get("idempotency_key"),
        times=written.get("times", 1),
        after=gates,
        source=written.get("source", "window"),
        typed=Typed(**written["typed"]) if "typed" in written else None,
        unreached=tuple(written.get("unreached", ())),
    )
