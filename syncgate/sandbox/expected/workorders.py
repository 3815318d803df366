"""What workorders must hold of a hotline case."""

from __future__ import annotations

from typing import Any

from syncgate.sandbox.expected.story import State
from syncgate.sandbox.expected.words import local_date_and_time, without_none


def order(state: State) -> dict[str, Any]:
    """The work order."""
    case = state.case
    filed_date, filed_time = local_date_and_time(case["applied_at"])
    return without_none(
        {
            "sourceNo": case["case_no"],
            "item": case["item"]["name"],
            "address": case["location"]["text"],
            "filedDate": filed_date,
            "filedTime": filed_time,
            "content": case.get("description"),
        }
    )
