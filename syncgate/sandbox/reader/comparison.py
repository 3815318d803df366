"""Compares one ledger with what its system must hold."""

from __future__ import annotations

from collections import Counter, defaultdict
from datetime import datetime, timedelta
from typing import Any

from .echoes import find_echoes
from .findings import Finding
from .ledger import DID_IT, NOT_SENT, SHAPES, Effect, Ledger, Record, Request, Slot

KILL_REACH = timedelta(seconds=5)
"""An answer given so shortly before the gate was killed may have died with it."""
KILL_EXCUSES = 64
"""More requests than this cannot have been in flight when the gate was killed."""


class Comparison:
    """Compares one ledger with the expected lines of its system; collects findings."""

    def __init__(
        self, ledger: Ledger, lines: list[Record], kills: list[datetime], *, excuses: int = KILL_EXCUSES
    ) -> None:
        self.ledger = ledger
        self.shape = SHAPES[ledger.system]
        self.kills, self.excuses_each = kills, excuses
        self.contents = ledger.contents()
        self.findings: list[Finding] = []
        self.first_effect: dict[Slot, Effect] = {}
        self.updates: Counter[Slot] = Counter()
        self.typings: Counter[Slot] = Counter()
        for effect in ledger.effects:
            self.first_effect.setdefault(effect.slot, effect)
            self.updates[effect.slot] += effect.kind == "updated"
            self.typings[effect.slot] += effect.kind == "typed"
        self.lines = [self._as_numbered(line) for line in lines]
        self.echoed: set[Slot] = set()
        for echo in find_echoes(ledger, self.shape, self.lines):
            request = echo.request
            self._add("echoed", self._case_of(request.slot), request.operation, request.slot[2], echo.detail)
            if echo.has_created:
                self.echoed.add(request.slot)
        self.unmatched = self.contents.keys() - self.echoed
        self.slots_by_key: dict[str, list[Slot]] = defaultdict(list)
        for slot in sorted(self.unmatched):
            self.slots_by_key[slot[1]].append(slot)
        self.key_by_case: dict[str, str] = {}

    def run(self) -> list[Finding]:
        """All findings of this system."""
        self.key_by_case = self._keys()
        for line in self.lines:
            self._compare_case(line, self.key_by_case.get(line["case_no"]))
        known = {(slot[0], slot[1], self._part(slot)) for slot in self.contents.keys() - self.unmatched - self.echoed}
        for slot in sorted(self.unmatched):
            is_twin = (slot[0], slot[1], self._part(slot)) in known
            kind, detail = ("doubled", "held twice") if is_twin else ("unexpected", "not expected at all")
            self._add(kind, self._case_of(slot), slot[0], self._part(slot), detail)
        self._doubled_effects()
        self._blind_resends()
        self._unique_part_keys()
        return self.findings

    def our_keys(self) -> dict[str, str]:
        """case_no -> our key of the case as this system was told it, for the cases that it was told one of."""
        found = {}
        for case_no, key in self.key_by_case.items():
            told = self._told_keys(key)
            if len(told) == 1:
                found[case_no] = told.pop()
        return found

    def _as_numbered(self, line: Record) -> Record:
        """The line under the number that the case got, where two sources posted it at once."""
        other = line.get("or_no")
        field_name = self.shape.case_field
        if not other or not any(
            slot[0] == self.shape.first and record.get(field_name) == other for slot, record in self.contents.items()
        ):
            return line
        operations = [
            {**operation, "record": {**operation["record"], field_name: other}}
            if field_name in operation["record"] and not operation.get("is_own")
            else operation
            for operation in line["operations"]
        ]
        return {**line, "case_no": other, "operations": operations}

    def _told_keys(self, key: str) -> set[str]:
        """Every key of ours in the records that stand under a system's key."""
        name = self.shape.key_field
        told = {self.contents[slot].get(name) for slot in self.slots_by_key.get(key, ())}
        return {str(value) for value in told if value is not None}

    def _add(self, kind: str, case_no: str, operation: str, part: str, detail: str) -> None:
        self.findings.append(Finding(kind, self.ledger.system, case_no, operation, part, detail))

    def _keys(self) -> dict[str, str]:
        """case_no -> the key under which the system holds the case."""
        if not self.shape.first:
            return {key: key for _, key, _ in self.contents}
        found: dict[str, str] = {}
        for (operation, key, part), record in self.contents.items():
            if operation != self.shape.first or (operation, key, part) in self.echoed:
                continue
            case_no = str(record.get(self.shape.case_field))
            if case_no in found:
                self._add("inconsistent", case_no, operation, "", "one case is held under two keys")
            found.setdefault(case_no, key)
        return found

    def _case_of(self, slot: Slot) -> str:
        if not self.shape.first:
            return slot[1]
        first = self.contents.get((self.shape.first, slot[1], ""), {})
        return str(first.get(self.shape.case_field, "of no known case"))

    def _part(self, slot: Slot) -> str:
        record = self.contents[slot]
        return "|".join(str(record.get(name)) for name in self.shape.part_fields.get(slot[0], ()))

    def _compare_case(self, line: Record, key: str | None) -> None:
        slots = self.slots_by_key.get(key, []) if key is not None else []
        held = {(slot[0], self._part(slot)): slot for slot in slots if slot in self.unmatched}
        pairs: list[tuple[Record, Slot]] = []
        absent: list[Record] = []
        for operation in _expected_now(line["operations"], held):
            slot = held.pop(_place(operation), None)
            if slot is None:
                absent.append(operation)
            else:
                pairs.append((operation, slot))
        for operation in absent:
            # What differs in the very fields that tell it from its like is altered, not missing.
            like = next((at for at in held if at[0] == operation["operation"]), None)
            if like is None:
                detail = "expected, and not held"
                self._add("missing", line["case_no"], operation["operation"], operation["part"], detail)
            else:
                pairs.append((operation, held.pop(like)))
        self.unmatched -= {slot for _, slot in pairs}
        for operation, slot in pairs:
            self._compare_record(line["case_no"], operation, slot)
        self._compare_order(line["case_no"], pairs)

    def _compare_record(self, case_no: str, operation: Record, slot: Slot) -> None:
        name = slot[0]
        record, expected = dict(self.contents[slot]), operation["record"]
        self._take_keys(case_no, operation, record, slot)
        for field_name in sorted(expected.keys() | record.keys()):
            if field_name not in record:
                detail = f"{field_name} is not there"
            elif field_name not in expected:
                detail = f"{field_name} is there and not expected"
            elif not _is_same(record[field_name], expected[field_name]):
                detail = f"{field_name} differs"
            else:
                continue
            self._add("altered", case_no, name, operation["part"], detail)
        updates = self.updates[slot]
        if updates != operation["updates"]:
            kind = "doubled" if updates > operation["updates"] else "missing"
            self._add(kind, case_no, "update", "", f"expected {operation['updates']} updates, got {updates}")
        self._compare_typing(case_no, operation, slot)

    def _compare_typing(self, case_no: str, operation: Record, slot: Slot) -> None:
        maker, typings = operation.get("is_own", False), self.typings[slot]
        if (self.first_effect[slot].kind == "typed") != maker:
            detail = f"expected {'its own clerks' if maker else 'us'} to have made it, got the other"
            self._add("inconsistent", case_no, slot[0], operation["part"], detail)
        elif typings != operation.get("typed", 0):
            detail = f"expected it typed {operation.get('typed', 0)} times, got {typings}"
            self._add("inconsistent", case_no, slot[0], operation["part"], detail)

    def _take_keys(self, case_no: str, operation: Record, record: Record, slot: Slot) -> None:
        """Remove the keys that only the gate gives, after checking that they are the ones used everywhere."""
        name, key, part = slot
        made_by = self.first_effect.get((self.shape.first, key, ""))
        if made_by is not None and made_by.kind == "typed":
            told = self._told_keys(key)
            is_told = self.updates[slot] > 0 or not operation.get("is_own")
            known = next(iter(told)) if len(told) == 1 else None
            self._take_key(case_no, operation, record, self.shape.key_field, known if is_told else None)
        else:
            is_keyless = operation.get("is_own", False) and self.first_effect[slot].kind == "typed"
            self._take_key(case_no, operation, record, self.shape.key_field, None if is_keyless else key)
        if not operation.get("is_own"):
            self._take_key(case_no, operation, record, self.shape.part_key_field.get(name, ""), part)

    def _take_key(self, case_no: str, operation: Record, record: Record, name: str, known: str | None) -> None:
        if name and record.pop(name, None) != known:
            detail = f"{name} is not the key of its case or part"
            self._add("inconsistent", case_no, operation["operation"], operation["part"], detail)

    def _compare_order(self, case_no: str, pairs: list[tuple[Record, Slot]]) -> None:
        """Whatever is declared earlier and came no later must have been taken earlier; clerks wait for nothing."""
        rank = {id(operation): number for number, (operation, _) in enumerate(pairs)}
        for operation, slot in pairs:
            for later, later_slot in pairs:
                is_before = rank[id(operation)] < rank[id(later)]
                if not is_before or operation["submission"] > later["submission"] or later.get("is_own"):
                    continue
                if self.first_effect[slot].seq > self.first_effect[later_slot].seq:
                    detail = f"taken before {operation['operation']} {operation['part']}".rstrip()
                    self._add("reordered", case_no, later["operation"], later["part"], detail)

    def _doubled_effects(self) -> None:
        created = Counter(effect.slot for effect in self.ledger.effects if effect.kind == "created")
        for slot, count in created.items():
            if count > 1:
                self._add("doubled", self._case_of(slot), slot[0], self._part(slot), f"created {count} times")

    def _blind_resends(self) -> None:
        """The same sent again although the system had done it and its answer was not withheld."""
        sent: dict[tuple[Any, ...], Request] = {}
        excuses: Counter[datetime] = Counter()
        for request in self.ledger.requests:
            if request.operation in NOT_SENT:
                continue
            is_update = request.operation == "update"
            thing = (request.operation, request.slot, request.body if is_update else "")
            before = sent.get(thing)
            if before is not None and not self._is_excused(before, request, excuses):
                case_no, part = self._case_of(request.slot), request.slot[2]
                detail = f"request {request.seq} sends again what request {before.seq} was answered for"
                self._add("doubled", case_no, request.operation, part, detail)
            if request.effect in DID_IT and request.is_heard:
                sent[thing] = request
            else:
                sent.pop(thing, None)

    def _is_excused(self, before: Request, again: Request, excuses: Counter[datetime]) -> bool:
        for kill in self.kills:
            if before.at <= kill <= again.at and kill - before.at <= KILL_REACH:
                excuses[kill] += 1
                return excuses[kill] <= self.excuses_each
        return False

    def _unique_part_keys(self) -> None:
        for operation, name in self.shape.part_key_field.items():
            keys = Counter(r[name] for s, r in self.contents.items() if s[0] == operation and name in r)
            for _, count in sorted((str(key), count) for key, count in keys.items() if count > 1):
                self._add("inconsistent", "", operation, "", f"one {name} is used by {count} records")


def _expected_now(operations: list[Record], held: dict[tuple[str, str], Slot]) -> list[Record]:
    """What must be held, where a case was withdrawn meanwhile: what was taken by then, and what takes that back."""
    taken = [one for one in operations if one.get("held") == "perhaps" and _place(one) in held]
    dropped = {"perhaps"} if taken else {"perhaps", "if_any"}
    return [one for one in operations if one in taken or one.get("held", "surely") not in dropped]


def _place(operation: Record) -> tuple[str, str]:
    return (operation["operation"], operation["part"])


def _is_same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)
