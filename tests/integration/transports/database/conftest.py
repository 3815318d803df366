"""The front databases: SQLite in a file, a real PostgreSQL, and a real MariaDB."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.integration.transports.database.fronts import Front, mariadb_front, postgres_front, sqlite_front
from tests.support.mariadb import MariaDBServer, NoMariaDB, running_mariadb
from tests.support.postgres import PostgresServer


@pytest.fixture(scope="session")
def mariadb_server() -> Iterator[MariaDBServer]:
    """One server for this process. Where there is none its tests are skipped, in CI they fail."""
    try:
        running = running_mariadb()
        server = running.__enter__()
    except NoMariaDB as absent:
        if os.environ.get("CI", "").lower() == "true":
            raise
        pytest.skip(f"NO MARIADB, nothing of it was tested: {absent}")
    try:
        yield server
    finally:
        running.__exit__(None, None, None)


@pytest.fixture
def mariadb(mariadb_server: MariaDBServer) -> Iterator[Front]:
    """A front database on MariaDB."""
    with mariadb_front(mariadb_server) as front:
        yield front


@pytest.fixture
def postgresql(postgres: PostgresServer) -> Iterator[Front]:
    """A front database on PostgreSQL."""
    with postgres_front(postgres) as front:
        yield front


@pytest.fixture
def sqlite(tmp_path: Path) -> Iterator[Front]:
    """A front database on SQLite."""
    with sqlite_front(tmp_path) as front:
        yield front


@pytest.fixture(params=["sqlite", "postgresql", "mariadb"])
def front(request: pytest.FixtureRequest) -> Front:
    """A front database on every engine."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Front)
    return found


@pytest.fixture(params=["postgresql", "mariadb"])
def remote(request: pytest.FixtureRequest) -> Front:
    """A front database behind a network."""
    found = request.getfixturevalue(request.param)
    assert isinstance(found, Front)
    return found
