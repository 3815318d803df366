"""Fills the gate's store and the systems with records that agree: nothing is sent for it.

The first records go into the store as a submission's rows do. All others are copies of the last of these within the
store's file, each with its own ids, number and marks: a million of them row by row would take longer than the run.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any
from uuid import UUID

import orjson
import psycopg

from syncgate.domain.delivery import Phase
from syncgate.domain.ids import uuid7
from syncgate.domain.rows import Case, Change, Delivery, Lane, Submission
from syncgate.flows.accepting.submission import sealed_document
from syncgate.flows.delivering.work import Marks
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.marks import marks_in
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle
from syncgate.storage import SqlStore
from tests.bench.reconciling.records import EDITED, FIELDS, MESSAGE, case_id, document, guid, held, payload

PAGE = 1_000


def fill_store(store: SqlStore, gate: Gate, bundle: Bundle, *, file: Path, count: int) -> None:
    """Every record as delivered, with the marks that a send would have left. Only edited ones have their document.

    Args:
        store: whose file it is, with nothing in it. gate, bundle: that would have sent them.
        file: the store's. count: of records.
    """
    (failed,) = store.write([partial(_rows, gate, bundle, range(EDITED + 1))])
    if isinstance(failed, BaseException):
        raise failed
    with closing(sqlite3.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        numbers = range(EDITED + 1, count)
        _copy(connection, "cases", (_own_of_case(no) for no in numbers))
        _copy(connection, "lanes", ({"case_id": case_id(no).bytes} for no in numbers))
        _copy(connection, "deliveries", (_own_of_delivery(gate, bundle, no) for no in numbers))
        connection.execute("COMMIT")


def fill_as_before(file: Path, bundle: Bundle) -> None:
    """The same for another transport of the same system: its bundle says the same of every record, by another name."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("UPDATE deliveries SET bundle = ?", [bundle.digest])
        connection.commit()


def _copy(connection: sqlite3.Connection, table: str, own: Iterator[dict[str, Any]]) -> None:
    """Copies the table's newest row, each time with other values in some columns, as SQLite holds them."""
    first = next(own, None)
    if first is None:
        return
    columns = [row[1] for row in connection.execute(f"PRAGMA table_info({table})") if row[1] not in first]
    one = connection.execute(f"SELECT {', '.join(columns)} FROM {table} ORDER BY case_id DESC LIMIT 1").fetchone()
    names, marks = ", ".join([*first, *columns]), ", ".join("?" for _ in [*first, *columns])
    rows = (tuple(values.values()) + one for values in chain([first], own))
    connection.executemany(f"INSERT INTO {table} ({names}) VALUES ({marks})", rows)


def _own_of_case(no: int) -> dict[str, Any]:
    return {"case_id": case_id(no).bytes, "case_no": document(no)["case_no"]}


def _own_of_delivery(gate: Gate, bundle: Bundle, no: int) -> dict[str, Any]:
    marks, delivery_id = _marks(gate, bundle, no), _delivery_id(gate, no)
    return {
        "case_id": case_id(no).bytes,
        "delivery_id": delivery_id.bytes,
        "held_key": marks.key,
        "held_mac": marks.mac,
    }


def _rows(gate: Gate, bundle: Bundle, numbers: range, tx: Tx) -> None:
    system = bundle.system
    for no in numbers:
        tx.insert_case(_case(gate, tx, no))
    tx.insert_lanes([Lane(case_id=case_id(no), system=system) for no in numbers])
    tx.insert_deliveries([_delivery(gate, tx, bundle, no) for no in numbers])


def _case(gate: Gate, tx: Tx, no: int) -> Case:
    at = gate.clock.now()
    key = gate.keyring.new_wrapped_key() if no < EDITED else b"k" * 65
    return Case(
        case_id=case_id(no),
        origin="window",
        case_no=document(no)["case_no"],
        kind="application",
        revision=1,
        submission_no=1,
        content_mac=b"c" * 16,
        wrapped_key=key,
        created_at=at,
        changed_at=at,
    )


