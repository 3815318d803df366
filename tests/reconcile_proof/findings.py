"""What runs found beside what was planted: who is right is the plan, written before any run began."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from syncgate.domain.rows import Discrepancy
from tests.reconcile_proof.plants import Planted

Place = tuple[str, str, str, str, str]
"""(system, message, case_id, part, key)"""


@dataclass(slots=True)
class Verdict:
    """The difference between a plan and what was found of it.

    Attributes:
        overlooked: planted, within the system's level, and not found.
        invented: found, and never planted.
        misjudged: found as another class, or with other fields.
        beyond: planted beyond the system's level and, rightly, not found.
        found: by (system, message, class) how many were found as planted; planted: how many were.
    """

    overlooked: list[str] = field(default_factory=list)
    invented: list[str] = field(default_factory=list)
    misjudged: list[str] = field(default_factory=list)
    beyond: int = 0
    found: Counter[tuple[str, str, str]] = field(default_factory=Counter)
    planted: Counter[tuple[str, str, str]] = field(default_factory=Counter)

    @property
    def is_right(self) -> bool:
        """Whether all was found that can be, nothing else, and as what it is."""
        return not (self.overlooked or self.invented or self.misjudged)

    def words(self, most: int = 20) -> str:
        """What is wrong, the first of each sort."""
        lines = []
        for name, said in (("not found", self.overlooked), ("never planted", self.invented), ("other", self.misjudged)):
            lines += [f"{name}: {one}" for one in said[:most]]
            lines += [f"{name}: and {len(said) - most} more"] if len(said) > most else []
        return "\n".join(lines)


def compare(planted: Iterable[Planted], found: Iterable[Discrepancy]) -> Verdict:
    """What is overlooked, invented and misjudged."""
    verdict = Verdict()
    left: dict[Place, list[Discrepancy]] = {}
    for row in found:
        left.setdefault(place_of(row), []).append(row)
    for one in (one for one in planted if not one.is_young):
        rows = left.pop(one.place, [])
        what = (one.system, one.message, one.kind)
        verdict.planted[what] += 1
        if not one.is_found:
            verdict.beyond += not rows
            verdict.invented += [_words(row) for row in rows]
        elif not rows:
            verdict.overlooked.append(f"{' '.join(what)} ({one.way}) {one.case_id or one.key}")
        elif said := _misjudged(one, rows):
            verdict.misjudged.append(said)
        else:
            verdict.found[what] += 1
    verdict.invented += [_words(row) for rows in left.values() for row in rows]
    return verdict


def _misjudged(one: Planted, rows: Sequence[Discrepancy]) -> str:
    if [row.kind for row in rows] != [one.kind]:
        got = ", ".join(row.kind for row in rows)
        return f"{one.system} {one.message}: expected {one.kind} ({one.way}), got {got} {one.case_id}"
    fields = {each["name"] for each in rows[0].detail.get("fields", ())}
    if one.fields and fields != set(one.fields):
        place = f"{one.system} {one.message} {one.kind}"
        return f"{place}: expected {sorted(one.fields)}, got {sorted(fields)} {one.case_id}"
    return ""


def place_of(row: Discrepancy) -> Place:
    key = "" if row.case_id is not None else str(row.detail.get("key", row.subject))
    return (row.system, row.message, str(row.case_id or ""), row.part, key)


def _words(row: Discrepancy) -> str:
    fields = ", ".join(each["name"] for each in row.detail.get("fields", ()))
    return f"{row.system} {row.message} {row.kind} {row.case_id or row.subject} {row.part} {fields}"
