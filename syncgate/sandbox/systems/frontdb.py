"""A front database: tables that others write into, and a consumer that takes the rows or sends them back.

The national one, and that of the province's insurance system.

Over HTTP it has nothing but the control path of every simulated system.
"""

from __future__ import annotations

import json
import queue
import sqlite3
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from syncgate.sandbox.modes import BadSwitch, Switch, parse_switch
from syncgate.sandbox.server import Deed, Send
from syncgate.sandbox.systems.export import exported
from syncgate.sandbox.systems.frontdb_consumer import RETURNS_HEADER, Consumer, inserted, iso, was_locked_out
from syncgate.sandbox.systems.frontdb_engines import Connect, Connection, Engine
from syncgate.sandbox.systems.frontdb_ledger import Effect, FrontLedger, Strike
from syncgate.sandbox.systems.frontdb_rules import NATIONAL, Version
from syncgate.sandbox.systems.frontdb_sqlite import SQLiteFront
from syncgate.sandbox.systems.frontdb_strikes import LockWatch
from syncgate.sandbox.systems.insurance_rules import INSURANCE
from syncgate.sandbox.wire import Reply, Request, encode, json_reply

NAME = "frontdb"
RULES = {NAME: NATIONAL, "insurance": INSURANCE}
"""What each front database asks of its rows, by its name."""
CONTROL = "/_sandbox/"
EVERY = 0.02
CHECKED_WITHIN = 30.0
WATCH_EVERY = 0.002
MODES = {
    "late_rejection": "takes rows (share, count, operations), and sends them back `delay` seconds later",
    "consumer_stopped": "looks at no row while it lasts",
    "locked": "holds the table of acceptances locked for `delay` seconds, `count` times, with as long a pause between",
    "full": "tables (operations) take no row while it lasts",
}


@dataclass(slots=True)
class Check:
    """A check of what was taken that somebody asked for.

    Attributes:
        retired: versions of items that are out of use by now.
        is_done: set once it was made. count: how many rows it gave back.
    """

    retired: frozenset[Version]
    is_done: threading.Event = field(default_factory=threading.Event)
    count: int = 0