def _delivery(gate: Gate, tx: Tx, bundle: Bundle, no: int) -> Delivery:
    marks, at = _marks(gate, bundle, no), gate.clock.now()
    return Delivery(
        delivery_id=_delivery_id(gate, no),
        case_id=case_id(no),
        system=bundle.system,
        message=MESSAGE,
        revision=1,
        phase=Phase.DELIVERED,
        input_mac=b"i" * 16,
        bundle=bundle.digest,
        operation="create",
        change=Change.CREATE,
        sent_mac=b"s" * 16,
        created_at=at,
        changed_at=at,
        sent_at=at,
        delivered_at=at,
        held_key=marks.key,
        held_mac=marks.mac,
    )


def _marks(gate: Gate, bundle: Bundle, no: int) -> Marks:
    assert bundle.readback is not None
    (listing,) = bundle.readback.listings
    keys = {"slot_key": guid(bundle.system, no)}
    marks = marks_in(gate.keyring, bundle.system, listing, MESSAGE, keys=keys, payload=payload(no))
    assert marks is not None
    return marks


def _delivery_id(gate: Gate, no: int) -> UUID:
    return uuid7(gate.clock.now(), no.to_bytes(10, "big"))


def fill_documents(store: SqlStore, gate: Gate) -> None:
    """The documents of the cases whose records are edited: only they are mapped again."""

    def step(tx: Tx) -> None:
        for no in range(EDITED):
            case = tx.case(case_id(no))
            assert case is not None
            tx.insert_submission(_submission(gate, case, document(no)))

    (failed,) = store.write([step])
    if isinstance(failed, BaseException):
        raise failed


def _submission(gate: Gate, case: Case, content: object) -> Submission:
    return Submission(
        case_id=case.case_id,
        submission_no=1,
        revision=1,
        is_change=True,
        source="window",
        request_mac=b"r" * 16,
        sealed_document=sealed_document(gate, case.case_id, case.wrapped_key, content),
        status=202,
        receipt="{}",
        by="window",
        received_at=case.created_at,
    )


def _held(system: str, count: int) -> Iterator[dict[str, str]]:
    """All that the system holds: what was sent, and as many more as are edited that nobody sent."""
    return (held(system, no) for no in range(count + EDITED))


_COLUMNS = ("guid", *FIELDS)
_CREATE = "CREATE TABLE records ({}, PRIMARY KEY (guid))"


def fill_sqlite(file: Path, system: str, *, count: int) -> None:
    """The system as an SQLite file."""
    with closing(sqlite3.connect(file)) as connection:
        connection.execute(_CREATE.format(", ".join(f"{name} varchar(200) NOT NULL" for name in _COLUMNS)))
        marks = ", ".join("?" for _ in _COLUMNS)
        rows = (tuple(one[name] for name in _COLUMNS) for one in _held(system, count))
        connection.executemany(f"INSERT INTO records VALUES ({marks})", rows)
        connection.commit()


def fill_postgres(url: str, system: str, *, count: int) -> None:
    """The system as a table in a PostgreSQL."""
    with psycopg.connect(url) as connection:
        connection.execute(_CREATE.format(", ".join(f"{name} varchar(200) NOT NULL" for name in _COLUMNS)))
        with connection.cursor().copy("COPY records FROM STDIN") as copy:
            for one in _held(system, count):
                copy.write_row([one[name] for name in _COLUMNS])


def fill_pages(folder: Path, system: str, *, count: int) -> None:
    """The system's answers, page by page, as files."""
    total = count + EDITED
    folder.mkdir()
    page: list[dict[str, str]] = []
    number = 1
    for one in _held(system, count):
        page.append(one)
        if len(page) == PAGE:
            _write_page(folder, number, page, total)
            page, number = [], number + 1
    _write_page(folder, number, page, total)


def _write_page(folder: Path, number: int, page: list[dict[str, str]], total: int) -> None:
    (folder / str(number)).write_bytes(orjson.dumps({"items": page, "total": total}))
