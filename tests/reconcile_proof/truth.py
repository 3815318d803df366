"""Whether what a plan says was planted is so, at the systems themselves."""

from __future__ import annotations

from typing import Any

from tests.reconcile_proof.inside import Inside
from tests.reconcile_proof.plants import Planted


def untrue(inside: Inside, planted: list[Planted]) -> list[str]:
    """What of a plan is not so at the systems; one sentence each."""
    return [f"{one.system} {one.message} {one.kind}: {one.way}" for one in planted if not _is_so(inside, one)]


def _is_so(inside: Inside, one: Planted) -> bool:
    if one.spot is None:
        return bool(one.key)
    held = inside.held(one.spot)
    match one.kind:
        case "missing":
            return not held and bool(one.held)
        case "stale" | "edited_there" | "normalised_there":
            return differing(one.held, held) == set(one.fields)
        case "duplicate":
            return bool(held == one.held and inside.count(one.spot) == 2)
        case _:
            return bool(held)


def differing(before: Any, now: Any) -> set[str]:
    """The fields that are not as they were; of rows those of the newest."""
    before, now = (rows[-1] if isinstance(rows, list) and rows else rows for rows in (before, now))
    return {name for name in {*before, *now} if before.get(name) != now.get(name)}
