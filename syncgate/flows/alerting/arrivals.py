"""Noticing what sources brought and nobody takes in: held for a person, or waiting for a case that does not come."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from functools import partial

from syncgate.domain.alerts import AlertKind
from syncgate.flows.accepting.waiting import AWAITS_CASE
from syncgate.flows.alerting.raising import end_alerts, raise_alert
from syncgate.flows.gate import Gate
from syncgate.ports import OnSystem, Tx

Counts = Mapping[tuple[str, str], int]


async def look_for_held(gate: Gate, *, case_within: timedelta) -> None:
    """Raises an alert for every source that something of waits for a person, and ends those of the others.

    Args:
        gate: the running gate.
        case_within: so long what was said of a case may wait for it.
    """
    counts = await gate.writer.read(lambda tx: tx.held_arrivals_count(before=tx.now))
    late = await gate.writer.read(lambda tx: tx.held_arrivals_count(before=tx.now - case_within))
    for source in sorted(gate.sources):
        await gate.writer.write(OnSystem(source, partial(_looked, gate, source, _left(source, counts, late))))


def _left(source: str, counts: Counts, late: Counts) -> dict[AlertKind, int]:
    held = sum(count for (name, code), count in counts.items() if name == source and code != AWAITS_CASE)
    return {AlertKind.HELD_ARRIVALS: held, AlertKind.CASE_NOT_COME: late.get((source, AWAITS_CASE), 0)}


def _looked(gate: Gate, source: str, left: Mapping[AlertKind, int], tx: Tx) -> None:
    tx.system(source, lock=True)
    end_alerts(tx, source, {kind for kind, count in left.items() if not count})
    for kind, count in left.items():
        if count:
            raise_alert(gate, tx, kind, source, detail={"left": count})
