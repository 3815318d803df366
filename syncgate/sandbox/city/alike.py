"""Two calls with the same text: two work orders, until a person says that they are one (story 9)."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random
from typing import Any, Literal

from syncgate.sandbox.city.applications import CHINA, instant
from syncgate.sandbox.city.places import HOTLINE_ITEMS
from syncgate.sandbox.city.script import CASES, MERGE, Call, Gate, Life

How = Literal["delivered", "unsent", "apart"]
HOWS: tuple[How, ...] = ("delivered", "unsent", "apart")
FIRST_ALIKE = 700
PAIRS_EACH = 2
SYSTEM = "workorders"
HELD = (Gate(SYSTEM, "order"),)


@dataclass(frozen=True, slots=True)
class AlikePair:
    """Two calls that say the same.

    Attributes:
        how: `delivered`: merged when both are held; `unsent`: merged before either was sent; `apart`: a person says
            that they are two.
        earlier: survives a merge; its last two calls are made after it, by the later one's number.
        later: its last call, where there are two, is the person's merge.
    """

    how: How
    earlier: Life
    later: Life


def alike_pairs(seed: int) -> tuple[AlikePair, ...]:
    """As many pairs of each kind."""
    random = Random(f"alike-{seed}")
    hows = [how for how in HOWS for _ in range(PAIRS_EACH)]
    return tuple(_pair(random, FIRST_ALIKE + 2 * number, how) for number, how in enumerate(hows))


def _pair(random: Random, serial: int, how: How) -> AlikePair:
    earlier, later = _calls(random, serial)
    traits = frozenset({"hotline", "alike", f"alike_{how}"})
    first, second = Call("POST", CASES, earlier), Call("POST", CASES, later)
    if how == "apart":
        return AlikePair(how, Life(earlier["case_no"], traits, (first,)), Life(later["case_no"], traits, (second,)))
    merge = Call(
        "POST",
        MERGE,
        {"into": f"window:{earlier['case_no']}", "reason": "同一诉求重复来电", "by": "班长甲"},
        after=HELD if how == "delivered" else (),
        unreached=(SYSTEM,) if how == "unsent" else (),
    )
    # Said by the number of the one that ended, it is said of the one that survives.
    more = {"description": earlier["description"] + "补充：每晚十点以后最响。"}
    change = Call("PATCH", f"{CASES}/window:{later['case_no']}", more, after=HELD)
    again = Call("POST", CASES, later, answer="unchanged")
    survivor = Life(earlier["case_no"], traits, (first, change, again))
    return AlikePair(how, survivor, Life(later["case_no"], traits, (second, merge)))


def _calls(random: Random, serial: int) -> tuple[dict[str, Any], dict[str, Any]]:
    """The same words about the same place, twenty minutes apart, under two numbers."""
    at = datetime(2026, 4, 3, 21, 0, serial % 60, tzinfo=CHINA) + timedelta(minutes=serial)
    said = {
        "kind": "hotline",
        "item": {"name": random.choice(HOTLINE_ITEMS)},
        "location": {"text": f"西示区样本街{serial}号门前"},
        "description": f"样本街{serial}号门前夜里施工，吵得睡不着，请派人来看。",
    }
    earlier, later = (
        said | {"case_no": f"9901{when:%Y%m%d}{number:05d}", "applied_at": instant(when)}
        for number, when in ((serial, at), (serial + 1, at + timedelta(minutes=20)))
    )
    return earlier, later
