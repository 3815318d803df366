"""A worksite on each engine, or on SQLite alone where the engine cannot matter."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from syncgate.flows.delivering.work import Work
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import Worksite, worksite
from tests.support.rows import SetClock


@pytest.fixture
def site(store: SqlStore, clock: SetClock) -> Worksite:
    """A worksite, once on each engine."""
    return worksite(store, clock)


@pytest.fixture
def handed(site: Worksite) -> list[Work]:
    """The lanes that were handed over, as the dispatcher would get them."""
    works: list[Work] = []

    def receive(more: Sequence[Work]) -> None:
        works.extend(more)

    site.gate.hand_over.connect(receive)
    return works
