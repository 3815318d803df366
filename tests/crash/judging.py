"""What the systems hold and what they were asked, compared with what was accepted; each violation is a sentence."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from syncgate.sandbox.city.script import Life
from syncgate.sandbox.expected import expected_lines
from syncgate.sandbox.play.processes import run_reader
from syncgate.sandbox.play.site import Folder
from syncgate.sandbox.reader.ledger import DID_IT, NOT_SENT, Ledger, Request, read_ledger

ASKED: Final = ("food", "workorders", "insurance")
"""Systems that can be asked what they hold: nothing that they did is ever sent again, whatever answer was lost."""
PROBED: Final = ("province",)
"""Deduplicates, and is asked by sending the same again: allowed only where an answer may have been lost."""
SYSTEMS: Final = (*PROBED, *ASKED)
SPOKEN_TO: Final = ("province", "food", "workorders")
"""Those over HTTP; the other is a database."""
VISIBLE_AFTER: Final = 1.5
"""Seconds that the run's adapters wait before they ask whether something is there."""
JITTER: Final = 0.4
"""So much later than it was sent the earlier of two requests may have come: what the network delays, both ways."""
EXCUSES: Final = 16
"""So many answers of one system can be lost at once: its `concurrency`."""


@dataclass(slots=True)
class Verdict:
    """What was found. kinds: the reader's findings by kind."""

    wrong: list[str] = field(default_factory=list)
    kinds: Counter[str] = field(default_factory=Counter)
    held: dict[str, dict[str, int]] = field(default_factory=dict)
    struck: dict[str, dict[str, int]] = field(default_factory=dict)
    sends: int = 0
    sent_again: int = 0


def judge(folder: Folder, lives: Sequence[Life], *, lost_at: Sequence[str]) -> Verdict:
    """The independent reader's word on every system, and on those that can be asked without any excuse."""
    verdict = Verdict()
    folder.kills.write_text(json.dumps(sorted(lost_at)), "utf-8")
    lines = [line for line in expected_lines(lives) if line["system"] in SYSTEMS]
    excused = ("--kills", str(folder.kills), "--kill-excuses", str(EXCUSES))
    whole = _read(folder, lines, *excused)
    verdict.held, verdict.struck = whole["held"], whole["faults"]
    asked = _read(folder, [line for line in lines if line["system"] in ASKED])
    found = {json.dumps(finding, sort_keys=True): finding for finding in (*whole["findings"], *asked["findings"])}
    for finding in found.values():
        verdict.kinds[finding["kind"]] += 1
        verdict.wrong.append(" ".join(finding[name] for name in _SAID) + f": {finding['detail']}")
    for system in SPOKEN_TO:
        ledger = read_ledger(folder.systems / f"{system}.sqlite")
        again = sent_again(ledger)
        verdict.sends += len(_sent(ledger))
        verdict.sent_again += len(again)
        verdict.wrong += [str(one) for one in again if system in ASKED or one.after < VISIBLE_AFTER - JITTER]
    return verdict


_SAID = ("kind", "system", "case_no", "operation", "part")


def _read(folder: Folder, lines: Iterable[Mapping[str, Any]], *more: str) -> dict[str, Any]:
    folder.expected.write_text("".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines), "utf-8")
    code, told = run_reader(folder, "--systems", str(folder.systems), "--json", *more)
    assert code in (0, 1), told
    said: dict[str, Any] = json.loads(told)
    return said


@dataclass(frozen=True, slots=True)
class Again:
    """A request that sends what the system had done before."""

    system: str
    before: Request
    request: Request

    @property
    def after(self) -> float:
        """Seconds between them."""
        return (self.request.at - self.before.at).total_seconds()

    def __str__(self) -> str:
        request, what = self.request, f"{self.system} {self.request.slot[1]} {self.request.operation}"
        return f"sent again {what}: request {request.seq} {self.after:.2f} s after {self.before.seq} had done it"


def sent_again(ledger: Ledger) -> list[Again]:
    """Every request that sends what this system had already done, whether or not its answer was heard."""
    done: dict[tuple[Any, ...], Request] = {}
    found = []
    for request in _sent(ledger):
        thing = (request.operation, request.slot, request.body if request.operation == "update" else "")
        if before := done.get(thing):
            found.append(Again(ledger.system, before, request))
        if request.effect in DID_IT:
            done[thing] = request
    return found


def _sent(ledger: Ledger) -> list[Request]:
    return [request for request in ledger.requests if request.operation not in NOT_SENT]


def asked_at(folder: Folder) -> list[datetime]:
    """When anything at all was asked of a system over HTTP, in order."""
    ledgers = (read_ledger(folder.systems / f"{system}.sqlite") for system in SPOKEN_TO)
    return sorted(request.at for ledger in ledgers for request in ledger.requests)


def unaccounted(folder: Folder, attempts: Mapping[tuple[str, str], int]) -> list[str]:
    """Cases of which a system was sent more than their deliveries have attempts.

    Args:
        folder: of the run.
        attempts: (system, case_no) -> how many sends, confirmations and lost workers its deliveries' histories show.
    """
    found = []
    for system in SPOKEN_TO:
        ledger = read_ledger(folder.systems / f"{system}.sqlite")
        case_no_by_key = {slot[1]: _case_no(record) for slot, record in ledger.contents().items() if _case_no(record)}
        sent = Counter(case_no_by_key.get(request.slot[1], "unknown") for request in _sent(ledger))
        for case_no, count in sorted(sent.items()):
            known = attempts.get((system, case_no), 0)
            if count > known:
                found.append(f"no delivery: {system} {case_no} got {count} requests, its deliveries know of {known}")
    return found


def _case_no(record: Mapping[str, Any]) -> str:
    return next((str(record[name]) for name in ("projid", "caseNo", "sourceNo") if name in record), "")
