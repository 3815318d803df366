"""`check --live` and a deploy look at the real tables: SQLite, PostgreSQL, MariaDB, through the command line."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from syncgate.cli.templates import write_site
from tests.integration.transports.database.conftest import (  # noqa: F401
    front,
    mariadb,
    mariadb_server,
    postgresql,
    sqlite,
)
from tests.integration.transports.database.fronts import Front
from tests.support.commands import Told, said_by

ADAPTER = """
system: example
title: {zh: 示例前置库, en: Example front database}
transport: database
mode: live
applies_to:
  equals: [case.kind, {const: hotline}]
options:
  url: mysql://nobody@127.0.0.1:1/nowhere
  PASSWORD
  tables:
    records:
      key: [row_guid]
      columns: {row_guid: varchar(50) not null, subject: varchar(100) not null, place: varchar(200)}
  operations:
    add: {do: insert, table: records, fill: {row_guid: "{slot_key}"}}
    read: {do: read, table: records, where: {row_guid: "{slot_key}"}}
messages:
  - {name: record, of: case, operation: add, on_change: hold, on_unplanned: hold}
answers:
  - {name: taken, when: {body: {/result: committed}}, outcome: taken}
confirm:
  by: look_up
  operation: read
  record: /rows/0
  absent: {body: {/count: 0}}
  visible_after: 10s
  waits: [1s]
  final_after: 30m
limits: {concurrency: 4, connect_timeout: 2s, timeout: 4s}
schedule: [1s, 5s]
breaker: {failures: 5, probe_after: 30s}
personal: [address, content]
"""
MAPPING = """
mapping: example/record
direction: out
reads: case
payload:
  subject: case.item.name
  place: case.location.text
examples:
  - name: a call
    case:
      kind: hotline
      case_no: HL-0001
      item: {name: 路灯不亮}
      location: {text: 示例路1号}
      applied_at: "2026-04-30T01:02:03Z"
    gives: {subject: 路灯不亮, place: 示例路1号}
"""
CONTRACT = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "additionalProperties": False,
    "required": ["subject", "place"],
    "properties": {"subject": {"type": "string", "maxLength": 100}, "place": {"type": "string", "maxLength": 200}},
}
SECRET = "Geheim-4711"


@pytest.fixture
def site(tmp_path: Path, front: Front, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:  # noqa: F811
    """A site that sends to a front database, whose table is as declared."""
    folder = tmp_path / "site"
    write_site(folder)
    secret = "password: {secret: example_key}" if front.password else ""
    (folder / "adapters/example/adapter.yaml").write_text(ADAPTER.replace("PASSWORD", secret), "utf-8")
    (folder / "mappings/example/record.yaml").write_text(MAPPING, "utf-8")
    (folder / "schemas/example/record.schema.json").write_text(json.dumps(CONTRACT), "utf-8")
    config = (folder / "config.yaml").read_text("utf-8")
    config = config.replace("http://127.0.0.1:9000/example", json.dumps(front.url)).replace(
        "mode: shadow", "mode: live"
    )
    (folder / "config.yaml").write_text(config, "utf-8")
    monkeypatch.setenv("SYNCGATE_EXAMPLE_KEY", front.password or SECRET)
    create(front)
    yield folder


def create(front: Front, subject: str = "varchar(100) NOT NULL", more: str = "") -> None:  # noqa: F811
    front.run(
        f"CREATE TABLE records (row_guid varchar(50) NOT NULL PRIMARY KEY, subject {subject}, place varchar(200){more})"
    )


def narrow(front: Front) -> None:  # noqa: F811
    """What a department's people do without telling: a shorter column, and one that must be filled."""
    front.run("DROP TABLE records")
    create(front, "varchar(20) NOT NULL", ", must integer NOT NULL")


def run(site: Path, *arguments: str) -> Told:
    return said_by("--site", site, *arguments)


