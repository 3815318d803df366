"""A replan of the command line queues a few first, and goes on only once these are delivered."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field
from typing import Any

import httpx
import pytest

from syncgate.cli import replanning
from syncgate.cli.replanning import Pace, queue_all

BODY: dict[str, Any] = {"dry_run": False, "reason": "x"}


@dataclass
class ScriptedGate:
    """A gate with so many cases that differ; each call queues up to its cap, from where the last one ended."""

    differing: int
    phases: dict[str, str] = field(default_factory=dict)
    caps: list[int] = field(default_factory=list)
    whole: int = 1
    """Deliveries of one case, which are queued together."""

    async def post(self, path: str, json: dict[str, Any]) -> httpx.Response:
        assert path == "/v1/systems/food/replan"
        begun = int(json["cursor"] or 0)
        sent = min(json["cap"] // self.whole * self.whole, self.differing - begun)
        self.caps.append(json["cap"])
        is_over = begun + sent == self.differing
        message = {"message": "m", "queued": sent, "refreshed": 0, "cancelled": 0, "retracted": 0}
        return httpx.Response(
            200,
            json={
                "system": "food",
                "dry_run": False,
                "cases": sent,
                "differing": sent,
                "sent": sent,
                "messages": [message | {"parks": {}, "fields": {"f": sent}}],
                "sample": [],
                "queued": [f"d{no}" for no in range(begun, begun + sent)][:100],
                "failed": [],
                "stopped": None if is_over else "cap_exceeded",
                "next": None if is_over else str(begun + sent),
            },
        )

    async def get(self, path: str) -> httpx.Response:
        name = path.rpartition("/")[2]
        return httpx.Response(
            200, json={"delivery": {"delivery_id": name, "phase": self.phases.get(name, "delivered")}}
        )


def queued(gate: ScriptedGate, pace: Pace) -> dict[str, Any]:
    return asyncio.run(queue_all(gate, system="food", body=BODY, pace=pace))


@pytest.fixture(autouse=True)
def no_waiting(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "_LOOKS_EVERY", 0.0)
    monkeypatch.setattr(replanning, "_MINUTE", 0.0)


def test_the_rest_follows_once_the_first_few_are_delivered() -> None:
    gate = ScriptedGate(250)
    done = queued(gate, Pace(1000, canary=5))
    assert gate.caps == [5, 995]
    assert (done["sent"], done["stopped"], done["messages"][0]["fields"]) == (250, None, {"f": 250})


@pytest.mark.parametrize("phase", ["parked", "cancelled"])
def test_one_of_the_first_few_that_is_not_taken_stops_the_rest(phase: str) -> None:
    """Promise 11."""
    gate = ScriptedGate(250, phases={"d3": phase})
    done = queued(gate, Pace(1000, canary=5))
    assert (done["sent"], done["stopped"], done["canaries"]) == (5, "canary_failed", ["d3"])
    assert gate.caps == [5]


@pytest.mark.parametrize("phase", ["pending", "in_flight", "awaiting", "unconfirmed"])
def test_the_first_few_that_stay_open_stop_the_rest(phase: str) -> None:
    gate = ScriptedGate(250, phases={"d4": phase})
    done = queued(gate, Pace(1000, canary=5, canary_within=0))
    assert (done["sent"], done["stopped"], done["canaries"]) == (5, "canary_open", ["d4"])


def test_no_more_is_queued_in_one_call_than_a_minute_takes() -> None:
    gate = ScriptedGate(250)
    done = queued(gate, Pace(1000, canary=5, per_minute=100))
    assert (done["sent"], done["stopped"]) == (250, None)
    assert gate.caps == [5, 95, 100, 100]


def test_a_case_that_is_larger_than_the_first_few_goes_alone() -> None:
    gate = ScriptedGate(14, whole=7)
    done = queued(gate, Pace(1000, canary=2))
    assert (gate.caps, done["sent"], done["stopped"]) == ([2, 4, 8, 993], 14, None)


def test_a_case_that_is_larger_than_the_cap_is_not_queued() -> None:
    gate = ScriptedGate(14, whole=7)
    done = queued(gate, Pace(5, canary=2))
    assert (gate.caps, done["sent"], done["stopped"]) == ([2, 4, 5], 0, "cap_exceeded")


def test_the_cap_holds_over_all_calls() -> None:
    gate = ScriptedGate(250)
    done = queued(gate, Pace(120, canary=5, per_minute=100))
    assert (done["sent"], done["stopped"], done["exceeds_cap"]) == (120, "cap_exceeded", True)
    assert gate.caps == [5, 95, 20]
