"""One transaction under way: runs statements, translates the driver's errors, gathers what the counters gain."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any, TypeVar

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, IllegalMove, SyncgateError
from syncgate.domain.rows import Hold, SystemRow
from syncgate.storage.audit import AuditWriter
from syncgate.storage.engine import Engine, Fault
from syncgate.storage.notice import Notice
from syncgate.storage.statement import Params, Record, Statement

CounterKey = tuple[str, Phase, str]
T = TypeVar("T")


class Interrupted(Exception):
    """The whole commit cannot go on; `fault` says whether running it again may help, `code` is the engine's word."""

    def __init__(self, fault: Fault, code: str) -> None:
        super().__init__(code)
        self.fault = fault
        self.code = code


class Unstorable(SyncgateError):
    """A value that the engine cannot hold, such as a NUL character in a text."""

    code = "unstorable_value"


class Work:
    """The connection's side of a transaction. After an error a step is spoiled: it ends in a rollback, even if
    it swallows the error, because PostgreSQL would refuse every further statement of its savepoint."""

    __slots__ = (
        "_gains",
        "_step_gains",
        "_step_told",
        "_told",
        "active_holds",
        "are_holds_moving",
        "cursor",
        "engine",
        "is_reader",
        "known_systems",
        "moved_systems",
        "now",
        "spoiled_by",
        "writer",
    )

    def __init__(
        self, engine: Engine, cursor: Any, now: datetime, *, writer: AuditWriter, is_reader: bool = False
    ) -> None:
        self.is_reader = is_reader
        self.engine = engine
        self.cursor = cursor
        self.now = now
        self.writer = writer
        self.spoiled_by: SyncgateError | None = None
        self.active_holds: Sequence[Hold] | None = None
        self.are_holds_moving = False
        self.known_systems: dict[str, SystemRow | None] = {}
        """Rows that were read without a lock, once for all steps of a commit; one that it moves is read anew."""
        self.moved_systems: set[str] = set()
        self._gains: Counter[CounterKey] = Counter()
        self._step_gains: Counter[CounterKey] = Counter()
        self._told = Notice()
        self._step_told = Notice()

    def all(self, statement: Statement, **params: Any) -> list[Record]:
        """The rows that the statement gives."""
        rows, loaded = self.raw(statement, **params)
        return loaded(rows)

    def raw(self, statement: Statement, **params: Any) -> tuple[list[Record], Callable[[list[Record]], list[Record]]]:
        """The rows that the statement gives, as the driver has them, and what makes them of Python's values."""
        if self.is_reader and statement.locks:
            raise IllegalMove("expected a step that only reads, got one that locks")
        compiled = statement.compiled(self.engine.dialect)
        values = compiled.bind(params)
        rows = self._guarded(lambda: self.cursor.execute(compiled.text, values).fetchall())
        return rows, compiled.loaded

    def one(self, statement: Statement, **params: Any) -> Record | None:
        """The first row that the statement gives."""
        rows = self.all(statement, **params)
        return rows[0] if rows else None

    def each(self, statement: Statement, params: Sequence[Params]) -> list[list[Record]]:
        """The rows that the statement gives for each set of parameters."""
        compiled = statement.compiled(self.engine.dialect)
        values = [compiled.bind(one) for one in params]
        found = self._guarded(lambda: self.engine.each(self.cursor, compiled, values))
        return [compiled.loaded(rows) for rows in found]

    def run(self, statement: Statement, params: Params, *, breaks: type[SyncgateError] = IllegalMove) -> int:
        """How many rows the statement wrote. Raises `breaks` where a constraint refuses one."""
        compiled = statement.compiled(self.engine.dialect)
        values = compiled.bind(params)
        self._guarded(lambda: self.cursor.execute(compiled.text, values), breaks)
        return int(self.cursor.rowcount)

    def run_each(
        self, statement: Statement, params: Sequence[Params], *, breaks: type[SyncgateError] = IllegalMove
    ) -> None:
        """Runs the statement once for each set of parameters."""
        if not params:
            return
        if len(params) == 1:
            self.run(statement, params[0], breaks=breaks)
            return
        compiled = statement.compiled(self.engine.dialect)
        values = [compiled.bind(one) for one in params]
        self._guarded(lambda: self.cursor.executemany(compiled.text, values), breaks)

    def control(self, text: str) -> None:
        """Runs a statement of transaction control."""
        self._guarded(lambda: self.cursor.execute(text))

    def wait_for_no_lock(self) -> None:
        """Has what follows give up at once where another holds a row."""
        self._guarded(lambda: self.engine.wait_for_no_lock(self.cursor))

    def _guarded(self, act: Callable[[], Any], breaks: type[SyncgateError] = IllegalMove) -> Any:
        try:
            return act()
        except self.engine.errors as error:
            raise self._translated(error, breaks) from None

    def _translated(self, error: Exception, breaks: type[SyncgateError]) -> Exception:
        match fault := self.engine.fault(error):
            case Fault.RULE:
                broken = self.engine.constraint(error)
                self.spoiled_by = breaks(f"expected a row that keeps every rule, got one that breaks {broken}")
                return self.spoiled_by
            case Fault.VALUE:
                self.spoiled_by = Unstorable("expected values that the store can hold, got another")
                return self.spoiled_by
            case Fault.AGAIN | Fault.LOST | Fault.DAMAGED:
                return Interrupted(fault, self.engine.code(error))

    def refuse(self, message: str) -> Conflict:
        """The conflict to raise; the step is spoiled from now on."""
        conflict = Conflict(message)
        self.spoiled_by = conflict
        return conflict

    def gain(self, key: CounterKey, by: int) -> None:
        """Notes that a counter changes with this step."""
        self._step_gains[key] += by

    def note_due(self, system: str) -> None:
        """Notes that a lane of the system is, or will be, due."""
        self._step_told = self._step_told.and_due(system)

    def note_changed(self, system: str) -> None:
        """Notes that the system's row must be looked at again: a deploy, a pause, a resume."""
        self._step_told = self._step_told.and_changed(system)

    def move_holds(self) -> None:
        """Notes that this commit changes holds, so that every later step reads them again."""
        self.active_holds, self.are_holds_moving = None, True

    def begin_step(self) -> None:
        self.spoiled_by = None
        self._step_gains = Counter()
        self._step_told = Notice()

    def keep_step(self) -> None:
        """The step succeeded: its gains, and what it tells, belong to the commit."""
        for key, by in self._step_gains.items():
            self._gains[key] += by
        self._told = self._told.with_all_of(self._step_told)
        self._step_gains = Counter()
        self._step_told = Notice()

    def tell(self) -> None:
        """Tells the other processes, with this commit, what they need to look at; once, and only if there is any."""
        if self._told:
            self._guarded(lambda: self.engine.tell(self.cursor, self._told.packed(self.writer.name)))

    def apart(self, act: Callable[[], T]) -> T | Exception:
        """What the act gives, or the exception with which it failed, after rolling back what it wrote."""
        gains, told = Counter(self._step_gains), self._step_told
        self.control("SAVEPOINT apart")
        try:
            result = act()
            failure: Exception | None = self.spoiled_by
        except Interrupted:
            raise
        except Exception as error:
            failure = error
        if failure is None:
            self.control("RELEASE SAVEPOINT apart")
            return result
        self.control("ROLLBACK TO SAVEPOINT apart")
        self.control("RELEASE SAVEPOINT apart")
        self.spoiled_by, self._step_gains, self._step_told = None, gains, told
        return failure

    def gains(self) -> list[tuple[CounterKey, int]]:
        """What the counters gain by everything so far, by key, so that all writers lock them in one order."""
        total: Counter[CounterKey] = Counter()
        for part in (self._gains, self._step_gains):
            for key, by in part.items():
                total[key] += by
        return sorted((key, by) for key, by in total.items() if by)
