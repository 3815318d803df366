"""Every foreign error, sorted by: could the system have acted?"""

from __future__ import annotations

import sqlite3
from typing import Any

import psycopg
import psycopg.errors
import pymysql
import pytest
import sqlalchemy.exc
from pymysql.constants import CR, ER

from syncgate.domain.outcome import Outcome
from syncgate.transports.database.client import OWN, said_by
from syncgate.transports.database.engines import driver_of, mysql, postgresql, sqlite
from syncgate.transports.database.faults import MEANINGS, SILENT, Fault, FaultKind, Said, Stage


def below(root: type[BaseException]) -> list[type[BaseException]]:
    """The class and all below it, in an order that every process finds them in."""
    found = {root, *(kind for child in root.__subclasses__() for kind in below(child))}
    return sorted(found, key=lambda kind: (kind.__module__, kind.__qualname__))


def test_every_kind_has_a_meaning() -> None:
    assert set(MEANINGS) == set(FaultKind)


def test_no_fault_means_taken_or_unknown_where_nothing_can_have_been_committed() -> None:
    allowed = {Outcome.DUPLICATE, Outcome.REFUSED, Outcome.DENIED, Outcome.UNAVAILABLE}
    assert {meaning.outcome for meaning in MEANINGS.values()} == allowed


@pytest.mark.parametrize("kind", below(pymysql.err.Error), ids=lambda kind: kind.__name__)
def test_every_exception_of_pymysql_is_mapped(kind: type[Exception]) -> None:
    assert kind in mysql.CLASSES
    assert mysql.MySQL().read(kind(99999, "never seen")) is not None


@pytest.mark.parametrize("code", sorted(set(pymysql.err.error_map) - {ER.ERROR_FIRST}))
def test_every_error_that_pymysql_knows_by_its_number_is_mapped(code: int) -> None:
    assert code in mysql.KINDS


@pytest.mark.parametrize("code", sorted(value for name, value in vars(CR).items() if name.startswith("CR_")))
def test_an_error_of_the_client_itself_is_silence_of_the_server(code: int) -> None:
    said = mysql.MySQL().read(pymysql.err.OperationalError(code, "x"))
    assert said is not None and said.kind in SILENT


STATES = sorted(
    {kind.sqlstate for kind in vars(psycopg.errors).values() if isinstance(getattr(kind, "sqlstate", None), str)}
)


def test_psycopg_knows_hundreds_of_states() -> None:
    assert len(STATES) > 200


@pytest.mark.parametrize("state", STATES)
def test_every_sqlstate_is_mapped_by_itself_or_by_its_class(state: str) -> None:
    assert state in postgresql.KINDS or state[:2] in postgresql.CLASSES


@pytest.mark.parametrize("name", sorted(name for name in vars(psycopg) if name.endswith("Error")))
def test_every_exception_of_psycopg_is_read(name: str) -> None:
    assert postgresql.PostgreSQL().read(getattr(psycopg, name)("x")) is not None


PRIMARY = sorted(
    name
    for name in dir(sqlite3)
    if name.startswith("SQLITE_") and isinstance(getattr(sqlite3, name), int) and name.count("_") == 1
)
NO_ERRORS = {
    *("SQLITE_OK", "SQLITE_DENY", "SQLITE_IGNORE", "SQLITE_ROW", "SQLITE_DONE", "SQLITE_NOTICE", "SQLITE_WARNING"),
    *("SQLITE_READ", "SQLITE_SELECT", "SQLITE_INSERT", "SQLITE_UPDATE", "SQLITE_DELETE", "SQLITE_TRANSACTION"),
    *("SQLITE_ATTACH", "SQLITE_DETACH", "SQLITE_REINDEX", "SQLITE_ANALYZE", "SQLITE_FUNCTION", "SQLITE_SAVEPOINT"),
    *("SQLITE_RECURSIVE", "SQLITE_PRAGMA"),
}


