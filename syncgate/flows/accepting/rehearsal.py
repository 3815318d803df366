"""A transaction that keeps nothing: a step runs over the store as it is, and sees what it would have written."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, cast
from uuid import UUID

from syncgate.domain.errors import Conflict
from syncgate.domain.rows import BreakerState, Case, Delivery, Discrepancy, Hold, Lane, Submission, SystemRow
from syncgate.ports import Tx

_READ_ONLY: Final = frozenset(
    {
        "blob",
        "case_id_by_part_ref",
        "cases",
        "is_awaited",
        "is_posted_by_others",
        "last_submission",
        "list_discrepancies",
        "now",
        "submission_by_key",
        "words",
    }
)
"""What is passed on as it is."""
_IGNORED: Final = frozenset(
    {
        "append_audit",
        "insert_attempts",
        "notify",
        "put_blobs",
        "save_discrepancy",
        "save_grant",
        "save_likenesses",
        "save_system",
        "save_words",
    }
)
"""Writes that nothing in a rehearsal reads back."""


class Rehearsal:
    """A `Tx` over a reading one: writes stay in memory, locks are not taken.

    It knows what a submission, a claim and a repair ask for; anything else is refused, so that nothing is ever
    written by mistake.
    """

    def __init__(self, tx: Tx) -> None:
        """Args: tx: a reading transaction."""
        self._tx = tx
        self._case_by_id: dict[UUID, Case] = {}
        self._submissions: dict[tuple[UUID, int], Submission] = {}
        self._lane_by_name: dict[tuple[UUID, str], Lane] = {}
        self._delivery_by_id: dict[UUID, Delivery] = {}

    @property
    def tx(self) -> Tx:
        """This, as steps take it."""
        return cast(Tx, self)

    @property
    def written(self) -> frozenset[UUID]:
        """The deliveries that were made or changed."""
        return frozenset(self._delivery_by_id)

    def __getattr__(self, name: str) -> Any:
        if name in _READ_ONLY:
            return getattr(self._tx, name)
        if name in _IGNORED:
            return lambda *_, **__: None
        raise AttributeError(f"expected what a rehearsal knows, got {name}")

    # systems: nobody is spoken to, so that nothing keeps a rehearsal from speaking
    def system(self, system: str, *, lock: bool = False) -> SystemRow | None:
        """The system's row, as if it could be spoken to."""
        row = self._tx.system(system)
        return None if row is None else replace(row, is_paused=False, breaker=BreakerState.CLOSED, mode="live")

    def active_holds(self) -> Sequence[Hold]:
        """None: what is held is prepared all the same."""
        return ()

    # cases and submissions
    def case(self, case_id: UUID, *, lock: bool = False) -> Case | None:
        return self._case_by_id.get(case_id) or self._tx.case(case_id)

    def insert_case(self, case: Case) -> None:
        self._case_by_id[case.case_id] = case

    def save_case(self, case: Case) -> None:
        self._case_by_id[case.case_id] = case

    def submission(self, case_id: UUID, submission_no: int) -> Submission | None:
        return self._submissions.get((case_id, submission_no)) or self._tx.submission(case_id, submission_no)

    def revision(self, case_id: UUID, revision: int) -> Submission | None:
        made = (
            s for s in self._submissions.values() if (s.case_id, s.revision, s.is_change) == (case_id, revision, True)
        )
        return next(made, None) or self._tx.revision(case_id, revision)

    def revisions_of(self, keys: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], Submission]:
        found = ((key, self.revision(*key)) for key in keys)
        return {key: submission for key, submission in found if submission is not None}

    def insert_submission(self, submission: Submission) -> None:
        self._submissions[submission.case_id, submission.submission_no] = submission

    def discrepancy(self, discrepancy_id: UUID, *, lock: bool = False) -> Discrepancy | None:
        return self._tx.discrepancy(discrepancy_id)

    # lanes
    def lane(self, case_id: UUID, system: str, *, lock: bool = False) -> Lane | None:
        return self._lane_by_name.get((case_id, system)) or self._tx.lane(case_id, system)

    def lanes(self, case_id: UUID, *, lock: bool = False) -> list[Lane]:
        known = {lane.system: lane for lane in self._tx.lanes(case_id)}
        new = {lane.system: lane for lane in self._lane_by_name.values() if lane.case_id == case_id}
        return [lane for _, lane in sorted({**known, **new}.items())]

    def case_id_by_ref(self, system: str, case_ref: str) -> UUID | None:
        new = (
            lane.case_id for lane in self._lane_by_name.values() if (lane.system, lane.case_ref) == (system, case_ref)
        )
        return next(new, None) or self._tx.case_id_by_ref(system, case_ref)

    def insert_lanes(self, lanes: Sequence[Lane]) -> None:
        for lane in lanes:
            known = self.case_id_by_ref(lane.system, lane.case_ref) if lane.case_ref is not None else None
            if known not in (None, lane.case_id):
                raise Conflict("expected a number that no other case has, got one that is known")
            self._lane_by_name[lane.case_id, lane.system] = lane

    def save_lane(self, lane: Lane, *, expected_token: UUID | None) -> bool:
        self._lane_by_name[lane.case_id, lane.system] = lane
        return True

    def waiting_lanes(self, case_id: UUID) -> dict[str, str]:
        return {lane.system: lane.waits_for for lane in self.lanes(case_id) if lane.waits_for is not None}

    def wake(self, case_id: UUID, *, waits_for: str) -> int:
        waiting = [lane for lane in self.lanes(case_id) if lane.waits_for == waits_for]
        for lane in waiting:
            self._lane_by_name[case_id, lane.system] = replace(lane, waits_for=None, due_at=self._tx.now)
        return len(waiting)

    # deliveries
    def delivery(self, delivery_id: UUID) -> Delivery | None:
        return self._delivery_by_id.get(delivery_id) or self._tx.delivery(delivery_id)

    def deliveries(self, case_id: UUID, system: str | None = None) -> list[Delivery]:
        by_id = {delivery.delivery_id: delivery for delivery in self._tx.deliveries(case_id, system)}
        by_id |= {
            delivery.delivery_id: delivery
            for delivery in self._delivery_by_id.values()
            if delivery.case_id == case_id and system in (None, delivery.system)
        }
        return sorted(by_id.values(), key=lambda delivery: (delivery.created_at, delivery.delivery_id))

    def insert_deliveries(self, deliveries: Iterable[Delivery]) -> None:
        self._delivery_by_id |= {delivery.delivery_id: delivery for delivery in deliveries}

    def save_delivery(self, delivery: Delivery, *, before: Delivery) -> bool:
        self._delivery_by_id[delivery.delivery_id] = delivery
        return True
