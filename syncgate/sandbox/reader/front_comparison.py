"""Compares a front database with what it must hold: its tables as they stand, and how they came to be so."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from .findings import Finding
from .front import KEYS, Effect, Front, Record

ACCEPT = "up_pro_accept"
NOT_COMPARED = frozenset({"id", "row_guid", "cd_batch", "cd_time", "cd_operation", "is_sync"})
HIDDEN = frozenset({"recordtime", "error_msg"})


@dataclass
class _Slot:
    """Everything that was ever inserted under one row_guid of one table, oldest first."""

    table: str
    row_guid: str
    inserts: list[Effect] = field(default_factory=list)
    removed: dict[int, int] = field(default_factory=dict)
    """When the consumer removed a row, by its id."""

    @property
    def standing(self) -> list[Effect]:
        """What was not sent back."""
        return [effect for effect in self.inserts if effect.row["id"] not in self.removed]

    @property
    def newest(self) -> Record:
        return (self.standing or self.inserts)[-1].row

    @property
    def part(self) -> str:
        return "|".join(str(self.newest.get(name)) for name in KEYS[self.table])


class FrontComparison:
    """Compares one front database with the expected lines; collects findings."""

    def __init__(self, front: Front, lines: list[Record]) -> None:
        self.ledger = front
        self._lines = lines
        self.findings: list[Finding] = []
        self._slots: dict[tuple[str, str], _Slot] = {}
        self._flags: dict[tuple[str, int], Record] = {}
        for effect in front.effects:
            self._replay(effect)
        self._slots_by_case: dict[str, list[_Slot]] = defaultdict(list)
        for slot in self._slots.values():
            for case_no in sorted({effect.row["project_no"] for effect in slot.inserts}):
                self._slots_by_case[case_no].append(slot)

    def run(self) -> list[Finding]:
        """All findings."""
        self._compare_tables()
        known = set()
        for line in self._lines:
            case_no = self._number(line)
            known.add(case_no)
            self._compare_case(case_no, [_numbered(operation, case_no) for operation in line["operations"]])
        for case_no in sorted(self._slots_by_case.keys() - known):
            for slot in self._slots_by_case[case_no]:
                self._add("unexpected", case_no, slot.table, slot.part, "not expected at all")
        for slot in self._slots.values():
            self._compare_slot(slot)
        return self.findings

    def _add(self, kind: str, case_no: str, table: str, part: str, detail: str) -> None:
        self.findings.append(Finding(kind, self.ledger.system, case_no, table, part, detail))

    def _number(self, line: Record) -> str:
        """The number that the case got, where two sources posted it at once."""
        other = line.get("or_no")
        return str(other if other and other in self._slots_by_case else line["case_no"])

    def _replay(self, effect: Effect) -> None:
        row = effect.row
        if effect.verb == "insert":
            slot = self._slots.setdefault((effect.table, row["row_guid"]), _Slot(effect.table, row["row_guid"]))
            slot.inserts.append(effect)
            self._flags[effect.row_no] = row
        elif effect.verb == "update":
            before = self._flags.get(effect.row_no, {})
            changed = {name for name in row if row[name] != before.get(name)}
            if effect.actor != "consumer" or changed - {"is_sync"}:
                self._add("altered", row["project_no"], effect.table, "", f"{', '.join(sorted(changed))} rewritten")
            self._flags[effect.row_no] = row
        else:
            if effect.actor != "consumer":
                self._add("inconsistent", row["project_no"], effect.table, "", "a row was removed by a peer")
            self._flags.pop(effect.row_no, None)
            found = self._slots.get((effect.table, row["row_guid"]))
            if found is not None:
                found.removed[row["id"]] = effect.seq

    def _compare_tables(self) -> None:
        """What stands in the tables is what the ledger says was written there, to the last column."""
        for table, rows in self.ledger.rows.items():
            held = {(table, row["id"]): row for row in rows}
            told = {place: row for place, row in self._flags.items() if place[0] == table}
            for place in sorted(held.keys() | told.keys()):
                here, there = held.get(place), told.get(place)
                if here is None or there is None:
                    case_no = (here or there or {})["project_no"]
                    words = "not in its table" if here is None else "in its table, and nobody wrote it"
                    self._add("inconsistent", case_no, table, "", words)
                elif here != there:
                    names = ", ".join(sorted(name for name in here if here[name] != there.get(name)))
                    self._add("altered", here["project_no"], table, "", f"{names} differs from what was written")
            sent_back = {row["id"] for row in self.ledger.rejects[table]}
            for slot in self._slots.values():
                if slot.table == table and set(slot.removed) - sent_back:
                    case_no = slot.newest["project_no"]
                    self._add("missing", case_no, table, slot.part, "removed, and not among what was sent back")

    def _compare_case(self, case_no: str, operations: Sequence[Record]) -> None:
        by_place: dict[tuple[str, str], list[_Slot]] = defaultdict(list)
        for slot in self._slots_by_case.get(case_no, ()):
            by_place[slot.table, slot.part].append(slot)
        operations, settled = _certain(operations, by_place)
        for place in settled:
            by_place.pop(place, None)
        pairs: list[tuple[Record, _Slot]] = []
        absent: list[Record] = []
        for operation in operations:
            slots = by_place.get((operation["operation"], operation["part"]))
            if slots:
                pairs.append((operation, slots.pop(0)))
            else:
                absent.append(operation)
        left = [slot for slots in by_place.values() for slot in slots]
        for operation in absent:
            # What differs in the very columns that tell it from its like is altered, not missing.
            like = next((slot for slot in left if slot.table == operation["operation"]), None)
            if like is None:
                self._add("missing", case_no, operation["operation"], operation["part"], "expected, and not held")
            else:
                left.remove(like)
                pairs.append((operation, like))
        places = {(operation["operation"], operation["part"]) for operation, _ in pairs}
        for slot in left:
            is_twin = (slot.table, slot.part) in places
            kind, words = ("doubled", "held under two row_guids") if is_twin else ("unexpected", "not expected at all")
            self._add(kind, case_no, slot.table, slot.part, words)
        for operation, slot in pairs:
            self._compare_rows(case_no, operation, slot)
        self._compare_order(case_no, pairs)

    def _compare_rows(self, case_no: str, operation: Record, slot: _Slot) -> None:
        """The rows of one slot say what the case said, from first to last, and the last is the last."""
        table, part, records = operation["operation"], operation["part"], operation["records"]
        if not slot.standing:
            self._add("missing", case_no, table, part, "sent back, and not sent again")
            return
        differing = _differing(slot.newest, records[-1])
        for name in differing:
            self._add("altered", case_no, table, part, f"{name} differs")
        if not differing and not _is_in_order([effect.row for effect in slot.inserts], records):
            self._add("altered", case_no, table, part, "an earlier row says what the case never said then")
        newest = self._flags.get(slot.standing[-1].row_no, {})
        if newest.get("is_sync") != 1:
            self._add("missing", case_no, table, part, "lies there, and was never taken")

    def _compare_order(self, case_no: str, pairs: Sequence[tuple[Record, _Slot]]) -> None:
        rank = {id(operation): number for number, (operation, _) in enumerate(pairs)}
        for operation, slot in pairs:
            for later, later_slot in pairs:
                is_like = operation["operation"] == later["operation"]
                must = later["is_ordered"] and rank[id(operation)] < rank[id(later)] if is_like else False
                must = must or operation["operation"] in later["after"]
                if not must or operation["submission"] > later["submission"]:
                    continue
                if slot.inserts[0].seq > later_slot.inserts[0].seq:
                    words = f"written before {operation['operation']} {operation['part']}".rstrip()
                    self._add("reordered", case_no, later["operation"], later["part"], words)

    def _compare_slot(self, slot: _Slot) -> None:
        """What holds for any slot, whatever is expected: no sending twice, versions as they are numbered, one case."""
        case_no, part = slot.newest["project_no"], slot.part
        for effect in slot.inserts:
            if effect.actor != "peer":
                self._add("inconsistent", case_no, slot.table, part, "a row that no peer inserted")
        for before, after in zip(slot.inserts, slot.inserts[1:], strict=False):
            removed_at = slot.removed.get(before.row["id"])
            was_sent_back = removed_at is not None and removed_at < after.seq
            if not was_sent_back and not _differing(before.row, after.row):
                self._add("doubled", case_no, slot.table, part, "the same row again, and the first one stood")
            if not was_sent_back and after.row["cd_operation"] == "I":
                self._add("inconsistent", case_no, slot.table, part, "new again, and the first one stood")
        if slot.inserts[0].row["cd_operation"] != "I":
            self._add("inconsistent", case_no, slot.table, part, "changed before it was new")
        if len({effect.row["project_no"] for effect in slot.inserts}) > 1:
            self._add("inconsistent", case_no, slot.table, part, "one row_guid is used by two cases")


def _certain(
    operations: Sequence[Record], by_place: Mapping[tuple[str, str], Sequence[_Slot]]
) -> tuple[list[Record], list[tuple[str, str]]]:
    """What must be there, and the places where nothing need be, for all that came back from there.

    Of a case that was withdrawn meanwhile what stands there must be right. What closes it must be there while its
    acceptance stands, and is right once it was written.
    """
    standing = {place for place, slots in by_place.items() if any(slot.standing for slot in slots)}
    closing = [one for one in operations if one["held"] == "if_any"]
    is_told = any(table == ACCEPT for table, _ in by_place)
    stands = any(table == ACCEPT for table, _ in standing)
    must_close = stands or (is_told and any(_place(one) in by_place for one in closing))
    held = [one for one in operations if one["held"] == "surely" or _place(one) in standing]
    settled = [_place(one) for one in operations if one["held"] == "perhaps" and _place(one) not in standing]
    missing = [one for one in closing if must_close and _place(one) not in standing]
    return [*held, *missing], settled


def _place(operation: Record) -> tuple[str, str]:
    return operation["operation"], operation["part"]


def _numbered(operation: Record, case_no: str) -> Record:
    """The operation under the number that the case got."""
    return operation | {"records": [record | {"project_no": case_no} for record in operation["records"]]}


def _differing(row: Record, expected: Record) -> list[str]:
    names = sorted((row.keys() | expected.keys()) - NOT_COMPARED - HIDDEN)
    return [name for name in names if not _is_same(row.get(name), expected.get(name))]


def _is_in_order(rows: Iterable[Record], records: Sequence[Record]) -> bool:
    """Whether every row says one of the records, none after a later one."""
    at = 0
    for row in rows:
        while at < len(records) and _differing(row, records[at]):
            at += 1
        if at == len(records):
            return False
    return True


def _is_same(left: object, right: object) -> bool:
    return type(left) is type(right) and left == right
