"""One submission inside its transaction: whose case it is, what it changes, and what follows from it."""

from __future__ import annotations

import base64
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any
from uuid import UUID

import orjson

from syncgate.domain.case import canonical_bytes
from syncgate.domain.delivery import MAYBE_SENT, WAITING, Event, Phase
from syncgate.domain.errors import Conflict, FieldError, InvalidCase, KeyReused, NotFound, StaleRevision
from syncgate.domain.plan import Json
from syncgate.domain.replan import SUPERSEDED, WITHDRAWN
from syncgate.domain.rows import Case, Delivery, Lane, Submission
from syncgate.flows.claim import take_over
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate, Placed
from syncgate.flows.lane import LaneWork, open_lane
from syncgate.flows.replan import CaseNow, replan_lane, systems_taking
from syncgate.flows.work import Work
from syncgate.ports import Tx

_POSTED, _UNCHANGED = 202, 200
Edit = Callable[[Json], Json]
"""What a call makes of the current document."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Call:
    """How a submission came. `request_mac` covers method, path and canonical body."""

    method: str
    path: str
    idempotency_key: str | None
    if_match: int | None
    request_mac: bytes
    by: str


@dataclass(frozen=True, slots=True)
class Done:
    """What a submission came to: the answer, the systems with lanes due, and the lanes leased with it."""

    accepted: Accepted
    systems_due: frozenset[str] = frozenset()
    handed_over: tuple[Work, ...] = ()


@dataclass(frozen=True, slots=True)
class Taking:
    """One submission inside its transaction."""

    gate: Gate
    tx: Tx
    caller: Caller
    call: Call

    def replay(self) -> Done | None:
        """The first answer again where the idempotency key is known. Raises KeyReused for another request."""
        key = self.call.idempotency_key
        first = self.tx.submission_by_key(self.caller.source, key) if key else None
        if first is None:
            return None
        if first.request_mac != self.call.request_mac:
            raise KeyReused("expected the request that first came with this Idempotency-Key, got another")
        case = self.tx.case(first.case_id)
        assert case is not None
        then = [d for d in self.tx.deliveries(case.case_id) if d.created_at <= first.received_at]
        return Done(_accepted(case, first, _placed(then)))

    def known_case(self, document: Json) -> Case | None:
        """The case that a post means: by its number at this source, or by a reference. Raises Conflict."""
        self._refuse_unknown_systems(document)
        numbers = {**(document.get("references") or {}), self.caller.source: document["case_no"]}
        found = {
            case_id
            for system, number in numbers.items()
            if (case_id := self.tx.case_id_by_ref(system, number)) is not None
        }
        if len(found) > 1:
            errors = [FieldError("/references", "references_one_case", "numbers of one case")]
            raise Conflict("expected references that point at one case, got several", errors=errors)
        return self.tx.case(found.pop(), lock=True) if found else None

    def _refuse_unknown_systems(self, document: Json) -> None:
        known = {*self.gate.active, *self.gate.sources}
        errors = [
            FieldError(f"/references/{name}", "unknown_system", ", ".join(sorted(known)))
            for name in document.get("references") or {}
            if name not in known
        ]
        if errors:
            raise InvalidCase("expected references to systems of this site, got others", errors=errors)

    def referenced_case(self, ref: CaseRef) -> Case:
        """The case that a path names, locked. Raises NotFound."""
        case_id = ref.case_id
        if case_id is None and ref.system is not None and ref.number is not None:
            case_id = self.tx.case_id_by_ref(ref.system, ref.number)
        case = self.tx.case(case_id, lock=True) if case_id is not None else None
        if case is None or not self._may_write(case):
            raise NotFound("expected a case that is known here, got none of that name")
        return case

    def _may_write(self, case: Case) -> bool:
        if self.caller.source == case.origin:
            return True
        lane = self.tx.lane(case.case_id, self.caller.source)
        return lane is not None and lane.case_ref is not None

    def create(self, case_id: UUID, wrapped_key: bytes, document: Json, sealed: bytes) -> Done:
        """A new case with its first revision and its planned deliveries."""
        case = Case(
            case_id=case_id,
            origin=self.caller.source,
            case_no=document["case_no"],
            kind=document["kind"],
            item=document.get("item", {}).get("task_code") or document.get("item", {}).get("local_code") or "",
            region=document.get("region_code") or "",
            revision=1,
            submission_no=1,
            content_mac=_content_mac(self.gate, document),
            wrapped_key=wrapped_key,
            source_version=_text(document.get("source_version")),
            created_at=self.tx.now,
            changed_at=self.tx.now,
        )
        self.tx.insert_case(case)
        self._add_referenced_lanes(case, document, {})
        submission = self._submission(case, is_change=True, sealed=sealed)
        return self._planned(case, submission, document, None)

    def change(self, case: Case, edit: Edit) -> Done:
        """The next revision, or the same one when nothing changes. Raises what the edit and the check raise."""
        if self.call.if_match is not None and self.call.if_match != case.revision:
            raise StaleRevision(f"expected revision {case.revision} in If-Match, got {self.call.if_match}")
        current = open_document(self.gate, self.tx, case)
        document = self._kept_identity(case, current, edit(self._as_seen(case, current)))
        self._refuse_unknown_systems(document)
        warnings = checked(self.gate, document)
        content_mac = _content_mac(self.gate, document)
        if content_mac == case.content_mac:
            return self._unchanged(case, warnings)
        after = replace(
            case,
            revision=case.revision + 1,
            submission_no=case.submission_no + 1,
            content_mac=content_mac,
            source_version=_text(document.get("source_version")),
            changed_at=self.tx.now,
        )
        self.tx.save_case(after)
        lanes = {lane.system: lane for lane in self.tx.lanes(case.case_id, lock=True)}
        self._add_referenced_lanes(after, document, lanes)
        sealed = sealed_document(self.gate, case.case_id, case.wrapped_key, document)
        submission = self._submission(after, is_change=True, sealed=sealed)
        done = self._planned(after, submission, document, current)
        return replace(done, accepted=replace(done.accepted, warnings=warnings))

    def _as_seen(self, case: Case, current: Json) -> Json:
        """The current document under the number that the caller knows the case by."""
        lane = None if self.caller.source == case.origin else self.tx.lane(case.case_id, self.caller.source)
        return current if lane is None or lane.case_ref is None else {**current, "case_no": lane.case_ref}

    def _kept_identity(self, case: Case, current: Json, after: Json) -> Json:
        """The document under the origin's number, whatever number the poster knows the case by."""
        if self.caller.source == case.origin:
            return after
        own = {self.caller.source: after["case_no"]}
        return {
            **after,
            "case_no": current["case_no"],
            "references": {**(after.get("references") or {}), **own},
        }

    def _unchanged(self, case: Case, warnings: tuple[FieldError, ...]) -> Done:
        after = replace(case, submission_no=case.submission_no + 1)
        self.tx.save_case(after)
        first = self.tx.revision(case.case_id, case.revision)
        receipt = first.receipt if first is not None else None
        submission = self._submission(after, is_change=False, sealed=None, receipt=receipt)
        accepted = _accepted(after, submission, _placed(self.tx.deliveries(case.case_id)))
        return Done(replace(accepted, warnings=warnings))

    def _submission(
        self, case: Case, *, is_change: bool, sealed: bytes | None, receipt: str | None = None
    ) -> Submission:
        submission = Submission(
            case_id=case.case_id,
            submission_no=case.submission_no,
            revision=case.revision,
            is_change=is_change,
            source=self.caller.source,
            idempotency_key=self.call.idempotency_key,
            request_mac=self.call.request_mac,
            sealed_document=sealed,
            status=_POSTED if is_change else _UNCHANGED,
            receipt=receipt or _receipt(self.gate, case),
            by=self.call.by,
            received_at=self.tx.now,
        )
        self.tx.insert_submission(submission)
        return submission

    def _add_referenced_lanes(self, case: Case, document: Json, known: Mapping[str, Lane]) -> None:
        """Notes what each named system calls the case. Raises Conflict where a lane has another number."""
        numbers = {**(document.get("references") or {}), case.origin: case.case_no}
        errors: list[FieldError] = []
        new: list[Lane] = []
        for system, number in numbers.items():
            lane = known.get(system)
            if lane is None:
                new.append(Lane(case_id=case.case_id, system=system, case_ref=number))
            elif lane.case_ref is None:
                self.tx.save_lane(replace(lane, case_ref=number), expected_token=lane.lease_token)
            elif lane.case_ref != number:
                errors.append(FieldError(f"/references/{system}", "reference_is_fixed", "the number known here"))
        if errors:
            raise Conflict("expected the numbers that the case has, got others", errors=errors)
        if new:
            self.tx.insert_lanes(new)
        for system in numbers:
            self.tx.wake(case.case_id, waits_for=system)

    def _planned(self, case: Case, submission: Submission, document: Json, before: Json | None) -> Done:
        now = CaseNow(case_id=case.case_id, revision=case.revision, document=document, before=before)
        due: set[str] = set()
        works: list[Work] = []
        placed: list[Delivery] = []
        for work in self._lanes(case, document, is_new=before is None):
            bundle = self.gate.active_bundle(work.lane.system)
            token = work.lane.lease_token
            if work.lane.system == self.caller.source:
                _left_to_the_poster(work)
                work.save(expected_token=token)
            elif replan_lane(self.gate, work, now, bundle):
                handed = take_over(self.gate, work, bundle)
                if handed is not None:
                    works.append(handed)
                else:
                    work.save(expected_token=token)
                    due.add(work.lane.system)
            placed += work.deliveries
        return Done(_accepted(case, submission, _placed(placed)), frozenset(due), tuple(works))

    def _lanes(self, case: Case, document: Json, *, is_new: bool) -> list[LaneWork]:
        """The lanes to replan, opened: those that the case has at targets, and those that it needs now."""
        needed = {b.system: b for b in systems_taking(self.gate, document, origin=case.origin)}
        needed.pop(self.caller.source, None)
        have = {} if is_new else {lane.system: lane for lane in self.tx.lanes(case.case_id)}
        if is_new and document.get("references"):
            have = {lane.system: lane for lane in self.tx.lanes(case.case_id)}
        new = [Lane(case_id=case.case_id, system=system) for system in needed if system not in have]
        if new:
            self.tx.insert_lanes(new)
        kept = [lane for system, lane in have.items() if system in self.gate.active and system != case.origin]
        opened = [open_lane(self.tx, lane, self._messages(lane.system)) for lane in kept]
        fresh = [LaneWork(self.tx, lane, [], self._messages(lane.system)) for lane in new]
        return sorted([*opened, *fresh], key=lambda work: work.lane.system)

    def _messages(self, system: str) -> Any:
        return self.gate.active_bundle(system).messages


