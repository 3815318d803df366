"""A polled folder: each record of each file in once, the file set aside after the commit, whatever breaks."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import time
from collections.abc import Coroutine, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path
from typing import Any, TypeVar

import orjson
import pytest

from syncgate.flows.gate import Gate
from syncgate.flows.taking_in import held
from syncgate.flows.taking_in.folder import FolderInbox
from syncgate.flows.taking_in.polling import Polled, poll
from syncgate.ports import CaseFilter, Tx, Unread
from syncgate.ports.fetching import Fetching, Ready, Settled
from syncgate.records import CsvSettings
from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.flows.worksite import caller
from tests.integration.sources.polled import COLUMNS, SOURCE, a_gate, arrivals, foldered, ready, row, wish
from tests.integration.sources.test_polling_lists import begun, submissions_count
from tests.support.rows import SetClock

T = TypeVar("T")


class Killed(Exception):
    """The process is gone."""


@dataclass
class Struck:
    """The folder, and a process that dies at a point of its second page."""

    inner: Fetching
    dies: str
    pages: int = 0

    async def page(self, following: str | None) -> Ready | Unread:
        self.pages += 1
        if self.dies == "before_fetch" and self.pages == 2:
            raise Killed
        return await self.inner.page(following)

    async def settle(self, settled: Sequence[Settled]) -> int | Unread:
        if self.dies == "after_commit_before_move" and self.pages == 2:
            raise Killed
        noted = await self.inner.settle(settled)
        if self.dies == "after_move" and self.pages == 2:
            raise Killed
        return noted

    async def aclose(self) -> None:
        await self.inner.aclose()


def text_of(*numbers: int, **more: Any) -> str:
    """A CSV file of these records."""
    rows = [dict(zip(COLUMNS, row(no), strict=True)) | more for no in numbers]
    return "\n".join([",".join(COLUMNS), *(",".join(map(str, one.values())) for one in rows), ""])


@dataclass
class Street:
    gate: Gate
    folder: Path
    clock: SetClock
    loop: asyncio.AbstractEventLoop

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(work)

    def put(self, name: str, text: str | bytes, *, ago: float = 60) -> Path:
        """A file that was last changed so long ago."""
        file = self.folder / name
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
        at = self.clock.now().timestamp() - ago
        os.utime(file, (at, at))
        return file

    def inbox(self, **more: Any) -> FolderInbox:
        return foldered(self.gate, self.folder, self.clock, **({"settled_for": timedelta(seconds=30)} | more))

    def poll(self, inbox: FolderInbox | None = None, *, dies: str = "", **more: Any) -> Polled | None:
        self.clock.move(seconds=2)
        return self.run(poll(self.gate, wish(), ready(Struck(inbox or self.inbox(**more), dies))))

    def states(self) -> dict[str, int]:
        found = self.run(self.gate.writer.read(arrivals))
        return {state: sum(one.state is state for one in found) for state in {one.state for one in found}}

    def submissions_count(self) -> int:
        return self.run(self.gate.writer.read(submissions_count))

    def revisions(self) -> dict[str, int]:
        """By number: how often what is known of a case changed."""

        def step(tx: Tx) -> dict[str, int]:
            return {case.case_no: case.revision for case in tx.list_cases(CaseFilter(), after=None, limit=100)}

        return self.run(self.gate.writer.read(step))

    def files(self) -> list[str]:
        return sorted(str(one.relative_to(self.folder)) for one in self.folder.rglob("*") if one.is_file())


@pytest.fixture
def street(store: SqlStore, clock: SetClock, tmp_path: Path) -> Iterator[Street]:
    loop = asyncio.new_event_loop()

    async def made() -> Gate:
        return a_gate(store, clock)

    gate = loop.run_until_complete(made())
    folder = tmp_path / "inbox"
    folder.mkdir()
    yield Street(gate, folder, clock, loop)
    loop.run_until_complete(gate.writer.aclose())
    loop.close()


def test_every_record_of_every_file_is_taken_in_once_and_the_file_is_set_aside(street: Street) -> None:
    street.put("a.csv", text_of(*range(1, 121)))
    street.put("b.csv", text_of(200, 201))
    street.put("notes.txt", "nothing of ours")
    assert street.poll() == Polled(taken=120, held=2, flagged=122)
    assert street.files() == ["done/a.csv", "done/b.csv", "notes.txt"]
    assert street.poll() == Polled()
    assert (street.states(), street.submissions_count()) == ({"taken": 120, "held": 2}, 120)


def test_files_go_in_in_the_order_in_which_they_were_written(street: Street) -> None:
    street.put("a.csv", text_of(1, place="示例路新"), ago=60)
    street.put("b.csv", text_of(1), ago=120)
    assert street.poll() == Polled(taken=2, flagged=2)
    street.put("c.csv", text_of(1, place="示例路新") + "\n", ago=40)
    assert street.poll() == Polled(taken=1, flagged=1)
    assert street.revisions() == {"S-00001": 2}, "the third file says what the later of the others said"


def test_a_file_is_read_only_once_it_was_left_alone_long_enough(street: Street) -> None:
    file = street.put("a.csv", text_of(1)[:-20], ago=10)
    assert street.poll() == Polled()
    with file.open("a") as more:
        more.write(text_of(1)[-20:])
    street.put("a.csv", file.read_bytes(), ago=0)
    assert street.poll() == Polled()
    street.clock.move(seconds=30)
    assert street.poll() == Polled(taken=1, flagged=1)


@pytest.mark.parametrize(("dies", "known"), [("before_fetch", 50), ("after_commit_before_move", 60), ("after_move", 0)])
def test_a_process_that_dies_makes_nothing_double_and_loses_nothing(street: Street, dies: str, known: int) -> None:
    """The crash points: between two pages of a file, between the commit and the move, behind it (promises 2 and 3)."""
    street.put("a.csv", text_of(*range(1, 61)))
    with pytest.raises(Killed):
        street.poll(dies=dies)
    polled = street.poll()
    assert polled is not None and polled.known == known
    assert street.files() == ["done/a.csv"]
    assert (street.states(), street.submissions_count()) == ({"taken": 60}, 60)


def test_a_file_that_comes_again_under_another_name_changes_nothing(street: Street) -> None:
    street.put("a.csv", text_of(1, 2))
    street.put("b.csv", text_of(1, 2))
    assert street.poll() == Polled(taken=2, flagged=2)
    street.put("a.csv", text_of(1, 2))
    assert street.poll() == Polled(known=2, flagged=2)
    assert len(street.files()) == 3, street.files()
    assert street.submissions_count() == 2


def test_where_it_may_not_write_a_file_is_left_and_known(street: Street, monkeypatch: pytest.MonkeyPatch) -> None:
    """As the superuser nothing is forbidden, so that the refusal is played."""

    def refuse(*_: Any, **__: Any) -> None:
        raise PermissionError

    monkeypatch.setattr(Path, "mkdir", refuse)
    street.put("a.csv", text_of(1, 2))
    inbox = street.inbox()
    assert street.poll(inbox) == Polled(taken=2)
    assert street.poll(inbox) == Polled(), "it is not even read again"
    assert street.poll() == Polled(known=2), "another process reads it, and knows what it says"
    street.put("a.csv", text_of(1, 2, 3))
    assert street.poll(inbox) == Polled(taken=3), "it has another content, which is another file"
    assert street.revisions() == {"S-00001": 1, "S-00002": 1, "S-00003": 1}
    assert street.files() == ["a.csv"]


def test_a_file_of_which_nothing_can_be_read_is_held_whole_and_its_neighbours_go_in(street: Street) -> None:
    street.put("a.csv", "编号,事项\n1,灯\n".encode("gbk"))
    street.put("b.csv", text_of(1))
    assert street.poll() == Polled(taken=1, held=1, flagged=2)
    assert street.files() == ["bad/a.csv", "done/b.csv"]
    (one,) = [one for one in street.run(street.gate.writer.read(arrivals)) if one.state.value == "held"]
    assert (one.code, one.format) == ("file_refused", "csv")
    assert "expected" in one.detail["said"]


def test_a_file_that_was_held_whole_goes_in_once_the_sites_words_for_it_are_mended(street: Street) -> None:
    street.put("a.csv", text_of(1, 2).encode("gbk"))
    assert street.poll() == Polled(held=1, flagged=1)
    (one,) = street.run(street.gate.writer.read(arrivals))
    mended = replace(street.gate.inbound[SOURCE], formats={"csv": CsvSettings(charset="gbk")})
    gate = replace(street.gate, inbound={SOURCE: mended})
    operator = caller(SOURCE).principal
    replayed = street.run(held.replay(gate, operator, one.arrival_id, reason="charset mended"))
    assert [one.fate for one in replayed] == ["new", "new"]
    assert (street.submissions_count(), street.files()) == (2, ["bad/a.csv"])


def test_a_record_that_cannot_be_read_is_held_with_its_line_and_can_be_looked_at(street: Street) -> None:
    lines = text_of(1, 2, 3).splitlines()
    lines[2] += ",too,many"
    street.put("a.csv", "\n".join(lines))
    assert street.poll() == Polled(taken=2, held=1, flagged=3)
    assert street.files() == ["bad/a.csv"]
    (one,) = [one for one in street.run(street.gate.writer.read(arrivals)) if one.state.value == "held"]
    assert one.place == 3
    operator = caller(SOURCE).principal
    opened = street.run(held.read_arrival(street.gate, operator, one.arrival_id))
    assert opened.records == ()
    (again,) = street.run(held.replay(street.gate, operator, one.arrival_id, reason="a try"))
    assert again.fate == "held", "what could not be read cannot be replayed: its source brings it again"


@pytest.mark.parametrize(("name", "text"), [("header.csv", text_of()), ("empty.csv", "")])
def test_a_file_without_records_is_no_fault(street: Street, name: str, text: str) -> None:
    street.put(name, text)
    street.put("z.csv", text_of(1))
    assert street.poll() == Polled(taken=1, flagged=1)
    assert ("done/header.csv" in street.files()) == bool(text)


@pytest.mark.parametrize(
    ("files", "format", "content"),
    [
        ("*.json", "json", orjson.dumps({"items": [dict(zip(COLUMNS, row(1), strict=True))]})),
        (
            "*.xml",
            "xml",
            (
                "<cases><case>"
                + "".join(f"<{name}>{value}</{name}>" for name, value in zip(COLUMNS, row(1), strict=True))
                + "</case></cases>"
            ).encode(),
        ),
    ],
)
def test_files_come_in_the_formats_of_their_source(street: Street, files: str, format: str, content: bytes) -> None:
    street.put(files.replace("*", "a"), content)
    assert street.poll(files=files, format=format) == Polled(taken=1, flagged=1)


def test_what_cannot_be_read_as_a_file_is_told_and_left_and_links_are_not_followed(
    street: Street, tmp_path: Path
) -> None:
    outside = tmp_path / "outside.csv"
    outside.write_text(text_of(7))
    (street.folder / "link.csv").symlink_to(outside)
    os.mkfifo(street.folder / "pipe.csv")
    (street.folder / "folder.csv").mkdir()
    street.put("big.csv", "x" * 100_001)
    street.put("a.csv", text_of(1))
    polled = street.poll()
    told = "expected files of at most 100000 bytes that can be read, got 1 others"
    assert polled == Polled(taken=1, flagged=1, unread=told)
    assert (street.folder / "big.csv").exists()
    assert street.submissions_count() == 1


def test_a_folder_that_is_not_there_is_told(street: Street) -> None:
    street.folder.rmdir()
    assert street.poll() == Polled(unread="expected a folder that can be read, got none")


def test_another_file_that_takes_the_name_is_never_set_aside_unread(street: Street) -> None:
    street.put("a.csv", text_of(1))

    inbox, settle = street.inbox(), FolderInbox.settle

    class Meddling(Struck):
        async def settle(self, settled: Sequence[Settled]) -> int | Unread:
            if self.pages == 1:
                street.put("new", text_of(2), ago=50).replace(street.folder / "a.csv")
            return await settle(inbox, settled)

    street.clock.move(seconds=2)
    street.run(poll(street.gate, wish(), ready(Meddling(inbox, ""))))
    assert (street.submissions_count(), street.files()) == (2, ["done/a.csv"])
    assert (street.folder / "done/a.csv").read_text() == text_of(2)


# --- real processes


def test_the_polled_folder_survives_kill_9_at_any_point(store_url: str, tmp_path: Path) -> None:
    """SIGKILL at random places over 600 records in six files (promises 1, 2 and 3): every record in once."""
    draw = random.Random(20260430)
    folder = tmp_path / "inbox"
    folder.mkdir()
    for no in range(6):
        (folder / f"{no}.csv").write_text(text_of(*range(no * 100 + 1, no * 100 + 101)))
    for after in (0, 1, 2, 4):
        process = begun(store_url, str(folder))
        until = time.monotonic() + 120
        while len(list(folder.glob("done/*"))) < after and process.poll() is None and time.monotonic() < until:
            time.sleep(0.002)
        time.sleep(draw.uniform(0, 0.08))
        process.send_signal(signal.SIGKILL)
        process.wait(10)
        process.stdout.close()  # type: ignore[union-attr]
    last = begun(store_url, str(folder))
    assert last.stdout is not None
    assert last.stdout.readline() == "done\n"
    assert last.wait(30) == 0
    last.stdout.close()
    assert sorted(path.name for path in folder.glob("done/*")) == [f"{no}.csv" for no in range(6)]
    store = SqlStore(store_url, keyring=SiteKeyring(bytes(range(32))), writer="judge")
    try:
        states = [one.state.value for one in store.read(arrivals)]
        assert (states.count("taken"), states.count("held"), len(states)) == (594, 6, 600)
        assert store.read(submissions_count) == 594
    finally:
        store.close()
