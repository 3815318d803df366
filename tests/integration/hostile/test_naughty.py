"""Naughty texts in every text field of a case, through the intake to every kind of system, judged by the systems."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import ExitStack, closing
from copy import deepcopy
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.city.goldens import golden_documents
from syncgate.sandbox.city.identities import is_in_gbk
from tests.fuzz.naughty import NAUGHTY
from tests.integration.stories.town import Town
from tests.unit.web.sample import MOBILE, NAME, hotline

SYSTEMS = ("province", "food", "workorders", "frontdb", "insurance")
FRONTS = ("frontdb", "insurance")
PLAIN = "样本"
WITHIN = 240.0
OPEN = ["pending", "in_flight", "awaiting", "unconfirmed"]
Json = Any
Spot = tuple[str, str, str]
"""System, operation or table, and place in the record."""


def bases() -> Iterator[Json]:
    """Cases that reach each kind of system: REST with an envelope, REST with JSON, tables in UTF-8 and in GBK."""
    documents = golden_documents()
    for name in ("plain_approval", "insurance"):
        yield documents[name]["calls"][0]["body"]
    contact = {"name": NAME, "mobile": MOBILE}
    yield hotline(case_no="HL-990101-0000", title="路灯不亮", description="路灯不亮，煩請處理", contact=contact)


def texts_in(node: Json, at: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    """The place of every text."""
    pairs = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    for key, below in pairs:
        if isinstance(below, str):
            yield (*at, key)
        else:
            yield from texts_in(below, (*at, key))


def put(case: Json, at: tuple[Any, ...], text: str) -> Json:
    """The case with another text in this place."""
    changed = node = deepcopy(case)
    for step in at[:-1]:
        node = node[step]
    node[at[-1]] = text
    return changed


@dataclass
class Typed:
    """One case with one text in one field. tag: what tells the text from all others."""

    at: tuple[Any, ...]
    text: str
    tag: str
    case_id: str = ""
    held: dict[Spot, str] = field(default_factory=dict)


class Trial:
    """Posts a control and naughty ones for every field, and looks where their texts came to be."""

    def __init__(self, town: Town) -> None:
        self.town, self.number = town, 0
        self.controls: dict[tuple[int, tuple[Any, ...]], Typed] = {}
        self.naughty: list[tuple[Typed, Typed]] = []
        self.refused: list[tuple[tuple[Any, ...], str]] = []

    def post(self) -> None:
        for no, base in enumerate(bases()):
            free = [at for at in texts_in(base) if at[-1] not in ("case_no", "id")]
            for at in free:
                control = self._posted(base, at, PLAIN)
                if control is None:
                    continue
                self.controls[no, at] = control
                count = len(self.controls)
                for text in (NAUGHTY[count % len(NAUGHTY)], NAUGHTY[(count * 7 + 3) % len(NAUGHTY)]):
                    if (typed := self._posted(base, at, text)) is not None:
                        self.naughty.append((control, typed))

    def _posted(self, base: Json, at: tuple[Any, ...], text: str) -> Typed | None:
        self.number += 1
        tag = f"N{self.number:05}N"
        case = put(base, at, text + tag) | {"case_no": f"{base['case_no'][:-4]}{self.number:04}"}
        answer = self.town.gate._ask("POST", "/v1/cases", headers=self.town.gate._source, json=case)
        if answer.status_code == 202:
            return Typed(at, text + tag, tag, answer.json()["case_id"])
        assert answer.status_code == 422, answer.text
        pointers = [error["pointer"] for error in answer.json()["errors"]]
        assert pointers and all(pointers), "refused without a field"
        self.refused.append((at, text))
        return None

    def settle(self) -> None:
        """Waits until nothing is open but what is held back by something parked of its own case at its own system."""
        deadline = time.monotonic() + WITHIN
        while True:
            held = {(one["case_id"], one["system"]) for one in self.town.gate.deliveries(phase="parked")}
            left = [one for one in self.town.gate.deliveries(phase=OPEN) if (one["case_id"], one["system"]) not in held]
            left = [one for one in left if one["system"] in SYSTEMS]
            if not left:
                return
            assert time.monotonic() < deadline, left[:3]
            time.sleep(1)

    def look(self) -> None:
        """Finds every text where a system holds it."""
        by_tag = {one.tag: one for pair in self.naughty for one in pair} | {c.tag: c for c in self.controls.values()}
        for system in SYSTEMS:
            for place, row in rows_of(self.town.folder.systems, system):
                for spot, value in values_in(row):
                    for tag in (value[at : at + 7] for at in range(len(value)) if value[at] == "N"):
                        if tag in by_tag:
                            by_tag[tag].held[system, place, spot] = value


def rows_of(folder: Path, system: str) -> Iterator[tuple[str, Json]]:
    """What a system holds: the records of its ledger, or the rows of its front tables."""
    with closing(sqlite3.connect(folder / (f"{system}.db" if system in FRONTS else f"{system}.sqlite"))) as opened:
        opened.row_factory = sqlite3.Row
        if system not in FRONTS:
            for row in opened.execute("SELECT operation, record FROM effects ORDER BY seq"):
                yield row["operation"], json.loads(row["record"])
            return
        tables = [row[0] for row in opened.execute("SELECT name FROM sqlite_master WHERE type = 'table'")]
        for table in (name for name in tables if not name.startswith(("sandbox_", "sqlite_"))):
            for row in opened.execute(f"SELECT * FROM {table}"):
                yield table, dict(row)


def values_in(node: Json, at: str = "") -> Iterator[tuple[str, str]]:
    """Every text of a record with its place; of a list, whatever its position."""
    if isinstance(node, str):
        yield at, node
    pairs = node.items() if isinstance(node, dict) else [("*", one) for one in node] if isinstance(node, list) else ()
    for key, below in pairs:
        yield from values_in(below, f"{at}/{key}")


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Trial]:
    with ExitStack() as ended:
        town = Town(tmp_path_factory.mktemp("naughty"), ended, systems=SYSTEMS, sources=("window",))
        made = Trial(town)
        made.post()
        made.settle()
        made.look()
        yield made


def test_what_a_system_holds_is_what_was_typed_or_the_delivery_is_parked_with_field_and_rule(trial: Trial) -> None:
    """Promise 7: nothing is cut, replaced or lost."""
    parked: dict[tuple[str, str], list[Json]] = defaultdict(list)
    for one in trial.town.gate.deliveries(phase="parked"):
        parked[one["case_id"], one["system"]].append(one)
    compared, wrong = 0, []
    for control, typed in trial.naughty:
        for spot, value in control.held.items():
            wanted = value.replace(control.text, typed.text)
            why = parked[typed.case_id, spot[0]]
            if typed.held.get(spot) == wanted:
                compared += 1
            elif spot in typed.held or not why:
                wrong.append((spot, wanted, typed.held.get(spot)))
            else:
                assert all(one["reason"] and one["detail"] for one in why), why
        assert set(typed.held) <= set(control.held)
    assert wrong == []
    assert compared > 100


def test_every_kind_of_system_was_reached(trial: Trial) -> None:
    reached = {spot[0] for control in trial.controls.values() for spot in control.held}
    assert reached == set(SYSTEMS)
    assert len(trial.controls) >= 30 and len(trial.naughty) >= 50


def test_what_gbk_lacks_never_reaches_a_table_in_gbk(trial: Trial) -> None:
    in_gbk = [value for _, typed in trial.naughty for spot, value in typed.held.items() if spot[0] == "insurance"]
    assert in_gbk and all(map(is_in_gbk, in_gbk))
