"""Province is gone from Friday 18:00 to Monday 08:00, and the app goes on; some cases are withdrawn meanwhile.

The 62 hours pass in seconds: what matters is that they outlast every wait of province's schedule many times over.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from datetime import UTC, datetime
from pathlib import Path

from syncgate.sandbox.city import City, Life
from syncgate.sandbox.play.calls import Calls, Known
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.posting import is_open
from syncgate.sandbox.play.processes import Simulators, wait_for
from syncgate.sandbox.play.site import DemoError

SYSTEM = "province"
LASTS = 9.0
"""Seconds that the 62 hours take here."""
DRAINED_WITHIN = 60.0
THREADS = 6
OPEN = f'syncgate_breaker_open{{system="{SYSTEM}"}} 1'
OPENED = '"event":"breaker_opened"'


@dataclass(frozen=True, slots=True)
class Counts:
    """What the weekend came to.

    Attributes:
        posted_count: cases that were posted while province was gone.
        withdrawn_count: of these, the ones that were withdrawn before province was back.
        waited_count: deliveries that waited for province on Monday morning.
        parked_count: deliveries that the weekend parked; none may be.
        opened_count: how often province's breaker opened; once is what a person is told.
        drained_seconds: from province's return until nothing waited for it.
    """

    posted_count: int
    withdrawn_count: int
    waited_count: int
    parked_count: int
    opened_count: int
    gone_at: str
    back_at: str
    drained_seconds: float

    def defects(self) -> list[str]:
        """What should not have been; one sentence each."""
        said = []
        if self.parked_count:
            said.append(f"expected nothing parked over the weekend, got {self.parked_count}")
        if self.opened_count != 1:
            said.append(f"expected province's breaker to open once, got {self.opened_count}")
        if self.waited_count < self.posted_count - self.withdrawn_count:
            said.append(f"expected every case posted to wait for province, got {self.waited_count} deliveries")
        return said

    def write(self, path: Path) -> None:
        """Write the counts for the reader."""
        path.write_text(json.dumps({"system": SYSTEM, **asdict(self)}), "utf-8")


class Weekend:
    """Plays it on a city whose other cases are all posted."""

    def __init__(
        self,
        calls: Calls,
        gate: Gate,
        city: City,
        systems: Simulators,
        *,
        logs: Path,
        say: Callable[[str], None],
        lasts: float = LASTS,
    ) -> None:
        self._calls, self._gate, self._city, self._systems = calls, gate, city, systems
        self._logs, self._say, self._lasts = logs, say, lasts

    def run(self) -> Counts:
        """Everything from Friday evening until province is drained. Raises DemoError where it does not hold."""
        lives = (*self._city.weekend, *self._city.withdrawn.before)
        # What was on its way before, and parks, is no work of the weekend.
        wait_for("province to have all that came before", self._is_drained, within=DRAINED_WITHIN, every=0.2)
        parked, opened = self._parked(), self._opened_count()
        self._systems.stop(SYSTEM)
        gone_at, until = datetime.now(UTC), time.monotonic() + self._lasts
        self._say(f"Friday 18:00: province is gone; {len(lives)} cases are posted meanwhile")
        self._post(lives)
        wait_for("province's breaker to open", lambda: OPEN in self._gate.metrics(), within=30)
        time.sleep(max(0.0, until - time.monotonic()))
        waiting = len(self._gate.deliveries(system=SYSTEM, phase="pending"))
        self._systems.start(SYSTEM)
        back_at, began = datetime.now(UTC), time.monotonic()
        self._say(f"Monday 08:00: province is back; {waiting} deliveries wait for it")
        wait_for("province to be drained", self._is_drained, within=DRAINED_WITHIN, every=0.2)
        counts = Counts(
            posted_count=len(lives),
            withdrawn_count=len(self._city.withdrawn.before),
            waited_count=waiting,
            parked_count=len(self._parked() - parked),
            opened_count=self._opened_count() - opened,
            gone_at=gone_at.isoformat(),
            back_at=back_at.isoformat(),
            drained_seconds=time.monotonic() - began,
        )
        self._say("nothing waits for province any more")
        if wrong := counts.defects():
            raise DemoError("expected a quiet weekend:\n" + "\n".join(wrong))
        return counts

    def _post(self, lives: Sequence[Life]) -> None:
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(self._live, lives))

    def _live(self, life: Life) -> None:
        known = Known()
        for number, call in enumerate(life.calls):
            if call.after:
                case_no = life.case_no
                opened = lambda gates=call.after: is_open(gates, self._gate.deliveries(case=known.case_id))  # noqa: E731
                wait_for(f"{case_no} to stand as its next call wants", opened, within=DRAINED_WITHIN, every=0.5)
            self._calls.make(life, number, known)

    def _parked(self) -> set[str]:
        return {one["delivery_id"] for one in self._gate.deliveries(system=SYSTEM, phase="parked")}

    def _is_drained(self) -> bool:
        return not self._gate.deliveries(system=SYSTEM, phase=["pending", "in_flight", "unconfirmed"])

    def _opened_count(self) -> int:
        """How often the gate's processes logged that province's breaker opened."""
        lines = (line for file in sorted(self._logs.glob("gate*.log")) for line in file.read_text("utf-8").splitlines())
        return sum(OPENED in line and f'"system":"{SYSTEM}"' in line for line in lines)
