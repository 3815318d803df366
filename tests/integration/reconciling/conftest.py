"""A world with a food system that is read back, on each engine."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncgate.domain.row import replace
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import Worksite, worksite
from tests.integration.reconciling.listed import ListedFood, World
from tests.support.rows import SetClock


@pytest.fixture
def world(store: SqlStore, clock: SetClock, tmp_path: Path) -> World:
    """The world, once on each engine."""
    site = worksite(store, clock)
    site.gate = replace(site.gate, data=tmp_path)
    food = ListedFood()
    site.systems["food"] = food
    return World(site, food)


@pytest.fixture
def site(store: SqlStore, clock: SetClock) -> Worksite:
    """A worksite, once on each engine."""
    return worksite(store, clock)
