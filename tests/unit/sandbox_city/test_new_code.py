"""Story 10 is played only where the gate says what it must: 41 parked, none sent by a deploy, 41 of 41 passing."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.new_code import TABLE, NewCode, Passed
from syncgate.sandbox.play.processes import Simulators
from syncgate.sandbox.play.site import DemoError

ROOT = Path(__file__).parents[3]


class ToldGate(Gate):
    """A gate whose answers are told beforehand."""

    def __init__(self, *, parked: int, sent_by_deploy: int = 0, passes: int = 41, changed: str = "insurance") -> None:
        super().__init__("http://none.invalid", source_key="", operator_key="")
        self.parked, self._sent, self._passes, self._changed = parked, sent_by_deploy, passes, changed
        self.asked: list[tuple[str, Any]] = []

    def deliveries(self, **filters: str | list[str]) -> list[dict[str, Any]]:
        return [{}] * self.parked

    def ask(self, method: str, path: str, *, json: Any = None) -> httpx.Response:
        self.asked.append((path, json))
        if path == "/v1/deployments":
            self.parked -= self._sent
            return httpx.Response(200, json={"changed": [{"system": self._changed}]})
        if not json["dry_run"]:
            self.parked = 0
        return httpx.Response(200, json={"matched": self.parked, "passes": self._passes})


class ToldSystems(Simulators):
    def __init__(self) -> None:
        self.added: list[tuple[str, str, str]] = []

    def add_code(self, name: str, column: str, code: str) -> None:
        self.added.append((name, column, code))


@pytest.fixture
def site(tmp_path: Path) -> Path:
    table = tmp_path / TABLE
    table.parent.mkdir(parents=True)
    table.write_bytes((ROOT / TABLE).read_bytes())
    return tmp_path


def test_the_row_is_added_the_dry_run_passes_and_all_go(site: Path) -> None:
    gate, systems = ToldGate(parked=41), ToldSystems()
    assert NewCode(gate, gate, systems, site=site).run() == Passed(41, 41)
    assert systems.added == [("insurance", "aac009", "40")]
    assert (site / TABLE).read_text("utf-8") == (ROOT / TABLE).read_text("utf-8") + '  "4": "40"\n'
    assert [path for path, _ in gate.asked] == ["/v1/deployments", "/v1/deliveries:requeue", "/v1/deliveries:requeue"]
    filters = [json.dumps(body["filter"]) for _, body in gate.asked[1:]]
    assert filters == ['{"system": "insurance", "reason": "unmapped_code", "field": "aac009"}'] * 2


@pytest.mark.parametrize(
    ("told", "words"),
    [
        ({"sent_by_deploy": 1}, "send nothing by itself, got 40"),
        ({"passes": 40}, "41 of 41 to pass the dry run"),
        ({"changed": "food"}, "a deployment of insurance alone"),
    ],
)
def test_what_does_not_hold_is_told(site: Path, told: dict[str, Any], words: str) -> None:
    gate = ToldGate(parked=41, **told)
    with pytest.raises(DemoError, match=words):
        NewCode(gate, gate, ToldSystems(), site=site).run()
