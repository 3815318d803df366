"""Plants the differences: our own history first, then what happens at the systems behind the gate's back."""

from __future__ import annotations

import uuid
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any, Final
from uuid import UUID

from syncgate.flows.delivering.claim import claim
from syncgate.flows.delivering.send import send
from syncgate.ports import OnSystem
from tests.reconcile_proof.cases import document
from tests.reconcile_proof.plants import EDITED, NORMALISED, Edit, Plan, Planted, Pool, planted
from tests.reconcile_proof.shares import counts
from tests.reconcile_proof.slots import PARTS, TURNS, Known, Message, spot_of
from tests.reconcile_proof.world import OWNER, World

Json = Any
Chosen = Mapping[tuple[Message, str], Sequence[Known]]

RENAMED: Final = ("广场舞噪声", "社会生活噪声")
"""A kind of call, and what the mapping of today makes of it; only cases of this proof are of this kind."""
_OLD_ITEM: Final = "  item: case.item.name\n"
_NEW_ITEM: Final = """\
  item:
    choose:
      - {{when: {{equals: [case.item.name, {{const: {}}}]}}, then: {{const: {}}}}}
    otherwise: case.item.name
""".format(*RENAMED)
DECOYS: Final = 8
"""How many there are of each kind of difference that must not be reported."""
_DAY = timedelta(days=1)
_PATHS: Final[Mapping[str, str]] = {
    "food": "/foodlicence/api/applications",
    "workorders": "/workorders/v1/orders",
    "province": "/gateway/province/receiveBasicInfo",
}
"""Where each system takes what the proof has it lose the answer to."""


