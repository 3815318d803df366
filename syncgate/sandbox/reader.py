"""Compares what the simulated systems hold with what they must hold, and says every difference.

Standard library only; run by path in isolated mode, so that nothing of the gate can be involved:

    python -I reader.py --expected .demo/expected.ndjson --systems .demo/systems
    python -I reader.py --workorders-csv OPEN1999.csv --systems .demo/systems

The exit code is 0 only if nothing is missing, doubled, echoed, reordered, altered, unexpected or inconsistent,
and every required kind of fault struck. Echoed is what we send to a system that said it itself.
"""

from __future__ import annotations

import argparse
import csv
import json
import shutil
import sqlite3
import sys
import tempfile
from collections import Counter, defaultdict
from dataclasses import asdict, dataclass, field
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

Record = dict[str, Any]
Slot = tuple[str, str, str]
"""(operation that creates it, key, part), as the ledger names them."""

KINDS = (
    "missing", "doubled", "echoed", "reordered", "altered", "unexpected", "inconsistent", "fault never struck",
)  # fmt: skip
READS = ("read", "read_event")
NOT_SENT = (*READS, "type")
"""Requests that deliver nothing: look-ups, and what the system's own clerks typed."""
DID_IT = ("created", "updated", "duplicate", "replayed")
KILL_REACH = timedelta(seconds=5)
"""An answer given so shortly before the gate was killed may have died with it."""
KILL_EXCUSES = 64
"""More requests than this cannot have been in flight when the gate was killed."""


@dataclass(frozen=True)
class Shape:
    """How one system's ledger names things: what makes a case known, and keys that only the gate gives."""

    first: str
    case_field: str
    key_field: str
    part_fields: dict[str, tuple[str, ...]]
    part_key_field: dict[str, str] = field(default_factory=dict)


SHAPES = {
    "province": Shape(
        first="receiveBasicInfo",
        case_field="projid",
        key_field="orgbusno",
        part_fields={
            "receiveProc": ("sn",),
            "receiveSpecialnode": ("sn",),
            "receiveApplyFile": ("attrid",),
        },
        part_key_field={"receiveApplyFile": "unid"},
    ),
    "food": Shape(
        first="create",
        case_field="caseNo",
        key_field="bizKey",
        part_fields={"event": ("kind", "at")},
        part_key_field={"event": "eventKey"},
    ),
    "workorders": Shape(first="create", case_field="sourceNo", key_field="", part_fields={}),
}


@dataclass(frozen=True)
class Finding:
    """One difference. `detail` names fields, never their values."""

    kind: str
    system: str
    case_no: str
    operation: str
    part: str
    detail: str

    def __str__(self) -> str:
        where = " ".join(word for word in (self.case_no, self.operation, self.part) if word)
        return f"{self.kind}: {self.system} {where}: {self.detail}"


@dataclass(frozen=True)
class Request:
    """One row of `requests`."""

    seq: int
    at: datetime
    slot: Slot
    operation: str
    body: str
    fault: str | None
    effect: str | None
    is_heard: bool


@dataclass(frozen=True)
class Effect:
    """One row of `effects`."""

    seq: int
    request_seq: int
    slot: Slot
    kind: str
    record: Record


@dataclass
class Ledger:
    """A system's ledger, read whole."""

    system: str
    requests: list[Request]
    effects: list[Effect]

    def contents(self) -> dict[Slot, Record]:
        """What the system holds: the replay of all effects."""
        return {effect.slot: effect.record for effect in self.effects}

    def faults(self) -> Counter[str]:
        """How many requests of an operation, look-ups apart, each kind of fault struck."""
        return Counter(r.fault for r in self.requests if r.fault and r.operation not in NOT_SENT)


def read_ledger(path: Path) -> Ledger:
    """The ledger in a file; a running system may hold it open."""
    with tempfile.TemporaryDirectory() as folder:
        connection = _open(path, Path(folder))
        try:
            return _read(connection, path.stem)
        finally:
            connection.close()


def _open(path: Path, folder: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise SystemExit(f"expected a ledger at {path}, got none")
    try:
        connection = sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)
        connection.execute("SELECT count(*) FROM requests").fetchone()
    except sqlite3.OperationalError:
        # A journal left by a dead process cannot be read without writing: read a copy.
        for file in path.parent.glob(path.name + "*"):
            shutil.copy(file, folder / file.name)
        connection = sqlite3.connect(folder / path.name)
    connection.execute("BEGIN")
    return connection


def _read(connection: sqlite3.Connection, system: str) -> Ledger:
    unheard = {row[0] for row in _rows(connection, "unheard", "request_seq")}
    requests = [
        Request(
            seq=seq,
            at=datetime.fromisoformat(at),
            slot=(_creating(operation), key, part),
            operation=operation,
            body=body,
            fault=fault,
            effect=effect,
            is_heard=bool(is_answered) and seq not in unheard,
        )
        for seq, at, operation, key, part, body, fault, effect, is_answered in _rows(
            connection, "requests", "seq, at, operation, key, part, body, fault, effect, is_answered"
        )
    ]
    effects = [
        Effect(seq, request_seq, (_creating(operation), key, part), kind, json.loads(record))
        for seq, request_seq, operation, key, part, kind, record in _rows(
            connection, "effects", "seq, request_seq, operation, key, part, kind, record"
        )
    ]
    return Ledger(system, requests, effects)