def _left_to_the_poster(work: LaneWork) -> None:
    """Cancels what would make a record of the poster's own a second time."""
    for delivery in work.deliveries:
        slot = [d for d in work.deliveries if (d.message, d.part) == (delivery.message, delivery.part)]
        is_first = not any(d.phase in MAYBE_SENT or d.phase is Phase.DELIVERED for d in slot)
        if delivery.phase in WAITING and delivery.sent_mac is None and is_first:
            work.move(delivery, Event.WITHDRAWN)


def sealed_document(gate: Gate, case_id: UUID, wrapped_key: bytes, document: Json) -> bytes:
    """A document sealed with its case\'s key."""
    return gate.keyring.seal(wrapped_key, orjson.dumps(document), bound_to=f"case:{case_id}")


def _content_mac(gate: Gate, document: Json) -> bytes:
    return gate.keyring.mac("content", canonical_bytes(document))


def _receipt(gate: Gate, case: Case) -> str:
    mac = gate.keyring.mac("receipt", case.case_id.bytes, str(case.submission_no).encode())
    return "SG" + base64.b32encode(mac).decode().rstrip("=")[:20]


def checked(gate: Gate, document: Json) -> tuple[FieldError, ...]:
    """What only warns. Raises InvalidCase with everything that is wrong."""
    checked = gate.schema.check(document)
    if checked.errors:
        raise InvalidCase(
            f"expected a valid case, got one with {len(checked.errors)} invalid fields", errors=checked.errors
        )
    return checked.warnings


def _accepted(case: Case, submission: Submission, placed: tuple[Placed, ...]) -> Accepted:
    return Accepted(
        status=submission.status,
        case_id=case.case_id,
        case_no=case.case_no,
        revision=submission.revision,
        receipt=submission.receipt,
        is_unchanged=not submission.is_change,
        deliveries=placed,
    )


def _placed(deliveries: list[Delivery]) -> tuple[Placed, ...]:
    shown = [d for d in deliveries if not _is_forgotten(d)]
    ordered = sorted(shown, key=lambda d: (d.system, d.created_at, d.delivery_id))
    return tuple(Placed.of(delivery) for delivery in ordered)


def _is_forgotten(delivery: Delivery) -> bool:
    return delivery.phase is Phase.CANCELLED and delivery.reason in (SUPERSEDED, WITHDRAWN)


def _text(value: Json) -> str | None:
    return None if value is None else str(value)
