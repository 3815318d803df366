"""What is to be typed for item B is what its mapping gives, and the list must say exactly that, field by field."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any
from uuid import uuid4

import httpx
import pytest

from syncgate.domain.plan import plan
from syncgate.mapping import Inputs, Mapped
from syncgate.sandbox.city import City, Life
from syncgate.sandbox.expected import disability, expected_lines
from syncgate.sandbox.expected.story import states
from syncgate.sandbox.play import by_hand
from syncgate.sandbox.play.by_hand import ByHand, Typed, check_nothing_sent, without_typed
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.site import DemoError
from tests.unit.sandbox_city.test_mappings_agree import document_of
from tests.unit.test_example_site import adapter, bundle

ACCOUNT = "case.form.银行账号"


def lives_of(city: City) -> list[Life]:
    return [life for life in city.every_life if disability.takes(states(life)[-1])]


@pytest.fixture(scope="module")
def lines(city: City) -> list[dict[str, Any]]:
    return [line for line in expected_lines(lives_of(city)) if line["system"] == "disability"]


def test_what_is_to_be_typed_is_what_the_mapping_gives(city: City) -> None:
    found = bundle("disability")
    for life in lives_of(city):
        case = document_of(states(life)[-1])
        (planned,) = plan(case, found.messages, applies=found.applies(case), numbers={})
        outcome = found.specs[planned.message].mapping.apply(Inputs(case=case, part=None))
        assert isinstance(outcome, Mapped), outcome
        assert outcome.payload == disability.entry(states(life)[-1])


def test_the_form_has_23_fields_and_some_case_fills_each(lines: list[dict[str, Any]]) -> None:
    assert len({name for line in lines for name in line["to_type"]}) == 23


def test_an_account_is_read_by_no_system_but_the_one_it_is_typed_into() -> None:
    """Promise 10."""
    readers = {
        system
        for system in ("province", "food", "frontdb", "insurance", "disability")
        for spec in bundle(system).specs.values()
        if ACCOUNT in {str(path) for path in spec.mapping.paths}
    }
    assert readers == {"disability"}
    assert [system for system in ("province", "frontdb", "disability") if "sensitive" in adapter(system).personal] == [
        "disability"
    ]


class ListGate(Gate):
    """A gate with a list, page by page, that loses what is confirmed."""

    def __init__(self, lines: list[dict[str, Any]], *, size: int = 5) -> None:
        super().__init__("http://none.invalid", source_key="", operator_key="")
        self.entries = [
            {
                "delivery_id": str(uuid4()),
                "case_no": line["case_no"],
                "fields": [
                    {"name": name, "title": {"zh": "…"}, "value": value} for name, value in line["to_type"].items()
                ],
            }
            for line in lines
        ]
        self._size = size

    def ask(
        self, method: str, path: str, *, json: Any = None, headers: Mapping[str, str] | None = None
    ) -> httpx.Response:
        assert path.startswith("/v1/systems/disability/worklist?reveal=true") and headers == {"X-Reason": "typing"}
        start = int(path.partition("&cursor=")[2] or 0)
        following = start + self._size if start + self._size < len(self.entries) else None
        return httpx.Response(200, json={"entries": self.entries[start : start + self._size], "next": following})

    def confirm(self, delivery_id: str, number: str) -> None:
        self.entries = [entry for entry in self.entries if entry["delivery_id"] != delivery_id]


def test_what_is_typed_leaves_the_list_and_is_not_left_behind(lines: list[dict[str, Any]]) -> None:
    gate = ListGate(lines)
    typed = ByHand(gate, lines, gate.confirm).run()
    assert (typed.listed_count, len(typed.case_nos)) == (len(lines), by_hand.TYPED_COUNT)
    left = [line for line in without_typed(lines, typed) if line["leftover"]["parked"]]
    assert len(left) == len(lines) - by_hand.TYPED_COUNT == len(gate.entries)


def forgotten(gate: ListGate) -> None:
    gate.entries.pop()


def added(gate: ListGate) -> None:
    gate.entries.append({**gate.entries[0], "case_no": "9901-none"})


def altered(gate: ListGate) -> None:
    gate.entries[0]["fields"][-1]["value"] = "9901000000000000009"


def untitled(gate: ListGate) -> None:
    gate.entries[0]["fields"][0]["title"] = {}


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (forgotten, "entries to type, missing \\['"),
        (added, "not expected \\['9901-none'\\]"),
        (altered, "\\['account'\\] differ"),
        (untitled, "the words of the form"),
    ],
)
def test_a_list_that_is_wrong_is_told(lines: list[dict[str, Any]], change: Any, words: str) -> None:
    gate = ListGate(lines)
    change(gate)
    with pytest.raises(DemoError, match=words):
        ByHand(gate, lines, gate.confirm).run()


def test_an_entry_that_stays_after_it_was_typed_is_told(lines: list[dict[str, Any]]) -> None:
    gate = ListGate(lines)
    with pytest.raises(DemoError, match="not expected"):
        ByHand(gate, lines, lambda delivery_id, number: None).run()


LISTED = {"message": "entry", "phase": "parked", "reason": "typed_by_hand"}
DONE = {"message": "entry", "phase": "delivered", "reason": "confirmed_by_hand"}


def test_what_was_sent_is_told() -> None:
    typed = Typed(2, 46, ("9901-1",))
    check_nothing_sent([LISTED, DONE], typed)
    with pytest.raises(DemoError, match="listed or typed"):
        check_nothing_sent([LISTED, {**DONE, "reason": None}], typed)
