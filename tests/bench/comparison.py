"""What the systems hold against what was accepted: a fast wrong run is a failed run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence

import orjson

from tests.bench import load, projection

SHOWN = 5


class WrongRun(Exception):
    """The systems do not hold what was accepted; the message says what is wrong."""


def compare(
    accepted: Iterable[int],
    contents: Mapping[str, Sequence[bytes]],
    *,
    systems: Sequence[str] = projection.SYSTEMS,
) -> list[str]:
    """Every way in which the systems differ from what was accepted; empty where each holds each case exactly once.

    Args:
        accepted: numbers of the acknowledged cases.
        contents: every record of each system, as it came.
        systems: which are looked at.
    """
    cases = {load.case_no(no): load.case(no) for no in accepted}
    found: list[str] = []
    for system in systems:
        records = [_read(record) for record in contents.get(system, ())]
        counts = Counter(str(record.get("caseNo")) for record in records)
        found += _listed(system, "missing", [no for no in cases if not counts[no]])
        found += _listed(system, "doubled", [no for no, count in counts.items() if count > 1])
        found += _listed(system, "never accepted", [no for no in counts if no not in cases])
        found += _listed(system, "altered", [str(r["caseNo"]) for r in records if _is_altered(r, system, cases)])
    return found


def check(
    accepted: Iterable[int],
    contents: Mapping[str, Sequence[bytes]],
    *,
    systems: Sequence[str] = projection.SYSTEMS,
) -> None:
    """Raises WrongRun where the systems differ from what was accepted."""
    if found := compare(accepted, contents, systems=systems):
        raise WrongRun("; ".join(found))


def _read(record: bytes) -> dict[str, object]:
    try:
        read = orjson.loads(record)
    except orjson.JSONDecodeError:
        read = None
    return read if isinstance(read, dict) else {"caseNo": f"unreadable record of {len(record)} bytes"}


def _is_altered(record: Mapping[str, object], system: str, cases: Mapping[str, dict[str, object]]) -> bool:
    case = cases.get(str(record.get("caseNo")))
    return case is not None and projection.digest(record) != projection.digest(projection.payload(case, system))


def _listed(system: str, what: str, numbers: Sequence[str]) -> list[str]:
    if not numbers:
        return []
    return [f"{system}: {len(numbers)} {what}, such as {', '.join(sorted(numbers)[:SHOWN])}"]
