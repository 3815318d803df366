"""One gate and one front database for each engine, shared by the tests of this folder: every test has its own cases."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import AbstractContextManager

import pytest

from tests.integration.frontdb.worlds import (
    Play,
    World,
    mariadb_world,
    playing,
    postgres_world,
    sqlite_world,
)
from tests.integration.transports.database.conftest import mariadb_server as mariadb_server


@pytest.fixture(scope="session", params=["sqlite", "postgresql", "mariadb"])
def play(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Play]:
    """A gate and a front database on every engine."""
    folder = tmp_path_factory.mktemp(request.param)
    world: AbstractContextManager[World]
    if request.param == "sqlite":
        world = sqlite_world(folder)
    elif request.param == "postgresql":
        world = postgres_world(folder, request.getfixturevalue("postgres"))
    else:
        world = mariadb_world(folder, request.getfixturevalue("mariadb_server"))
    with world as front, playing(folder, front) as found:
        yield found
