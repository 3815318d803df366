from __future__ import annotations

import json
import sqlite3

import pytest

from syncgate.sandbox.ledger import TABLES, Change, Entry, Ledger, LedgerInUse
from syncgate.sandbox.ports import publish_port


def entry(seq, **more):
    change = Change("create", "k", "", '{"a": 1}', "created", "rk")
    fields = {
        "seq": seq, "at": 1_700_000_000.25, "operation": "create", "key": "k", "part": "",
        "request_key": "rk", "body": b"\xff{}", "fault": None, "effect": "created", "status": 201,
        "is_answered": True, "change": change,
    }  # fmt: skip
    return Entry(**{**fields, **more})


@pytest.fixture
def ledger(tmp_path):
    opened = Ledger(tmp_path / "food.sqlite")
    yield opened
    opened.close()


def read(ledger, query):
    with sqlite3.connect(f"file:{ledger.path}?mode=ro", uri=True) as connection:
        return connection.execute(query).fetchall()


def test_an_entry_is_readable_by_others_as_soon_as_it_is_appended(ledger):
    ledger.append([entry(1)])
    assert read(ledger, "SELECT seq, at, body, is_answered FROM requests") == [
        (1, "2023-11-14T22:13:20.250000+00:00", "\\xff{}", 1)
    ]
    assert read(ledger, "SELECT request_seq, operation, key, part, record, kind FROM effects") == [
        (1, "create", "k", "", '{"a": 1}', "created")
    ]


@pytest.mark.parametrize("table", TABLES)
@pytest.mark.parametrize("statement", ["DELETE FROM {}", "UPDATE {} SET seq = 9"])
def test_no_row_can_be_changed_or_removed(ledger, table, statement):
    ledger.append([entry(1)])
    ledger.note_unheard(1, at=1.0, why="left")
    with sqlite3.connect(ledger.path) as connection, pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute(statement.format(table))


def test_a_batch_is_appended_whole_or_not_at_all(ledger):
    with pytest.raises(sqlite3.IntegrityError):
        ledger.append([entry(1), entry(1)])
    assert read(ledger, "SELECT count(*) FROM requests") == [(0,)]
    ledger.append([entry(1)])
    assert ledger.counts.requests == 1


def test_the_numbers_go_on_after_a_restart(tmp_path):
    first = Ledger(tmp_path / "x.sqlite")
    first.append([entry(seq) for seq in (1, 2)])
    first.close()
    again = Ledger(tmp_path / "x.sqlite")
    assert next(again.next_seqs()) == 3
    assert [change.request_key for change in again.changes()] == ["rk", "rk"]
    again.close()


def test_the_counts_are_the_same_after_a_restart(tmp_path):
    first = Ledger(tmp_path / "x.sqlite")
    first.append([entry(1, fault="hang"), entry(2, fault="deny", change=None), entry(3, fault="hang")])
    first.note_unheard(1, at=1.0, why="reset")
    shown = first.counts.to_json()
    first.close()
    again = Ledger(tmp_path / "x.sqlite")
    assert again.counts.to_json() == shown
    assert shown["faults"] == {"deny": 1, "hang": 2}
    again.close()


def test_two_simulators_cannot_share_a_ledger(ledger):
    with pytest.raises(LedgerInUse, match="another simulator"):
        Ledger(ledger.path)


def test_texts_that_cannot_be_stored_are_escaped(ledger):
    change = Change("create", "\ud800", "", '{"a": "\ud800"}', "created")
    ledger.append([entry(1, key="\ud800", change=change)])
    assert read(ledger, "SELECT key, record FROM effects") == [("\\ud800", '{"a": "\\ud800"}')]


def test_ports_are_merged(tmp_path):
    path = tmp_path / "demo" / "ports.json"
    for system, port in (("food", 1), ("province", 2), ("food", 3)):
        publish_port(path, system, port)
    assert json.loads(path.read_text()) == {"food": 3, "province": 2}
    assert not list(path.parent.glob("*.draft"))
