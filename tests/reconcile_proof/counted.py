"""A system that only counts: what is planted there is told as ranges of keys, each as small as counts can tell.

A place of its own, in whose copy of the site the work orders are no longer listed. Where one record too many and one
too few lie in one range they cancel each other out, so what was taken away lies among the lower keys, and what was
added among the higher ones.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from random import Random
from typing import Any, Final

from syncgate.domain.rows import Discrepancy
from tests.reconcile_proof.built import prepare
from tests.reconcile_proof.cases import document
from tests.reconcile_proof.place import ProofPlace
from tests.reconcile_proof.runs import discrepancies, run, state_of
from tests.reconcile_proof.slots import Known
from tests.reconcile_proof.world import World, world_in

SYSTEM: Final = "workorders"
_ADAPTER: Final = "adapters/workorders/adapter.yaml"
_LISTINGS: Final = re.compile(r"^  listings:\n.*\Z", re.MULTILINE | re.DOTALL)
_COUNTED: Final = """\
  listings:
    - name: orders
      messages: [order]
      level: counts
      count: {operation: count, count: /count}
      ours: "{case_no}"
"""
_LATER: Final = timedelta(days=1)
_MIDDLE: Final = 0.05
"""How far from the middle key nothing is planted."""


@dataclass(frozen=True, slots=True)
class Off:
    """One record too many or too few. key: its number. by: 1 or -1."""

    key: str
    by: int
    way: str


async def prove_counts(
    place: ProofPlace, *, cases: int, total: int, seed: int, say: Callable[[str], None]
) -> tuple[int, list[str]]:
    """Builds the place, plants, and has it counted twice. Gives how much was found as planted, and what is wrong."""
    at = prepare(place)
    place.rewrite(_ADAPTER, _LISTINGS, _COUNTED)
    async with world_in(place, at=at) as world:
        known = await _filled(world, cases, Random(f"counted-{seed}"))
        wrong = await _found_wrong(world, [], known)
        planted = _plant(world, known, total, Random(f"counts-{seed}"))
        wrong += await _found_wrong(world, planted, known)
        rows = _open(world)
        say(f"{SYSTEM}, counted: {len(rows)} ranges tell of {len(planted)} records too many or too few among {cases}")
        return len(planted) if not wrong else 0, wrong


async def _filled(world: World, cases: int, random: Random) -> list[Known]:
    known = []
    for start in range(0, cases, 5_000):
        made = [document("hotline", random, serial) for serial in range(start + 1, min(start + 5_000, cases) + 1)]
        accepted = await world.post(made)
        known += [Known(one.case_id, case["case_no"], "hotline") for one, case in zip(accepted, made, strict=True)]
        await world.deliver(SYSTEM)
    return known


def _plant(world: World, known: Sequence[Known], total: int, random: Random) -> list[Off]:
    numbers = sorted(case.case_no for case in known)
    low, high = (int(len(numbers) * share) for share in (0.5 - _MIDDLE, 0.5 + _MIDDLE))
    removed = random.sample(numbers[:low], total * 2 // 5)
    more = random.sample(numbers[high:], total - len(removed))
    doubled, beside = more[: total * 2 // 5], more[total * 2 // 5 :]
    deeds: list[dict[str, Any]] = [{"do": "remove", "key": number} for number in removed]
    deeds += [{"do": "double", "key": number} for number in doubled]
    others = [f"{number}-另" for number in beside]
    model = {
        "item": "其他诉求", "address": "东示区样本路1号", "filedDate": "20260401", "filedTime": "080000",
    }  # fmt: skip
    deeds += [{"do": "insert", "key": key, "record": {**model, "sourceNo": key}} for key in others]
    world.inside.alter(SYSTEM, *({"operation": "create", **deed} for deed in deeds))
    return [
        *(Off(number, -1, "removed there") for number in removed),
        *(Off(number, 1, "there twice") for number in doubled),
        *(Off(key, 1, "a record of another sender") for key in others),
    ]


async def _found_wrong(world: World, planted: Sequence[Off], known: Sequence[Known]) -> list[str]:
    world.clock.move(_LATER)
    ended = await run(world, SYSTEM)
    wrong = [] if ended.outcome == "complete" else [f"expected a complete run, got {ended.outcome}"]
    rows = _open(world)
    if kinds := {row.kind for row in rows} - {"count_differs"}:
        wrong.append(f"expected nothing but counts that differ, got {sorted(kinds)}")
    if len(state_of(ended).ranges) != len(rows):
        wrong.append(f"expected the run to tell of {len(rows)} ranges, got {len(state_of(ended).ranges)}")
    return [f"{SYSTEM}, counted: {one}" for one in [*wrong, *misjudged(rows, planted, known)]]


def misjudged(rows: Sequence[Discrepancy], planted: Sequence[Off], known: Sequence[Known]) -> list[str]:
    """What is wrong with the ranges: one overlooked or told twice, a range of nothing, a false number, one too wide."""
    wrong, numbers = [], sorted(case.case_no for case in known)
    ranges = [row.detail["range"] for row in rows]
    for one in planted:
        if (count := sum(_is_within(one.key, each) for each in ranges)) != 1:
            wrong.append(f"expected one range around {one.key} ({one.way}), got {count}")
    for each in ranges:
        off_by = sum(one.by for one in planted if _is_within(one.key, each))
        ours = _count(numbers, each["low"], each["high"])
        if not off_by:
            wrong.append(f"expected a range only where something was planted, got {each}")
        elif (each["expected"], each["actual"]) != (ours, ours + off_by):
            wrong.append(f"expected {ours} of ours and {ours + off_by} there, got {each}")
        if ours > 1:
            wrong.append(f"expected a range of one key of ours, got {ours} in {each}")
    return wrong


def _is_within(key: str, told: Any) -> bool:
    return bool(told["low"] <= key) and (told["high"] is None or bool(key < told["high"]))


def _count(numbers: Sequence[str], low: str, high: str | None) -> int:
    end = len(numbers) if high is None else bisect_left(numbers, high)
    return end - bisect_left(numbers, low)


def _open(world: World) -> list[Discrepancy]:
    return discrepancies(world, systems=(SYSTEM,), is_open=True)
