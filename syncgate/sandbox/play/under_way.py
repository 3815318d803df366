"""Cases that are withdrawn while something of them is on its way to province (story 8)."""

from __future__ import annotations

import time
from collections.abc import Sequence

from syncgate.sandbox.city import Life
from syncgate.sandbox.play.calls import Calls, Known
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.processes import Simulators

SYSTEM = "province"
SEEN_WITHIN = 8.0
SLOW = {"share": 1.0, "delay": 1.0}


def withdraw_under_way(lives: Sequence[Life], *, calls: Calls, gate: Gate, systems: Simulators) -> None:
    """Post each case to a slow province and withdraw it at once; every other one loses an answer as well."""
    for number, life in enumerate(lives):
        if number % 2:
            systems.switch_on(SYSTEM, "commit_then_drop", count=1)
        systems.switch_on(SYSTEM, "slow", **SLOW)
        known = Known()
        calls.make(life, 0, known)
        _wait_for_one_in_flight(gate, known.case_id)
        calls.make(life, 1, known)
        systems.switch_off(SYSTEM)


def _wait_for_one_in_flight(gate: Gate, case_id: str) -> None:
    """Return once something of the case is in flight or in doubt, or after a while: what it came to is told later."""
    until = time.monotonic() + SEEN_WITHIN
    while time.monotonic() < until:
        if gate.deliveries(case=case_id, system=SYSTEM, phase=["in_flight", "unconfirmed"]):
            return
        time.sleep(0.05)
