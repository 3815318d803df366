"""One submission inside its transaction: what it changes, and what follows from it at every system."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from uuid import UUID

import orjson

from syncgate.domain.case import canonical_bytes, is_finished, is_withdrawn, patched
from syncgate.domain.errors import (
    CaseFinished,
    CaseMerged,
    CaseVoid,
    CaseWithdrawn,
    FieldError,
    InvalidCase,
    KeyReused,
    NotOwned,
    StaleRevision,
)
from syncgate.domain.ownership import overstepped, with_others_kept
from syncgate.domain.plan import Json, Message
from syncgate.domain.reconciliation.patches import patch_between
from syncgate.domain.row import replace
from syncgate.domain.rows import Case, CaseState, Delivery, Lane, Submission
from syncgate.flows.accepting.former import keep_former, under_former_number
from syncgate.flows.accepting.holding import Holding, TakenOver
from syncgate.flows.accepting.identity import (
    Known,
    Numbered,
    known_case,
    lasting_references,
    named_case,
    note_numbers,
    refuse_unknown_systems,
)
from syncgate.flows.accepting.joining import (
    Edit,
    Joined,
    Spoken,
    join,
    keeps_words,
    read_words,
    save_words,
)
from syncgate.flows.accepting.likeness import note_likeness
from syncgate.flows.accepting.receipt import POSTED, UNCHANGED, accepted, new_receipt, replayed
from syncgate.flows.delivering.claim import take_over
from syncgate.flows.delivering.work import Work
from syncgate.flows.documents import open_document
from syncgate.flows.gate import Accepted, Caller, CaseRef, Gate
from syncgate.flows.lane import LaneWork, open_lane
from syncgate.flows.replan import CaseNow, ranked, replan_lane, systems_taking
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle


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
    """What a submission came to: the answer, the systems with lanes due, and the lanes leased with it.

    awaited: the case's new numbers, (source, number), for which something waits that was said before the case came.
    """

    accepted: Accepted
    systems_due: frozenset[str] = frozenset()
    handed_over: tuple[Work, ...] = ()
    awaited: frozenset[tuple[str, str]] = frozenset()


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
        return Done(replayed(case, first, self.tx.deliveries(case.case_id)))

    def known_case(self, document: Json) -> Known | None:
        """The case that a post means, locked; None for a new one. Raises InvalidCase, Conflict."""
        return known_case(self.gate, self.tx, self.caller.source, document)

    def named_case(self, ref: CaseRef) -> Known:
        """The case that a path names, locked. Raises NotFound."""
        return named_case(self.tx, self.caller, ref)

    def create(self, case_id: UUID, wrapped_key: bytes, document: Json, sealed: bytes) -> Done:
        """A new case with its first revision and its planned deliveries. Raises Conflict."""
        case = _new_case(self, case_id, wrapped_key, document)
        self.tx.insert_case(case)
        note_likeness(self.gate, self.tx, case, {}, document)
        numbered = note_numbers(self.tx, case, document.get("references") or {}, {})
        submission = self._submission(case, is_change=True, sealed=sealed)
        spoken: Spoken | None = None
        if keeps_words(self.gate, self.caller.source, case):
            spoken = Spoken(before=None, now=document)
            save_words(self.gate, self.tx, self.caller.source, case, document)
        now = CaseNow(case_id=case_id, revision=1, document=document, before=None)
        return self._planned(case, submission, now, spoken=spoken, numbered=numbered)

    def change_known(self, known: Known, edit: Edit) -> Done:
        """As `change`, of a case that may be called by the name of one that was merged into it."""
        former = known.former
        if former is None:
            return self.change(known.case, edit)
        source = self.caller.source
        done = self.change(known.case, under_former_number(self.gate, self.tx, source, former, edit))
        keep_former(self.gate, self.tx, source, former, edit)
        return done

    def change(self, case: Case, edit: Edit) -> Done:
        """The next revision, or the same one when nothing changes. Raises what the edit and the check raise."""
        self.refuse_stale(case)
        last = self.tx.last_submission(case.case_id, self.caller.source)
        if last is not None and self._is_said_again(last):
            return self.unchanged(case, last)
        current = open_document(self.gate, self.tx, case)
        joined = join(self.gate, self.tx, self.caller.source, case, current, edit)
        lasting = lasting_references(self.tx, case, current, joined.document)
        owned = self._owned(current, lasting, is_whole=edit.whole is not None)
        joined = joined if owned is joined.document else replace(joined, document=owned)
        refuse_unknown_systems(self.gate, joined.document)
        warnings = checked(self.gate, joined.document)
        if _content_mac(self.gate, joined.document) == case.content_mac:
            done = self._same_content(case, joined, last)
        else:
            refuse_ended(case, current, joined.document)
            done = self.revised(case, joined, current)
        return replace(done, accepted=replace(done.accepted, warnings=warnings))

    def _owned(self, current: Json, document: Json, *, is_whole: bool) -> Json:
        """The document with what only others may leave out. Raises NotOwned where it changes what is theirs."""
        owns, source = self.gate.owns, self.caller.source
        if not owns:
            return document
        kept = with_others_kept(owns, source, current, document) if is_whole else document
        if found := overstepped(owns, source, current, kept):
            errors = [FieldError(at, "owned_by_another", ", ".join(sorted(names))) for at, names in found.items()]
            raise NotOwned(
                "expected changes of what the source owns, got changes of {count} others' fields",
                count=len(errors),
                errors=errors,
            )
        return kept

    def last(self, case: Case) -> Submission | None:
        """What the caller's source said of the case last."""
        return self.tx.last_submission(case.case_id, self.caller.source)

    def take_over(self, case: Case, current: Json, document: Json, taken: TakenOver) -> Done:
        """The next revision, as its source was seen to hold it: nothing is sent to it for the slot that showed it.

        Raises:
            InvalidCase: the document breaks a rule.
            NotOwned: other sources' word counts for what it would change.
            CaseWithdrawn, CaseVoid, CaseFinished: see their lines in domain/errors.py.
        """
        self._owned(current, document, is_whole=False)
        warnings = checked(self.gate, document)
        refuse_ended(case, current, document)
        said = read_words(self.gate, self.tx, self.caller.source, case)
        words = None if said is None else patched(said, patch_between(current, document))
        joined = Joined(document=document, words=words, spoken=None)
        done = self.revised(case, joined, current, taken=taken)
        return replace(done, accepted=replace(done.accepted, warnings=warnings))

    def refuse_stale(self, case: Case) -> None:
        """Refuses a call whose `If-Match` names another revision. Raises StaleRevision."""
        if self.call.if_match is not None and self.call.if_match != case.revision:
            raise StaleRevision(
                "expected revision {expected} in If-Match, got {got}", expected=case.revision, got=self.call.if_match
            )

    def _is_said_again(self, last: Submission) -> bool:
        """Whether the source says just what it said last: another source's later word stands.

        With If-Match the caller says that it knows that word, and means its own.
        """
        return last.request_mac == self.call.request_mac and self.call.if_match is None

    def revised(
        self,
        case: Case,
        joined: Joined,
        current: Json,
        *,
        taken: TakenOver | None = None,
        state: CaseState | None = None,
        given_up: frozenset[str] = frozenset(),
    ) -> Done:
        """The next revision with this content, and what follows from it at every system.

        Args:
            case: locked.
            joined: what it says from now on.
            current: what it said before.
            taken: what its source was seen to hold, where that is the reason.
            state: what becomes of the case; None: as its stages say.
            given_up: the systems that hold of their own accord what they gave up with this.

        Raises:
            Conflict: another case has one of its numbers.
        """
        after = replace(
            case,
            revision=case.revision + 1,
            submission_no=case.submission_no + 1,
            content_mac=_content_mac(self.gate, joined.document),
            source_version=_text(joined.document.get("source_version")),
            state=state or _state(joined.document),
            changed_at=self.tx.now,
        )
        self.tx.save_case(after)
        lanes = {lane.system: lane for lane in self.tx.lanes(case.case_id, lock=True)}
        numbered = Numbered()
        if after.merged_into is None:
            numbered = note_numbers(self.tx, after, joined.document.get("references") or {}, lanes)
        sealed = sealed_document(self.gate, case.case_id, case.wrapped_key, joined.document)
        submission = self._submission(after, is_change=True, sealed=sealed)
        self._keep_words(after, joined)
        note_likeness(self.gate, self.tx, after, current, joined.document)
        now = CaseNow(case_id=case.case_id, revision=after.revision, document=joined.document, before=current)
        spoken = joined.spoken
        return self._planned(after, submission, now, spoken=spoken, numbered=numbered, taken=taken, given_up=given_up)

    def _same_content(self, case: Case, joined: Joined, last: Submission | None) -> Done:
        """Nothing new in the case; but the source may say for the first time that it holds this too."""
        done = self.unchanged(case, last)
        spoken = joined.spoken
        if spoken is None or spoken.before == spoken.now:
            return done
        after = replace(case, submission_no=case.submission_no + 1)
        self._keep_words(after, joined)
        self.tx.lanes(case.case_id, lock=True)
        document = joined.document
        now = CaseNow(case_id=case.case_id, revision=case.revision, document=document, before=document)
        submission = self.tx.submission(case.case_id, after.submission_no)
        assert submission is not None
        return self._planned(after, submission, now, spoken=spoken, numbered=Numbered())

    def unchanged(self, case: Case, last: Submission | None, *, status: int = UNCHANGED) -> Done:
        """Another submission of the same revision, with the receipt that its source has already."""
        after = replace(case, submission_no=case.submission_no + 1)
        self.tx.save_case(after)
        made = self.tx.revision(case.case_id, case.revision)
        known = made if made is not None and made.source == self.caller.source else last
        receipt = known.receipt if known is not None else None
        submission = self._submission(after, is_change=False, sealed=None, receipt=receipt, status=status)
        return Done(accepted(after, submission, self.tx.deliveries(case.case_id)))

    def _keep_words(self, case: Case, joined: Joined) -> None:
        if joined.words is not None:
            save_words(self.gate, self.tx, self.caller.source, case, joined.words)

    def _submission(
        self,
        case: Case,
        *,
        is_change: bool,
        sealed: bytes | None,
        receipt: str | None = None,
        status: int = POSTED,
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
            status=status,
            receipt=receipt or new_receipt(self.gate, case),
            by=self.call.by,
            received_at=self.tx.now,
        )
        self.tx.insert_submission(submission)
        return submission

    def _planned(
        self,
        case: Case,
        submission: Submission,
        now: CaseNow,
        *,
        spoken: Spoken | None,
        numbered: Numbered,
        taken: TakenOver | None = None,
        given_up: frozenset[str] = frozenset(),
    ) -> Done:
        """Notes what systems hold of their own accord, then brings every lane to its plan."""
        holding = Holding(self.gate, now, self.call.by, submission.submission_no)
        due: set[str] = set()
        works: list[Work] = []
        placed: list[Delivery] = []
        awaited = self._awaited(case, now, numbered)
        for work in self._lanes(case, now):
            found, system, token = work.lane, work.lane.system, work.lane.lease_token
            bundle = self.gate.active_bundle(system)
            is_held = self._hold(holding, work, bundle, spoken=spoken, numbered=numbered)
            if system in given_up:
                is_held |= holding.given_up(work, bundle)
            if taken is not None and system == self.caller.source:
                is_held |= holding.taken_over(work, bundle, taken)
            if replan_lane(self.gate, work, now, bundle) or is_held or system in numbered.woken:
                # What waits for the case joins it before anything of it is sent by this process.
                handed = None if awaited else take_over(self.gate, work, bundle, written=(case, submission))
                if handed is not None:
                    works.append(handed)
                else:
                    work.save(expected_token=token)
                    due.add(system)
            elif work.stored is not None or work.lane is not found:
                work.save(expected_token=token)
            placed += work.deliveries
        return Done(accepted(case, submission, placed), frozenset(due), tuple(works), awaited)

    def _awaited(self, case: Case, now: CaseNow, numbered: Numbered) -> frozenset[tuple[str, str]]:
        numbers = {**(now.document.get("references") or {}), case.origin: case.case_no}
        new = ((source, numbers[source]) for source in numbered.systems & self.gate.sources)
        return frozenset((source, number) for source, number in new if self.tx.is_awaited(source, number))

    def _hold(
        self, holding: Holding, work: LaneWork, bundle: Bundle, *, spoken: Spoken | None, numbered: Numbered
    ) -> bool:
        is_own = work.lane.system == self.caller.source and spoken is not None
        is_said = is_own and spoken is not None and holding.said(work, bundle, spoken)
        is_known = work.lane.system in numbered.systems and holding.known(work, bundle)
        return is_said or is_known

    def _lanes(self, case: Case, now: CaseNow) -> list[LaneWork]:
        """The lanes to replan, opened: those that the case has at targets, and those that it needs now.

        The origin and the poster have theirs already, by their number.
        """
        needed = {bundle.system: bundle for bundle in systems_taking(self.gate, now.document, origin=case.origin)}
        have = {lane.system: lane for lane in self._lanes_had(case, now)}
        new = [self._new_lane(case, now, bundle) for name, bundle in needed.items() if name not in have]
        if new:
            self.tx.insert_lanes(new)
        kept = [lane for system, lane in have.items() if system in self.gate.active]
        opened = [open_lane(self.tx, lane, self._messages(lane.system)) for lane in kept]
        fresh = [LaneWork(self.tx, lane, [], self._messages(lane.system), stored=lane) for lane in new]
        return sorted([*opened, *fresh], key=lambda work: work.lane.system)

    def _new_lane(self, case: Case, now: CaseNow, bundle: Bundle) -> Lane:
        """Due at once and ranked, as what is planned for it will be: then it is written once."""
        lane = Lane(case_id=case.case_id, system=bundle.system, due_at=self.tx.now)
        return ranked(lane, now.document, bundle, now=self.tx.now)

    def _lanes_had(self, case: Case, now: CaseNow) -> list[Lane]:
        """The case's lanes. A new case whose origin is no system and which refers to none has none at a target."""
        is_plain = now.before is None and case.origin not in self.gate.active and not now.document.get("references")
        return [] if is_plain else self.tx.lanes(case.case_id)

    def _messages(self, system: str) -> tuple[Message, ...]:
        return self.gate.active_bundle(system).messages


