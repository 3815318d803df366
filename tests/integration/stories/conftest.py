"""Towns, ended with their test."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.integration.stories.town import Town


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Callable[..., Town]]:
    """Starts a town with these systems and sources."""
    with ExitStack() as ended:
        yield lambda *systems, sources=("window",): Town(tmp_path, ended, systems=systems, sources=sources)
