"""A polled list over HTTP: each record in once, from the last committed cursor on, whatever breaks in between."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import pytest

from syncgate.flows.gate import Gate
from syncgate.flows.taking_in.held import read_arrival, replay_all
from syncgate.flows.taking_in.polling import JOB, Polled, poll
from syncgate.ports import CaseFilter, Unread
from syncgate.ports.fetching import Fetching, Ready, Settled
from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.flows.worksite import caller
from tests.integration.sources.lists import SourceList, a_list, record
from tests.integration.sources.polled import SOURCE, a_gate, arrivals, listed, ready, wish
from tests.support.rows import SetClock

T = TypeVar("T")
ROOT = Path(__file__).parents[3]


class Killed(Exception):
    """The process is gone."""


@dataclass
class Struck:
    """The list, and a process that dies at a point of its second page."""

    inner: Fetching
    dies: str
    pages: int = 0

    async def page(self, following: str | None) -> Ready | Unread:
        self.pages += 1
        if self.dies == "before_fetch" and self.pages == 2:
            raise Killed
        return await self.inner.page(following)

    async def settle(self, settled: Sequence[Settled]) -> int | Unread:
        if self.dies == "after_commit_before_cursor" and self.pages == 2:
            raise Killed
        return await self.inner.settle(settled)

    async def aclose(self) -> None:
        await self.inner.aclose()


@dataclass
class Trees:
    gate: Gate
    list: SourceList
    clock: SetClock
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def poll(self, *, dies: str = "", after: float = 2, **more: Any) -> Polled | None:
        async def act() -> Polled | None:
            fetching = Struck(listed(self.list.url, self.clock, **more), dies)
            try:
                return await poll(self.gate, wish(), ready(fetching))
            finally:
                await fetching.aclose()

        self.clock.move(seconds=after)
        return self.run(act())

    def states(self) -> dict[str, int]:
        found = self.run(self.gate.writer.read(arrivals))
        return {state: sum(one.state is state for one in found) for state in {one.state for one in found}}

    def submissions_count(self) -> int:
        return self.run(self.gate.writer.read(submissions_count))


def submissions_count(tx: Any) -> int:
    cases = tx.list_cases(CaseFilter(), after=None, limit=10_000)
    return sum(len(tx.list_submissions(case.case_id)) for case in cases)


@pytest.fixture
def trees(store: SqlStore, clock: SetClock) -> Iterator[Trees]:
    loop = asyncio.new_event_loop()

    async def made() -> Gate:
        return a_gate(store, clock)

    gate = loop.run_until_complete(made())
    with a_list(*map(record, range(1, 121))) as source:
        yield Trees(gate, source, clock, loop)
    loop.run_until_complete(gate.writer.aclose())
    loop.close()


def test_every_record_is_taken_in_once_and_the_next_poll_begins_at_the_last_cursor(trees: Trees) -> None:
    assert trees.poll() == Polled(taken=119, held=1)
    assert trees.list.cursors == ["", "50", "100"]
    assert trees.states() == {"taken": 119, "held": 1}
    trees.list.records.append(record(121))
    assert trees.poll() == Polled(taken=1, known=20), "the last page comes again, and only what is new in it is news"
    assert trees.list.cursors[3:] == ["100"]
    assert trees.submissions_count() == 120


@pytest.mark.parametrize(
    ("dies", "known"), [("before_fetch", 0), ("after_commit_before_cursor", 50)], ids=lambda one: str(one)
)
def test_a_process_that_dies_begins_again_at_the_cursor_that_was_committed(trees: Trees, dies: str, known: int) -> None:
    """The crash points: before the second page is fetched, and between its commit and its cursor's."""
    with pytest.raises(Killed):
        trees.poll(dies=dies)
    trees.list.asked.clear()
    polled = trees.poll()
    assert polled is not None and polled.known == known
    assert trees.list.cursors == ["50", "100"]
    assert trees.states() == {"taken": 119, "held": 1}
    assert trees.submissions_count() == 119


@pytest.mark.parametrize(
    ("status", "body", "headers", "told"),
    [
        (401, b"{}", {}, "the answer is HTTP 401"),
        (429, b"{}", {"Retry-After": "1"}, "the answer is HTTP 429"),
        (503, b"{}", {}, "the answer is HTTP 503"),
        (200, b"<html>", {}, "expected JSON in its declared charset, got something else"),
        (200, b'{"data": {}}', {}, ""),
        (200, b"[" * 5 * 1024**2, {}, "answer longer than 4194304 bytes"),
    ],
    ids=["401", "429", "503", "no JSON", "no list", "too long"],
)
def test_an_answer_that_is_no_page_is_told_and_loses_nothing(
    trees: Trees, status: int, body: bytes, headers: dict[str, str], told: str
) -> None:
    trees.poll()
    trees.list.records += [record(no) for no in range(121, 131)]
    trees.list.faults.append((status, body, headers))
    polled = trees.poll()
    assert polled is not None and polled.taken == 0
    assert polled.unread and told in polled.unread
    assert trees.poll() == Polled(taken=10, known=20)
    assert trees.submissions_count() == 129


