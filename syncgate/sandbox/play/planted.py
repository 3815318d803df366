"""Differences planted at systems behind everybody's back: a reconciliation finds them, and nothing else.

It is played last, when the reader has read every system: what is planted stays.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.processes import Simulators
from syncgate.sandbox.play.reconciled import discrepancies, fields_of, reconcile
from syncgate.sandbox.play.site import DemoError

REASON = "联调后对账"
ALTERED = "改过的"
FRONT, TABLE, COLUMN = "insurance", "si_register", "aae011"
GRACES = {FRONT: ("grace: 30m", "grace: 10s")}
"""What came later than so long before a run is not judged: here nothing is as old as that."""

Sign = tuple[str, str, tuple[str, ...]]
"""Kind, message, and the fields that differ."""


@dataclass(frozen=True, slots=True)
class Deed:
    """What is done to one of the records that an operation created at a system, and how it must be found."""

    system: str
    operation: str
    do: str
    found: Sign
    set: tuple[tuple[str, str], ...] = ()


DEEDS = (
    Deed("hotline", "progress", "edit", ("edited_there", "progress", ("handler",)), (("handler", ALTERED),)),
    Deed("hotline", "progress", "remove", ("missing", "progress", ())),
    Deed("urban", "create", "edit", ("edited_there", "task", ("address",)), (("address", ALTERED),)),
    Deed("urban", "close", "edit", ("edited_there", "closing", ("result",)), (("result", "ZB"),)),
    Deed("ecology", "create", "double", ("duplicate", "item", ())),
    Deed("ecology", "close", "remove", ("missing", "conclusion", ())),
)
SYSTEMS = tuple(dict.fromkeys(deed.system for deed in DEEDS))


@dataclass(frozen=True, slots=True)
class Compared:
    """What a run of a system counted as it should be, and what it found."""

    system: str
    verified_count: int
    found: tuple[Sign, ...]


def shorten_graces(site: Path) -> None:
    """In the gate's own copy of the site. Raises DemoError where it says otherwise."""
    for system, (old, new) in GRACES.items():
        path = site / "adapters" / system / "adapter.yaml"
        text = path.read_text("utf-8")
        if text.count(old) != 1:
            raise DemoError(f"expected '{old}' once in {path.name} of {system}, got it {text.count(old)} times")
        path.write_text(text.replace(old, new), "utf-8")


class Planted:
    """Reconciles, plants, and reconciles again. `folder`: of the simulated systems."""

    def __init__(self, gate: Gate, systems: Simulators, folder: Path) -> None:
        self._gate, self._systems, self._folder = gate, systems, folder

    def run(self, names: Sequence[str] = (*SYSTEMS, FRONT)) -> list[Compared]:
        """One for each of these systems. Raises DemoError where anything else is found, or nothing."""
        for name in names:
            if found := self._compared(name).found:
                raise DemoError(f"expected nothing to differ at {name}, got {found}")
            self._plant(name)
        return [self._check(self._compared(name)) for name in names]

    def _compared(self, name: str) -> Compared:
        run = reconcile(self._gate, name, mode="list", reason=REASON)
        signs = ((one["kind"], one["message"], tuple(fields_of(one))) for one in discrepancies(self._gate, run))
        return Compared(name, run["totals"]["verified"], tuple(sorted(signs)))

    def _plant(self, name: str) -> None:
        if name == FRONT:
            alter_row(self._folder / f"{name}.db")
            return
        used: set[tuple[str, str, str]] = set()
        for deed in (deed for deed in DEEDS if deed.system == name):
            key, part = next(place for place in self._places(deed) if (deed.operation, *place) not in used)
            used.add((deed.operation, key, part))
            place = {"operation": deed.operation, "key": key, "part": part}
            self._systems.alter(name, {"do": deed.do, **place, **({"set": dict(deed.set)} if deed.set else {})})

    def _places(self, deed: Deed) -> Iterable[tuple[str, str]]:
        """Records that were delivered, and that a deed changes: the newest first."""
        with closing(sqlite3.connect(self._folder / f"{deed.system}.sqlite")) as ledger:
            asked = "SELECT key, part, record FROM effects WHERE operation = ? AND kind = 'created' ORDER BY seq DESC"
            rows = ledger.execute(asked, (deed.operation,)).fetchall()
        for key, part, record in rows:
            if all(f'"{value}"' not in record for _, value in deed.set):
                yield key, part

    def _check(self, compared: Compared) -> Compared:
        wanted = tuple(sorted(deed.found for deed in DEEDS if deed.system == compared.system))
        wanted = wanted or (("edited_there", "register", (COLUMN,)),)
        if compared.found != wanted:
            raise DemoError(f"expected {wanted} to be found at {compared.system}, got {compared.found}")
        return compared


def alter_row(database: Path) -> None:
    """Alter one column of the newest row that was taken, as somebody with rights on the front database could."""
    with closing(sqlite3.connect(database, isolation_level=None, timeout=30)) as front:
        newest = f"SELECT max(id) FROM {TABLE} WHERE is_sync = 1"
        front.execute(f"UPDATE {TABLE} SET {COLUMN} = ? WHERE id = ({newest})", (ALTERED,))


def tell(compared: Iterable[Compared], say: Callable[[str], None] = print) -> None:
    """What a reader of the demo is told."""
    for one in compared:
        words = ", ".join(" ".join([kind, message, *fields]) for kind, message, fields in one.found)
        say(f"planted at {one.system}, and found among {one.verified_count} that are as they should be: {words}")
