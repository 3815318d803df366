"""One engine's run: start, post, kill, let it drain, stop, judge."""

from __future__ import annotations

import time
from bisect import bisect_left
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from random import Random
from typing import Final

from syncgate.sandbox.play.site import DemoError
from tests.crash.fates import HISTORIES, fates, histories
from tests.crash.gates import Engine
from tests.crash.judging import ASKED, SPOKEN_TO, Verdict, asked_at, judge, unaccounted
from tests.crash.kills import Kill, Killer, plan
from tests.crash.lives import lives
from tests.crash.load import Load
from tests.crash.place import Place, place
from tests.crash.planted import not_found

Say = Callable[[str], None]
STALLED_FOR: Final = 60.0
"""A drain in which nothing more was delivered for so long will never end."""
_OPEN: Final = """
SELECT system, phase, reason, count(*) FROM deliveries WHERE phase NOT IN ('delivered', 'cancelled') GROUP BY 1, 2, 3
"""
SAID_EVERY: Final = 10.0
_ATTEMPTS: Final = """
SELECT d.system, c.case_no, a.kind, count(*) FROM attempts a
JOIN deliveries d ON d.delivery_id = a.delivery_id JOIN cases c ON c.case_id = d.case_id GROUP BY 1, 2, 3
"""
_ALWAYS_COUNTED: Final = ("send", "late", "system")


@dataclass(slots=True)
class Seen:
    """What one run showed.

    first_sends: seconds from the end of each kill until a system was asked anything. fates: what became of what was
    in flight at each.
    """

    engine: Engine
    kills: list[Kill] = field(default_factory=list)
    cases: int = 0
    calls: int = 0
    retries: int = 0
    first_sends: list[float | None] = field(default_factory=list)
    fates: list[Counter[str]] = field(default_factory=list)
    drained_in: float = 0.0
    verdict: Verdict = field(default_factory=Verdict)

    @property
    def wrong(self) -> list[str]:
        """Every violation."""
        return self.verdict.wrong


@dataclass(frozen=True, slots=True)
class Asked:
    """What a run is to be. rate: cases a second."""

    engine: Engine
    kills: int
    seed: int
    rate: float


def run(asked: Asked, path: Path, say: Say) -> Seen:
    """Plays one engine. Raises DemoError where it cannot be brought to its end."""
    seen = Seen(asked.engine)
    with place(path, asked.engine) as here:
        gate = here.start()
        load = Load(gate, lives(asked.seed), asked.rate)
        here.misbehave()
        load.start()
        say(f"{asked.engine}: posting {asked.rate:g} cases a second, {asked.kills} kills to come")
        try:
            _kill(asked, here, load, seen, say)
        finally:
            load.stop()
        seen.cases, seen.calls, seen.retries = len(load.accepted), load.call_count, gate.retry_count
        here.behave()
        say(f"{asked.engine}: {seen.cases} cases accepted, every fault is over; it drains")
        seen.drained_in = _drain(here, say)
        _judge(here, load, seen)
    return seen


def _kill(asked: Asked, here: Place, load: Load, seen: Seen, say: Say) -> None:
    random = Random(f"kills-{asked.engine}-{asked.seed}")
    killer = Killer(random, here.gates, here.database, here.proxies, list(SPOKEN_TO))
    time.sleep(2)
    for kind in plan(random, asked.engine, asked.kills):
        load.check()
        seen.kills.append(killer.do(kind))
        if len(seen.kills) % 25 == 0:
            say(f"{asked.engine}: {len(seen.kills)} kills, {len(load.accepted)} cases")
        if asked.engine == "sqlite":
            here.gates.wait_until_ready()
        else:
            _wait_for_one_each(here)
        time.sleep(random.uniform(0.1, 1.6))


def _wait_for_one_each(here: Place) -> None:
    """Others may still be starting: a kill comes when it comes, but never twice to what has not lived."""
    here.gates.wait_until_ready(*(name for name in here.gates.members if name.endswith("-1")))


def _drain(here: Place, say: Say) -> float:
    """Seconds until nothing is open. Raises DemoError naming what never ended."""
    here.gates.wait_until_ready()
    began = said_at = moved_at = time.monotonic()
    fewest = _open(here).total()
    while left := _open(here):
        now, count = time.monotonic(), left.total()
        if count < fewest:
            fewest, moved_at = count, now
        if now - moved_at > STALLED_FOR:
            raise DemoError(f"expected everything to be delivered, {count} are not: {dict(left)}")
        if now - said_at > SAID_EVERY:
            say(f"still open: {dict(left)}")
            said_at = now
        time.sleep(0.5)
    return time.monotonic() - began


def _open(here: Place) -> Counter[str]:
    """How many deliveries are open, by system, phase and reason."""
    rows = here.database.rows(_OPEN)
    return Counter({f"{system} {phase} {reason or ''}".strip(): count for system, phase, reason, count in rows})


def _judge(here: Place, load: Load, seen: Seen) -> None:
    here.gates.stop()
    here.systems.stop_all()
    lost_at = [at.isoformat() for kill in seen.kills for at in kill.lost_at] + here.proxies.lost_at()
    seen.verdict = judge(here.folder, load.accepted, lost_at=lost_at)
    seen.verdict.wrong += _checked(here)
    seen.verdict.wrong += unaccounted(here.folder, _attempts(here))
    seen.verdict.wrong += _not_accepted(here, load)
    seen.verdict.wrong += not_found(here.folder, load.accepted, lost_at=lost_at)
    known = histories(here.database.rows(HISTORIES))
    seen.fates = [fates(kill.in_flight, known) for kill in seen.kills]
    at = asked_at(here.folder)
    seen.first_sends = [_until_next(at, kill.over_at) for kill in seen.kills]


def _checked(here: Place) -> list[str]:
    """What `syncgate db check` finds."""
    try:
        here.command("db", "check")
    except DemoError as error:
        return [f"db check: {error}"]
    return []


def _attempts(here: Place) -> dict[tuple[str, str], int]:
    """Entries of each case's histories at each system that can have been a request."""
    found: dict[tuple[str, str], int] = {}
    for system, case_no, kind, count in here.database.rows(_ATTEMPTS):
        if kind in _ALWAYS_COUNTED or (kind == "confirm" and system not in ASKED):
            found[system, case_no] = found.get((system, case_no), 0) + count
    return found


def _not_accepted(here: Place, load: Load) -> list[str]:
    """Cases that the gate holds and that nobody was told of, or the other way round."""
    held = {row[0] for row in here.database.rows("SELECT case_no FROM cases")}
    told = set(load.case_no_by_id.values())
    wrong = [f"lost: {case_no} was accepted, and the gate does not hold it" for case_no in sorted(told - held)]
    return wrong + [
        f"unexpected: the gate holds {case_no}, which nobody was told of" for case_no in sorted(held - told)
    ]


def _until_next(at: list[datetime], over_at: datetime) -> float | None:
    """Seconds until the first of these times after another; None where none came."""
    index = bisect_left(at, over_at)
    return (at[index] - over_at).total_seconds() if index < len(at) else None