def _rows(connection: sqlite3.Connection, table: str, columns: str) -> list[tuple[Any, ...]]:
    if not connection.execute("SELECT 1 FROM sqlite_master WHERE name = ?", (table,)).fetchone():
        return []
    return connection.execute(f"SELECT {columns} FROM {table} ORDER BY seq").fetchall()


def _creating(operation: str) -> str:
    return "create" if operation == "update" else operation


class Comparison:
    """Compares one ledger with the expected lines of its system; collects findings."""

    def __init__(self, ledger: Ledger, lines: list[Record], kills: list[datetime]) -> None:
        self.ledger = ledger
        self.shape = SHAPES[ledger.system]
        self.kills = kills
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
        self.echoed = self._echoes()
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

    def _echoes(self) -> set[Slot]:
        """What we sent although the system's own clerks had typed it in; one finding each, the slots it made."""
        own_cases, own_parts = self._own()
        held: dict[Slot, Record] = {}
        effects = {effect.request_seq: effect for effect in self.ledger.effects}
        found: set[Slot] = set()
        for request in self.ledger.requests:
            effect = effects.get(request.seq)
            if request.operation not in NOT_SENT:
                detail = self._echo(request, effect, held, own_cases, own_parts)
                if detail:
                    case_no = self._case_of(request.slot)
                    self._add("echoed", case_no, request.operation, request.slot[2], detail)
                    if effect is not None and effect.kind == "created":
                        found.add(request.slot)
            if effect is not None:
                held[effect.slot] = effect.record
        return found

    def _own(self) -> tuple[set[str], set[tuple[str, str]]]:
        """The cases whose record is the system's own, and (case_no, part) of its own parts."""
        cases: set[str] = set()
        parts: set[tuple[str, str]] = set()
        for line in self.lines:
            for operation in line["operations"]:
                if operation.get("is_own"):
                    if operation["operation"] == self.shape.first:
                        cases.add(line["case_no"])
                    else:
                        parts.add((line["case_no"], operation["part"]))
        return cases, parts

    def _echo(
        self,
        request: Request,
        effect: Effect | None,
        held: dict[Slot, Record],
        own_cases: set[str],
        own_parts: set[tuple[str, str]],
    ) -> str:
        """Why a request says to the system what it said itself; "" where it does not."""
        if request.operation == "update":
            before = held.get(request.slot)
            is_same = effect is not None and before is not None and self._said(effect.record) == self._said(before)
            return f"request {request.seq} changes nothing of what was held" if is_same else ""
        if not own_cases and not own_parts:
            return ""
        record = _record(request.body)
        if request.operation == self.shape.first:
            is_own = str(record.get(self.shape.case_field)) in own_cases
            return f"request {request.seq} brings a record that was typed there" if is_own else ""
        names = self.shape.part_fields.get(request.operation, ())
        part = "|".join(str(record.get(name)) for name in names)
        is_own = (self._case_of(request.slot), part) in own_parts
        return f"request {request.seq} brings a part that was typed there" if is_own else ""

    def _said(self, record: Record) -> Record:
        """A record without the key that only the gate gives."""
        return {name: value for name, value in record.items() if name != self.shape.key_field}

    def _told_keys(self, key: str) -> set[str]:
        """Every key of ours in the records that stand under a system's key."""
        name = self.shape.key_field
        told = {self.contents[slot].get(name) for slot in self.slots_by_key.get(key, ())}
        return {str(value) for value in told if value is not None}

    def _add(self, kind: str, case_no: str, operation: str, part: str, detail: str) -> None:
        self.findings.append(Finding(kind, self.ledger.system, case_no, operation, part, detail))

    def _keys(self) -> dict[str, str]:
        """case_no -> the key under which the system holds the case."""
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
        for operation in line["operations"]:
            slot = held.pop((operation["operation"], operation["part"]), None)
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
                return excuses[kill] <= KILL_EXCUSES
        return False

    def _unique_part_keys(self) -> None:
        for operation, name in self.shape.part_key_field.items():
            keys = Counter(r[name] for s, r in self.contents.items() if s[0] == operation and name in r)
            for _, count in sorted((str(key), count) for key, count in keys.items() if count > 1):
                self._add("inconsistent", "", operation, "", f"one {name} is used by {count} records")


