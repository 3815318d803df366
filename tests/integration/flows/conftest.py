"""A worksite on each engine, or on SQLite alone where the engine cannot matter."""

from __future__ import annotations

import pytest

from syncgate.storage import SqlStore
from tests.integration.flows.worksite import Worksite, worksite
from tests.support.rows import SetClock


@pytest.fixture
def site(store: SqlStore, clock: SetClock) -> Worksite:
    """A worksite, once on each engine."""
    return worksite(store, clock)
