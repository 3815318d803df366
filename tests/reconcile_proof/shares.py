"""How many differences of each class are planted at each message."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from tests.reconcile_proof.slots import Message

WEIGHTS: Final[Mapping[tuple[Message, str], int]] = {
    (("workorders", "order"), "missing"): 60,
    (("workorders", "order"), "duplicate"): 40,
    (("workorders", "order"), "stale"): 60,
    (("workorders", "order"), "edited_there"): 60,
    (("workorders", "order"), "normalised_there"): 40,
    (("workorders", "order"), "no_longer_planned"): 30,
    (("workorders", "order"), "unexpected"): 40,
    (("workorders", "order"), "confirmed"): 40,
    (("workorders", "order"), "mapping_changed"): 30,
    (("food", "application"), "missing"): 40,
    (("food", "application"), "duplicate"): 30,
    (("food", "application"), "stale"): 50,
    (("food", "application"), "edited_there"): 60,
    (("food", "application"), "normalised_there"): 30,
    (("food", "application"), "unexpected"): 30,
    (("food", "application"), "confirmed"): 30,
    (("food", "event"), "missing"): 20,
    (("food", "event"), "edited_there"): 20,
    (("frontdb", "accept"), "missing"): 25,
    (("frontdb", "accept"), "edited_there"): 25,
    (("frontdb", "accept"), "unexpected"): 20,
    (("frontdb", "accept"), "confirmed"): 20,
    (("frontdb", "material"), "missing"): 20,
    (("province", "basic_info"), "missing"): 30,
    (("province", "basic_info"), "duplicate"): 20,
    (("province", "basic_info"), "edited_there"): 20,
    (("province", "basic_info"), "unexpected"): 20,
    (("province", "basic_info"), "confirmed"): 30,
    (("province", "material"), "missing"): 30,
    (("province", "step"), "missing"): 20,
}
"""Differences by message and class, as shares of their sum."""


COUNTED: Final = 60
"""Records too many or too few, planted in a place of its own whose work orders are only counted."""


def counts(total: int) -> dict[tuple[Message, str], int]:
    """So many differences divided by their weights, at least one of each."""
    whole = sum(WEIGHTS.values())
    found = {what: max(1, round(total * weight / whole)) for what, weight in WEIGHTS.items()}
    largest = max(found, key=lambda what: found[what])
    found[largest] = max(1, found[largest] + total - sum(found.values()))
    return found
