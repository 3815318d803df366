"""What must have become of each planted difference once it was mended, said by hand and looked up at the systems."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from contextlib import closing
from typing import Any, Final

from tests.reconcile_proof.inside import Inside
from tests.reconcile_proof.place import ProofPlace
from tests.reconcile_proof.plants import Planted
from tests.reconcile_proof.slots import Spot
from tests.reconcile_proof.truth import differing

Json = Any

BY_CLASS: Final[Mapping[str, str]] = {
    "missing": "resend",
    "duplicate": "ask",
    "stale": "resend",
    "edited_there": "ask",
    "normalised_there": "ask",
    "no_longer_planned": "retract",
    "unexpected": "ask",
    "confirmed": "confirm",
    "mapping_changed": "ask",
}
"""What the example site's adapters say is to be done."""
FOODS_OWN: Final = frozenset({"area", "warehouse"})
"""What food's own people have the last word on."""
_OF_THE_SENDING: Final = frozenset({"id", "cd_batch", "cd_time", "cd_operation", "is_sync"})
"""Columns that say how a row was sent, not what it says."""


def action_of(one: Planted) -> str:
    """What is to be done about it."""
    if one.kind == "edited_there" and one.system == "food" and set(one.fields) <= FOODS_OWN:
        return "accept"
    return BY_CLASS[one.kind]


def is_left(one: Planted) -> bool:
    """Whether it is left to a person, or not to be found yet, or beyond what can be found."""
    return not one.is_found or one.is_young or action_of(one) == "ask"


def unmended(inside: Inside, planted: Iterable[Planted]) -> list[str]:
    """What is not as it must be at the systems after mending; one sentence each."""
    return [said for one in planted if (said := _wrong(inside, one))]


def _wrong(inside: Inside, one: Planted) -> str:
    if one.spot is None or is_left(one):
        return ""
    held, count, action = inside.held(one.spot), inside.count(one.spot), action_of(one)
    place = f"{one.system} {one.message} {one.kind} {one.case_id}"
    if action == "retract":
        return f"{place}: expected nothing there, got a record" if held else ""
    if not held:
        return f"{place}: expected a record there, got none"
    if action == "accept":
        changed = differing(one.held, held) ^ set(one.fields)
        return f"{place}: expected it to stand as it was typed there, got other {sorted(changed)}" if changed else ""
    if changed := differing(one.held, held) - _OF_THE_SENDING:
        return f"{place}: expected what stood there before, got other {sorted(changed)}"
    return f"{place}: expected it once, got it {count} times" if count != 1 else ""


def sent_again(place: ProofPlace, planted: Iterable[Planted]) -> list[str]:
    """What was sent more than once to mend it, as the systems' own ledgers tell; one sentence each."""
    wrong = []
    for one in planted:
        if one.spot is None or one.spot.system == "frontdb" or is_left(one):
            continue
        count = _sends_since_altered(place, one.spot)
        most = 0 if action_of(one) in ("accept", "confirm") else 1
        if count > most:
            wrong.append(f"{one.system} {one.message} {one.kind} {one.case_id}: expected {most} sends, got {count}")
    return wrong


def _sends_since_altered(place: ProofPlace, spot: Spot) -> int:
    file = place.systems / f"{spot.system}.sqlite"
    with closing(sqlite3.connect(file)) as ledger:
        rows = ledger.execute("SELECT kind FROM effects WHERE key = ? AND part = ? ORDER BY seq", (spot.key, spot.part))
        kinds = [kind for (kind,) in rows]
    altered = [no for no, kind in enumerate(kinds) if kind in ("altered", "doubled", "removed")]
    last = altered[-1] if altered else 0
    return sum(kind in ("created", "updated") for kind in kinds[last + 1 :])
