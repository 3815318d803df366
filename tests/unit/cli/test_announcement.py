"""`serve.json`: the command line reaches the newest gate that lives, and nobody else gets its token."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from syncgate.cli.announcement import Serving, announce, announced, birth, find, withdraw


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "data" / "serve.json"


@contextmanager
def a_process() -> Iterator[int]:
    """The number of a process that lives for the length of the block."""
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as process:
        try:
            yield process.pid
        finally:
            process.kill()


@pytest.fixture
def two() -> Iterator[tuple[Serving, Serving]]:
    """Two gates on this machine."""
    with a_process() as one, a_process() as other:
        yield of(one, 8080), of(other, 8081)


def of(pid: int, port: int) -> Serving:
    return Serving(f"http://127.0.0.1:{port}", pid, f"token-{port}", birth(pid))


def dead(port: int) -> Serving:
    """One whose process is gone."""
    with a_process() as pid:
        return of(pid, port)


def test_the_newest_of_two_is_found_and_then_the_other(file: Path, two: tuple[Serving, Serving]) -> None:
    first, second = two
    announce(file, first)
    announce(file, second)
    assert find(file) == second
    withdraw(file, second)
    assert find(file) == first
    withdraw(file, first)
    assert find(file) is None
    assert [left.name for left in file.parent.iterdir()] == ["serve.lock"]


def test_one_that_ends_takes_nothing_of_another(file: Path, two: tuple[Serving, Serving]) -> None:
    first, second = two
    with announced(file, first):
        announce(file, second)
    assert find(file) == second


def test_one_that_was_killed_is_passed_over(file: Path, two: tuple[Serving, Serving]) -> None:
    announce(file, two[0])
    announce(file, dead(8082))
    assert find(file) == two[0]


def test_a_later_program_under_the_same_number_is_not_taken_for_the_gate(
    file: Path, two: tuple[Serving, Serving]
) -> None:
    """After a crash and many processes, or a start of the machine: it would be handed the token."""
    first, second = two
    announce(file, first)
    announce(file, replace(second, born="1"))
    assert find(file) == first
    withdraw(file, first)
    assert find(file) is None


def test_only_its_owner_may_read_it_and_no_repr_shows_the_token(file: Path) -> None:
    mine = of(os.getpid(), 8080)
    announce(file, mine)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in file.parent.iterdir()}
    assert set(modes.values()) == {0o600}, modes
    assert "token-8080" not in repr(mine)


@pytest.mark.parametrize("text", ["", "{", "[]", "7", "{}", '{"address": 1}', '{"address": "a", "pid": "x"}'])
def test_a_torn_file_is_no_gate(file: Path, text: str) -> None:
    file.parent.mkdir()
    file.write_text(text)
    assert find(file) is None
    (file.parent / "serve.77.json").write_text(text)
    assert find(file) is None


def test_a_number_that_no_process_can_have_is_no_gate(file: Path) -> None:
    file.parent.mkdir()
    file.write_text(json.dumps({"address": "http://127.0.0.1:1", "token": "t", "pid": 2**70}))
    assert find(file) is None
