"""The front database gives back the next morning what it took, and mails a workbook of it (story 4).

Two causes: a version that was retired, which is mended here and requeued; a time that a street typed wrong, which goes
back to the street.
"""

from __future__ import annotations

import json
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from syncgate.sandbox.city.given_back import RETIRED, RETIRED_VERSION, GivenBack
from syncgate.sandbox.expected.frontdb import VERSION_INSTEAD
from syncgate.sandbox.play.calls import Calls, Known
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.posting import is_open
from syncgate.sandbox.play.processes import Simulators, wait_for
from syncgate.sandbox.play.site import DemoError

SYSTEM, STREET = "frontdb", "street"
VERSION, TIMES = "item_unknown", "accepted_before_applied"
"""The causes, as the adapter names them."""
MAPPING = "mappings/frontdb/accept.yaml"
WRONG = "  task_version: {number: case.item.version, as: integer}\n"
MENDED = f"""  task_version:
    choose:
      - {{when: {{equals: [case.item.version, {{const: {RETIRED_VERSION}}}]}}, then: {{const: {VERSION_INSTEAD}}}}}
    otherwise: {{number: case.item.version, as: integer}}
"""
UNDER_WAY = ("pending", "in_flight", "awaiting", "unconfirmed")
WITHIN = 120.0
FOLLOWED_WITHIN = 1.5
"""Seconds after which every process of the gate works by what was deployed."""
THREADS = 6
Command = Callable[..., str]
"""Runs `syncgate` with these arguments, and gives what it printed. Raises DemoError where it does not end with 0."""


@dataclass(frozen=True, slots=True)
class Returned:
    """What came of it: rows that were given back, by cause; how many passed the dry run once the version was mended."""

    by_cause: tuple[tuple[str, int], ...]
    passes_count: int
    corrected_count: int