class FrontDb:
    """A front database at work.

    Attributes:
        failed: what ended the consumer, None while it works.
    """

    def __init__(
        self,
        connect: Connect,
        engine: Engine,
        ledger: FrontLedger,
        *,
        name: str = NAME,
        clock: Callable[[], float] = time.time,
        watched: Path | None = None,
    ) -> None:
        """Args:
        connect: gives connections of the database's owner.
        engine: which it is.
        ledger: beside it.
        name: which one of `RULES`.
        clock: seconds since 1970.
        watched: the file of an SQLite database, to see whom a full table turns away.
        """
        self.name, self._rules = name, RULES[name]
        self._connection = Connection(connect(), engine)
        self._holder = Connection(connect(), engine)
        self._asker = Connection(connect(), engine)
        self._engine, self._ledger, self._clock, self._watched = engine, ledger, clock, watched
        self._consumer = Consumer(self._connection, engine, ledger, clock=clock, rules=self._rules)
        self._lock = threading.Lock()
        self._switches: dict[str, Switch] = {}
        self._checks: queue.SimpleQueue[Check] = queue.SimpleQueue()
        self._seed: int | None = None
        self._stopped_since: float | None = None
        self._locked_times: list[tuple[float, float]] = []
        self._full: tuple[str, ...] = ()
        self._watch: LockWatch | None = None
        self._full_strikes = 0
        self._is_ending = threading.Event()
        self._threads: list[threading.Thread] = []
        self.failed: BaseException | None = None

    def create(self) -> None:
        """Make the tables that are not there."""
        for statement in self._engine.ddl():
            self._connection.run_as_is(statement)
        self._engine.empty(self._connection)
        self._full_strikes = self._engine.full_strikes(self._connection)

    def start(self) -> None:
        """Let the consumer work until `stop`."""
        for work in (self._consume, self._hold):
            thread = threading.Thread(target=self._guarded, args=(work,), name=work.__name__, daemon=True)
            self._threads.append(thread)
            thread.start()

    def stop(self) -> None:
        """End the consumer and copy what was done last. Raises RuntimeError where the consumer ended before."""
        self._is_ending.set()
        for thread in self._threads:
            thread.join(timeout=30)
        if self.failed is None:
            self._note(self._consumer.copy_journal())
        for connection in (self._asker, self._holder, self._connection):
            connection.close()
        self._raise_where_it_failed()

    def waiting_count(self) -> int:
        """How many rows nobody has looked at yet, to the eyes of a peer. For one thread at a time."""
        return sum(
            int(self._asker.run(f"SELECT count(*) FROM {t} WHERE is_sync = 0")[0][0]) for t in self._rules.tables
        )

    @property
    def is_stopped(self) -> bool:
        """Whether the consumer stands still."""
        return self._stopped_since is not None

    def effects(self) -> list[Effect]:
        """Every row that was written or removed so far, as the ledger keeps it."""
        return self._ledger.effects()

    def sent_back(self) -> set[str]:
        """The row_guids of what was taken and sent back."""
        return self._ledger.struck("late_rejection")

    # what Desk asks for
    def answer(self, requests: Sequence[Request]) -> Sequence[Deed]:
        """The control path, and 404 for everything else."""
        self._raise_where_it_failed()
        replies = [self._control(request) for request in requests]
        pairs = zip(requests, replies, strict=True)
        return [Send(encode(p, is_kept_alive=r.is_kept_alive), is_last=not r.is_kept_alive) for r, p in pairs]

    def left(self, entry: int, *, is_reset: bool) -> None:
        """Nothing that is answered here is a delivery."""

    def switch_on(self, value: Any) -> None:
        """Switch a mode on. Raises BadSwitch."""
        switch, seed = parse_switch(value, operations=self._rules.tables, modes=MODES)
        with self._lock:
            self._switches[switch.mode] = switch
            self._seed = seed if seed is not None else self._seed

    def switch_off(self, mode: str = "") -> None:
        """Switch one mode off, or all."""
        with self._lock:
            for name in [mode] if mode else list(self._switches):
                self._switches.pop(name, None)

    def counts(self) -> dict[str, Any]:
        """Rows and faults so far."""
        return self._ledger.counts()

    def _control(self, request: Request) -> Reply:
        name, _, rest = request.path.removeprefix(CONTROL).partition("/")
        match request.method, name if request.path.startswith(CONTROL) else "":
            case "GET", "health":
                return json_reply(200, {"system": self.name, "status": "ok"})
            case "GET", "counts":
                return json_reply(200, {"system": self.name, **self.counts()})
            case "GET", "modes":
                return self._show_modes()
            case "DELETE", "modes":
                self.switch_off(unquote(rest))
                return self._show_modes()
            case "POST", "modes":
                return self._switched_on(request)
            case "POST", "codes":
                return self._knows_more(request)
            case "POST", "checks" if self.name == NAME:
                return self._checked(request)
            case "GET", "returns" if self.name == NAME:
                return exported((RETURNS_HEADER, *self._consumer.returns), request.query)
            case _:
                return json_reply(404, {"error": "no such path"})

    def _switched_on(self, request: Request) -> Reply:
        try:
            self.switch_on(json.loads(request.body))
        except BadSwitch as error:
            return json_reply(422, {"error": str(error)})
        except (ValueError, RecursionError):
            return json_reply(400, {"error": "expected a JSON object"})
        return self._show_modes()

    def _knows_more(self, request: Request) -> Reply:
        """A code that the consumer takes from now on, without telling anybody."""
        try:
            asked = json.loads(request.body)
            added = (str(asked["column"]), str(asked["code"]))
        except (ValueError, RecursionError, KeyError, TypeError):
            return json_reply(422, {"error": "expected an object with column and code"})
        if added[0] not in self._rules.codes:
            return json_reply(422, {"error": f"expected a column of {', '.join(self._rules.codes)}, got {added[0]}"})
        self._consumer.added |= {added}
        return json_reply(200, {"system": self.name, "added": sorted(self._consumer.added)})

    def _checked(self, request: Request) -> Reply:
        """The quality check of the next morning, now: what it gives back, it lists as well."""
        try:
            retired = frozenset((str(code), int(version)) for code, version in json.loads(request.body)["retired"])
        except (ValueError, RecursionError, KeyError, TypeError):
            return json_reply(422, {"error": "expected an object with retired, a list of [task_code, version]"})
        check = Check(retired)
        self._checks.put(check)
        if not check.is_done.wait(CHECKED_WITHIN):
            return json_reply(503, {"error": "the consumer did not come to it"})
        return json_reply(200, {"system": self.name, "sent_back": check.count})

    def _show_modes(self) -> Reply:
        with self._lock:
            return json_reply(200, {"system": self.name, "modes": [asdict(each) for each in self._switches.values()]})

    # the consumer's thread
    def _guarded(self, work: Callable[[], None]) -> None:
        try:
            work()
        except BaseException as error:
            self.failed = error
            self._is_ending.set()
            raise

    def _raise_where_it_failed(self) -> None:
        if self.failed is not None:
            raise RuntimeError("the consumer of the front database has ended") from self.failed

    def _consume(self) -> None:
        while not self._is_ending.is_set():
            with self._lock:
                switches, seed, self._seed = dict(self._switches), self._seed, None
            if seed is not None:
                self._consumer.seed(seed)
            self._stop_or_go(switches.get("consumer_stopped"))
            self._fill_or_empty(switches.get("full"))
            count = 0
            if self._stopped_since is None:
                count = self._consumer.tick(self._used_up(switches.get("late_rejection")))
            self._check_quality()
            self._note(self._consumer.copy_journal())
            if count == 0:
                self._rest()

    def _check_quality(self) -> None:
        with suppress(queue.Empty):
            check = self._checks.get_nowait()
            check.count = self._consumer.check_quality(check.retired)
            check.is_done.set()

    def _used_up(self, switch: Switch | None) -> Switch | None:
        """A switch whose count is struck already strikes nobody more."""
        if switch is None or switch.count is None:
            return switch
        struck = self._ledger.counts()["faults"].get(switch.mode, 0)
        return switch if struck < switch.count else None

    def _rest(self) -> None:
        if not self._full or self._watched is None:
            self._is_ending.wait(EVERY)
            return
        self._watch = self._watch or LockWatch(self._watched)
        until = time.monotonic() + EVERY
        while time.monotonic() < until and not self._is_ending.wait(WATCH_EVERY):
            if self._watch.has_begun():
                self._strike([Strike(iso(self._clock()), "full", " ".join(self._full))])

    def _stop_or_go(self, switch: Switch | None) -> None:
        if switch is not None and self._stopped_since is None:
            self._stopped_since = self._clock()
        elif switch is None:
            self._stopped_since = None

    def _fill_or_empty(self, switch: Switch | None) -> None:
        wanted = () if switch is None else tuple(switch.operations or self._rules.tables)
        if wanted != self._full:
            if self._full:
                self._engine.empty(self._connection)
            if wanted:
                self._engine.fill(self._connection, wanted)
            self._full = wanted
        now = self._engine.full_strikes(self._connection) if self._full else self._full_strikes
        if now > self._full_strikes:
            strike = Strike(iso(self._clock()), "full", " ".join(self._full))
            self._strike([strike] * (now - self._full_strikes))
            self._full_strikes = now

    def _note(self, effects: Sequence[Effect]) -> None:
        """Which of these were struck by a lock or by a consumer that stood still."""
        found = []
        if self._stopped_since is not None:
            found += [("consumer_stopped", effect) for effect in inserted(effects, since=self._stopped_since)]
        with self._lock:
            times = list(self._locked_times)
        for effect in effects:
            if any(was_locked_out(effect, since=since, until=until) for since, until in times):
                found.append(("locked", effect))
        self._strike([Strike(e.at, mode, e.tab, e.row["row_guid"], e.row["cd_batch"]) for mode, e in found])

    def _strike(self, strikes: Sequence[Strike]) -> None:
        self._ledger.append([], strikes)

    # the thread that holds locks
    def _hold(self) -> None:
        while not self._is_ending.wait(EVERY):
            with self._lock:
                switch = self._switches.get("locked")
            if switch is None or switch.count == 0:
                continue
            with self._engine.locked(self._holder, self._rules.accept):
                since = self._clock()
                self._is_ending.wait(switch.delay)
                with self._lock:
                    self._locked_times = [*self._locked_times[-50:], (since, self._clock())]
            self._count_down(switch)
            self._is_ending.wait(switch.delay)

    def _count_down(self, switch: Switch) -> None:
        with self._lock:
            if self._switches.get("locked") == switch and switch.count is not None:
                self._switches["locked"] = replace(switch, count=switch.count - 1)


@contextmanager
def served_front(folder: Path, name: str = NAME, *, clock: Callable[[], float] = time.time) -> Iterator[FrontDb]:
    """A front database on SQLite, `folder`/`name`.db, with its ledger beside it, at work until the block ends."""
    folder.mkdir(parents=True, exist_ok=True)
    file = folder / f"{name}.db"
    ledger = FrontLedger(folder / f"{name}.sqlite")
    try:
        engine = SQLiteFront(RULES[name].tables)
        front = FrontDb(lambda: sqlite_connection(file), engine, ledger, name=name, clock=clock, watched=file)
        front.create()
        front.start()
        try:
            yield front
        finally:
            front.stop()
    finally:
        ledger.close()


def sqlite_connection(file: Path) -> sqlite3.Connection:
    """A connection of the database's owner; whoever holds the lock is waited for."""
    return sqlite3.connect(file, timeout=60, isolation_level=None, check_same_thread=False)
