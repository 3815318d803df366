"""Story 7 at the systems themselves: given back, passed on, taken up again, while answers are lost; then read back."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from syncgate.sandbox.city import City, build_city
from syncgate.sandbox.expected import expected_lines, write_expected
from syncgate.sandbox.play import care
from syncgate.sandbox.play.calls import Calls
from syncgate.sandbox.play.clerks import Clerks, Operators
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.planted import DEEDS, Planted
from syncgate.sandbox.play.posting import Posting
from syncgate.sandbox.play.processes import GateProcess, Simulators, create_key, run_reader
from syncgate.sandbox.play.site import Folder, copy_site, demo_secrets, free_port, write_config

ROOT = Path(__file__).parents[2]
SYSTEMS = ("workorders", "hotline", "urban", "ecology")
SOURCES = ("hotline", "urban", "ecology")
COUNT = 12
WITHIN = 240.0
GRACE = 11.0
"""As the adapters say: what was delivered later is not judged."""


class Town:
    """The hotline, both assignees and the work orders, and a gate between them."""

    def __init__(self, path: Path, ended: ExitStack) -> None:
        self.folder, env = Folder(ROOT, path), demo_secrets()
        self.systems = Simulators(self.folder, env, SYSTEMS)
        ended.callback(self.systems.stop_all)
        self.systems.start_all()
        self.process = GateProcess(self.folder, env, free_port())
        ended.callback(self.process.stop)
        write_config(self.folder, ports=self.systems.ports, listen_port=self.process.port)
        copy_site(self.folder)
        self.process.start()
        operator = create_key(self.folder, env, role="operator", name="operator")
        keys = {name: create_key(self.folder, env, role="source", name=name, source=name) for name in SOURCES}
        self.gates = {
            name: Gate(self.process.base_url, source_key=key, operator_key=operator) for name, key in keys.items()
        }
        ports = self.systems.ports
        self.calls = Calls(self.gates, Clerks(lambda: 0), Operators(lambda: ports["hotline"]))

    def play(self, city: City) -> None:
        """Every call made, and nothing left to do."""
        posting = Posting(self.gates["hotline"], self.calls, city, spread=1.0)
        posting.run(until=time.monotonic() + WITHIN)
        for name in SOURCES:
            self.systems.switch_off(name)
        lines = [line for line in expected_lines(city.every_life) if line["system"] in SYSTEMS]
        until = time.monotonic() + WITHIN
        left = care.wait_until_settled(self.gates["hotline"], lines, self.calls.case_no_by_id, until=until)
        assert left == []


@pytest.fixture
def town(tmp_path: Path) -> Iterator[Town]:
    with ExitStack() as ended:
        yield Town(tmp_path, ended)


def test_every_turn_is_told_once_and_closed_and_a_confidential_caller_is_named_to_the_hotline_alone(town: Town) -> None:
    """Promises 4, 5 and 10: the reader compares every field of every record with what was projected by hand."""
    city = City(lives=build_city().assigned[:COUNT], refused=())
    assert {"noise", "stall", "confidential"} <= {trait for life in city.lives for trait in life.traits}
    write_expected(city.every_life, town.folder.expected, systems=SYSTEMS)
    for name in SOURCES:
        town.systems.switch_on(name, "commit_then_drop", share=0.15)
        town.systems.switch_on(name, "unavailable", share=0.15)
    town.play(city)
    struck = sum(town.systems.strikes(name, "commit_then_drop") for name in SOURCES)
    code, told = run_reader(town.folder, "--systems", str(town.folder.systems))
    assert code == 0, told
    assert struck > 0, "some answers were lost, or nothing was proved of that"
    time.sleep(GRACE)
    compared = Planted(town.gates["hotline"], town.systems, town.folder.systems).run(SOURCES)
    assert {one.system: len(one.found) for one in compared} == Counter(deed.system for deed in DEEDS)
