"""What befalls the gate, its database and its network: drawn from a seed, done to real processes."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Final

from tests.crash.gates import Database, Engine, Gates, in_flight
from tests.crash.proxies import STORE, Proxies

_SYSTEMS: Final = {
    "network refused": 3,
    "network cut": 4,
    "network delayed": 3,
    "request cut in the middle": 3,
    "answer swallowed": 5,
}
SHARES: Final[Mapping[Engine, Mapping[str, int]]] = {
    "sqlite": {"kill -9": 64, "kill -9 at start": 12, "frozen": 6, **_SYSTEMS},
    "postgresql": {
        "kill -9": 44,
        "kill -9 at start": 5,
        "kill -9 of all": 6,
        "frozen": 6,
        "database stopped": 5,
        "store refused": 3,
        "store cut": 5,
        "store delayed": 3,
        "commit's answer swallowed": 5,
        **_SYSTEMS,
    },
}
"""Of every hundred kills of an engine, how many are of each kind."""
LEASE: Final = 3.0
"""Seconds: connect_timeout, timeout and lease_margin of the site together."""
FROZEN_FOR: Final = LEASE + 0.8
LINGERS: Final = timedelta(seconds=1)
"""So long a system on a busy machine may take to read what a dead gate had sent; the proxy between takes the answer."""
DELAY: Final = 0.15
"""Of a packet; both ways together are less than what a system's `visible_after` forgives."""


@dataclass(frozen=True, slots=True)
class Kill:
    """One that happened. in_flight: deliveries with their leases. over_at: from when work could go on."""

    kind: str
    at: datetime
    over_at: datetime
    in_flight: list[tuple[str, str]]

    @property
    def lost_at(self) -> tuple[datetime, ...]:
        """Until when answers may have been lost with it: what had left may be taken, and answered, after its death."""
        return self.at, self.over_at, self.over_at + LINGERS


def plan(random: Random, engine: Engine, count: int) -> list[str]:
    """The kinds of `count` kills in a drawn order: by their shares, and each once where there are enough."""
    shares = SHARES[engine]
    kinds = list(shares)
    if count < len(kinds):
        first, rest = "kill -9", [kind for kind in kinds if kind != "kill -9"]
        drawn = [first] * (count - count // 2) + random.sample(rest, count // 2)
    else:
        drawn = kinds + random.choices(kinds, weights=[shares[kind] for kind in kinds], k=count - len(kinds))
    random.shuffle(drawn)
    return drawn


@dataclass
class Killer:
    """Does one kill after another; each leaves everything running, if not yet ready."""

    random: Random
    gates: Gates
    database: Database
    proxies: Proxies
    systems: list[str]

    def do(self, kind: str) -> Kill:
        """One kill of this kind, done and over."""
        deed = self._deeds()[kind]
        found, at = in_flight(self.database), datetime.now(UTC)
        deed()
        return Kill(kind, at, datetime.now(UTC), found)

    def _deeds(self) -> dict[str, Callable[[], None]]:
        return {
            "kill -9": lambda: self._kill(self._any()),
            "kill -9 at start": self._kill_at_start,
            "kill -9 of all": lambda: self._kill(*self.gates.members),
            "frozen": self._freeze,
            "database stopped": self._stop_database,
            "store refused": lambda: self._refuse(STORE),
            "store cut": lambda: self.proxies.cut(STORE),
            "store delayed": lambda: self._delay(STORE),
            "commit's answer swallowed": lambda: self._strike(STORE, "cut_answer"),
            "network refused": lambda: self._refuse(self._system()),
            "network cut": lambda: self.proxies.cut(self._system()),
            "network delayed": lambda: self._delay(self._system()),
            "request cut in the middle": lambda: self._strike(self._system(), "cut_middle"),
            "answer swallowed": lambda: self._strike(self._system(), "cut_answer"),
        }

    def _any(self) -> str:
        return self.random.choice(list(self.gates.members))

    def _system(self) -> str:
        return self.random.choice(self.systems)

    def _kill(self, *names: str) -> None:
        for name in names:
            self.gates.kill(name)
        for name in names:
            self.gates.start(name)

    def _kill_at_start(self) -> None:
        name = self._any()
        self._kill(name)
        time.sleep(self.random.uniform(0.0, 1.0))
        self._kill(name)

    def _freeze(self) -> None:
        with self.gates.frozen(self._any()):
            time.sleep(FROZEN_FOR)

    def _stop_database(self) -> None:
        self.database.stop()
        time.sleep(self.random.uniform(0.2, 1.5))
        self.database.start()

    def _refuse(self, name: str) -> None:
        self.proxies.refuse(name, is_on=True)
        self.proxies.cut(name)
        time.sleep(self.random.uniform(0.5, 2.0))
        self.proxies.refuse(name, is_on=False)

    def _delay(self, name: str) -> None:
        self.proxies.delay(name, DELAY)
        time.sleep(self.random.uniform(1.0, 2.5))
        self.proxies.delay(name, 0.0)

    def _strike(self, name: str, what: str) -> None:
        self.proxies.strike(name, what, times=self.random.randint(1, 4))
