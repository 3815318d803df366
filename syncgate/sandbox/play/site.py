"""The demo's own configuration: the example site's, with the addresses of this run."""

from __future__ import annotations

import base64
import os
import re
import secrets
import shutil
import socket
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

BASES = {
    "province": "/gateway/province",
    "food": "/foodlicence/api",
    "workorders": "/workorders/v1",
    "hotline": "/hotline/api",
    "urban": "/cityadmin/api",
    "ecology": "/petitions/v1",
}
FRONT = "frontdb"
FRONTS = (FRONT, "insurance")
"""Front databases: each has an address in the file system, and only its control path is spoken to over HTTP."""
BY_HAND = "disability"
"""A system without an interface: what it lacks is typed, and nobody simulates it."""
SITE_FOLDERS = ("adapters", "mappings", "schemas")
"""What of the example site is copied, so that a person of the demo may change it."""
SECRETS = {
    "SYNCGATE_PROVINCE_TOKEN": "SANDBOX_PROVINCE_TOKEN",
    "SYNCGATE_PROVINCE_TIF_TOKEN": "SANDBOX_PROVINCE_TIF_TOKEN",
    "SYNCGATE_FOOD_KEY": "SANDBOX_FOOD_KEY",
    "SYNCGATE_WORKORDERS_KEY": "SANDBOX_WORKORDERS_KEY",
    "SYNCGATE_HOTLINE_KEY": "SANDBOX_HOTLINE_KEY",
    "SYNCGATE_URBAN_KEY": "SANDBOX_URBAN_KEY",
    "SYNCGATE_ECOLOGY_KEY": "SANDBOX_ECOLOGY_KEY",
}
"""Environment variables of the gate's secrets -> those of the simulated systems that must agree."""


AT_MOST = 235.0
"""Seconds that the demo takes at most on a machine that does nothing else."""


class DemoError(Exception):
    """The demo cannot go on; the message says why."""


@dataclass(frozen=True, slots=True)
class Folder:
    """Where the demo keeps everything; `root` is the example site."""

    root: Path
    path: Path

    @property
    def config(self) -> Path:
        return self.path / "config.yaml"

    @property
    def site(self) -> Path:
        """The gate's own copy of the example site."""
        return self.path / "site"

    @property
    def database(self) -> Path:
        return self.path / "syncgate.db"

    @property
    def systems(self) -> Path:
        return self.path / "systems"

    def address(self, system: str, port: int) -> str:
        """What the gate is told of a simulated system."""
        if system in FRONTS:
            return f"sqlite:///{self.systems / system}.db"
        return f"http://127.0.0.1:{port}{BASES[system]}"

    @property
    def ports(self) -> Path:
        return self.path / "ports.json"

    @property
    def expected(self) -> Path:
        return self.path / "expected.ndjson"

    @property
    def kills(self) -> Path:
        return self.path / "kills.json"

    @property
    def weekend(self) -> Path:
        return self.path / "weekend.json"

    @property
    def hours(self) -> Path:
        return self.path / "hours.json"

    @property
    def journals(self) -> Path:
        return self.path / "journals"

    @property
    def logs(self) -> Path:
        return self.path / "logs"


def at_most() -> float:
    """How long the demo may take; SYNCGATE_DEMO_AT_MOST says more for a slow machine."""
    return float(os.environ.get("SYNCGATE_DEMO_AT_MOST", AT_MOST))


def patience() -> float:
    """How many times longer than on a machine that does nothing else anything is waited for."""
    return max(1.0, at_most() / AT_MOST)


def free_port() -> int:
    """A port of loopback that is free now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def demo_secrets() -> dict[str, str]:
    """Fresh secrets, under the gate's names and the simulated systems'."""
    found = {}
    for ours, theirs in SECRETS.items():
        found[ours] = found[theirs] = secrets.token_urlsafe(18)
    return found


def write_config(folder: Folder, *, ports: Mapping[str, int], listen_port: int, store_url: str = "") -> None:
    """Write `.demo/config.yaml` from config.example.yaml, and a master key beside it.

    Raises:
        DemoError: the example has no line that must be replaced.
    """
    text = (folder.root / "config.example.yaml").read_text("utf-8")
    key = folder.path / "master.key"
    text = _replace(text, r"^(store:\n(?:\s*#.*\n)*\s+url:\s*)\S+", store_url or f"sqlite:///{folder.database}")
    text = _replace(text, r"^(master_key:\n(?:\s*#.*\n)*\s+file:\s*)\S+", str(key))
    text = _replace(text, r"^(listen:\n(?:.*\n)*?\s+port:\s*)\d+", str(listen_port))
    if store_url.startswith("postgresql"):
        # Workers die every few seconds: their leases must not outlive them long, or they hold every place.
        text = _replace(text, r"^(dispatch:\n(?:.*\n)*?\s+lease_margin:\s*)\S+", "1s")
    for system, port in ports.items():
        text = _with_address(text, system, folder.address(system, port))
    text = _replace(text, rf"^(systems:\n(?:[ #].*\n)*?  {BY_HAND}: )\{{mode: draft\}}", "{mode: manual}")
    key.touch(mode=0o600)
    key.write_text(base64.b64encode(secrets.token_bytes(32)).decode() + "\n", "ascii")
    folder.config.write_text(text, "utf-8")


def copy_site(folder: Folder) -> None:
    """Make the gate's own copy of the example site."""
    for name in SITE_FOLDERS:
        shutil.copytree(folder.root / name, folder.site / name)


def _with_address(text: str, system: str, address: str) -> str:
    """`name: {}` and `name: {mode: draft}` get an address, a longer entry gets its own replaced."""
    empty = rf"^(systems:\n(?:[ #].*\n)*?  {system}: )\{{(?:mode: draft)?\}}"
    if re.search(empty, text, re.MULTILINE):
        return _replace(text, empty, f"{{address: {address}}}")
    return _replace(text, rf"^(systems:\n(?:[ #].*\n)*?  {system}:\n(?:    .*\n)*?    address:\s*)\S+", address)


def _replace(text: str, pattern: str, value: str) -> str:
    changed, count = re.subn(pattern, lambda found: found[1] + value, text, count=1, flags=re.MULTILINE)
    if not count:
        raise DemoError(f"expected a line like {pattern} in config.example.yaml, got none")
    return changed
