"""Where one engine's run lives: the site with short leases, the hostile systems, the proxies before them."""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.processes import Simulators
from syncgate.sandbox.play.site import DemoError, Folder, copy_site, demo_secrets, free_port, write_config
from tests.crash.gates import ALONE, FLEET, Database, Engine, Gates, PostgresBehindProxy, SqliteFile
from tests.crash.judging import EXCUSES, SPOKEN_TO, SYSTEMS, VISIBLE_AFTER
from tests.crash.nursery import ROOT, Nursery
from tests.crash.proxies import Proxies, proxies

LIMITS: Final = f"{{concurrency: {EXCUSES}, connect_timeout: 500ms, timeout: 1500ms, retry_after_at_most: 2s}}"
SHORTER: Final = {"visible_after: 5s": f"visible_after: {VISIBLE_AFTER * 1000:.0f}ms"}
"""In the adapters: what a run of minutes cannot wait for."""
HOSTILE: Final = {
    "slow": {"share": 0.15, "delay": 0.3},
    "commit_then_drop": {"share": 0.04},
    "drop_before": {"share": 0.03},
    "garbage": {"share": 0.02},
    "unavailable": {"share": 0.02},
    "throttle": {"share": 0.01},
}
"""How the systems misbehave of their own accord, all the while."""


@dataclass
class Place:
    """Everything of one run, running but for the gate."""

    folder: Folder
    systems: Simulators
    proxies: Proxies
    gates: Gates
    database: Database

    def command(self, *arguments: str) -> str:
        """What a command of the command line prints. Raises DemoError where it fails."""
        asked = ["--site", self.folder.site, "--config", self.folder.config, *arguments]
        code, told = self.gates.nursery.run(asked, log=self.folder.logs / "command.log")
        if code != 0:
            raise DemoError(f"expected {' '.join(arguments[:2])} to succeed, got exit code {code}: {told[-2000:]}")
        return told

    def start(self) -> Gate:
        """Starts the gate; it as a window sees it, and an operator."""
        self.gates.start_all()
        told = self.command("keys", "create", "--role", "security", "--name", "crash-keeper", "--json")
        keeper = str(json.loads(told)["key"])
        made = Gate(*self.gates.base_urls, source_key="", operator_key=keeper)
        keys = made.make_key("window", role="source", source="window"), made.make_key("operator", role="operator")
        return Gate(*self.gates.base_urls, source_key=keys[0], operator_key=keys[1])

    def misbehave(self) -> None:
        """Every system over HTTP is hostile from now on."""
        for system in SPOKEN_TO:
            for mode, settings in HOSTILE.items():
                self.systems.switch_on(system, mode, **settings)

    def behave(self) -> None:
        """No system is, and no network."""
        self.proxies.calm()
        for system in SPOKEN_TO:
            self.systems.switch_off(system)


@contextmanager
def place(path: Path, engine: Engine) -> Iterator[Place]:
    """A run's place in a folder of its own; every process ends with the block."""
    folder, env = Folder(ROOT, path), demo_secrets()
    folder.path.mkdir(parents=True)
    with ExitStack() as stack:
        nursery = Nursery(env)
        stack.callback(nursery.close)
        systems = Simulators(folder, env, SYSTEMS)
        stack.callback(systems.stop_all)
        with ThreadPoolExecutor() as pool:
            list(pool.map(systems.start, SYSTEMS))
        between = stack.enter_context(proxies())
        database = _database(folder, engine, between, stack)
        _write_site(folder, systems, between, store_url=database.url)
        yield Place(folder, systems, between, Gates(folder, nursery, _members(engine)), database)


def _members(engine: Engine) -> dict[str, str]:
    return ALONE if engine == "sqlite" else FLEET


def _database(folder: Folder, engine: Engine, between: Proxies, stack: ExitStack) -> Database:
    if engine == "sqlite":
        return SqliteFile(folder.database)
    # Not below the run's folder: the server runs as another user, who may not be allowed to look in there.
    home = Path(tempfile.mkdtemp(prefix="syncgate-crash-", dir="/tmp"))
    stack.callback(shutil.rmtree, home, ignore_errors=True)
    made = PostgresBehindProxy.made(home, between)
    stack.callback(made.stop)
    return made


def _write_site(folder: Folder, systems: Simulators, between: Proxies, *, store_url: str) -> None:
    ports = {name: between.open(name, ("127.0.0.1", systems.ports[name])) for name in SPOKEN_TO}
    ports |= {name: port for name, port in systems.ports.items() if name not in SPOKEN_TO}
    write_config(folder, ports=ports, listen_port=free_port(), store_url=store_url)
    text = folder.config.read_text("utf-8")
    limits = "".join(f"      {name}: {{limits: {LIMITS}}}\n" for name in SYSTEMS)
    text = _replaced(text, r"^  test: \{\}\n", f"  test:\n    systems:\n{limits}")
    text = _replaced(text, r"(?<=  lease_margin: )\S+", "1s")
    # What is not played need not be compiled at each of hundreds of starts.
    text = _replaced(text, r"^  (?:frontdb|hotline|urban|ecology|disability): \{mode: \w+\}.*\n", "")
    text = _replaced(text, r"^  taipei1999:\n(?:.*\n)*?(?=\n# Who gets them)", "")
    folder.config.write_text(text, "utf-8")
    copy_site(folder)
    for system in SYSTEMS:
        _write_adapter(folder.site / "adapters" / system / "adapter.yaml")


def _write_adapter(path: Path) -> None:
    """The system's own, with shorter waits, and without sending hours: a run may be at any hour."""
    text = path.read_text("utf-8")
    for old, new in SHORTER.items():
        text = _replaced(text, re.escape(old), new)
    path.write_text(re.sub(r"^windows:\n(?:  - .*\n)+", "", text, flags=re.MULTILINE), "utf-8")


def _replaced(text: str, pattern: str, new: str) -> str:
    changed, count = re.subn(pattern, new, text, flags=re.MULTILINE)
    if not count:
        raise DemoError(f"expected a line like {pattern}, got none")
    return changed
