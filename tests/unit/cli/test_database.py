"""`syncgate db check` finds what was altered behind the store's back."""

from __future__ import annotations

import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from syncgate.cli.templates import write_site
from tests.support.commands import Told, said_by


@pytest.fixture
def site(tmp_path: Path) -> Path:
    """A site with one case, planned for one system."""
    write_site(tmp_path)
    case = tmp_path / "examples/case.json"
    assert said_by("--site", tmp_path, "submit", case, "--source", "desk", "--json").json()["new"] == 1
    return tmp_path


def _check(site: Path) -> Told:
    return said_by("--site", site, "db", "check", "--json")


def _alter(site: Path, statement: str) -> None:
    with closing(sqlite3.connect(site / "data/syncgate.sqlite")) as database, database:
        assert database.execute(statement).rowcount > 0


def test_an_untouched_store_is_whole(site: Path) -> None:
    told = _check(site)
    assert told.code == 0
    assert (told.json()["counters_wrong"], told.json()["audit_broken"]) == ([], [])


def test_a_counter_that_differs_from_the_deliveries_is_named(site: Path) -> None:
    _alter(site, "UPDATE counters SET deliveries_count = deliveries_count + 1")
    told = _check(site)
    assert told.code == 1
    assert told.json()["counters_wrong"] == ["example parked only_checked: expected 1, got 2"]


def test_an_altered_audit_entry_is_named(site: Path) -> None:
    _alter(site, "UPDATE audit SET actor = 'somebody' WHERE entry_no = 1")
    told = _check(site)
    assert told.code == 1 and told.json()["audit_broken"] != []
    assert "BROKEN" in said_by("--site", site, "db", "check").out


def test_a_store_under_another_master_key_is_not_opened_as_whole(site: Path) -> None:
    (site / "data/master.key").write_text("A" * 43 + "=\n")
    told = _check(site)
    assert told.code == 1 and "Traceback" not in told.err
