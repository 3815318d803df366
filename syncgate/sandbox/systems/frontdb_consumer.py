"""The consumer of the front database: takes rows, sends them back, and misbehaves as it is told."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from random import Random
from typing import Any

from syncgate.sandbox.modes import Switch
from syncgate.sandbox.systems.frontdb_engines import Connection, Engine, copied
from syncgate.sandbox.systems.frontdb_ledger import Effect, FrontLedger, Strike
from syncgate.sandbox.systems.frontdb_rules import (
    NATIONAL,
    Known,
    Row,
    Rules,
    Version,
    is_too_early,
    objection,
    quality_objection,
)
from syncgate.sandbox.systems.frontdb_tables import COLUMNS, REJECTED

AT_ONCE = 50
CHINA = timezone(timedelta(hours=8))
RETURNS_HEADER = ("序号", "数据类型", "办件编号", "批次号", "质检意见", "质检时间")
LATE_REASONS = ("质检不通过：受理时间早于申请时间", "质检不通过：事项版本已停用")


@dataclass(frozen=True, slots=True)
class Late:
    """A row that was taken and will be sent back."""

    due_at: float
    table: str
    id: int
    reason: str


class Consumer:
    """One consumer on one connection; `tick` is what it does every few milliseconds.

    Attributes:
        added: codes that it knows by now beside those of its rules, as (column, code).
        returns: what its checks gave back, as their list has it: a row each, as `RETURNS_HEADER` says.
    """

    def __init__(
        self,
        connection: Connection,
        engine: Engine,
        ledger: FrontLedger,
        *,
        clock: Callable[[], float],
        rules: Rules = NATIONAL,
    ) -> None:
        self._rules = rules
        self.added: frozenset[tuple[str, str]] = frozenset()
        self.returns: tuple[tuple[str, ...], ...] = ()
        self._connection = connection
        self._engine = engine
        self._ledger = ledger
        self._clock = clock
        self._random = Random(0)
        self._late: list[Late] = []
        self._sent_back = ledger.struck("late_rejection")

    def seed(self, seed: int) -> None:
        """Begin the draws anew."""
        self._random.seed(seed)

    def tick(self, late_rejection: Switch | None) -> int:
        """Look at every table once, and send back what is due; how many rows were taken or rejected at once."""
        count = sum(self._look_at(table, late_rejection) for table in self._rules.tables)
        self._send_back_late()
        return count

    def check_quality(self, retired: Collection[Version]) -> int:
        """Give back every acceptance that was taken and is not good enough; how many."""
        table, count = self._rules.accept, 0
        rows = self._rows(f"SELECT {_names(table)} FROM {table} WHERE is_sync = 1 ORDER BY id", table)
        with self._connection.transaction():
            for row in rows:
                words = quality_objection(row, retired)
                if words is None:
                    continue
                count += 1
                at = self._send_back(table, row, words)
                number = str(len(self.returns) + 1)
                self.returns += ((number, "受理信息", row["project_no"], row["cd_batch"], words, at),)
        return count

    def copy_journal(self) -> list[Effect]:
        """Copy to the ledger what was done since the last time; what that was."""
        rows = self._connection.run(
            "SELECT seq, at, actor, verb, tab, row FROM sandbox_journal WHERE seq > ? ORDER BY seq",
            self._ledger.last_seq(),
        )
        effects = [_effect(*row) for row in rows]
        self._ledger.append(effects)
        return effects

    def _look_at(self, table: str, late_rejection: Switch | None) -> int:
        rows = self._rows(f"SELECT {_names(table)} FROM {table} WHERE is_sync = 0 ORDER BY id LIMIT {AT_ONCE}", table)
        if not rows:
            return 0
        with self._connection.transaction():
            count = 0
            for row in rows:
                known = self._known(table, row)
                if is_too_early(table, known, self._rules):
                    continue
                count += 1
                words = objection(table, row, known, self._rules)
                if words is not None:
                    self._send_back(table, row, words)
                    continue
                self._connection.run(f"UPDATE {table} SET is_sync = 1 WHERE id = ?", row["id"])
                self._perhaps_late(table, row, late_rejection)
        return count

    def _known(self, table: str, row: Row) -> Known:
        of_case = f"FROM {self._rules.accept} WHERE project_no = ?"
        accepts = self._connection.run(
            f"SELECT {self._rules.accept_date} {of_case} AND is_sync = 1 ORDER BY id DESC LIMIT 1", row["project_no"]
        )
        waiting = self._connection.run(f"SELECT 1 {of_case} AND is_sync = 0 LIMIT 1", row["project_no"])
        again = self._connection.run(
            f"SELECT 1 FROM {table} WHERE row_guid = ? AND is_sync = 1 LIMIT 1", row["row_guid"]
        )
        accept_date = _shown(accepts[0][0]) if accepts else None
        return Known(accept_date, bool(again), is_accept_waiting=bool(waiting), added=self.added)

    def _perhaps_late(self, table: str, row: Row, switch: Switch | None) -> None:
        if switch is None or not switch.strikes(table, is_read=False) or row["row_guid"] in self._sent_back:
            return
        if self._random.random() < switch.share:
            reason = LATE_REASONS[len(self._sent_back) % len(LATE_REASONS)]
            self._sent_back.add(row["row_guid"])
            self._late.append(Late(self._clock() + switch.delay, table, row["id"], reason))

    def _send_back_late(self) -> None:
        now = self._clock()
        due = [late for late in self._late if late.due_at <= now]
        self._late = [late for late in self._late if late.due_at > now]
        for late in due:
            rows = self._rows(f"SELECT {_names(late.table)} FROM {late.table} WHERE id = ?", late.table, late.id)
            with self._connection.transaction():
                for row in rows:
                    self._send_back(late.table, row, late.reason)
            struck = [Strike(iso(now), "late_rejection", late.table, row["row_guid"], row["cd_batch"]) for row in rows]
            self._ledger.append([], struck)

    def _send_back(self, table: str, row: Row, words: str) -> str:
        """When it was sent back, as the table says it."""
        at = datetime.fromtimestamp(self._clock(), CHINA).strftime("%Y-%m-%d %H:%M:%S")
        names = copied(table)
        marks = ", ".join("?" for _ in range(len(names) + 2))
        self._connection.run(
            f"INSERT INTO {table}{REJECTED} (recordtime, error_msg, {', '.join(names)}) VALUES ({marks})",
            at,
            words,
            *(row[name] for name in names),
        )
        self._connection.run(f"DELETE FROM {table} WHERE id = ?", row["id"])
        return at

    def _rows(self, sql: str, table: str, *values: object) -> list[dict[str, Any]]:
        names = copied(table)
        return [dict(zip(names, map(_shown, row), strict=True)) for row in self._connection.run(sql, *values)]


def was_locked_out(effect: Effect, *, since: float, until: float) -> bool:
    """Whether a row was sent while the table was locked and came in after.

    Its `cd_time` is when its sender had it ready, to the second: only where that second was over before the lock was
    is it sure.
    """
    if effect.actor != "peer" or effect.verb != "insert" or _instant(effect.at, UTC) < until:
        return False
    with suppress(KeyError, ValueError, TypeError):
        sent_at = _instant(effect.row["cd_time"], CHINA)
        return int(since) <= sent_at and sent_at + 1 <= until
    return False


def inserted(effects: Sequence[Effect], *, since: float) -> Iterator[Effect]:
    """What peers inserted from a time on."""
    return (e for e in effects if e.actor == "peer" and e.verb == "insert" and _instant(e.at, UTC) >= since)


def iso(at: float) -> str:
    """A time as the ledger writes it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")


def _instant(text: str, zone: Any) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def _names(table: str) -> str:
    return ", ".join(copied(table))


def _shown(value: Any) -> Any:
    return value.strftime("%Y-%m-%d %H:%M:%S") if isinstance(value, datetime) else value


def _effect(seq: int, at: str, actor: str, verb: str, tab: str, row: str) -> Effect:
    times = {column.name for column in COLUMNS[tab] if column.kind == "time"}
    shown = {
        name: value[:19].replace("T", " ") if name in times and isinstance(value, str) else value
        for name, value in json.loads(row).items()
    }
    return Effect(seq, at, actor, verb, tab, shown)
