"""The folder of a proof: a copy of the example site with wide limits, its store, and the systems' own stores."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path

from syncgate.bootstrap.place import SitePlace
from syncgate.sandbox.play.site import Folder, write_config

ROOT = Path(__file__).parents[2]
COPIED = ("adapters", "mappings", "schemas", "config.example.yaml")
SYSTEMS = ("food", "province", "workorders", "frontdb")
SECRETS = {
    "SYNCGATE_PROVINCE_TOKEN": "province-token",
    "SYNCGATE_PROVINCE_TIF_TOKEN": "province-tif-token",
    "SYNCGATE_FOOD_KEY": "food-key",
    "SYNCGATE_WORKORDERS_KEY": "workorders-key",
}
"""What the gate shows the simulated systems: their own defaults."""
_LIMITS = re.compile(r"^limits: \{rate: [^,]+, concurrency: \d+", re.MULTILINE)
_WIDE = "limits: {rate: 100000/s, burst: 100000, concurrency: 500"

_CONFIGURED = re.compile(r"rate: 200/s(.*\n +)burst: 200(.*\n +)concurrency: 8")
_AS_WIDE = r"rate: 100000/s\1burst: 100000\2concurrency: 500"
"""The same where the configuration has the last word."""
_CHANGED = {
    "  on_unplanned: hold": "  on_unplanned: {retract: remove}",
    '    read: {method: GET, path: "/orders/{case_no}"}\n': '    read: {method: GET, path: "/orders/{case_no}"}\n'
    '    remove: {method: DELETE, path: "/orders/{case_no}"}\n',
    "      remote_ref: /orderNo\n": "      remote_ref: /orderNo\n      retracted: removed\n",
    "  visible_after: 5s\n  waits: [1s, 2s, 5s]\n  final_after: 30m\n": "  visible_after: 20d\n  waits: [1d]\n"
    "  final_after: 40d\n",
}
"""What is otherwise with the work orders here. The order of a withdrawn call is removed: else no system of the city
could hold what is not to be there. And a lost answer is not asked about by itself until after the proof."""

_PAGE_SIZE = re.compile(r"(next: \{by: [^}]*size: )\d+")

_LAID_DOWN = (
    "export: {format: xlsx, sheet: 办件导出}",
    'export: {format: xlsx, sheet: 办件导出, file: "exports/province-{date}.xlsx"}',
)
"""Here province's back office lays its export down each day."""


@dataclass(frozen=True, slots=True)
class ProofPlace:
    """Where one proof keeps everything."""

    path: Path

    @property
    def root(self) -> Path:
        """The site's folder."""
        return self.path / "site"

    @property
    def folder(self) -> Folder:
        """The same as the demo's parts want it."""
        return Folder(self.root, self.path)

    @property
    def site(self) -> SitePlace:
        """The same as the gate reads it."""
        return SitePlace(self.root, self.folder.config)

    @property
    def systems(self) -> Path:
        """Where the simulated systems keep what they hold."""
        return self.folder.systems

    @property
    def store(self) -> Path:
        """The gate's store."""
        return self.folder.database

    def export(self, day: date) -> Path:
        """What province's back office lays down for a day."""
        return self.root / "exports" / f"province-{day:%Y%m%d}.xlsx"

    @property
    def plan(self) -> Path:
        """What was planted, written before anything is reconciled."""
        return self.path / "planted.ndjson"

    @property
    def free(self) -> Path:
        """The cases of which nothing was planted."""
        return self.path / "free.ndjson"

    @property
    def time(self) -> Path:
        """What time it was in its world when that was left."""
        return self.path / "time"

    def create(self) -> None:
        """An empty one, in the place of what was there."""
        shutil.rmtree(self.path, ignore_errors=True)
        self.systems.mkdir(parents=True)
        self.root.mkdir()
        for name in COPIED:
            source = ROOT / name
            (shutil.copytree if source.is_dir() else shutil.copy)(source, self.root / name)
        for system in SYSTEMS:
            self.rewrite(f"adapters/{system}/adapter.yaml", _LIMITS, _WIDE)
        for before, after in _CHANGED.items():
            self.rewrite("adapters/workorders/adapter.yaml", re.escape(before), after)
        adapter = self.root / "adapters" / "province" / "adapter.yaml"
        adapter.write_text(adapter.read_text("utf-8").replace(*_LAID_DOWN), "utf-8")

    def copy(self, other: ProofPlace) -> None:
        """Another one as it was left, in the place of what was here."""
        shutil.rmtree(self.path, ignore_errors=True)
        shutil.copytree(other.path, self.path)
        config = self.folder.config
        config.write_text(config.read_text("utf-8").replace(str(other.path), str(self.path)), "utf-8")

    def configure(self, ports: Mapping[str, int], *, listen_port: int = 0) -> None:
        """Write the configuration with these addresses; the master key stays."""
        key = self.path / "master.key"
        kept = key.read_bytes() if key.exists() else None
        write_config(self.folder, ports=ports, listen_port=listen_port)
        config = self.folder.config
        config.write_text(_CONFIGURED.sub(_AS_WIDE, config.read_text("utf-8")), "utf-8")
        if kept is not None:
            key.write_bytes(kept)

    def page_by(self, size: int) -> None:
        """Have every system list so many records a page."""
        for system in SYSTEMS:
            adapter = self.root / "adapters" / system / "adapter.yaml"
            adapter.write_text(_PAGE_SIZE.sub(rf"\g<1>{size}", adapter.read_text("utf-8")), "utf-8")

    def rewrite(self, file: str, pattern: re.Pattern[str] | str, text: str) -> None:
        """Change one place of a file of the site. Raises ValueError where it is not there."""
        path = self.root / file
        changed, count = re.subn(pattern, lambda _: text, path.read_text("utf-8"), count=1)
        if not count:
            raise ValueError(f"expected {pattern} in {file}, got another text")
        path.write_text(changed, "utf-8")
