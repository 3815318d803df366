"""A gate on a real store behind a real socket."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.web.served import Served, serving
from tests.support.rows import SetClock


@pytest.fixture
def served(sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> Iterator[Served]:
    """A served gate without targets, with the sources `window` and `hall`."""
    with serving(sqlite_store, keyring, clock) as running:
        yield running
