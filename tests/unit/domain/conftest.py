"""Where a machine stands must decide nothing: the tests of the domain run in a zone that no site is in."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest


@pytest.fixture(autouse=True)
def elsewhere(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Local time of this process is that of a place whose offset is neither whole hours nor any site's."""
    with monkeypatch.context() as moved:
        moved.setenv("TZ", "America/St_Johns")
        time.tzset()
        yield
    time.tzset()