def test_tables_as_declared_are_well(site: Path) -> None:
    told = run(site, "check", "--live", "--json")
    assert told.code == 0, told
    (seen,) = told.json()["live"]
    assert (seen["system"], seen["is_asked"], seen["failure"], seen["differences"]) == ("example", True, "", [])
    assert "example: as declared" in run(site, "check", "--live").out


def test_every_difference_is_told_at_once_and_the_command_ends_with_1(site: Path, front: Front) -> None:  # noqa: F811
    narrow(front)
    told = run(site, "check", "--live", "--json")
    assert told.code == 1 and not told.json()["ok"]
    (seen,) = told.json()["live"]
    assert sorted(one["at"] for one in seen["differences"]) == ["records.must", "records.subject"]
    said = run(site, "check", "--live")
    assert said.code == 1
    assert "example: 2 differences from its adapter:" in said.out and "VARCHAR(20)" in said.out


def test_without_live_nobody_is_asked(site: Path, front: Front) -> None:  # noqa: F811
    narrow(front)
    assert run(site, "check").code == 0


def test_a_database_that_is_not_there_is_told_without_a_secret(site: Path, front: Front) -> None:  # noqa: F811
    if front.engine == "sqlite":
        pytest.skip("a file is made where there is none")
    unreachable(site, front)
    told = run(site, "check", "--live")
    assert told.code == 1 and "example: could not be looked at: lost" in told.out
    assert (front.password or SECRET) not in told.out + told.err


def unreachable(site: Path, front: Front) -> None:  # noqa: F811
    config = (site / "config.yaml").read_text("utf-8")
    name = "mysql" if front.engine == "mariadb" else "postgresql"
    assert json.dumps(front.url) in config
    (site / "config.yaml").write_text(config.replace(json.dumps(front.url), f'"{name}://u@127.0.0.1:1/x"'), "utf-8")


def active(site: Path) -> Any:
    (row,) = [one for one in run(site, "systems", "list", "--json").json() if one["system"] == "example"]
    return row["active_bundle"]


def reword(site: Path) -> None:
    """Another bundle of the system."""
    path = site / "mappings/example/record.yaml"
    path.write_text(path.read_text("utf-8").replace("case.location.text", "case.case_no"), "utf-8")


def test_a_system_that_contradicts_its_adapter_stays_as_it_was_and_is_named(
    site: Path,
    front: Front,  # noqa: F811
) -> None:
    assert run(site, "deploy").code == 0
    before = active(site)
    reword(site)
    narrow(front)
    told = run(site, "deploy", "--json")
    assert told.code == 1
    (refused,) = told.json()["refused"]
    assert (refused["system"], sorted(one["at"] for one in refused["differences"])) == (
        "example",
        ["records.must", "records.subject"],
    )
    assert (told.json()["changed"], active(site)) == ([], before)
    front.run("DROP TABLE records")
    create(front)
    assert run(site, "deploy").code == 0
    assert active(site) != before


def test_an_outage_keeps_nothing_from_being_activated(site: Path, front: Front) -> None:  # noqa: F811
    if front.engine == "sqlite":
        pytest.skip("a file is made where there is none")
    assert run(site, "deploy").code == 0
    before = active(site)
    reword(site)
    unreachable(site, front)
    told = run(site, "deploy", "--json")
    assert told.code == 0, told
    assert [one["system"] for one in told.json()["unseen"]] == ["example"]
    assert active(site) != before


@pytest.mark.parametrize("address", ["http://127.0.0.1:9000/example", "mysql://u:geheim@127.0.0.1/x"])
def test_an_address_of_another_protocol_is_refused_with_its_place(
    site: Path,
    front: Front,  # noqa: F811
    address: str,
) -> None:
    config = (site / "config.yaml").read_text("utf-8")
    (site / "config.yaml").write_text(config.replace(json.dumps(front.url), json.dumps(address)), "utf-8")
    told = run(site, "check")
    line = next(no for no, text in enumerate(config.splitlines(), 1) if json.dumps(front.url) in text)
    assert told.code == 1 and f"config.yaml:{line}:" in told.err
    assert "expected an address such as mysql://" in told.err and "geheim" not in told.err
