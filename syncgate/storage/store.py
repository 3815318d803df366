"""The store: many steps to a commit, each in its own savepoint, on SQLite or PostgreSQL."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import datetime
from typing import Any, TypeVar

import structlog
from tenacity import Retrying, retry_if_exception_type, stop_after_attempt, wait_exponential

from syncgate.domain.errors import CommitUnknown, StoreDamaged, StoreUnavailable
from syncgate.ports.outside import Clock
from syncgate.ports.store import Keyring, OnSystem, Step
from syncgate.storage.audit import AuditWriter
from syncgate.storage.engine import Fault, engine_for
from syncgate.storage.pool import ReadPool
from syncgate.storage.rows.deliveries import flush_counters
from syncgate.storage.transaction import SqlTx
from syncgate.storage.work import Interrupted, Work

T = TypeVar("T")
log = structlog.get_logger("syncgate.store")

TRIES = 4
"""How often a batch, and then each step alone, is run again after a deadlock or a lost race."""
PATIENCE = 20.0
"""Seconds within which the steps of a batch, run alone, wait for what somebody else has locked; later ones do not."""
ASIDE_FOR = 0.02
"""Seconds at most between two of these tries."""


class SqlStore:
    """The synchronous store. `write` is for one thread at a time, `read` for any.

    A step may be run more than once before its commit stands, so it keeps nothing but its result.
    """

    def __init__(
        self,
        url: str,
        *,
        keyring: Keyring,
        clock: Clock | None = None,
        writer: str = "serve",
        readers_count: int = 4,
        is_exclusive: bool = False,
    ) -> None:
        """Connects lazily; the schema must be there (`migrate`).

        Args:
            url: `sqlite:///path` or `postgresql://…`.
            keyring: keys the audit's chain.
            clock: the time of every commit; None: the database's clock.
            writer: name of this process's audit chain; no two processes that run at once share one.
            readers_count: how many reads run side by side.
            is_exclusive: whether it writes only while no other process can, and none can while it does.
        """
        self._engine = engine_for(url, is_exclusive=is_exclusive)
        self._clock = clock
        self._writer = AuditWriter(writer, keyring)
        self._turn = threading.Lock()
        self._connection: Any = None
        self._damage = ""
        self._readers = ReadPool(lambda: self._connect(is_reader=True), self._engine.is_alive, readers_count)

    def write(self, steps: Sequence[Step[Any]]) -> list[Any]:
        """For each step its result, or the exception that it raised; durable when this returns.

        Raises:
            StoreUnavailable: nothing was stored. CommitUnknown: the commit's outcome never came back. StoreDamaged:
                a write or a read saw damage, now or before; nothing is written any more.
        """
        results: list[Any] = [None] * len(steps)
        with self._turn:
            if self._damage:
                raise _damaged(self._damage)
            for no, group in enumerate(self._groups(steps)):
                try:
                    written = self._written([steps[place] for place in group])
                except StoreUnavailable as error:
                    if no == 0:
                        raise
                    written = [error for _ in group]
                for place, result in zip(group, written, strict=True):
                    results[place] = result
        return results

    def _groups(self, steps: Sequence[Step[Any]]) -> list[list[int]]:
        """Which steps, by their places, are committed together, in this order."""
        places = range(len(steps))
        if not self._engine.is_shared:
            return [list(places)] if steps else []
        on_systems = {place: step.system for place in places if isinstance(step := steps[place], OnSystem)}
        first = sorted(on_systems, key=on_systems.__getitem__)
        return [group for group in (first, [place for place in places if place not in on_systems]) if group]

    def _written(self, steps: Sequence[Step[Any]]) -> list[Any]:
        try:
            return self._commit(steps)
        except Interrupted as interrupted:
            if interrupted.fault is not Fault.AGAIN:
                raise self._refused(interrupted) from None
        return self._again(steps)

    def read(self, step: Step[T]) -> T:
        """The step's result over one unchanging state of the store."""
        with self._readers.connection() as connection:
            try:
                with self._transaction(connection, is_reader=True) as work:
                    return step(SqlTx(work))
            except Interrupted as interrupted:
                raise self._refused(interrupted) from None

    def damage(self, *, limit: int = 20) -> list[str]:
        """The first things that a walk over all of the store finds wrong; empty where it is whole."""
        with self._readers.connection() as connection, closing(connection.cursor()) as cursor:
            return self._engine.damage(cursor, limit=limit)

    def close(self) -> None:
        """Closes every connection."""
        with self._turn:
            self._drop()
        self._readers.close()

    def _again(self, steps: Sequence[Step[Any]]) -> list[Any]:
        """Runs the batch once more, then step by step, so that two that fight hold up nobody else."""
        self._step_aside()
        try:
            return self._commit(steps)
        except Interrupted as interrupted:
            if interrupted.fault is not Fault.AGAIN:
                raise self._refused(interrupted) from None
        until = time.monotonic() + PATIENCE
        return [self._alone(step, until=until) for step in steps]

    def _alone(self, step: Step[Any], *, until: float) -> Any:
        """The step's result, or the exception as a value: others of its batch may be stored already.

        Once it is late a step has one try and waits for no lock: behind a row that somebody keeps locked, nobody
        should hear after minutes what he can hear at once.
        """
        last: Interrupted | None = None
        for _ in range(TRIES):
            is_late = time.monotonic() >= until
            try:
                return self._commit([step], is_waiting=not is_late)[0]
            except Interrupted as interrupted:
                last = interrupted
                if is_late:
                    break
                self._step_aside()
            except StoreUnavailable as error:
                return error
        assert last is not None
        return self._refused(last)

    def _refused(self, interrupted: Interrupted) -> StoreUnavailable:
        """What the caller hears; damage is remembered, so that nothing makes it worse."""
        if interrupted.fault is not Fault.DAMAGED:
            return StoreUnavailable("expected the store to take the commit, got {code}", code=interrupted.code)
        if not self._damage:
            log.error("store_damaged", code=interrupted.code)
        self._damage = interrupted.code
        return _damaged(interrupted.code)

    def _step_aside(self) -> None:
        """Lets the other one pass; two that come back at the same moment would meet again."""
        time.sleep(random.uniform(0.0, ASIDE_FOR))  # noqa: S311

    def _commit(self, steps: Sequence[Step[Any]], *, is_waiting: bool = True) -> list[Any]:
        if self._connection is not None and not self._engine.is_alive(self._connection):
            self._drop()
        if self._connection is None:
            self._connection = self._connect(is_reader=False)
        with self._transaction(self._connection, is_reader=False) as work:
            tx = SqlTx(work)
            if not is_waiting:
                work.wait_for_no_lock()
            results = [_run(work, tx, step) for step in steps]
            flush_counters(work)
            work.tell()
        return results

    @contextmanager
    def _transaction(self, connection: Any, *, is_reader: bool) -> Iterator[Work]:
        """One transaction, committed if its body ends. What fails inside is rolled back whole."""
        cursor = connection.cursor()
        try:
            work = self._begin(cursor, is_reader=is_reader)
            yield work
        except BaseException:
            self._roll_back(connection, cursor, is_reader=is_reader)
            raise
        self._finish(connection, cursor, is_reader=is_reader)

    def _begin(self, cursor: Any, *, is_reader: bool) -> Work:
        try:
            self._engine.begin(cursor, is_reader=is_reader)
            now = self._now(cursor)
        except self._engine.errors as error:
            raise Interrupted(_lost(self._engine.fault(error)), self._engine.code(error)) from None
        return Work(self._engine, cursor, now, writer=self._writer, is_reader=is_reader)

    def _finish(self, connection: Any, cursor: Any, *, is_reader: bool) -> None:
        try:
            is_committed = self._engine.commit(cursor)
        except self._engine.errors as error:
            is_refused = self._engine.is_commit_refused(error, connection)
            fault, code = self._engine.fault(error), self._engine.code(error)
            self._roll_back(connection, cursor, is_reader=is_reader)
            if is_refused or is_reader:
                raise Interrupted(fault, code) from None
            self._drop()
            raise CommitUnknown("expected the commit's outcome, got {code}", code=code) from None
        if not is_committed:
            raise Interrupted(Fault.LOST, "rolled back")

    def _roll_back(self, connection: Any, cursor: Any, *, is_reader: bool) -> None:
        """Rolls back; a connection that cannot is closed, and its writer's place is empty."""
        try:
            self._engine.roll_back(connection, cursor)
        except self._engine.errors:
            with suppress(Exception):
                connection.close()
            if not is_reader:
                self._connection = None

    def _now(self, cursor: Any) -> datetime:
        return self._engine.now(cursor) if self._clock is None else self._clock.now()

    def _connect(self, *, is_reader: bool) -> Any:
        retrying = Retrying(
            stop=stop_after_attempt(3),
            wait=wait_exponential(multiplier=0.05, max=1),
            retry=retry_if_exception_type(self._engine.errors),
            reraise=True,
        )
        try:
            return retrying(self._engine.connect, is_reader=is_reader)
        except self._engine.errors as error:
            code = self._engine.code(error)
            if self._engine.fault(error) is Fault.DAMAGED:
                raise self._refused(Interrupted(Fault.DAMAGED, code)) from None
            raise StoreUnavailable("expected a connection to the store, got {code}", code=code) from None

    def _drop(self) -> None:
        if self._connection is not None:
            with suppress(Exception):
                self._connection.close()
            self._connection = None


def _lost(fault: Fault) -> Fault:
    """Before a step has run nothing is its fault."""
    return fault if fault is Fault.DAMAGED else Fault.LOST


def _run(work: Work, tx: SqlTx, step: Callable[[SqlTx], Any]) -> Any:
    """The step's result, or what it raised, after rolling it back alone."""
    work.control("SAVEPOINT step")
    work.begin_step()
    try:
        result = step(tx)
    except Interrupted:
        raise
    except Exception as error:
        return _undo(work, error)
    if work.spoiled_by is not None:
        return _undo(work, work.spoiled_by)
    work.control("RELEASE SAVEPOINT step")
    work.keep_step()
    return result


def _undo(work: Work, error: Exception) -> Exception:
    work.control("ROLLBACK TO SAVEPOINT step")
    work.control("RELEASE SAVEPOINT step")
    work.begin_step()
    return error


def _damaged(code: str) -> StoreDamaged:
    return StoreDamaged("expected a whole store, got a damaged one ({code}); see how to back up and restore", code=code)