class QualityCheck:
    """Plays it; `folder` is where the workbook is saved, `site` the gate's own folder."""

    def __init__(
        self,
        calls: Calls,
        gate: Gate,
        integrator: Gate,
        systems: Simulators,
        lives: GivenBack,
        *,
        command: Command,
        folder: Path,
        site: Path,
    ) -> None:
        self._calls, self._gate, self._integrator = calls, gate, integrator
        self._systems, self._lives, self._command = systems, lives, command
        self._list, self._site = folder / "质检退回.xlsx", site
        self._known = {life.case_no: Known() for life in lives.every_life}

    def post(self) -> frozenset[str]:
        """Post them all, and wait until the front database has taken them; the ids of the cases."""
        with ThreadPoolExecutor(THREADS) as pool:
            list(pool.map(lambda life: self._calls.make(life, 0, self._known[life.case_no]), self._lives.every_life))
        wait_for("what was posted to be taken", lambda: not self._under_way(), within=WITHIN, every=0.5)
        return self._ids()

    def run(self) -> Returned:
        """From the check of the next morning to the last row that stands. Raises DemoError where it does not hold."""
        wanted = {VERSION: len(self._lives.retired), TIMES: len(self._lives.early)}
        self._check(sum(wanted.values()))
        self._import(sum(wanted.values()))
        if (causes := Counter(one["detail"] for one in self._returned())) != wanted:
            raise DemoError(f"expected returns by cause {wanted}, got {dict(causes)}")
        passes = self._mend()
        self._send_back()
        self.correct()
        wait_for("what was given back to be taken", lambda: not self._open(), within=WITHIN, every=0.5)
        self._check(0)
        return Returned(tuple(wanted.items()), passes, len(self._lives.early))

    def _check(self, count: int) -> None:
        found = self._systems.check_quality(SYSTEM, RETIRED)
        if found != count:
            raise DemoError(f"expected the quality check to give back {count}, got {found}")

    def _import(self, count: int) -> None:
        """The operator imports the workbook, twice; what the reject table said first is known already."""
        self._list.write_bytes(self._systems.returns(SYSTEM))
        first, again = self._import_once(), self._import_once()
        if set(first) - {"returned", "already_returned"} or sum(first.values()) != count:
            raise DemoError(f"expected all {count} rows to be matched, got {first}")
        if again != {"already_returned": count}:
            raise DemoError(f"expected a second import to change nothing, got {again}")

    def _import_once(self) -> dict[str, int]:
        told = self._command("returns", "import", self._list, "--system", SYSTEM, "--reason", "质检退回清单", "--json")
        results: dict[str, int] = json.loads(told)["results"]
        return results

    def _mend(self) -> int:
        """A person mends the mapping and deploys it, which sends nothing; what has this cause is requeued."""
        path = self._site / MAPPING
        text = path.read_text("utf-8")
        if WRONG not in text:
            raise DemoError(f"expected a line to mend in {MAPPING}, got none")
        path.write_text(text.replace(WRONG, MENDED), "utf-8")
        before = self._returned()
        answer = self._integrator.ask("POST", "/v1/deployments")
        if not answer.is_success or {one["system"] for one in answer.json()["changed"]} != {SYSTEM}:
            raise DemoError(f"expected a deployment of {SYSTEM} alone, got {answer.status_code}: {answer.text[:500]}")
        time.sleep(FOLLOWED_WITHIN)
        if self._returned() != before or self._under_way():
            raise DemoError("expected a deployment to send nothing by itself, got something")
        told = self._requeue(dry_run=True)
        if (told["matched"], told["passes"]) != (len(self._lives.retired),) * 2:
            raise DemoError(f"expected all {len(self._lives.retired)} to pass the dry run, got {told}")
        self._requeue(dry_run=False)
        passes: int = told["passes"]
        return passes

    def _requeue(self, *, dry_run: bool) -> dict[str, Any]:
        asked = {"system": SYSTEM, "reason": "returned", "cause": VERSION}
        body = {"filter": asked, "dry_run": dry_run, "reason": "事项版本已更换"}
        answer = self._gate.ask("POST", "/v1/deliveries:requeue", json=body)
        if not answer.is_success:
            raise DemoError(f"expected a bulk requeue, got {answer.status_code}: {answer.text[:500]}")
        told: dict[str, Any] = answer.json()
        return told

    def _send_back(self) -> None:
        """What the street typed lies in the street's worklist, and nothing else of its own."""
        reason = "街道录入时间有误"
        told = self._command("returns", "send-back", "--system", SYSTEM, "--cause", TIMES, "--reason", reason, "--json")
        counts, wanted = json.loads(told), {life.case_no for life in self._lives.early}
        listed = self._worklist()
        if (
            counts["sent_back"] + counts["already"] != len(wanted)
            or set(listed) != wanted
            or len(listed) != len(wanted)
        ):
            raise DemoError(f"expected {len(wanted)} on the street's worklist, got {counts} and {len(listed)} there")

    def correct(self) -> None:
        """The street posts what was wrong, once it is given back."""
        for life in self._lives.early:
            known = self._known[life.case_no]
            after = life.calls[1].after
            stands = lambda after=after, known=known: is_open(after, self._gate.deliveries(case=known.case_id))  # noqa: E731
            wait_for(f"{life.case_no} to be given back", stands, within=WITHIN, every=0.2)
            self._calls.make(life, 1, known)
        if left := self._worklist():
            raise DemoError(f"expected what is corrected to leave the worklist, got {len(left)} still there")

    def _worklist(self) -> list[str]:
        """The numbers of what the street is to correct at the front database."""
        answer = self._gate.ask("GET", f"/v1/sources/{STREET}/worklist")
        if not answer.is_success:
            raise DemoError(f"expected the street's worklist, got {answer.status_code}: {answer.text[:500]}")
        return [one["case_no"] for one in answer.json()["items"] if one["kind"] == "given_back"]

    def _returned(self) -> list[dict[str, Any]]:
        return self._own(self._gate.deliveries(system=SYSTEM, phase="parked", reason="returned"))

    def _under_way(self) -> list[dict[str, Any]]:
        return self._own(self._gate.deliveries(phase=list(UNDER_WAY)))

    def _open(self) -> list[dict[str, Any]]:
        return self._own(self._gate.deliveries(system=SYSTEM, phase=[*UNDER_WAY, "parked"]))

    def _own(self, found: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
        ids = self._ids()
        return [one for one in found if one["case_id"] in ids]

    def _ids(self) -> frozenset[str]:
        return frozenset(known.case_id for known in self._known.values())


def tell(returned: Returned) -> None:
    """What a reader of the demo is told."""
    causes = ", ".join(f"{count} x {cause}" for cause, count in returned.by_cause)
    print(f"given back by the front database the next morning, and imported from its workbook: {causes}")
    print(f"  mended here and requeued: {returned.passes_count}; corrected by the street: {returned.corrected_count}")
