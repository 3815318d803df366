"""The times of a replan as a person writes them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from syncgate.cli.context import BadArgument
from syncgate.cli.replan import time


@pytest.mark.parametrize("text", ["yesterday", "2026-02-30", "0001-01-01T00:00:00+14:00"])
def test_what_is_no_time_of_this_machine_is_refused_by_its_option(text: str) -> None:
    with pytest.raises(BadArgument, match="--since"):
        time(text, "--since")


def test_a_time_keeps_its_instant_and_gets_an_offset() -> None:
    told = time("2026-04-01T08:00:00+08:00", "--since")
    assert told is not None and datetime.fromisoformat(told) == datetime(2026, 4, 1, tzinfo=UTC)
    assert time(None, "--since") is None
