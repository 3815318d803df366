"""A gate with one front database of its own: a real SQLite file, whose consumer is the test."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from uuid import UUID

from syncgate.domain.head import Task
from syncgate.domain.outcome import Answer, Evidence, Outcome, Reading
from syncgate.domain.rows import Attempt, Delivery
from syncgate.flows.delivering.claim import claim
from syncgate.flows.delivering.confirm import confirm
from syncgate.flows.delivering.polling import Asked, Batch, ask, claim_polls, end_batch
from syncgate.flows.delivering.send import send
from syncgate.flows.delivering.settle_polls import settle_poll
from syncgate.flows.delivering.work import Work
from syncgate.ports import Request
from syncgate.site.bundle import Bundle
from syncgate.site.compiler import compile_bundle
from syncgate.storage import SqlStore
from syncgate.transports.database import build
from tests.integration.flows.worksite import KEYRING, WORKER, Worksite, example_site, worksite
from tests.support.rows import SetClock

ADAPTER = """\
system: front
title: {zh: 前置库, en: Front database}
transport: database
mode: live
applies_to: {equals: [case.kind, {const: application}]}
options:
  url: sqlite:///PLACE
  tables:
    accept:
      key: [row_guid, version_no]
      columns:
        row_guid: varchar(50) not null
        version_no: int not null
        title: varchar(200) not null
        channel: varchar(20) not null
        is_sync: int
        batch: varchar(32) not null
    step:
      key: [row_guid]
      columns: {row_guid: varchar(50) not null, kind: varchar(50) not null, is_sync: int, batch: varchar(32) not null}
    unqbak:
      key: [batch, at]
      columns: {batch: varchar(32) not null, at: int not null, error_msg: varchar(2000)}
  operations:
    accept:
      do: insert
      table: accept
      fill: {row_guid: "{slot_key}", version_no: "{version_no}", is_sync: 0, batch: "{send_key:hex}"}
    step: {do: insert, table: step, fill: {row_guid: "{slot_key}", is_sync: 0, batch: "{send_key:hex}"}}
    read_accept: {do: read, table: accept, where: {row_guid: "{slot_key}"}, latest_by: version_no}
    read_step: {do: read, table: step, where: {row_guid: "{slot_key}"}}
    poll_accept:
      do: poll
      table: accept
      where: {row_guid: "{slot_key}", version_no: "{version_no}"}
      flag: {column: is_sync, waiting: [0], taken: [1], refused: [2]}
      rejects: {table: unqbak, where: {batch: "{send_key:hex}"}, reason: error_msg, latest_by: at}
    poll_step:
      do: poll
      table: step
      where: {row_guid: "{slot_key}"}
      flag: {column: is_sync, waiting: [0], taken: [1], refused: [2]}
      rejects: {table: unqbak, where: {batch: "{send_key:hex}"}, reason: error_msg, latest_by: at}
messages:
  - name: accept
    of: case
    operation: accept
    on_change: new_version
  - name: step
    of: stage
    when: {equals: [stage.kind, {const: step}]}
    operation: step
    is_ordered: false
    confirm: {by: look_up, operation: read_step, record: /rows/0, absent: {body: {/count: 0}}, visible_after: 15s}
    acknowledged: {operation: poll_step, waits: [30s, 1m, 5m], final_after: 24h, returned_for: 72h}
answers:
  - {name: queued, when: {body: {/result: committed}}, outcome: queued_there}
  - name: times
    when: {body: {/state: refused, /reason: {contains: 时间}}}
    outcome: refused
    reason: accepted_before_applied
    actor: source
