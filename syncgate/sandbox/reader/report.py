"""Everything that the reader has to say about all systems, and its command line."""

from __future__ import annotations

import argparse
import csv
import json
from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from pathlib import Path

from .comparison import KILL_EXCUSES, Comparison
from .findings import KINDS, Finding
from .front import TABLES as FRONTS
from .front import Front, read_front
from .front_comparison import FrontComparison
from .hours import Hours, read_hours
from .hours import findings as hours_findings
from .hours import told as hours_told
from .ledger import SHAPES, Ledger, Record, read_ledger
from .outage import Outage, drain, read_outage, told
from .outage import findings as outage_findings


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
    outages: list[str] = field(default_factory=list)
    hours: list[str] = field(default_factory=list)

    @property
    def is_good(self) -> bool:
        return not self.findings


def compare(
    lines: list[Record],
    ledgers: Sequence[Ledger | Front],
    kills: list[datetime],
    faults_required: list[str],
    outages: Sequence[Outage] = (),
    hours: Sequence[Hours] = (),
    kill_excuses: int = KILL_EXCUSES,
) -> Report:
    """Everything there is to say about these systems."""
    findings: list[Finding] = []
    by_name = {ledger.system: ledger for ledger in ledgers if isinstance(ledger, Ledger)}
    drains = [(outage, drain(by_name[outage.system], outage)) for outage in outages]
    for outage, found in drains:
        findings += outage_findings(outage, found)
    kept = [
        (front, each) for each in hours for front in ledgers if isinstance(front, Front) and each.system == front.system
    ]
    for front, each in kept:
        findings += hours_findings(front, each)
    by_system: dict[str, list[Record]] = defaultdict(list)
    for line in lines:
        by_system[line["system"]].append(line)
    comparisons = [_comparison(ledger, by_system[ledger.system], kills, kill_excuses) for ledger in ledgers]
    for comparison in comparisons:
        findings += comparison.run()
    findings += _split_cases([each for each in comparisons if isinstance(each, Comparison)])
    struck: Counter[str] = Counter()
    for ledger in ledgers:
        struck.update(ledger.faults())
    findings += [
        Finding("fault never struck", "any", "", mode, "", "expected at least once, got 0")
        for mode in faults_required
        if not struck[mode]
    ]
    held = {ledger.system: dict(Counter(slot[0] for slot in ledger.contents())) for ledger in ledgers}
    faults = {ledger.system: dict(ledger.faults()) for ledger in ledgers}
    outages_told = [told(outage, found) for outage, found in drains]
    return Report(findings, held, faults, outages_told, [hours_told(front, each) for front, each in kept])


def _comparison(
    ledger: Ledger | Front, lines: list[Record], kills: list[datetime], excuses: int
) -> Comparison | FrontComparison:
    if isinstance(ledger, Front):
        return FrontComparison(ledger, lines)
    return Comparison(ledger, lines, kills, excuses=excuses)


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
    for line in (*report.outages, *report.hours):
        print(line)
    for finding in report.findings[:limit]:
        print(finding)
    if len(report.findings) > limit:
        print(f"… and {len(report.findings) - limit} more")
    kinds = Counter(finding.kind for finding in report.findings)
    print("findings: " + ", ".join(f"{kind} {kinds[kind]}" for kind in KINDS))
    print("every system holds exactly what was expected" if report.is_good else "NOT as expected")


def _read(folder: Path, name: str) -> Ledger | Front:
    return read_front(folder, name) if name in FRONTS else read_ledger(folder / f"{name}.sqlite")


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
    excuses = "how many requests of one system can have been in flight at each"
    parser.add_argument("--kill-excuses", type=int, default=KILL_EXCUSES, help=excuses)
    parser.add_argument("--outage", type=Path, help="JSON of the time that a system was gone")
    parser.add_argument("--hours", type=Path, help="JSON of the time at which a system's sending hours began")
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
        systems = [name for name in (*SHAPES, *FRONTS) if any(line["system"] == name for line in lines)]
    ledgers = [_read(options.systems, name) for name in systems]
    required = [mode for mode in options.faults_required.split(",") if mode]
    outages = [read_outage(options.outage)] if options.outage is not None and options.outage.exists() else []
    hours = [read_hours(options.hours)] if options.hours is not None and options.hours.exists() else []
    report = compare(lines, ledgers, _kills(options.kills), required, outages, hours, options.kill_excuses)
    if options.json:
        print(json.dumps({"is_good": report.is_good} | asdict(report), ensure_ascii=False))
    else:
        _print(report, options.findings)
    return 0 if report.is_good else 1
