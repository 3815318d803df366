"""Makes the calls of a life, each under the key of its source, and checks every answer against the script."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import httpx

from syncgate.sandbox.city import Call, Life
from syncgate.sandbox.city.script import CASES, FOODS_NUMBER, WITHDRAW
from syncgate.sandbox.expected.story import states
from syncgate.sandbox.play.clerks import Clerks, Operators
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.site import DemoError


@dataclass
class Known:
    """What the sources know of a case by now: its id, and food's number of it."""

    case_id: str = ""
    food_no: str = ""


class Calls:
    """Every source with its own key, food's clerks, and the hotline's operators where it is played.

    `under_way_count`: what the gate said was already under way at the moment of a withdrawal, over all of them.
    """

    def __init__(self, gates: Mapping[str, Gate], clerks: Clerks, operators: Operators | None = None) -> None:
        self._gates, self._clerks, self._operators = gates, clerks, operators
        self._lock = threading.Lock()
        self.case_no_by_id: dict[str, str] = {}
        self.numbers_by_id: dict[str, dict[str, str]] = {}
        self.call_count = 0
        self.repeat_count = 0
        self.withdrawn_count = 0
        self.under_way_count = 0

    def make(self, life: Life, number: int, known: Known) -> dict[str, Any]:
        """Make one call of a life as often as it says, after food's clerks typed it in.

        Returns:
            The first receipt.

        Raises:
            DemoError: an answer is not the one that the script says.
        """
        call = self._ready(life, number, known)
        first: dict[str, Any] | None = None
        for _ in range(call.times):
            receipt = _accepted(call, self._gates[call.source].submit(call, case_id=known.case_id))
            _check_same(first or receipt, receipt)
            self._keep(life, call, receipt, known, is_repeat=first is not None)
            first = first or receipt
        assert first is not None, "every call is made at least once"
        return first

    def say_early(self, life: Life, number: int, known: Known) -> dict[str, Any]:
        """Make one call about a case that nobody has posted; what it waits for. Raises DemoError where it does not."""
        call = self._ready(life, number, known)
        answer = self._gates[call.source].submit(call, case_id="")
        told: dict[str, Any] = answer.json() if answer.is_success else {}
        if answer.status_code != 202 or "waits_for" not in told:
            raise DemoError(f"expected {call.path} to wait for its case, got {answer.status_code}: {answer.text[:500]}")
        return told

    def type_in(self, life: Life, number: int, known: Known) -> None:
        """Let food's clerks type in what a call of food says."""
        call = life.calls[number]
        if call.typed is not None:
            known.food_no = call.typed.number or known.food_no
            self._clerks.type_in(call, states(life)[number], number=known.food_no)

    def change_there(self, life: Life, number: int, known: Known) -> None:
        """Let food's clerks change what a call says in the record that we delivered; nobody makes the call."""
        known.food_no = self._clerks.number_of(known.case_id)
        self.type_in(life, number, known)

    def refuse(self, call: Call) -> None:
        """Make a call that must be refused. Raises DemoError where it is not, or not for every field."""
        answer = self._gates[call.source].submit(call, case_id="")
        if not 400 <= answer.status_code < 500:
            raise DemoError(f"expected a refusal naming {call.refused_at}, got {answer.status_code}")
        named = {entry.get("pointer") for entry in answer.json().get("errors", ())}
        if missed := set(call.refused_at) - named:
            raise DemoError(f"expected the problem to name {sorted(missed)}, got {sorted(map(str, named))}")

    def _ready(self, life: Life, number: int, known: Known) -> Call:
        """The call with food's number in place of its stand-in, and everything typed in that it says."""
        call = life.calls[number]
        if call.source == "food":
            if not known.food_no and known.case_id and not (call.typed and call.typed.number):
                known.food_no = self._clerks.number_of(known.case_id)
            self.type_in(life, number, known)
        if call.source == "hotline" and call.path == CASES and self._operators is not None:
            self._operators.type_call(states(life)[number])
        body = call.body | {"case_no": known.food_no} if call.body.get("case_no") == FOODS_NUMBER else call.body
        return replace(call, path=call.path.replace(FOODS_NUMBER, known.food_no), body=body)

    def _keep(self, life: Life, call: Call, receipt: dict[str, Any], known: Known, *, is_repeat: bool) -> None:
        if known.case_id and receipt["case_id"] != known.case_id:
            raise DemoError(f"expected {call.source}'s post of {life.case_no} to join its case, got another case")
        known.case_id = receipt["case_id"]
        with self._lock:
            self.call_count += 1
            self.repeat_count += is_repeat
            self.case_no_by_id[known.case_id] = life.case_no
            if call.path == WITHDRAW and not is_repeat:
                self.withdrawn_count += 1
                self.under_way_count += receipt["in_flight"]
            if "case_no" in call.body:
                self.numbers_by_id.setdefault(known.case_id, {})[call.source] = call.body["case_no"]


def _accepted(call: Call, answer: httpx.Response) -> dict[str, Any]:
    if answer.status_code not in (200, 202):
        told = f"{answer.status_code} {answer.text[:500]}"
        raise DemoError(f"expected {call.source}'s {call.method} {call.path} to be accepted, got {told}")
    receipt: dict[str, Any] = answer.json()
    if call.answer == "unchanged" and not receipt.get("unchanged"):
        raise DemoError(
            f"expected {call.source}'s repeated {call.method} {call.path} to change nothing, got a revision"
        )
    return receipt


def _check_same(first: dict[str, Any], again: dict[str, Any]) -> None:
    for name in ("case_id", "case_no", "revision"):
        if first[name] != again[name]:
            raise DemoError(f"expected a repeated call to answer the same {name}, got another")
