"""A store that is no whole one: said clearly, with the way back, and nothing is written to it."""

from __future__ import annotations

import hashlib
import os
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from sqlalchemy import make_url

from syncgate.domain.errors import StoreDamaged
from syncgate.storage import SqlStore
from syncgate.storage.file import require_whole
from tests.support.rows import stored_case

OpenStore = Callable[..., SqlStore]


@pytest.fixture
def whole(sqlite_url: str, open_store: OpenStore) -> Path:
    """A closed store with some cases."""
    store = open_store(sqlite_url)
    store.write([stored_case("food")[1] for _ in range(200)])
    store.close()
    return Path(str(make_url(sqlite_url).database))


def empty(file: Path) -> None:
    os.truncate(file, 0)


def cut_off(file: Path) -> None:
    os.truncate(file, file.stat().st_size - 8192)


def cut_in_the_header(file: Path) -> None:
    os.truncate(file, 60)


def garbage_in_the_header(file: Path) -> None:
    overwritten(file, 0, 64)


def garbage_in_the_schema(file: Path) -> None:
    overwritten(file, 100, 3900)


def overwritten(file: Path, start: int, size: int) -> None:
    with file.open("r+b") as opened:
        opened.seek(start)
        opened.write(b"\xa5" * size)


def of_another_application(file: Path) -> None:
    file.unlink()
    with closing(sqlite3.connect(file)) as connection:
        connection.execute("CREATE TABLE notes (text)")


WAYS = {
    empty: "an empty file",
    cut_off: "cut off",
    cut_in_the_header: "cut off",
    garbage_in_the_header: "no SQLite database",
    garbage_in_the_schema: "damaged",
    of_another_application: "another application",
}


def test_a_whole_store_may_be_opened(whole: Path) -> None:
    require_whole(whole)


def test_one_in_use_may_be_opened(sqlite_url: str, open_store: OpenStore) -> None:
    store = open_store(sqlite_url)
    store.write([stored_case("food")[1]])
    require_whole(Path(str(make_url(sqlite_url).database)))


@pytest.mark.parametrize("damage", WAYS, ids=lambda way: way.__name__)
def test_what_is_no_whole_store_is_refused_with_the_way_back_and_left_as_it_is(
    whole: Path, damage: Callable[[Path], None]
) -> None:
    damage(whole)
    before = {file.name: digest(file) for file in whole.parent.iterdir()}
    with pytest.raises(StoreDamaged) as raised:
        require_whole(whole)
    assert WAYS[damage] in raised.value.message
    assert str(whole) in raised.value.message and ".recover" in raised.value.message
    assert {file.name: digest(file) for file in whole.parent.iterdir()} == before


def digest(file: Path) -> str:
    return hashlib.sha256(file.read_bytes()).hexdigest()


def test_a_walk_over_all_of_it_finds_a_damaged_page(whole: Path, sqlite_url: str, open_store: OpenStore) -> None:
    assert open_store(sqlite_url).damage() == []
    overwritten(whole, whole.stat().st_size // 2 // 4096 * 4096, 4096 * 8)
    assert open_store(sqlite_url).damage() != []


def test_what_is_damaged_in_operation_is_said_and_takes_nothing_more(
    whole: Path, sqlite_url: str, open_store: OpenStore
) -> None:
    """Damage comes while the store is open: the step that meets it fails, and no later one writes."""
    store = open_store(sqlite_url)
    size = whole.stat().st_size
    overwritten(whole, 4096, size - 4096)
    with pytest.raises(StoreDamaged, match="damaged"):
        store.write([lambda tx: tx.list_audit(limit=5), stored_case("food")[1]])
    before = digest(whole)
    with pytest.raises(StoreDamaged, match="damaged"):
        store.write([stored_case("food")[1]])
    assert digest(whole) == before


def test_a_read_that_meets_damage_stops_the_writing_too(whole: Path, sqlite_url: str, open_store: OpenStore) -> None:
    store = open_store(sqlite_url)
    overwritten(whole, 4096, whole.stat().st_size - 4096)
    with pytest.raises(StoreDamaged):
        store.read(lambda tx: tx.systems())
    with pytest.raises(StoreDamaged):
        store.write([stored_case("food")[1]])
