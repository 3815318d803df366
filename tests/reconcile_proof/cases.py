"""The cases of the proof: many small ones of the example city, the same for the same seed."""

from __future__ import annotations

import copy
from collections.abc import Iterator
from datetime import datetime, timedelta
from random import Random
from typing import Any

from syncgate.sandbox.city.applications import CHINA, draft, instant
from syncgate.sandbox.city.hotline import hotline_life
from syncgate.sandbox.city.identities import RARE_NAMES
from syncgate.sandbox.city.insurance import insurance_life
from syncgate.sandbox.city.places import WINDOW_A

Json = dict[str, Any]

SHARES = {"hotline": 80, "food": 8, "registered": 6, "insured": 3, "accepted": 3}
"""Of a hundred cases: for the work orders; for food and province; for province alone; accepted insurances, which the
front database is told of too; accepted applications, which every system but the work orders is told of."""
_TURN = tuple(name for name, share in SHARES.items() for _ in range(share))


def turns(count: int, *, seed: int) -> list[str]:
    """Which kind each of so many cases is, in mixed order."""
    found = [_TURN[no % len(_TURN)] for no in range(count)]
    Random(f"turns-{seed}").shuffle(found)
    return found


def a_turn(random: Random) -> str:
    """Which kind one more case is."""
    return random.choice(_TURN)


def documents(count: int, *, seed: int) -> Iterator[tuple[str, Json]]:
    """So many canonical cases, each with its kind."""
    random = Random(f"cases-{seed}")
    for serial, turn in enumerate(turns(count, seed=seed), 1):
        yield turn, document(turn, random, serial)


def document(turn: str, random: Random, serial: int) -> Json:
    """One canonical case of a kind; no other has its serial."""
    return _MADE[turn](random, serial)


def _hotline(random: Random, serial: int) -> Json:
    body = copy.deepcopy(hotline_life(random, serial).calls[0].body)
    at = datetime(2026, 4, 1, tzinfo=CHINA) + timedelta(minutes=serial % 200_000)
    return body | {"case_no": f"9901{at:%Y%m%d}{serial:07d}", "applied_at": instant(at)}


def _food(random: Random, serial: int) -> Json:
    case = _in_gbk(random, serial)
    applied = {"id": "S01", "kind": "applied", "at": case["applied_at"]}
    return case | {"materials": case["materials"][:1], "stages": [applied]}


def _accepted(random: Random, serial: int) -> Json:
    case = _food(random, serial)
    at = instant(datetime.fromisoformat(case["applied_at"]).astimezone(CHINA) + timedelta(hours=5))
    accepted = {"id": "S02", "kind": "accepted", "at": at, "handler": dict(WINDOW_A)}
    return case | {"stages": [*case["stages"], accepted]}


def _in_gbk(random: Random, serial: int) -> Json:
    """An application whose names every system can write."""
    while True:
        case = draft(random, serial).case
        if not any(name in str(case) for name in RARE_NAMES):
            return case


def _registered(random: Random, serial: int) -> Json:
    return _insurance(random, serial, stages_count=1)


def _insured(random: Random, serial: int) -> Json:
    return _insurance(random, serial, stages_count=2)


def _insurance(random: Random, serial: int, *, stages_count: int) -> Json:
    while True:
        body = copy.deepcopy(insurance_life(random, serial).calls[0].body)
        if body["applicant"]["name"] not in RARE_NAMES:
            return body | {"stages": body["stages"][:stages_count]}
        serial += 1_000_000


_MADE = {
    "hotline": _hotline,
    "food": _food,
    "registered": _registered,
    "insured": _insured,
    "accepted": _accepted,
}