def _record(body: str) -> Record:
    """The record that a request brought, as far as it is one."""
    try:
        value = json.loads(body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def _is_same(left: Any, right: Any) -> bool:
    return type(left) is type(right) and bool(left == right)


def read_expected(path: Path) -> list[Record]:
    """The lines of the expected document."""
    return [json.loads(line) for line in path.read_text("utf-8").splitlines() if line.strip()]


def csv_lines(path: Path) -> list[Record]:
    """Expected lines of workorders from the hotline's own file (UTF-8 with BOM), every space kept."""
    columns = {"案件編號": "sourceNo", "派工項目": "item", "案件地址": "address"}
    columns |= {"立案日期": "filedDate", "立案時間": "filedTime"}
    with path.open(encoding="utf-8-sig", newline="") as file:
        rows = [{columns[name]: value for name, value in row.items()} for row in csv.DictReader(file)]
    return [
        {
            "system": "workorders",
            "case_no": row["sourceNo"],
            "operations": [
                {"operation": "create", "part": "", "submission": 1, "updates": 0, "record": row},
            ],
        }
        for row in rows
    ]


@dataclass
class Report:
    """What was found, what is held, what struck."""

    findings: list[Finding]
    held: dict[str, dict[str, int]]
    faults: dict[str, dict[str, int]]

    @property
    def is_good(self) -> bool:
        return not self.findings


def compare(lines: list[Record], ledgers: list[Ledger], kills: list[datetime], faults_required: list[str]) -> Report:
    """Everything there is to say about these systems."""
    findings: list[Finding] = []
    by_system: dict[str, list[Record]] = defaultdict(list)
    for line in lines:
        by_system[line["system"]].append(line)
    comparisons = [Comparison(ledger, by_system[ledger.system], kills) for ledger in ledgers]
    for comparison in comparisons:
        findings += comparison.run()
    findings += _split_cases(comparisons)
    struck: Counter[str] = Counter()
    for ledger in ledgers:
        struck.update(ledger.faults())
    findings += [
        Finding("fault never struck", "any", "", mode, "", "expected at least once, got 0")
        for mode in faults_required
        if not struck[mode]
    ]
    held = {ledger.system: dict(Counter(slot[0] for slot in ledger.contents())) for ledger in ledgers}
    return Report(findings, held, {ledger.system: dict(ledger.faults()) for ledger in ledgers})


def _split_cases(comparisons: list[Comparison]) -> list[Finding]:
    """Cases that two systems were told under different keys of ours: one case that became two."""
    first: dict[str, tuple[str, str]] = {}
    findings = []
    for comparison in comparisons:
        for case_no, key in comparison.our_keys().items():
            system, known = first.setdefault(case_no, (comparison.ledger.system, key))
            if comparison.shape.key_field and known != key:
                detail = f"{comparison.shape.key_field} is not the key that {system} was told"
                findings.append(Finding("inconsistent", comparison.ledger.system, case_no, "", "", detail))
    return findings


def _print(report: Report, limit: int) -> None:
    for title, table in (("holds", report.held), ("was struck by", report.faults)):
        for system, counts in table.items():
            words = ", ".join(f"{name} {count}" for name, count in sorted(counts.items())) or "nothing"
            print(f"{system:<11} {title}: {words}")
    for finding in report.findings[:limit]:
        print(finding)
    if len(report.findings) > limit:
        print(f"… and {len(report.findings) - limit} more")
    kinds = Counter(finding.kind for finding in report.findings)
    print("findings: " + ", ".join(f"{kind} {kinds[kind]}" for kind in KINDS))
    print("every system holds exactly what was expected" if report.is_good else "NOT as expected")


def _kills(path: Path | None) -> list[datetime]:
    if path is None or not path.exists():
        return []
    return [datetime.fromisoformat(at) for at in json.loads(path.read_text("utf-8"))]


def main(arguments: list[str]) -> int:
    """The exit code."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--expected", type=Path, help="the expected document")
    parser.add_argument("--workorders-csv", type=Path, help="compare workorders with this CSV instead")
    parser.add_argument("--systems", type=Path, required=True, help="the folder with the ledgers")
    parser.add_argument("--kills", type=Path, help="JSON list of the times at which the gate was killed")
    parser.add_argument("--faults-required", default="", help="kinds of fault, comma-separated")
    parser.add_argument("--findings", type=int, default=50, help="how many findings to print")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    if (options.expected is None) == (options.workorders_csv is None):
        parser.error("expected one of --expected and --workorders-csv")
    if options.workorders_csv is not None:
        lines, systems = csv_lines(options.workorders_csv), ["workorders"]
    else:
        lines = read_expected(options.expected)
        systems = [name for name in SHAPES if any(line["system"] == name for line in lines)]
    ledgers = [read_ledger(options.systems / f"{name}.sqlite") for name in systems]
    required = [mode for mode in options.faults_required.split(",") if mode]
    report = compare(lines, ledgers, _kills(options.kills), required)
    if options.json:
        print(json.dumps({"is_good": report.is_good} | asdict(report), ensure_ascii=False))
    else:
        _print(report, options.findings)
    return 0 if report.is_good else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
