"""A gate process that fetches what sources have ready: each record reaches the system once, also after kill -9."""

from __future__ import annotations

import csv
import json
import signal
import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import Site, eventually, orders, write_calls
from tests.integration.sources.lists import a_list

MAPPING = "    mapping: sources/taipei1999/case "
COUNT = 120


def calls_of(folder: Path) -> list[dict[str, str]]:
    with write_calls(folder / "calls.csv", COUNT).open(encoding="utf-8-sig") as file:
        return list(csv.DictReader(file))


@contextmanager
def a_table(folder: Path) -> Iterator[dict[str, Any]]:
    calls = calls_of(folder)
    names = list(calls[0])
    place = folder / "front.sqlite"
    with closing(sqlite3.connect(place)) as front:
        columns = ", ".join(f"{name} TEXT NOT NULL" for name in names)
        front.execute(f"CREATE TABLE up_case({columns}, is_sync INTEGER NOT NULL DEFAULT 0)")
        front.executemany(
            f"INSERT INTO up_case({', '.join(names)}) VALUES (?,?,?,?,?)", [tuple(one.values()) for one in calls]
        )
        front.commit()
    yield {
        "database": {
            "url": f"sqlite:///{place}",
            "table": "up_case",
            "columns": dict.fromkeys(names, "varchar(200) not null") | {"is_sync": "int not null"},
            "key": [names[0]],
            "flag": {"column": "is_sync", "waiting": 0, "taken": 1},
            "page": 25,
        }
    }


@contextmanager
def an_address(folder: Path) -> Iterator[dict[str, Any]]:
    with a_list(*calls_of(folder)) as source:
        yield {
            "rest": {
                "base_url": source.url,
                "path": "/cases",
                "query": {"cursor": "{cursor}", "limit": "{size}"},
                "records": "/data/items",
                "key": ["/案件編號"],
                "paging": {"at": "/data/next", "size": 25},
            }
        }


@contextmanager
def a_folder(folder: Path) -> Iterator[dict[str, Any]]:
    lines = write_calls(folder / "calls.csv", COUNT).read_text("utf-8-sig").splitlines()
    inbox = folder / "inbox"
    inbox.mkdir()
    for no, begin in enumerate(range(1, len(lines), 40)):
        text = "\n".join([lines[0], *lines[begin : begin + 40], ""])
        (inbox / f"part-{no}.csv").write_text(text, "utf-8-sig")
    yield {"folder": {"path": str(inbox), "files": "part-*.csv", "format": "csv", "settled_for": "1s", "page": 25}}
    assert sorted(path.name for path in (inbox / "done").iterdir()) == ["part-0.csv", "part-1.csv", "part-2.csv"]
    assert [path.name for path in inbox.iterdir()] == ["done"]


WAYS = {"database": a_table, "rest": an_address, "folder": a_folder}


@pytest.mark.parametrize("way", WAYS)
def test_what_a_source_has_ready_reaches_the_system_once(
    site: Site, workorders: Running, tmp_path: Path, way: str
) -> None:
    """kill -9 of the gate while it fetches; promises 2 and 4."""
    with WAYS[way](tmp_path) as settings:
        text = site.config.read_text("utf-8")
        assert text.count(MAPPING) == 1
        polled = f"    poll: {json.dumps({'every': '1s', **settings})}\n"
        site.config.write_text(text.replace(MAPPING, polled + MAPPING), "utf-8")
        gate = site.serve()
        assert eventually(lambda: len(orders(workorders)) > 0, within=60), site.log(gate)
        gate.send_signal(signal.SIGKILL)
        gate.wait(timeout=30)
        second = site.serve()
        assert eventually(lambda: len(orders(workorders)) == COUNT, within=120), site.log(second)
        again = site.ask("submit", tmp_path / "calls.csv", "--source", "taipei1999")
        assert (again["unchanged"], again["new"], again["changed"]) == (COUNT, 0, 0)
        assert set(orders(workorders).values()) == {1}
        assert site.ask("arrivals", "list", "--source", "taipei1999")["arrivals"] == []
