"""What `systems show` says of a backlog."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.cli.forecasts import in_short, in_words

AT, CUTOFF = "2026-05-04T00:33:20Z", "2026-05-04T09:30:00Z"


def told(**more: Any) -> dict[str, Any]:
    known = {"waiting_count": 20, "drained_at": AT, "unknown": None, "at_best_at": AT, "cutoff_at": None}
    return known | {"is_before_cutoff": None} | more


@pytest.mark.parametrize(
    ("forecast", "short", "words"),
    [
        (None, "", ""),
        (told(waiting_count=0), "", ""),
        (told(), AT, f"20 are sent by {AT}"),
        (
            told(cutoff_at=CUTOFF, is_before_cutoff=True),
            AT,
            f"20 are sent by {AT}; before the cut-off at {CUTOFF}",
        ),
        (
            told(drained_at=None, unknown="breaker_open", cutoff_at=CUTOFF, is_before_cutoff=False),
            "",
            f"20 wait, for how long is not known: breaker_open; at best until {AT}; not before the cut-off at {CUTOFF}",
        ),
        (told(drained_at=None, at_best_at=None, unknown="no_rate"), "", "20 wait, for how long is not known: no_rate"),
    ],
)
def test_a_forecast_is_said_in_words(forecast: dict[str, Any] | None, short: str, words: str) -> None:
    assert (in_short(forecast), in_words(forecast)) == (short, words)
