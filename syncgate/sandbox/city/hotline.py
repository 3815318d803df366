"""Hotline cases for the work order system."""

from __future__ import annotations

from datetime import datetime, timedelta
from random import Random
from typing import Any

from syncgate.sandbox.city.applications import CHINA, instant
from syncgate.sandbox.city.places import HOTLINE_ITEMS
from syncgate.sandbox.city.script import CASES, Call, Life


def hotline_life(random: Random, serial: int) -> Life:
    """One call of a citizen: one post, nothing after it."""
    at = datetime(2026, 4, 1, 0, 0, serial % 60, tzinfo=CHINA) + timedelta(minutes=serial * 97)
    case: dict[str, Any] = {
        "kind": "hotline",
        "case_no": f"9901{at:%Y%m%d}{serial:05d}",
        "item": {"name": random.choice(HOTLINE_ITEMS)},
        "applied_at": instant(at, style=random.choice((0, 0, 1))),
        "location": {"text": random.choice(("", " ", "　")) + f"东示区示例路{serial}號之２　旁 "},
    }
    if random.random() < 0.5:
        case["description"] = f"第{serial}件：夜間施工，\n請處理😀"
    return Life(case["case_no"], frozenset({"hotline"}), (Call("POST", CASES, case),))