confirm: {by: look_up, operation: read_accept, record: /rows/0, absent: {body: {/count: 0}}, visible_after: 15s}
acknowledged: {operation: poll_accept, waits: [30s, 1m, 5m], final_after: 24h, returned_for: 72h}
limits: {concurrency: 4, connect_timeout: 1s, timeout: 5s}
breaker: {failures: 3, probe_after: 30s}
personal: [name]
"""

FILES = {
    "mappings/front/accept.yaml": "mapping: front/accept\ndirection: out\nreads: case\npayload:\n"
    "  title: case.title\n  channel: case.channel\nexamples:\n  - name: one\n"
    "    case: {title: a title, channel: window}\n    gives: {title: a title, channel: window}\n",
    "mappings/front/step.yaml": "mapping: front/step\ndirection: out\nreads: stage\npayload:\n  kind: stage.kind\n"
    "examples:\n  - name: one\n    case: {stages: [{id: s1, kind: step, at: '2026-03-02T10:00:00+08:00'}]}\n"
    "    part: s1\n    gives: {kind: step}\n",
}

DDL = (
    "CREATE TABLE accept (row_guid TEXT NOT NULL, version_no INTEGER NOT NULL, title TEXT NOT NULL,"
    " channel TEXT NOT NULL, is_sync INTEGER, batch TEXT NOT NULL, PRIMARY KEY (row_guid, version_no))",
    "CREATE TABLE step (row_guid TEXT NOT NULL PRIMARY KEY, kind TEXT NOT NULL, is_sync INTEGER, batch TEXT NOT NULL)",
    "CREATE TABLE unqbak (batch TEXT NOT NULL, at INTEGER NOT NULL, error_msg TEXT, PRIMARY KEY (batch, at))",
)


def contract(*names: str) -> str:
    properties = {name: {"type": "string"} for name in names}
    closed = {"type": "object", "additionalProperties": False, "required": list(names), "properties": properties}
    return json.dumps({"$schema": "https://json-schema.org/draft/2020-12/schema", **closed})


def front_bundle(place: Path, **replaced: str) -> Bundle:
    """The front database's bundle; texts of its adapter may be replaced."""
    adapter = ADAPTER.replace("PLACE", str(place))
    for old, new in replaced.items():
        assert old in adapter
        adapter = adapter.replace(old, new)
    files = FILES | {
        "adapters/front/adapter.yaml": adapter,
        "schemas/front/accept.schema.json": contract("title", "channel"),
        "schemas/front/step.schema.json": contract("kind"),
    }
    return compile_bundle(
        "front",
        {path: text.encode() for path, text in files.items()},
        mac=lambda content: KEYRING.mac("inputs", content),
        schema=example_site().schema,
    )


class NoSecrets:
    def get(self, name: str) -> str:
        raise AssertionError(name)


@dataclass
class FrontTransport:
    """The real transport, opened for each request, which counts its questions and can be told to be away.

    `lost_count`: so many answers to what was committed do not arrive.
    """

    site: Worksite
    bundle: Bundle
    polls: list[int] = field(default_factory=list)
    away: list[Answer] = field(default_factory=list)
    lost_count: int = 0
    polls_at_once: int = 100

    async def send(self, request: Request) -> Answer:
        transport = self._open()
        try:
            answer = await transport.send(request)
            if self.lost_count == 0:
                return answer
            self.lost_count -= 1
            return Answer(Outcome.UNKNOWN, Evidence(sent=b"COMMIT", note="connection lost"), rule="lost_at_commit")
        finally:
            await transport.aclose()

    async def look_up(self, request: Request, **how: Any) -> Reading:
        transport = self._open()
        try:
            return await transport.look_up(request, **how)
        finally:
            await transport.aclose()

    async def poll(self, requests: Sequence[Request]) -> Sequence[Answer]:
        self.polls.append(len(requests))
        if self.away:
            return [self.away[0] for _ in requests]
        transport = self._open()
        try:
            return await transport.poll(requests)
        finally:
            await transport.aclose()

    async def aclose(self) -> None:
        pass

    def _open(self) -> Any:
        gate = self.site.gate
        return build(
            self.bundle.options,
            self.bundle.answers,
            limits=self.bundle.limits,
            secrets=NoSecrets(),
            clock=gate.clock,
            entropy=gate.entropy,
        )