@pytest.mark.parametrize("name", sorted({*PRIMARY} - NO_ERRORS))
def test_every_error_of_sqlite_is_mapped(name: str) -> None:
    assert name in sqlite.KINDS


@pytest.mark.parametrize("kind", below(sqlite3.Error), ids=lambda kind: kind.__name__)
def test_every_exception_of_sqlite_is_read(kind: type[Exception]) -> None:
    assert sqlite.SQLite().read(kind("x")) is not None


@pytest.mark.parametrize("kind", below(sqlalchemy.exc.SQLAlchemyError), ids=lambda kind: kind.__name__)
def test_every_exception_of_sqlalchemy_is_mapped(kind: type[Exception]) -> None:
    assert any(one in OWN for one in kind.__mro__[:-2]), "expected a kind of its own or its parent's, got none"


@pytest.mark.parametrize("error", [OSError("x"), IndexError("x"), UnicodeDecodeError("utf-8", b"\xff", 0, 1, "x")])
@pytest.mark.parametrize("engine", ["sqlite", "postgresql", "mysql"])
def test_an_exception_that_no_driver_owns_up_to_is_silence_and_repeats_nothing(engine: Any, error: Exception) -> None:
    said, note = said_by(driver_of(engine), error)
    assert said.kind in (FaultKind.LOST, FaultKind.UNREADABLE)
    assert type(error).__name__ in note


@pytest.mark.parametrize("kind", FaultKind)
def test_only_a_commit_that_was_begun_can_have_acted(kind: FaultKind) -> None:
    said = Said(kind)
    assert [Fault(stage, said, "").could_have_acted for stage in Stage] == [False, False, True]


@pytest.mark.parametrize(
    ("engine", "error"),
    [
        ("mysql", pymysql.err.OperationalError(1213, "Deadlock found")),
        ("postgresql", psycopg.errors.UniqueViolation("x")),
        ("postgresql", psycopg.errors.SerializationFailure("x")),
        ("postgresql", psycopg.errors.DeadlockDetected("x")),
    ],
)
def test_a_commit_that_the_engine_says_it_rolled_back_cannot_have_acted(engine: Any, error: Exception) -> None:
    said, _ = said_by(driver_of(engine), error)
    assert not Fault(Stage.COMMITTING, said, "").could_have_acted


@pytest.mark.parametrize(
    ("engine", "error"),
    [
        ("mysql", pymysql.err.OperationalError(1180, "Got error 28 during COMMIT")),
        ("mysql", pymysql.err.OperationalError(2013, "Lost connection")),
        ("mysql", pymysql.err.OperationalError(1927, "Connection was killed")),
        ("postgresql", psycopg.errors.AdminShutdown("x")),
        ("postgresql", psycopg.errors.StatementCompletionUnknown("x")),
        ("postgresql", psycopg.errors.TransactionResolutionUnknown("x")),
        ("postgresql", psycopg.OperationalError("server closed the connection")),
        ("sqlite", sqlite3.OperationalError("disk I/O error")),
    ],
)
def test_any_other_answer_to_a_commit_leaves_it_open(engine: Any, error: Exception) -> None:
    said, _ = said_by(driver_of(engine), error)
    assert Fault(Stage.COMMITTING, said, "").could_have_acted


def test_a_message_of_the_engine_never_enters_the_note() -> None:
    error = pymysql.err.IntegrityError(1062, "Duplicate entry '张示例' for key 'PRIMARY'")
    said, note = said_by(driver_of("mysql"), error)
    assert (said.kind, said.code, note) == (FaultKind.DUPLICATE, "1062", "duplicate 1062")


def test_a_wrong_character_and_a_wrong_number_share_an_errno_and_are_told_apart() -> None:
    driver = driver_of("mysql")
    texts = ["Incorrect string value: '\\xF0' for column", "Incorrect integer value: 'x' for column"]
    kinds = [said_by(driver, pymysql.err.DataError(1366, text))[0].kind for text in texts]
    assert kinds == [FaultKind.UNENCODABLE, FaultKind.VALUE_OF_WRONG_TYPE]