def _new_case(taking: Taking, case_id: UUID, wrapped_key: bytes, document: Mapping[str, Json]) -> Case:
    item = document.get("item", {})
    return Case(
        case_id=case_id,
        origin=taking.caller.source,
        case_no=document["case_no"],
        kind=document["kind"],
        item=item.get("task_code") or item.get("local_code") or "",
        region=document.get("region_code") or "",
        revision=1,
        submission_no=1,
        content_mac=_content_mac(taking.gate, document),
        wrapped_key=wrapped_key,
        source_version=_text(document.get("source_version")),
        state=_state(document),
        created_at=taking.tx.now,
        changed_at=taking.tx.now,
    )


def sealed_document(gate: Gate, case_id: UUID, wrapped_key: bytes, document: Json) -> bytes:
    """The document sealed for its case."""
    return gate.keyring.seal(wrapped_key, orjson.dumps(document), bound_to=f"case:{case_id}")


def _content_mac(gate: Gate, document: Json) -> bytes:
    return gate.keyring.mac("content", canonical_bytes(document))


def checked(gate: Gate, document: Json) -> tuple[FieldError, ...]:
    """What only warns. Raises InvalidCase with everything that is wrong."""
    checked = gate.schema.check(document)
    if checked.errors:
        raise InvalidCase(
            "expected a valid case, got one with {count} invalid fields",
            count=len(checked.errors),
            errors=checked.errors,
        )
    return checked.warnings


def refuse_closed(case: Case) -> None:
    """Refuses a case that takes no content any more. Raises CaseWithdrawn, CaseVoid, Conflict."""
    match case.state:
        case CaseState.OPEN:
            return
        case CaseState.WITHDRAWN:
            raise CaseWithdrawn("expected a case that is open, got one that was withdrawn")
        case CaseState.VOID:
            raise CaseVoid("expected a case that is open, got one that was voided")
        case CaseState.MERGED:
            raise CaseMerged("expected a case that is open, got one that was merged into another")


def refuse_ended(case: Case, current: Json, after: Json) -> None:
    """Refuses other content of a case that is closed, and withdrawing one that came to its end.

    Raises:
        CaseWithdrawn, CaseVoid, CaseFinished: see their lines in domain/errors.py.
    """
    refuse_closed(case)
    if is_withdrawn(after) and is_finished(current):
        raise CaseFinished("expected a case that is not finished, got one that came to its end")


def _state(document: Json) -> CaseState:
    return CaseState.WITHDRAWN if is_withdrawn(document) else CaseState.OPEN


def _text(value: Json) -> str | None:
    return None if value is None else str(value)
