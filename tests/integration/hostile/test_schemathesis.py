"""The REST interface keeps its own OpenAPI document, whoever calls and whatever is sent."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fuzz.api.held import Tally, run, settings
from tests.fuzz.api.peopled import WISHES, Peopled, peopled
from tests.support.properties import IS_QUICK


@pytest.fixture(scope="module")
def gate(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Peopled]:
    with peopled(tmp_path_factory.mktemp("peopled")) as running:
        yield running


def held(gate: Peopled, *, caller: str | None, examples: int, only: str = "") -> Tally:
    document = gate.call("local", "GET", "/openapi.json").json()
    config = settings(gate, document, seed=2026, examples=examples, caller=caller, phases=("fuzzing",), only=only)
    return run(gate, config)


def test_every_operation_keeps_the_document_under_the_key_that_reaches_it(gate: Peopled) -> None:
    """No server error, no undocumented answer, no schema violation."""
    tally = held(gate, caller=None, examples=1 if IS_QUICK else 3)
    assert tally.findings == {}
    assert tally.statuses[200] and tally.statuses[422] and not tally.statuses[500]
    assert '"request_failed"' not in gate.log.read_text("utf-8")


SLICES = ("a", "c", "d", "[hkm]", "r", "s")
"""How the names of paths begin; each caller tries one of these, so that together they try all."""


@pytest.mark.parametrize(("number", "name"), list(enumerate(["", *WISHES])))
def test_whoever_calls_is_answered_as_the_document_says(gate: Peopled, number: int, name: str) -> None:
    """Every role, one key that reaches little, and no key at all."""
    tally = held(gate, caller=name, examples=1, only=f"^/v1/{SLICES[number % len(SLICES)]}")
    assert tally.findings == {} and tally.statuses.total()
    if not name:
        assert set(tally.statuses) <= {401, 404}