@dataclass
class FrontSite:
    """A worksite whose one system is a front database."""

    site: Worksite
    place: Path
    transport: FrontTransport

    # their side
    def sql(self, statement: str, *values: Any) -> list[tuple[Any, ...]]:
        """What the consumer does, and what is there."""
        with closing(sqlite3.connect(self.place, isolation_level=None)) as connection:
            return connection.execute(statement, values).fetchall()

    def reject(self, table: str, why: str, *, moves: bool = True) -> None:
        """The quality check gives back the newest row of a table."""
        ((batch, rowid),) = self.sql(f"SELECT batch, rowid FROM {table} ORDER BY rowid DESC LIMIT 1")
        at = int(self.site.clock.at.timestamp())
        self.sql("INSERT INTO unqbak VALUES (?, ?, ?)", batch, at, why)
        if moves:
            self.sql(f"DELETE FROM {table} WHERE rowid = ?", rowid)

    # ours
    def step(self, *, asks: bool = True) -> int:
        """Claims, serves and settles all that is due now, questions included. Gives how many questions were asked."""
        claimed = self.site.write(
            lambda tx: claim(
                self.site.gate,
                tx,
                "front",
                owner=WORKER,
                limit=10,
                polls_at_once=100 if asks else None,
                is_granting=False,
            )
        )
        for work in claimed.works:
            following: Work | None = work
            while following is not None:
                serving = confirm if following.task is Task.CONFIRM else send
                verdict = self.site.run(serving(self.site.gate, following, lambda digest: self.transport))
                following = self.site.settle(following, verdict).next_work
        return 0 if claimed.batch is None else self.settle(claimed.batch, self.ask(claimed.batch))

    def claim_batch(self) -> Batch:
        """Claims questions alone."""
        claimed = self.site.write(
            lambda tx: claim(self.site.gate, tx, "front", owner=WORKER, limit=10, polls_at_once=100, is_granting=False)
        )
        assert claimed.batch is not None
        return claimed.batch

    def claim_batch_without_sends(self) -> Batch:
        """Claims questions where a pause of a moment keeps sends back: they come first otherwise."""
        gate = self.site.gate

        def step(tx: Any) -> Batch | None:
            row = tx.system("front", lock=True)
            return claim_polls(gate, tx, row, gate.active_bundle("front"), owner=WORKER, at_once=100)

        batch = self.site.write(step)
        assert batch is not None
        return batch

    def ask(self, batch: Batch) -> Asked:
        return self.site.run(ask(self.site.gate, batch, lambda digest: self.transport))

    def settle(self, batch: Batch, asked: Asked) -> int:
        for question, answer, at in asked.answers:
            self.site.write(lambda tx, q=question, a=answer, t=at: settle_poll(self.site.gate, tx, q, a, started_at=t))  # type: ignore[misc]
        self.site.write(lambda tx: end_batch(self.site.gate, tx, batch, asked, owner=WORKER))
        return len(asked.answers)

    def move(self, **by: float) -> None:
        self.site.clock.move(**by)

    def accept(self, case_id: UUID) -> Delivery:
        return self.site.only(case_id, "front", "accept")

    def entries(self, delivery: Delivery) -> list[Attempt]:
        return self.site.store.read(lambda tx: tx.attempts(delivery.delivery_id))


def front_site(store: SqlStore, clock: SetClock, folder: Path, **replaced: str) -> FrontSite:
    """A gate over this store with an empty front database in a folder."""
    place = folder / "front.db"
    bundle = front_bundle(place, **replaced)
    with closing(sqlite3.connect(place)) as connection:
        for statement in DDL:
            connection.execute(statement)
        connection.commit()
    site = worksite(store, clock, [bundle])
    return FrontSite(site, place, FrontTransport(site, bundle))
