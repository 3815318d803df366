"""The I/O: one transaction in a thread, ended in time, and committed only while we still want it."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, Final, TypeVar

from sqlalchemy import Connection, CursorResult, create_engine, event, exc
from sqlalchemy.engine import URL

from syncgate.transports.database.columns import Unreadable
from syncgate.transports.database.engines import Driver, Times
from syncgate.transports.database.faults import Fault, FaultKind, Said, Stage
from syncgate.transports.database.script import Finished, Result, Script

Ask = Callable[[], str | None]
"""Gives the password, anew for every connection."""

T = TypeVar("T")
GRACE: Final = 0.5
"""How long a thread may take to notice that it was cut off."""

OWN: Final[dict[type[BaseException], tuple[FaultKind, str]]] = {
    exc.TimeoutError: (FaultKind.LOST, "no connection was free in time"),
    exc.InterfaceError: (FaultKind.LOST, "connection not usable"),
    exc.DBAPIError: (FaultKind.FAILED, "the driver failed"),
    exc.StatementError: (FaultKind.VALUE_OF_WRONG_TYPE, "a value could not be bound"),
    exc.SQLAlchemyError: (FaultKind.FAILED, "the statement failed"),
    Unreadable: (FaultKind.UNREADABLE, "a value came that no JSON shows"),
    OSError: (FaultKind.LOST, "connection failed"),
    Exception: (FaultKind.UNREADABLE, "something came that is no answer of this engine"),
}
"""What exceptions mean that are none of a driver's; the stage says whether the database could have acted."""


class _Cut(Exception):
    """The time was up before the transaction was."""


class Progress:
    """How far one transaction has come. Whoever cuts it off and the thread that commits it agree through it."""

    def __init__(self, cut: Callable[[Any], None]) -> None:
        self._cut_connection = cut
        self._lock = threading.Lock()
        self._is_cut = False
        self._connection: Any = None
        self.stage = Stage.CONNECTING

    def works_on(self, connection: Any) -> None:
        """There is a connection, whose statements begin now."""
        self._advance(Stage.WORKING, connection)

    def commits(self) -> None:
        """COMMIT leaves now; from here on the database can have acted."""
        self._advance(Stage.COMMITTING, self._connection)

    @property
    def is_cut(self) -> bool:
        """Whether its time was up."""
        return self._is_cut

    def ends(self) -> None:
        """The connection is no longer ours to cut."""
        with self._lock:
            self._connection = None

    def cut(self) -> None:
        """Lets nothing more leave, and wakes the thread."""
        with self._lock:
            self._is_cut = True
            if self._connection is not None:
                with suppress(Exception):
                    self._cut_connection(self._connection)

    def _advance(self, stage: Stage, connection: Any) -> None:
        with self._lock:
            if self._is_cut:
                raise _Cut
            self.stage, self._connection = stage, connection


