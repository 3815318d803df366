"""Quantities as a person writes them."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from syncgate.values import duration


def test_a_duration_is_as_long_as_it_says_up_to_a_century() -> None:
    assert duration("250ms") == timedelta(milliseconds=250)
    assert datetime(2026, 1, 1, tzinfo=UTC) + duration("36500d") > datetime(2125, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("text", ["36501d", "99999999999d", "999999999999h", "999999999999d"])
def test_a_duration_that_leads_out_of_the_calendar_is_refused_in_words(text: str) -> None:
    with pytest.raises(ValueError, match="expected a duration of at most 36500d"):
        duration(text)
