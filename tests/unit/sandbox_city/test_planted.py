"""What is planted must be found, and nothing else; whatever a reconciliation says otherwise is told."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Mapping
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.planted import DEEDS, SYSTEMS, Compared, Planted, Sign, alter_row, shorten_graces
from syncgate.sandbox.play.processes import Simulators
from syncgate.sandbox.play.site import DemoError
from tests.unit.test_example_site import ROOT, adapter

Signs = list[Sign]


class ToldGate(Gate):
    """A gate whose runs find what was told beforehand, one run after another."""

    def __init__(self, *found: Signs, outcome: str = "complete") -> None:
        super().__init__("http://none.invalid", source_key="", operator_key="")
        self._found, self._outcome = list(found), outcome

    def ask(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        if method == "POST":
            assert (path, json["mode"]) == ("/v1/reconciliations", "list")
            return httpx.Response(202, json={"reconciliation_id": "r"})
        if path.endswith("/discrepancies"):
            return httpx.Response(200, json={"discrepancies": [shown(one) for one in self._found.pop(0)]})
        run = {"reconciliation_id": "r", "outcome": self._outcome, "totals": {"verified": 7}, "listings": []}
        return httpx.Response(200, json=run)


def shown(sign: Sign) -> dict[str, Any]:
    kind, message, fields = sign
    return {"kind": kind, "message": message, "detail": {"fields": [{"name": name} for name in fields]}}


class ToldSystems(Simulators):
    def __init__(self) -> None:
        self.altered: list[tuple[str, Mapping[str, Any]]] = []

    def alter(self, name: str, *alterations: Mapping[str, Any]) -> None:
        self.altered += [(name, one) for one in alterations]


@pytest.fixture
def ledgers(tmp_path: Path) -> Path:
    """Urban holds two tasks, the newer of which stands already at the address that is planted, and a closing."""
    rows = [("create", "1", "a", {"address": "x"}), ("create", "2", "b", {"address": "改过的"})]
    rows.append(("close", "1", "a", {"result": "TD"}))
    with closing(sqlite3.connect(tmp_path / "urban.sqlite")) as ledger:
        ledger.execute("CREATE TABLE effects (seq INTEGER PRIMARY KEY, operation, key, part, kind, record)")
        for operation, key, part, record in rows:
            said = (operation, key, part, json.dumps(record, ensure_ascii=False))
            ledger.execute(
                "INSERT INTO effects (operation, key, part, kind, record) VALUES (?, ?, ?, 'created', ?)", said
            )
        ledger.commit()
    return tmp_path


FOUND = sorted(deed.found for deed in DEEDS if deed.system == "urban")


def test_what_is_planted_is_found_and_a_deed_changes_what_it_is_done_to(ledgers: Path) -> None:
    systems = ToldSystems()
    compared = Planted(ToldGate([], FOUND), systems, ledgers).run(["urban"])
    assert compared == [Compared("urban", 7, tuple(FOUND))]
    assert systems.altered == [
        ("urban", {"do": "edit", "operation": "create", "key": "1", "part": "a", "set": {"address": "改过的"}}),
        ("urban", {"do": "edit", "operation": "close", "key": "1", "part": "a", "set": {"result": "ZB"}}),
    ]


@pytest.mark.parametrize(
    ("found", "words"),
    [
        ([FOUND], "nothing to differ at urban"),
        ([[], []], "to be found at urban, got \\(\\)"),
        ([[], [*FOUND, FOUND[0]]], "to be found at urban"),
    ],
)
def test_whatever_else_is_found_is_told(ledgers: Path, found: list[Signs], words: str) -> None:
    with pytest.raises(DemoError, match=words):
        Planted(ToldGate(*found), ToldSystems(), ledgers).run(["urban"])


def test_a_run_that_is_not_complete_is_told(ledgers: Path) -> None:
    with pytest.raises(DemoError, match="expected a complete run of urban, got implausible"):
        Planted(ToldGate([], outcome="implausible"), ToldSystems(), ledgers).run(["urban"])


def test_every_deed_is_done_to_what_a_listing_shows() -> None:
    for system in SYSTEMS:
        declared = adapter(system).reconciliation
        assert declared is not None
        listed = {message for listing in declared.listings for message in listing.messages}
        assert {deed.found[1] for deed in DEEDS if deed.system == system} == listed


def test_a_row_is_altered_that_was_taken(tmp_path: Path) -> None:
    with closing(sqlite3.connect(tmp_path / "insurance.db", isolation_level=None)) as front:
        front.execute("CREATE TABLE si_register (id INTEGER PRIMARY KEY, aae011 TEXT, is_sync INT)")
        front.execute("INSERT INTO si_register VALUES (1, '杨参保', 1), (2, '杨参保', 1), (3, '杨参保', 0)")
        alter_row(tmp_path / "insurance.db")
        assert front.execute("SELECT id FROM si_register WHERE aae011 <> '杨参保'").fetchall() == [(2,)]


def test_the_copys_grace_is_shortened_once(tmp_path: Path) -> None:
    path = tmp_path / "adapters" / "insurance" / "adapter.yaml"
    path.parent.mkdir(parents=True)
    original = (ROOT / "adapters/insurance/adapter.yaml").read_text("utf-8")
    path.write_text(original, "utf-8")
    shorten_graces(tmp_path)
    assert path.read_text("utf-8") == original.replace("grace: 30m", "grace: 10s") != original
    with pytest.raises(DemoError, match="got it 0 times"):
        shorten_graces(tmp_path)