@dataclass
class Planting:
    """One planting in a world whose cases are delivered."""

    world: World
    random: Random
    pool: Pool
    plan: Plan = field(default_factory=Plan)
    _serial: int = 9_000_000

    async def plant(self, total: int) -> Plan:
        """Plants so many differences, and the decoys; the clock is then some days on."""
        wanted = counts(total)
        await self._rename(wanted.pop((("workorders", "order"), "mapping_changed"), 0))
        chosen = {what: self._chosen(what, count) for what, count in wanted.items()}
        await self._correct(chosen)
        await self._older_versions()
        stood = self._withdrawn_records(chosen)
        await self._withdraw(chosen)
        self.world.clock.move(_DAY)
        for (message, kind), cases in chosen.items():
            if kind == "no_longer_planned":
                self._put_back(message, cases, stood)
            elif kind not in ("confirmed", "unexpected"):
                self._alter(message, kind, cases)
            if kind == "unexpected":
                self._insert_others(message, wanted[message, kind])
        await self._lose_answers({message: count for (message, kind), count in wanted.items() if kind == "confirmed"})
        self._equal_by_rule()
        self._not_ours()
        self.world.clock.move(3 * _DAY)
        await self._young()
        await self._in_flight()
        return self.plan

    def _chosen(self, what: tuple[Message, str], count: int) -> list[Known]:
        message, kind = what
        return [] if kind in ("confirmed", "unexpected") else list(self.pool.take(TURNS[message], count))

    # our own history
    async def _rename(self, count: int) -> None:
        """Cases that the mapping of today would tell otherwise."""
        message = ("workorders", "order")
        cases = await self._posted("hotline", count, lambda case: {**case, "item": {"name": RENAMED[0]}})
        await self.world.deliver("workorders")
        self.world.place.rewrite("mappings/workorders/order.yaml", _OLD_ITEM, _NEW_ITEM)
        await self.world.activate()
        for case in cases:
            self._note(message, "mapping_changed", case, way="a mapping deployed since", fields=("item",))

    async def _correct(self, chosen: Chosen) -> None:
        """Corrections that are delivered, and will be rolled back there."""
        for (message, kind), cases in chosen.items():
            for case in cases if kind == "stale" else ():
                await self.world.correct(case.case_id, _correction(message, self._next()))
        await self.world.deliver()

    def _withdrawn_records(self, chosen: Chosen) -> dict[UUID, Json]:
        """What stands of the cases that will be withdrawn."""
        return {
            case.case_id: self.world.inside.held(spot_of(message, case))
            for (message, kind), cases in chosen.items()
            for case in (cases if kind == "no_longer_planned" else ())
        }

    async def _withdraw(self, chosen: Chosen) -> None:
        """Withdrawals that are delivered: the record is gone there."""
        for (_, kind), cases in chosen.items():
            for case in cases if kind == "no_longer_planned" else ():
                await self.world.withdraw(case.case_id)
        await self.world.deliver()

    async def _older_versions(self) -> None:
        """Decoys: the front database keeps every version, and the older ones are no discrepancy."""
        for case in self.pool.take(TURNS["frontdb", "accept"], DECOYS):
            await self.world.correct(case.case_id, {"contact": {"address": f"示例市样本街{self._next()}号"}})
        await self.world.deliver()

    async def _posted(self, turn: str, count: int, change: Callable[[Json], Json] = lambda case: case) -> list[Known]:
        made = [change(document(turn, self.random, self._next())) for _ in range(count)]
        accepted = await self.world.post(made)
        return [Known(one.case_id, case["case_no"], turn) for one, case in zip(accepted, made, strict=True)]

    # at the systems
    def _alter(self, message: Message, kind: str, cases: Sequence[Known]) -> None:
        if message[0] == "frontdb":
            self._alter_rows(message, kind, cases)
            return
        alterations = []
        for no, case in enumerate(cases):
            spot = spot_of(message, case)
            held = self.world.inside.held(spot)
            done, way, fields = self._deed(message, kind, held, no)
            alterations.append({**done, "operation": spot.operation, "key": spot.key, "part": spot.part})
            self._note(message, kind, case, way=way, fields=fields, held=held)
        if alterations:
            self.world.inside.alter(message[0], *alterations)

    def _deed(self, message: Message, kind: str, held: Json, no: int) -> tuple[dict[str, Json], str, tuple[str, ...]]:
        match kind:
            case "missing":
                return {"do": "remove"}, "removed there", ()
            case "duplicate":
                return {"do": "double"}, "there twice", ()
            case "stale":
                return {"do": "roll_back"}, "rolled back there", _CORRECTED[message]
            case _:
                edits = (NORMALISED if kind == "normalised_there" else EDITED).get(message, _PROVINCE)
                edit = edits[no % len(edits)]
                return {"do": "edit", "set": edit.of(held)}, edit.way, tuple(edit.fields)

    def _put_back(self, message: Message, cases: Sequence[Known], stood: Mapping[UUID, Json]) -> None:
        for case in cases:
            spot, record = spot_of(message, case), stood[case.case_id]
            self.world.inside.alter(
                message[0], {"do": "insert", "operation": spot.operation, "key": spot.key, "record": record}
            )
            self._note(message, "no_longer_planned", case, way="withdrawn and removed there, then put in again")

    def _alter_rows(self, message: Message, kind: str, cases: Sequence[Known]) -> None:
        statements: list[tuple[str, tuple[Any, ...]]] = []
        for case in cases:
            spot = spot_of(message, case)
            held = self.world.inside.held(spot)
            if kind == "missing":
                statements.append((f"DELETE FROM {spot.operation} WHERE row_guid = ?", (spot.key,)))
                self._note(message, kind, case, way="its row deleted", held=held)
            else:
                sql = f"UPDATE {spot.operation} SET applyer_name = ? WHERE row_guid = ?"
                statements.append((sql, ("周示例", spot.key)))
                self._note(message, kind, case, way="another applicant", fields=("applyer_name",), held=held)
        self.world.inside.run_front(*statements)

    def _insert_others(self, message: Message, count: int) -> None:
        """Records that bear keys like ours, and are nobody's here."""
        system, name = message
        for model in self.pool.take(TURNS[message], count):
            held, key = (
                self.world.inside.held(spot_of(message, model)),
                str(uuid.UUID(int=self.random.getrandbits(128))),
            )
            if system == "frontdb":
                row = {**held[-1], "row_guid": key, "cd_batch": key.replace("-", "")}
                row.pop("id")
                marks = ", ".join("?" for _ in row)
                sql = f"INSERT INTO {spot_of(message, model).operation} ({', '.join(row)}) VALUES ({marks})"
                self.world.inside.run_front((sql, tuple(row.values())))
                key = f"{key}|{row['cd_batch']}"
            else:
                operation = spot_of(message, model).operation
                insert = {"do": "insert", "operation": operation, "key": key, "record": {**held, _KEYS[system]: key}}
                self.world.inside.alter(system, insert)
            one = Planted(
                system=system, message=name, kind="unexpected", way="a record of another sender", is_found=True, key=key
            )
            self.plan.planted.append(one)

    async def _lose_answers(self, wanted: Mapping[Message, int]) -> None:
        """What was taken there and never answered, or not asked about since: open here, there in truth."""
        for message in sorted(wanted, key=lambda one: list(_LOST_BESIDE).index(one[0])):
            known = await self._posted(TURNS[message][0], wanted[message])
            if beside := _LOST_BESIDE[message[0]]:
                await self.world.deliver(*beside)
            await self._lose_answer(message[0])
            way = "taken there, the answer lost" if message[0] in _PATHS else "taken there, and nobody asked since"
            # Of what the front database is told, the material lies there unanswered as well.
            told = [message, ("frontdb", "material")] if message[0] == "frontdb" else [message]
            for one, case in ((one, case) for one in told for case in known):
                self._note(one, "confirmed", case, way=way, held=self.world.inside.held(spot_of(one, case)))

    async def _lose_answer(self, system: str) -> None:
        if system not in _PATHS:
            while await self.world.deliver_once(system, is_asking=False):
                pass
            return
        counter = self.world.inside.counters[system]
        counter.lost = lambda request: request.url.endswith(_PATHS[system])
        while await self.world.deliver_once(system):
            pass
        counter.lost = lambda request: False

    # what must not be reported
    def _equal_by_rule(self) -> None:
        """Decoys: a warehouse that is not there is written in another way, which the adapter declares the same."""
        cases = self.pool.take(TURNS["food", "application"], DECOYS)
        spots = [spot_of(("food", "application"), case) for case in cases]
        empty = [spot for spot in spots if not self.world.inside.held(spot)["warehouse"]]
        edits = [{"do": "edit", "operation": "create", "key": spot.key, "set": {"warehouse": "无"}} for spot in empty]
        if edits:
            self.world.inside.alter("food", *edits)

    def _not_ours(self) -> None:
        """Decoys: applications that food's own clerks typed in, without a key of ours."""
        models = self.pool.take(TURNS["food", "application"], DECOYS)
        for no, model in enumerate(models):
            record = dict(self.world.inside.held(spot_of(("food", "application"), model)))
            del record["bizKey"]
            self.world.inside.type_in({"number": f"SPJY2026{500_000 + no}", "record": record})

    async def _young(self) -> None:
        """Decoys: delivered a moment ago, and not there: not yet visible."""
        for case in await self._posted("hotline", DECOYS):
            await self.world.deliver_once("workorders")
            held = self.world.inside.held(spot_of(("workorders", "order"), case))
            remove = {"do": "remove", "operation": "create", "key": case.case_no}
            self.world.inside.alter("workorders", remove)
            self._note(("workorders", "order"), "missing", case, way="removed a moment ago", held=held, is_young=True)

    async def _in_flight(self) -> None:
        """Decoys: sent and taken there, and not settled here: the worker is still about it."""
        await self._posted("hotline", DECOYS)
        gate = self.world.gate
        claimed = await gate.writer.write(
            OnSystem(
                "workorders", lambda tx: claim(gate, tx, "workorders", owner=OWNER, limit=DECOYS, is_granting=False)
            )
        )
        for work in claimed.works:
            await send(gate, work, self.world.transport)

    def _note(self, message: Message, kind: str, case: Known, **more: Json) -> None:
        self.plan.planted.append(planted(message, kind, case, part=PARTS[message], **more))

    def _next(self) -> int:
        self._serial += 1
        return self._serial


_LOST_BESIDE: Final[Mapping[str, tuple[str, ...]]] = {
    "food": ("province", "frontdb"),
    "frontdb": ("province",),
    "province": (),
    "workorders": (),
}
"""The systems whose answers are lost, in an order in which none is delivered to after; and where else the cases of each
are delivered before."""
_KEYS: Final[Mapping[str, str]] = {"food": "bizKey", "workorders": "sourceNo", "province": "orgbusno"}
_PROVINCE: Final = (Edit({"applicant": lambda name: "周示例"}, "another applicant, which its level does not show"),)
_CORRECTED: Final[Mapping[Message, tuple[str, ...]]] = {
    ("food", "application"): ("premises",),
    ("workorders", "order"): ("address",),
}


def _correction(message: Message, serial: int) -> Json:
    """A correction that this message tells, and as few others as can be."""
    if message == ("workorders", "order"):
        return {"location": {"text": f"东示区更正路{serial}号"}}
    return {"form": {"经营场所": f"东示区更正路{serial}号"}}


def by_turn(cases: Iterable[Known]) -> dict[str, list[Known]]:
    """The cases by which kind they are."""
    found: defaultdict[str, list[Known]] = defaultdict(list)
    for case in cases:
        found[case.turn].append(case)
    return found
