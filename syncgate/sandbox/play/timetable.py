"""When which system misbehaves, when one is gone, and when the gate is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from syncgate.sandbox.play.fleet import Fleet
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.processes import GateProcess, Simulators, wait_for
from syncgate.sandbox.play.site import patience

Say = Callable[[str], None]
TARGETS = ("province", "food")
MODES = (
    "slow",
    "commit_then_drop",
    "unavailable",
    "throttle",
    "refuse",
    "garbage",
    "hang",
    "drop_before",
    "deny",
)
"""Every kind of fault that must have struck by the end."""


STRIKE_WITHIN = 8.0
"""How much longer a mode stays on that has not struck yet."""


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is done `after` so many seconds since the deed before; `name` is a mode or a system."""

    after: float
    what: str
    name: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def _on(after: float, mode: str, **settings: Any) -> Deed:
    return Deed(after, "on", mode, settings)


TIMETABLE = (
    _on(1, "slow", share=0.1, delay=0.3),
    _on(1, "commit_then_drop", share=0.08),
    _on(4, "drop_before", share=0.08),
    Deed(4, "off"),
    _on(0, "throttle", share=0.2),
    _on(2, "refuse", share=0.1, count=12),
    Deed(3, "off"),
    _on(0, "commit_then_drop", share=0.05),
    _on(0, "slow", share=0.4, delay=0.8),
    Deed(2, "kill"),
    Deed(2, "off"),
    _on(0, "garbage", share=0.08),
    _on(1, "hang", share=0.2, count=8),
    _on(3, "unavailable", share=0.6),
    Deed(3, "off"),
    Deed(0, "stop", "food"),
    _on(0, "slow", share=0.4, delay=0.8),
    Deed(3, "kill"),
    Deed(3, "start", "food"),
    Deed(0, "off"),
    _on(1, "deny", share=1.0, count=2),
    _on(1, "drop_before", share=0.05),
    _on(1, "hang", share=0.1, count=4, acts=False),
    _on(1, "slow", share=0.4, delay=0.8),
    _on(0, "garbage", share=0.05),
    Deed(3, "kill"),
    Deed(2, "off"),
    _on(0, "throttle", share=0.3),
    _on(1, "commit_then_drop", share=0.1),
    Deed(4, "off"),
)


FRONT_MODES = ("late_rejection", "consumer_stopped", "locked", "full")
"""Every kind of fault of the front database, played beside the others."""
FRONT_TIMETABLE = (
    _on(2, "late_rejection", share=0.05, delay=3.0, count=10),
    _on(2, "consumer_stopped"),
    Deed(8, "off"),
    _on(2, "locked", delay=0.8),
    Deed(6, "off"),
    _on(2, "full", operations=["up_pro_accept"]),
    Deed(5, "off"),
    _on(2, "late_rejection", share=0.1, delay=2.0, count=20),
    _on(1, "locked", delay=0.8),
    Deed(6, "off"),
)

DESKS = ("hotline", "urban", "ecology")
DESK_TIMETABLE = (
    _on(2, "commit_then_drop", share=0.1),
    _on(2, "unavailable", share=0.3),
    _on(2, "slow", share=0.2, delay=0.5),
    Deed(12, "off"),
    _on(1, "commit_then_drop", share=0.15),
    Deed(10, "off"),
)
"""What befalls those who speak of calls."""


class Timetable:
    """Does one deed after another to its targets. What it counted is the proof that the gate was killed at work."""

    def __init__(
        self,
        systems: Simulators,
        process: GateProcess | Fleet,
        gate: Gate,
        say: Say,
        *,
        targets: tuple[str, ...] = TARGETS,
    ) -> None:
        self._systems, self._process, self._gate, self._say = systems, process, gate, say
        self._targets = targets
        self._struck_before: dict[str, int] = {}
        self.in_flight_at_kills: list[int] = []

    def run(self, deeds: tuple[Deed, ...] = TIMETABLE) -> None:
        """Play the timetable to its end; every system behaves afterwards."""
        for deed in deeds:
            time.sleep(deed.after)
            self._do(deed)

    def _do(self, deed: Deed) -> None:
        match deed.what:
            case "on":
                self._on(deed)
            case "off":
                self._off()
            case "stop":
                self._say(f"{deed.name} is gone")
                self._systems.stop(deed.name)
            case "start":
                self._systems.start(deed.name)
                self._say(f"{deed.name} is back")
            case "kill":
                self._kill()

    def _on(self, deed: Deed) -> None:
        self._say(f"{deed.name} on")
        self._struck_before.setdefault(deed.name, self._struck(deed.name))
        for name in self._systems.running(self._targets):
            self._systems.switch_on(name, deed.name, **deed.settings)

    def _off(self) -> None:
        self._wait_for_strikes()
        self._say(f"every fault of {' and '.join(self._targets)} off")
        for name in self._systems.running(self._targets):
            self._systems.switch_off(name)

    def _wait_for_strikes(self) -> None:
        """Leave the modes on until each has struck, for a while at most: the reader has the last word."""
        deadline = time.monotonic() + STRIKE_WITHIN * patience()
        for mode, before in self._struck_before.items():
            while self._struck(mode) <= before and time.monotonic() < deadline:
                time.sleep(0.1)
        self._struck_before.clear()

    def _struck(self, mode: str) -> int:
        return sum(self._systems.strikes(name, mode) for name in self._systems.running(self._targets))

    def _kill(self) -> None:
        count = 0

        def is_at_work() -> bool:
            nonlocal count
            count = len(self._gate.deliveries(phase="in_flight"))
            return count > 0

        wait_for("deliveries in flight", is_at_work, within=20, every=0.02)
        self._process.kill()
        self.in_flight_at_kills.append(count)
        self._say(f"the gate was killed with {count} deliveries in flight")
        self._process.start()
        self._say("the gate is back")
