"""A replan's look at one case: what its lane needs under the active bundle, and how what is there differs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import structlog

from syncgate.domain.delivery import Phase
from syncgate.domain.replan import Slot, SlotName, slots_of
from syncgate.domain.rows import Case, Change, Delivery, Lane
from syncgate.flows.accepting.check import rehearse
from syncgate.flows.accepting.rehearsal import Rehearsal
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.told import changed_fields, shown_changes
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Gate
from syncgate.flows.lane import open_lane
from syncgate.flows.operating.replan_tally import SENT, Done, Sample, effects
from syncgate.flows.operating.replan_wish import Scanning
from syncgate.flows.replan import CaseNow, replan_lane, takes_back_in
from syncgate.flows.showing.scope import sees_case, sees_system
from syncgate.ports import Tx

log: Final = structlog.get_logger("syncgate.replan")


@dataclass(frozen=True, slots=True)
class Meant:
    """What a replan is about, at one system."""

    gate: Gate
    system: str
    scanning: Scanning

    def compared(self, tx: Tx, case: Case, *, shown: int, is_dry_run: bool) -> Done:
        """What the case would come to; nothing is kept.

        Args:
            tx: a reading transaction.
            case: as it is now.
            shown: of a dry run, of how many slots the fields are shown that differ.
            is_dry_run: whether more is told than which slots differ.
        """
        rehearsal = Rehearsal(tx)
        try:
            written = self.replanned(rehearsal.tx, case)
            found = effects(tx, written)
            if not is_dry_run or not found:
                return Done(case.case_id, found)
            sent = [row for row in written if row.phase is Phase.PENDING]
            expected = [rehearse(self.gate, rehearsal.tx, row) for row in sent]
            found, fields = self._with_fields(tx, case, found, shown=shown)
        except Exception as error:
            log.error("replan_broke", system=self.system, error=type(error).__name__, at=place_of(error))
            return Done(case.case_id, is_failed=True)
        parks = tuple((one.message, one.reason) for one in expected if one.phase is Phase.PARKED)
        return Done(case.case_id, found, parks, fields)

    def replanned(self, tx: Tx, case: Case) -> list[Delivery]:
        """The rows that the case's lane at the system needs written; none where the case began there."""
        bundle = self.gate.active_bundle(self.system)
        if case.origin == self.system or not case.wrapped_key or not self._is_in_scope(tx, case):
            return []
        document = open_document(self.gate, tx, case)
        lane = tx.lane(case.case_id, self.system, lock=True)
        if lane is None:
            if not bundle.applies(document):
                return []
            lane = Lane(case_id=case.case_id, system=self.system)
            tx.insert_lanes([lane])
        work = open_lane(tx, lane, bundle.messages)
        now = CaseNow(
            case_id=case.case_id,
            revision=case.revision,
            document=document,
            before=document,
            by_person=True,
            only=self.scanning.only,
        )
        written = replan_lane(self.gate, work, now, bundle)
        if written:
            work.save(expected_token=lane.lease_token)
        return written

    def _is_in_scope(self, tx: Tx, case: Case) -> bool:
        return sees_case(self.scanning.principal, case, tx.lanes(case.case_id))

    def _with_fields(
        self, tx: Tx, case: Case, found: Sequence[Sample], *, shown: int
    ) -> tuple[tuple[Sample, ...], tuple[tuple[str, str], ...]]:
        """The slots with the fields that would be others, of the first few as people may see them; and all by name."""
        lane = tx.lane(case.case_id, self.system)
        if lane is None:
            return tuple(found), ()
        bundle = self.gate.active_bundle(self.system)
        work = open_lane(tx, lane, bundle.messages)
        slots = slots_of(work.deliveries, takes_back_in(self.gate, bundle))
        samples: list[Sample] = []
        fields: list[tuple[str, str]] = []
        for no, sample in enumerate(found):
            newest = _newest(slots, sample)
            names = () if newest is None else changed_fields(self.gate, work, newest, case.revision, bundle)
            fields += [(sample.message, name) for name in names]
            if names and newest is not None and no < shown:
                changes = shown_changes(
                    self.gate, work, newest, case.revision, bundle, names=names, shows_number=self._shows_number
                )
                sample = replace(sample, fields=changes)
            samples.append(sample)
        return tuple(samples), tuple(fields)

    def _shows_number(self, system: str) -> bool:
        return sees_system(self.scanning.principal, system)


def _newest(slots: Mapping[SlotName, Slot], sample: Sample) -> Delivery | None:
    """What the slot was told last, of one that is told something again."""
    if sample.effect not in SENT or sample.effect == "retracted":
        return None
    newest = slots.get((sample.message, sample.part), Slot()).newest
    return None if newest is None or newest.change is Change.RETRACT else newest
