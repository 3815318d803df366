"""A source insists on an answer, and says what it was told."""

from __future__ import annotations

from dataclasses import dataclass, field
from itertools import count
from typing import Any, cast

import httpx
import pytest

from syncgate.sandbox.city.script import CASES, STAGES, Call, Life
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.site import DemoError
from tests.crash.lives import lives
from tests.crash.load import Load


@dataclass
class Answering:
    """Answers each call of a case with the next of these."""

    statuses: tuple[int, ...] = (202, 202)
    case_ids: tuple[str, ...] = ("A", "A")
    asked: list[tuple[Call, str]] = field(default_factory=list)

    def submit(self, call: Call, *, case_id: str) -> httpx.Response:
        number = len(self.asked)
        self.asked.append((call, case_id))
        return httpx.Response(self.statuses[number], json={"case_id": self.case_ids[number]})


def _load(gate: Any) -> Load:
    life = Life("N1", frozenset(), (Call("POST", CASES, {}), Call("POST", STAGES, {})))
    return Load(cast(Gate, gate), (life for _ in count()), rate=1.0)


def test_a_life_is_accepted_once_its_last_call_is() -> None:
    gate = Answering()
    load = _load(gate)

    load.live(next(load.lives))

    assert [life.case_no for life in load.accepted] == ["N1"]
    assert load.case_no_by_id == {"A": "N1"}
    assert [case_id for _, case_id in gate.asked] == ["", "A"]


def test_a_refusal_is_told_and_not_counted() -> None:
    load = _load(Answering(statuses=(202, 500)))

    with pytest.raises(DemoError, match=r"expected POST .* of N1 to be accepted, got 500"):
        load.live(next(load.lives))
    assert load.accepted == []


def test_a_case_that_becomes_two_is_told() -> None:
    with pytest.raises(DemoError, match="expected N1 to stay one case"):
        load = _load(Answering(case_ids=("A", "B")))
        load.live(next(load.lives))


def test_every_call_of_the_endless_city_has_a_key_of_its_own() -> None:
    drawn = [call for _, life in zip(range(400), lives(1), strict=False) for call in life.calls]
    keys = [call.idempotency_key for call in drawn]

    assert None not in keys
    assert len(set(keys)) == len(keys)
