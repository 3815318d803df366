"""What a slot's record should say: the payload of one of its deliveries made again, with the keys of its request."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from typing import Any
from uuid import UUID

import structlog

from syncgate.domain.head import Task
from syncgate.domain.row import replace
from syncgate.domain.rows import Case, Delivery, Lane, Submission
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.held import references
from syncgate.flows.delivering.mapping import mapped
from syncgate.flows.delivering.numbers import closed_ref
from syncgate.flows.delivering.work import Payload, Work
from syncgate.flows.gate import Gate
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle

log = structlog.get_logger("syncgate.reconcile")
Json = Any


@dataclass(frozen=True, slots=True)
class Expected:
    """What was sent, as far as it can be made again. keys: of its request."""

    payload: Json = field(repr=False)
    keys: Mapping[str, str]


@dataclass(slots=True)
class Maker:
    """Makes payloads again within one transaction, and reads each case once.

    Args: gate: the running gate. tx: a step's transaction. system: whose payloads.
    """

    gate: Gate
    tx: Tx
    system: str
    _cases: dict[UUID, Case | None] = field(default_factory=dict)
    _lanes: dict[UUID, Lane | None] = field(default_factory=dict)
    _revisions: dict[tuple[UUID, int], Submission] = field(default_factory=dict)

    def load(self, deliveries: Collection[Delivery]) -> None:
        """Reads the cases and revisions of these at once."""
        self._cases |= self.tx.cases({delivery.case_id for delivery in deliveries})
        self._revisions |= self.tx.revisions_of({(delivery.case_id, delivery.revision) for delivery in deliveries})

    def keys(self, delivery: Delivery) -> Mapping[str, str] | None:
        """The keys of its request; None where its case is not there any more."""
        work = self._work(delivery)
        return None if work is None else work.keys

    def made(self, delivery: Delivery, *, bundle: Bundle | None = None, revision: int | None = None) -> Expected | None:
        """The payload of a delivery; None where it cannot be made: its case is erased, its bundle is not known here.

        Args:
            delivery: of this system.
            bundle: to map under; None: the one that sent it.
            revision: of the case; None: the one that it carries.
        """
        under = bundle or self.gate.bundles.get(delivery.bundle)
        work = self._work(delivery if revision is None else replace(delivery, revision=revision))
        if under is None or work is None or under.payload_of(delivery) is None:
            return None
        if not any(message.name == delivery.message for message in under.messages):
            return None
        try:
            now = self.tx.now
            made = mapped(self.gate, self._referring(work, under), work.delivery, work.submission, under, sent_at=now)
        except Exception as error:
            log.error("expected_broke", system=self.system, error=type(error).__name__, at=place_of(error))
            return None
        return Expected(made.value, work.keys) if isinstance(made, Payload) else None

    def _referring(self, work: Work, under: Bundle) -> Work:
        spec = under.payload_of(work.delivery)
        if spec is None or not spec.needs_references:
            return work
        return replace(work, refs=references(self.tx, work.case.case_id))

    def _work(self, delivery: Delivery) -> Work | None:
        case, lane = self._case(delivery.case_id), self._lane(delivery.case_id)
        submission = self._revision(delivery.case_id, delivery.revision)
        if case is None or not case.wrapped_key or lane is None or submission is None:
            return None
        if submission.sealed_document is None:
            return None
        now, bundle = self.tx.now, self.gate.bundles.get(delivery.bundle)
        closes = bundle is not None and any(one.name == delivery.message and one.closes for one in bundle.messages)
        return Work(
            lane=lane,
            delivery=delivery,
            task=Task.SEND,
            case=case,
            submission=submission,
            closed_ref=self._closed_ref(delivery, bundle) if bundle is not None and closes else None,
            claimed_at=now,
            taken_at=now,
        )

    def _closed_ref(self, delivery: Delivery, bundle: Bundle) -> str | None:
        return closed_ref(self.tx.deliveries(delivery.case_id, delivery.system), delivery, bundle.messages)

    def _case(self, case_id: UUID) -> Case | None:
        if case_id not in self._cases:
            self._cases[case_id] = self.tx.case(case_id)
        return self._cases[case_id]

    def _lane(self, case_id: UUID) -> Lane | None:
        if case_id not in self._lanes:
            self._lanes[case_id] = self.tx.lane(case_id, self.system)
        return self._lanes[case_id]

    def _revision(self, case_id: UUID, revision: int) -> Submission | None:
        key = (case_id, revision)
        if key not in self._revisions:
            self._revisions |= self.tx.revisions_of({key})
        return self._revisions.get(key)
