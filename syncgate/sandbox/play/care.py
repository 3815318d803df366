"""The operator of the demo: requeues what was refused wrongly, and knows when everything is settled."""

from __future__ import annotations

import threading
import time
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.site import DemoError

OPEN_PHASES = ("pending", "in_flight", "awaiting", "unconfirmed", "parked")
Line = Mapping[str, Any]
Place = tuple[str, str]
"""(system, case_no)"""
REFUSALS = (
    "field_refused",
    "returned",
    "rejected_there",
    "accepted_before_applied",
    "item_unknown",
    "case_unknown_there",
)
"""Reasons that the modes `refuse` and `late_rejection` park with, and what was sent back for want of an acceptance that
was; nothing in the city deserves one."""


class Operator:
    """Looks after parked deliveries while the city is played, but not after the cases of `spared`."""

    def __init__(self, gate: Gate) -> None:
        self._gate = gate
        self._is_over = threading.Event()
        self._thread = threading.Thread(target=self._care, name="operator", daemon=True)
        self.requeue_count = 0
        self.spared: frozenset[str] = frozenset()

    def start(self) -> None:
        """Begin to look after what is parked."""
        self._thread.start()

    def stop(self) -> None:
        """Stop looking."""
        self._is_over.set()
        self._thread.join(30)

    def _care(self) -> None:
        while not self._is_over.wait(2.0):
            for delivery in self._gate.deliveries(phase="parked", reason=list(REFUSALS)):
                if delivery["case_id"] not in self.spared:
                    self.requeue_count += self._gate.requeue(delivery["delivery_id"])


def left_over(lines: Sequence[Line]) -> dict[Place, tuple[Counter[str], int]]:
    """What must stay behind: per system and case, the parked messages and how many wait behind them."""
    return {
        (line["system"], line["case_no"]): (
            Counter(message for message, _ in line["leftover"]["parked"]),
            line["leftover"]["pending"],
        )
        for line in lines
        if line["leftover"]["parked"] or line["leftover"]["pending"]
    }


def differences(
    lines: Sequence[Line], deliveries: Sequence[Mapping[str, Any]], case_no_by_id: Mapping[str, str]
) -> list[str]:
    """What is open and should not be, or should be and is not; one sentence each."""
    expected = left_over(lines)
    found: dict[Place, tuple[Counter[str], int]] = {}
    said = []
    for delivery in deliveries:
        place = (delivery["system"], case_no_by_id.get(delivery["case_id"], "unknown"))
        parked, pending = found.get(place, (Counter(), 0))
        match delivery["phase"]:
            case "parked":
                parked = parked + Counter([delivery["message"]])
            case "pending":
                pending += 1
            case phase:
                said.append(f"{place[0]} {place[1]} {delivery['message']} is {phase}")
        found[place] = (parked, pending)
    for place in sorted(expected.keys() | found.keys()):
        have, want = found.get(place, (Counter(), 0)), expected.get(place, (Counter(), 0))
        if have != want:
            said.append(f"{place[0]} {place[1]}: expected {_words(want)}, got {_words(have)}")
    return said


def wrong_reasons(
    lines: Sequence[Line], deliveries: Sequence[Mapping[str, Any]], case_no_by_id: Mapping[str, str]
) -> list[str]:
    """Parked deliveries whose reason is not the expected one."""
    expected = {
        (line["system"], line["case_no"], message): reason
        for line in lines
        for message, reason in line["leftover"]["parked"]
    }
    said = []
    for delivery in deliveries:
        if delivery["phase"] != "parked":
            continue
        place = (delivery["system"], case_no_by_id.get(delivery["case_id"], "unknown"), delivery["message"])
        reason = expected.get(place)
        if reason is not None and delivery["reason"] != reason:
            said.append(f"{' '.join(place)}: expected reason {reason}, got {delivery['reason']}")
    return said


def _words(state: tuple[Counter[str], int]) -> str:
    parked, pending = state
    return f"parked {sorted(parked.elements())} and {pending} pending"


def wait_until_settled(
    gate: Gate, lines: Sequence[Line], case_no_by_id: Mapping[str, str], *, until: float
) -> list[dict[str, Any]]:
    """Return what is left once only that is left which is expected. Raises DemoError at `until`."""
    while True:
        deliveries = gate.deliveries(phase=list(OPEN_PHASES))
        found = differences(lines, deliveries, case_no_by_id)
        if not found:
            return deliveries
        if time.monotonic() > until:
            raise DemoError(f"expected everything to settle, {len(found)} did not:\n" + "\n".join(found[:20]))
        time.sleep(0.5)
