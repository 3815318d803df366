"""When which system misbehaves, when one is gone, and when the gate is killed."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.processes import GateProcess, Simulators, wait_for

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


@dataclass(frozen=True, slots=True)
class Deed:
    """Something that is done at a time, in seconds after the first post."""

    at: float
    what: str
    mode: str = ""
    settings: dict[str, Any] = field(default_factory=dict)


def _on(at: float, mode: str, **settings: Any) -> Deed:
    return Deed(at, "on", mode, settings)


TIMETABLE = (
    _on(1, "slow", share=0.1, delay=0.3),
    _on(3, "commit_then_drop", share=0.08),
    _on(8, "drop_before", share=0.08),
    Deed(13, "off"),
    _on(13, "throttle", share=0.2),
    _on(16, "refuse", share=0.1, count=12),
    Deed(19, "off"),
    _on(19, "commit_then_drop", share=0.05),
    _on(19, "slow", share=0.4, delay=0.8),
    Deed(22, "kill"),
    Deed(24, "off"),
    _on(24, "garbage", share=0.08),
    _on(26, "hang", share=0.2, count=8),
    _on(30, "unavailable", share=0.6),
    Deed(34, "off"),
    Deed(34, "stop", "food"),
    _on(35, "slow", share=0.4, delay=0.8),
    Deed(38, "kill"),
    Deed(44, "start", "food"),
    Deed(44, "off"),
    _on(46, "deny", share=1.0, count=2),
    _on(47, "drop_before", share=0.05),
    _on(49, "hang", share=0.1, count=4, acts=False),
    _on(51, "slow", share=0.4, delay=0.8),
    _on(51, "garbage", share=0.05),
    Deed(55, "kill"),
    Deed(57, "off"),
    _on(57, "throttle", share=0.3),
    _on(59, "commit_then_drop", share=0.1),
    Deed(64, "off"),
)


class Timetable:
    """Does every deed at its time. What it counted is the proof that the gate was killed at work."""

    def __init__(self, systems: Simulators, process: GateProcess, gate: Gate, say: Say) -> None:
        self._systems, self._process, self._gate, self._say = systems, process, gate, say
        self.in_flight_at_kills: list[int] = []

    def run(self, deeds: tuple[Deed, ...] = TIMETABLE) -> None:
        """Play the timetable to its end; every system behaves afterwards."""
        started = time.monotonic()
        for deed in deeds:
            time.sleep(max(0.0, started + deed.at - time.monotonic()))
            self._do(deed)
        self._off()

    def _do(self, deed: Deed) -> None:
        match deed.what:
            case "on":
                self._on(deed)
            case "off":
                self._off()
            case "stop":
                self._say(f"{deed.mode} is gone")
                self._systems.stop(deed.mode)
            case "start":
                self._systems.start(deed.mode)
                self._say(f"{deed.mode} is back")
            case "kill":
                self._kill()

    def _on(self, deed: Deed) -> None:
        self._say(f"{deed.mode} on")
        for name in self._systems.running(TARGETS):
            self._systems.switch_on(name, deed.mode, **deed.settings)

    def _off(self) -> None:
        self._say("every fault off")
        for name in self._systems.running(TARGETS):
            self._systems.switch_off(name)

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