def test_a_source_that_asks_to_be_left_alone_is(trees: Trees) -> None:
    trees.list.faults.append((429, b"{}", {"Retry-After": "120"}))
    assert trees.poll() is not None
    assert trees.poll(after=60) is None
    assert trees.poll(after=61) == Polled(taken=119, held=1)


def test_a_list_that_goes_round_in_a_circle_is_told_and_ends_the_poll(trees: Trees) -> None:
    trees.list.is_circle = True
    polled = trees.poll()
    assert polled == Polled(taken=119, held=1, unread="expected every page once in a poll, got one again")
    assert trees.list.cursors == ["", "50", "100", "0"]
    assert trees.poll() is not None
    assert trees.submissions_count() == 119


def test_a_changed_record_is_news_and_of_two_words_in_one_page_the_last_counts_for_good(trees: Trees) -> None:
    """The last page comes with every poll: its older word must not take the newer one back."""
    trees.list.records[:] = [record(1), record(2), record(1, place="示例路改")]
    assert trees.poll() == Polled(taken=2)
    assert trees.poll() == Polled(known=2)
    trees.list.records.append(record(2, place="示例路改"))
    assert trees.poll() == Polled(taken=1, known=1)
    assert trees.submissions_count() == 3


def test_what_cannot_be_a_record_is_held_once_and_blocks_nothing_behind_it(trees: Trees) -> None:
    deep: Any = "x"
    for _ in range(500):
        deep = [deep]
    bad = ["no object", {"case_no": "S-1"}, record(7, what="响\u0007铃"), {"id": 8, "what": deep}, {"what": deep}]
    trees.list.records[:] = [*bad, record(9)]
    assert trees.poll() == Polled(taken=1, held=5)
    assert trees.poll() == Polled(known=6)
    held = [one for one in trees.run(trees.gate.writer.read(arrivals)) if one.state.value == "held"]
    said = sorted(error[2] for one in held for error in one.detail["errors"] if error[1] == "unreadable")
    assert said == [
        "expected a text or a whole number as key, got none at /id",
        "expected a text or a whole number as key, got none at /id",
        "expected a text or a whole number as key, got none at /id",
        "expected at most 32 levels, got more",
        "expected text, got the control character U+0007",
    ]
    operator = caller(SOURCE).principal
    for one in held:
        trees.run(read_arrival(trees.gate, operator, one.arrival_id))
    replayed = trees.run(replay_all(trees.gate, operator, SOURCE, reason="a try", is_dry_run=False, cap=10))
    assert replayed.counts == {"held": 5}


def test_another_list_is_read_from_its_beginning(trees: Trees) -> None:
    """A cursor of one list means nothing to another: with it, what the other has would be passed over."""
    trees.poll()
    trees.list.asked.clear()
    trees.poll(query={"cursor": "{cursor}", "limit": "{size}", "district": "990101"})
    assert trees.list.cursors[0] == ""
    assert trees.submissions_count() == 119


# --- real processes


def cursor_of(tx: Any) -> str | None:
    run = tx.run(JOB, SOURCE)
    return None if run is None else run.cursor


def begun(url: str, place: str) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "tests.integration.sources.polled", url, place]
    environment = os.environ | {"PYTHONPATH": str(ROOT)}
    process = subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True)
    assert process.stdout is not None
    assert process.stdout.readline() == "ready\n"
    return process


def test_the_polled_list_survives_kill_9_at_any_point(store_url: str) -> None:
    """SIGKILL at random places over 600 records (promises 1, 2 and 3): every record in once, none passed over."""
    draw = random.Random(20260430)
    with a_list(*map(record, range(1, 601))) as source:
        for after in (1, 3, 6, 8):
            process = begun(store_url, source.url)
            until, asked = time.monotonic() + 120, len(source.asked)
            while len(source.asked) < asked + after % 3 + 1 and process.poll() is None and time.monotonic() < until:
                time.sleep(0.002)
            time.sleep(draw.uniform(0, 0.08))
            process.send_signal(signal.SIGKILL)
            process.wait(10)
            process.stdout.close()  # type: ignore[union-attr]
        last = begun(store_url, source.url)
        assert last.stdout is not None
        assert last.stdout.readline() == "done\n"
        assert last.wait(30) == 0
        last.stdout.close()
        assert source.cursors.count("") < 5, "a kill lost no cursor that was committed"
    store = SqlStore(store_url, keyring=SiteKeyring(bytes(range(32))), writer="judge")
    try:
        states = [one.state.value for one in store.read(arrivals)]
        assert (states.count("taken"), states.count("held"), len(states)) == (594, 6, 600)
        assert store.read(submissions_count) == 594
        assert (store.read(cursor_of) or "").endswith(":550")
    finally:
        store.close()
