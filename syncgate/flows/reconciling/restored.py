"""A slot that is again as it was delivered: somebody has put it right at the system."""

from __future__ import annotations

from syncgate.domain.row import replace
from syncgate.domain.rows import Delivery
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.one_slot import LaneNow, lane_now
from syncgate.ports import Tx


def seen_as_delivered(gate: Gate, tx: Tx, delivery: Delivery) -> None:
    """Notes that a slot is again as it was delivered: what waits to repair it is dropped if it was never sent.

    Args:
        gate: the running gate.
        tx: a transaction of its own; locks the case and its lanes.
        delivery: in whose place something else was seen before.
    """
    lane = lane_now(gate, tx, delivery.case_id, delivery.system)
    seen = lane.work.delivery(delivery.delivery_id) if lane is not None else None
    if lane is None or seen is None or seen.observed is None:
        return
    if lane.slot((seen.message, seen.part)).maybe_sent is not None:
        return
    lane.work.write(seen, replace(seen, observed=None, observed_at=None))
    _remember_number(lane, seen)
    lane.replan()
    lane.save()


def _remember_number(lane: LaneNow, seen: Delivery) -> None:
    """The number by which the system knows the case, where it was forgotten as its record was gone."""
    spec, row, number = lane.bundle.specs.get(seen.message), lane.work.lane, seen.remote_ref
    if spec is None or not spec.is_case_ref or number is None or row.case_ref is not None:
        return
    if lane.tx.case_id_by_ref(row.system, number) is None:
        lane.work.lane = replace(row, case_ref=number)
