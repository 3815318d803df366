"""Stores for tests: SQLite in a temporary folder and a real PostgreSQL, each with a fresh schema."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from hypothesis import settings

from syncgate.ports.outside import Clock
from syncgate.storage import SiteKeyring, SqlStore, migrate
from tests.support.postgres import PostgresServer, running_postgres
from tests.support.properties import examples
from tests.support.rows import SetClock

os.environ["LC_ALL"] = "C.UTF-8"
"""Commands speak English in tests, wherever they run; tests of other languages say so."""
settings.register_profile("ours", examples())
settings.load_profile("ours")

OpenStore = Callable[..., SqlStore]


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """A real PostgreSQL, shared by the whole session; failing to start one fails the test."""
    with running_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def sqlite_template(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A migrated, empty SQLite file to copy."""
    path = tmp_path_factory.mktemp("template") / "store.sqlite"
    migrate(f"sqlite:///{path}")
    return path


@pytest.fixture
def sqlite_url(sqlite_template: Path, tmp_path: Path) -> str:
    """The address of a fresh SQLite store."""
    path = tmp_path / "store.sqlite"
    shutil.copyfile(sqlite_template, path)
    return f"sqlite:///{path}"


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The address of a fresh PostgreSQL database with the schema."""
    with postgres.fresh_database() as url:
        yield url


@pytest.fixture(params=["sqlite", "postgresql"])
def store_url(request: pytest.FixtureRequest) -> str:
    """The address of a fresh store, once for each engine."""
    name = "sqlite_url" if request.param == "sqlite" else "postgres_url"
    url: str = request.getfixturevalue(name)
    return url


@pytest.fixture
def clock() -> SetClock:
    """A clock that a test moves."""
    return SetClock()


@pytest.fixture
def keyring() -> SiteKeyring:
    """Keys of a site that exists only in tests."""
    return SiteKeyring(bytes(range(32)))


@pytest.fixture
def open_store(keyring: SiteKeyring) -> Iterator[OpenStore]:
    """Opens stores that are closed when the test ends."""
    opened: list[SqlStore] = []

    def open_one(url: str, *, clock: Clock | None = None, writer: str = "serve") -> SqlStore:
        opened.append(SqlStore(url, keyring=keyring, clock=clock, writer=writer))
        return opened[-1]

    yield open_one
    for store in opened:
        store.close()


@pytest.fixture
def store(store_url: str, open_store: OpenStore, clock: SetClock) -> SqlStore:
    """A fresh store under the test's clock, once for each engine."""
    return open_store(store_url, clock=clock)


@pytest.fixture
def sqlite_store(sqlite_url: str, open_store: OpenStore, clock: SetClock) -> SqlStore:
    """A fresh SQLite store under the test's clock."""
    return open_store(sqlite_url, clock=clock)