class DatabaseClient:
    """Runs transactions at one database."""

    def __init__(self, driver: Driver, url: URL, times: Times, *, password: Ask, connections: int) -> None:
        """Args:
        driver: of the engine.
        url: without a password.
        times: of every transaction.
        password: asked for every connection.
        connections: at most so many at a time.
        """
        self._driver = driver
        self._times = times
        self._threads = ThreadPoolExecutor(connections, thread_name_prefix="database")
        reach = driver.reach(url, times)
        self._engine = create_engine(
            reach.url,
            connect_args=dict(reach.arguments),
            pool_size=connections,
            max_overflow=0,
            pool_timeout=times.connect,
            pool_pre_ping=True,
            hide_parameters=True,
        )
        event.listen(self._engine, "do_connect", lambda _d, _r, _a, given: _add_password(given, password()))
        event.listen(self._engine, "connect", lambda connection, _: driver.set_up(connection, times))

    async def run(self, script: Script) -> Finished | Fault:
        """What came of the transaction, within the total time."""
        progress = Progress(self._driver.cut)
        found = await self._in_thread(lambda: self._transact(script, progress), progress)
        if found is not None:
            return found
        note = f"time-out: no end within {self._times.total:g} s"
        return Fault(progress.stage, Said(FaultKind.LOST), note)

    async def inspect(self, look: Callable[[Connection], T]) -> T | Fault:
        """What looking at the database's own description brought."""
        progress = Progress(self._driver.cut)
        found = await self._in_thread(lambda: self._looked(look, progress), progress)
        return found if found is not None else Fault(progress.stage, Said(FaultKind.LOST), "time-out")

    async def aclose(self) -> None:
        """Closes all connections."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        await asyncio.to_thread(self._engine.dispose)

    async def _in_thread(self, call: Callable[[], T], progress: Progress) -> T | None:
        """What the call gave; None where the time was up first. Afterwards nothing more is committed."""
        future = asyncio.get_running_loop().run_in_executor(self._threads, call)
        try:
            done, _ = await asyncio.wait({future}, timeout=self._times.total)
            if not done:
                progress.cut()
                done, _ = await asyncio.wait({future}, timeout=min(GRACE, self._times.connect))
        except asyncio.CancelledError:
            progress.cut()
            raise
        if done:
            return future.result()
        future.cancel()
        return None

    def _transact(self, script: Script, progress: Progress) -> Finished | Fault:
        finished = None
        try:
            with self._engine.connect() as connection:
                finished = self._run(connection, script, progress)
        except Exception as error:
            # What goes wrong while a connection is put back says nothing about what was answered before.
            return finished or self._fault(error, progress)
        return finished

    def _run(self, connection: Connection, script: Script, progress: Progress) -> Finished:
        raw = connection.connection.dbapi_connection
        progress.works_on(raw)
        try:
            self._driver.begin(raw, is_write=script.is_write)
            results: list[Result] = []
            for statement in script.statements:
                sql = statement.sql(results) if callable(statement.sql) else statement.sql
                result = Result() if sql is None else _result(connection.execute(sql), is_bulk=statement.is_bulk)
                objection = statement.check(result)
                if objection is not None:
                    return Finished(objection)
                results.append(result)
            document = script.conclude(results)
            if script.is_write:
                progress.commits()
                connection.commit()
            return Finished(document)
        finally:
            progress.ends()

    def _looked(self, look: Callable[[Connection], T], progress: Progress) -> T | Fault:
        try:
            with self._engine.connect() as connection:
                progress.works_on(connection.connection.dbapi_connection)
                try:
                    return look(connection)
                finally:
                    progress.ends()
        except Exception as error:
            return self._fault(error, progress)

    def _fault(self, error: Exception, progress: Progress) -> Fault:
        if progress.is_cut:
            return Fault(progress.stage, Said(FaultKind.LOST), f"time-out: no end within {self._times.total:g} s")
        said, note = said_by(self._driver, error)
        return Fault(progress.stage, said, note)


def said_by(driver: Driver, error: BaseException) -> tuple[Said, str]:
    """What an exception says, and the same in neutral words, without its message: that may repeat a value."""
    cause = error.orig if isinstance(error, exc.DBAPIError) and error.orig is not None else error
    said = driver.read(cause)
    if said is not None:
        return said, " ".join(word for word in (str(said.kind).replace("_", " "), said.code) if word)
    kind, note = next(OWN[one] for one in type(cause).__mro__ if one in OWN)
    return Said(kind), f"{note} ({type(cause).__name__})"


def _result(found: CursorResult[Any], *, is_bulk: bool) -> Result:
    if is_bulk:
        values: Sequence[Sequence[Any]] = found.cursor.fetchall() if found.cursor is not None else ()
        found.close()
        return Result(values=values, count=len(values))
    if found.returns_rows:
        # Plain texts: SQLAlchemy gives names of a kind of its own, which orjson refuses.
        names = tuple(map(str, found.keys()))
        rows = tuple(dict(zip(names, row, strict=True)) for row in found.fetchall())
        generated = next(iter(rows[0].values()), None) if found.context.isinsert and rows else None
        return Result(rows=rows, count=len(rows), generated=generated)
    # Others say in RETURNING what they generated; their cursors know no last number.
    tells_last = found.context.isinsert and getattr(found.dialect, "postfetch_lastrowid", False)
    return Result(count=found.rowcount, generated=found.lastrowid if tells_last else None)


def _add_password(given: dict[str, Any], password: str | None) -> None:
    if password is not None:
        given["password"] = password
