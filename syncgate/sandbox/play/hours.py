"""Insurance's sending hours, moved so that they begin while the city is posted: until then all of its cases wait."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta, timezone
from pathlib import Path

from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.site import DemoError, patience

SYSTEM, WAITS = "insurance", "outside_window"
ADAPTER = "adapters/insurance/adapter.yaml"
HOURS = re.compile(r'^windows:\n(  - \{from: "\d\d:\d\d", until: "\d\d:\d\d"\}\n)', re.MULTILINE)
CHINA = timezone(timedelta(hours=8))
LASTS = timedelta(hours=14, minutes=30)
"""As long as from 17:30 to 08:00."""
AWAY = timedelta(hours=3)
"""When they begin as long as nobody has moved them to their time."""
LEAST = 12.0
"""Seconds that something waits for them at least."""
LOOKED_EVERY = 0.7


@dataclass(frozen=True, slots=True)
class Waited:
    """How many deliveries waited for the hours when they were last looked at."""

    begins_at: datetime
    waiting_count: int = 0


def next_beginning(now: datetime, *, least: float) -> datetime:
    """The first whole minute that is at least so many seconds away: hours have no seconds."""
    soonest = now + timedelta(seconds=least)
    whole = soonest.replace(second=0, microsecond=0)
    return whole if whole == soonest else whole + timedelta(minutes=1)


def move(site: Path, begins_at: datetime) -> None:
    """Let the hours in the gate's own copy of the site begin at a whole minute. Raises DemoError where it has none."""
    path = site / ADAPTER
    begin, end = (f"{at.astimezone(CHINA):%H:%M}" for at in (begins_at, begins_at + LASTS))
    text, count = HOURS.subn(f'windows:\n  - {{from: "{begin}", until: "{end}"}}\n', path.read_text("utf-8"))
    if count != 1:
        raise DemoError(f"expected hours in {ADAPTER}, got none")
    path.write_text(text, "utf-8")


class SendingHours:
    """Moves the hours to where they begin soon, and looks at what waits for them just before."""

    def __init__(
        self,
        gate: Gate,
        integrator: Gate,
        *,
        site: Path,
        now: Callable[[], datetime],
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        """Args: integrator: the gate as who may deploy sees it."""
        self._gate, self._integrator, self._site = gate, integrator, site
        self._now, self._sleep = now, sleep
        self.waited = Waited(now())

    def deploy(self) -> None:
        """Let them begin at the next whole minute but a few seconds, by a deploy. Raises DemoError."""
        self.waited = Waited(next_beginning(self._now(), least=LEAST * patience()))
        move(self._site, self.waited.begins_at)
        answer = self._integrator.ask("POST", "/v1/deployments")
        if not answer.is_success or [one["system"] for one in answer.json()["changed"]] != [SYSTEM]:
            raise DemoError(f"expected {SYSTEM} alone to change, got {answer.status_code}: {answer.text[:500]}")

    def watch(self) -> None:
        """Look at what waits until they begin. Raises DemoError where nothing does, or for another reason."""
        while (left := (self.waited.begins_at - self._now()).total_seconds()) > 0:
            self._sleep(min(left, LOOKED_EVERY))
            waiting = self._gate.deliveries(system=SYSTEM, phase="pending")
            # The gate may have been killed meanwhile, and answers late.
            if self._now() >= self.waited.begins_at:
                break
            if others := {one["reason"] for one in waiting} - {WAITS}:
                raise DemoError(f"expected what waits for {SYSTEM} to say {WAITS}, got {others}")
            self.waited = replace(self.waited, waiting_count=len(waiting))
        if not self.waited.waiting_count:
            raise DemoError(f"expected deliveries to wait for {SYSTEM}'s hours, got none")

    def write(self, path: Path) -> None:
        """Write down for the reader when they began."""
        path.write_text(json.dumps({"system": SYSTEM, "begins_at": self.waited.begins_at.isoformat()}), "utf-8")


def tell(waited: Waited, say: Callable[[str], None] = print) -> None:
    """What a reader of the demo is told."""
    say(f"{SYSTEM}'s sending hours began in the middle: {waited.waiting_count} deliveries waited for them")
