"""A gate process and the simulated systems that a story needs, as `make demo` has them; nobody dies or misbehaves."""

from __future__ import annotations

import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path

from syncgate.sandbox.city import City
from syncgate.sandbox.expected import expected_lines, write_expected
from syncgate.sandbox.play import care, hours
from syncgate.sandbox.play.calls import Calls
from syncgate.sandbox.play.clerks import Clerks, Operators
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.posting import Posting
from syncgate.sandbox.play.processes import GateProcess, Simulators, create_key, run_reader
from syncgate.sandbox.play.site import Folder, copy_site, demo_secrets, free_port, write_config

ROOT = Path(__file__).parents[3]
WITHIN = 240.0


class Town:
    """These systems and these sources, and a gate between them."""

    def __init__(self, path: Path, ended: ExitStack, *, systems: tuple[str, ...], sources: tuple[str, ...]) -> None:
        self.folder, self.env = Folder(ROOT, path), demo_secrets()
        self.names = systems
        self.systems = Simulators(self.folder, self.env, systems)
        ended.callback(self.systems.stop_all)
        self.systems.start_all()
        self.process = GateProcess(self.folder, self.env, free_port())
        ended.callback(self.process.stop)
        write_config(self.folder, ports=self.systems.ports, listen_port=self.process.port)
        copy_site(self.folder)
        hours.move(self.folder.site, datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1))
        self.process.start()
        operator, self.integrator = (create_key(self.folder, self.env, role=r, name=r) for r in ROLES)
        keys = {name: create_key(self.folder, self.env, role="source", name=name, source=name) for name in sources}
        self.gates = {name: self._gate(key, operator) for name, key in keys.items()}
        self.gate = self.gates[sources[0]]
        self.integrators_gate = self._gate("", self.integrator)
        ports = self.systems.ports
        self.calls = Calls(self.gates, Clerks(lambda: ports["food"]), Operators(lambda: ports["hotline"]))

    def _gate(self, source_key: str, operator_key: str) -> Gate:
        return Gate(self.process.base_url, source_key=source_key, operator_key=operator_key)

    def expect(self, city: City) -> None:
        """Writes what the systems must hold in the end, before anything is posted."""
        write_expected(city.every_life, self.folder.expected, systems=self.names)

    def post(self, city: City) -> None:
        """Makes every call of the city's `lives`."""
        Posting(self.gate, self.calls, city, spread=0.1).run(until=time.monotonic() + WITHIN)

    def settle(self, city: City) -> None:
        """Waits until nothing is left but what must be, each for its reason."""
        lines = [line for line in expected_lines(city.every_life) if line["system"] in self.names]
        cases = self.calls.case_no_by_id
        left = care.wait_until_settled(self.gate, lines, cases, until=time.monotonic() + WITHIN)
        left = [one for one in left if one["system"] in self.names]
        assert care.wrong_reasons(lines, left, cases) == []

    def read(self) -> tuple[int, str]:
        """The reader's exit code and words, once everything is stopped."""
        self.process.stop()
        self.systems.stop_all()
        return run_reader(self.folder, "--systems", str(self.folder.systems))


ROLES = ("operator", "integrator")
