"""The store's seam: steps run inside one transaction, many steps to a commit.

A *step* is a function `step(tx) -> result`. The store runs many steps in one transaction (group commit), each
in its own savepoint, so that one that fails fails alone. A step may be run more than once before its commit
stands (after a deadlock, say), so it keeps nothing but its result. Reads never lock. A step reads and writes
through `Tx` only, takes the time from `tx.now`, and takes locks in the order systems, cases, lanes, deliveries.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Generic, Protocol, TypeVar
from uuid import UUID

from syncgate.domain.alerts import Alert
from syncgate.domain.arrivals import Arrival, ArrivalState
from syncgate.domain.changes import Change
from syncgate.domain.delivery import Phase
from syncgate.domain.rows import (
    Alike,
    Attempt,
    AuditEntry,
    Blob,
    Case,
    Delivery,
    Discrepancy,
    FileChunk,
    Grant,
    HeldLanes,
    HeldRow,
    Hold,
    Lane,
    Likeness,
    Principal,
    Refusal,
    Run,
    StoredFile,
    StoredMaterial,
    Submission,
    SystemRow,
    ToldApart,
    Words,
)

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class DeliveryFilter:
    """Which deliveries to list. None: no condition. Times bound `changed_at`: from inclusive, until exclusive."""

    phases: tuple[Phase, ...] | None = None
    systems: tuple[str, ...] | None = None
    messages: tuple[str, ...] | None = None
    reasons: tuple[str, ...] | None = None
    actors: tuple[str, ...] | None = None
    posted_by: tuple[str, ...] | None = None
    """Only of cases that one of these sources has posted."""
    case_id: UUID | None = None
    changed_from: datetime | None = None
    changed_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class CaseFilter:
    """Which cases to list."""

    origins: tuple[str, ...] | None = None
    regions: tuple[str, ...] | None = None
    """Region prefixes."""
    items: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    created_from: datetime | None = None
    created_until: datetime | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class DiscrepancyFilter:
    """Which discrepancies to list. None: no condition."""

    systems: tuple[str, ...] | None = None
    messages: tuple[str, ...] | None = None
    kinds: tuple[str, ...] | None = None
    actions: tuple[str, ...] | None = None
    case_id: UUID | None = None
    run_slot: str | None = None
    """The run that found it first."""
    is_open: bool | None = None
    closed_as: str | None = None
    seen_from: datetime | None = None
    """Those that a run saw then or later."""
    found_until: datetime | None = None
    """Those that were found then or before."""


class AuditCheck(Protocol):
    """What a check of the audit found."""

    @property
    def entries_count(self) -> int: ...
    @property
    def broken(self) -> tuple[tuple[str, int], ...]:
        """(writer, entry_no) of every link that does not hold."""
        ...

    @property
    def is_whole(self) -> bool:
        """Whether nothing was altered, dropped or put in between."""
        ...


class Tx(Protocol):
    """What a step may do inside its transaction. Lists come back in the stated order."""

    @property
    def now(self) -> datetime:
        """The store's time, one value for the whole commit."""
        ...

    # systems, grants
    def system(self, system: str, *, lock: bool = False) -> SystemRow | None: ...
    def systems(self) -> list[SystemRow]:
        """All, by name."""
        ...

    def save_system(self, row: SystemRow) -> None:
        """Inserts or replaces the row."""
        ...

    def announce(self, system: str) -> None:
        """Tells every other process, once this commits, to look at the system's row again."""
        ...

    def apart(self, act: Callable[[], T]) -> T | Exception:
        """What the act gives; where it fails, what it wrote is rolled back alone and its exception is the result."""
        ...

    # scheduled work
    def claim_run(self, job: str, slot: str, *, by: str, until: datetime) -> bool:
        """Whether this tick of the job is the caller's: unclaimed, or left by one whose time was up."""
        ...

    def end_run(self, job: str, slot: str, *, by: str, outcome: str) -> None:
        """Notes what became of a claimed tick; one taken over meanwhile is left alone."""
        ...

    def insert_run(self, run: Run) -> None:
        """Keeps a new piece of long work; what of the same job ended long ago is forgotten."""
        ...

    def run(self, job: str, slot: str, *, lock: bool = False) -> Run | None: ...
    def save_run(self, run: Run) -> None:
        """Replaces the row of an existing run."""
        ...

    def list_runs(self, job: str, *, limit: int, is_open: bool = False) -> list[Run]:
        """Newest first by slot. is_open: only those that have not ended."""
        ...

    def page_runs(
        self,
        jobs: Collection[str],
        *,
        after: tuple[str, str] | None,
        limit: int,
        outcomes: Collection[str] | None = None,
        is_open: bool = False,
    ) -> list[Run]:
        """Runs of several jobs, newest first by slot, then by job; `after`: (job, slot) of the last one before.

        outcomes: only those that ended so. is_open: only those that have not ended.
        """
        ...

    # discrepancies
    def discrepancy(self, discrepancy_id: UUID, *, lock: bool = False) -> Discrepancy | None: ...
    def open_discrepancies(self, system: str, message: str, subject: str) -> list[Discrepancy]:
        """Those of one slot or record that are open, by kind: at most one of each."""
        ...

    def insert_discrepancy(self, discrepancy: Discrepancy) -> None: ...
    def save_discrepancy(self, discrepancy: Discrepancy) -> None:
        """Replaces the row of an existing discrepancy."""
        ...

    def list_discrepancies(self, where: DiscrepancyFilter, *, after: UUID | None, limit: int) -> list[Discrepancy]:
        """Newest first."""
        ...

    def open_discrepancies_count(self) -> dict[tuple[str, str], int]:
        """How many are open by (system, kind), from the index of open ones alone."""
        ...

    def count_discrepancies(self, where: DiscrepancyFilter) -> dict[tuple[str, str, str], int]:
        """How many by (system, kind, action)."""
        ...

    # alerts
    def alert(self, alert_id: UUID, *, lock: bool = False) -> Alert | None: ...
    def open_alerts(self, system: str) -> list[Alert]:
        """What of a system is not over, by kind: at most one of each."""
        ...

    def insert_alert(self, alert: Alert) -> None: ...
    def save_alert(self, alert: Alert) -> None:
        """Replaces the row of an existing alert."""
        ...

    def due_alerts(self, *, limit: int) -> list[Alert]:
        """What is to be told now and nobody tells, locked, the earliest first; what another step has in hand is
        left out."""
        ...

    def list_alerts(self, *, systems: tuple[str, ...] | None, is_open: bool, limit: int) -> list[Alert]:
        """Newest first. systems: only of these; None: of all. is_open: only those that are not over."""
        ...

    # arrivals
    def arrival(self, arrival_id: UUID, *, lock: bool = False) -> Arrival | None: ...
    def arrival_by_key(self, source: str, idempotency_key: str) -> Arrival | None:
        """The call of this source that gave this key."""
        ...

    def arrival_by_origin(self, source: str, origin_key: str) -> Arrival | None:
        """What was fetched from this source under this key, locked."""
        ...

    def held_arrival(self, source: str, body_mac: bytes) -> Arrival | None:
        """The held one of this content that came in a call without a key."""
        ...

    def insert_arrival(self, arrival: Arrival) -> None:
        """Raises Conflict where its key, its origin key, or as held its content is there already."""
        ...

    def save_arrival(self, arrival: Arrival) -> None:
        """Replaces the row of an existing arrival. Raises Conflict as `insert_arrival`."""
        ...

    def delete_arrival(self, arrival_id: UUID) -> None: ...
    def left_arrivals(self, *, before: datetime, limit: int) -> list[Arrival]:
        """Those that came before and whose taking in never ended, oldest first, locked; locked ones skipped."""
        ...

    def awaiting(self, source: str, number: str) -> list[Arrival]:
        """What this source said of a case of this number of its own that was not known, in the order in which it
        came."""
        ...

    def is_awaited(self, source: str, number: str) -> bool:
        """Whether `awaiting` gives any."""
        ...

    def come(self, *, limit: int) -> list[tuple[str, str]]:
        """The (source, number) that something still waits for though the case is known by now, the oldest first."""
        ...

    def forget_arrivals(self, *, before: datetime) -> int:
        """Forgets those that ended before and whose content is kept; of fetched ones the content alone. Gives how
        many."""
        ...

    def list_arrivals(
        self,
        *,
        sources: Collection[str] | None,
        states: Collection[ArrivalState] | None,
        after: UUID | None,
        limit: int,
        is_oldest_first: bool = False,
    ) -> list[Arrival]:
        """Newest first, or oldest first; `after`: the last one of the page before. None: no condition."""
        ...

    def held_arrivals_count(self, *, before: datetime) -> dict[tuple[str, str], int]:
        """How many are held that came by then, by (source, code)."""
        ...

    def count_runs(self, jobs: Collection[str]) -> dict[tuple[str, str], int]:
        """How many ended runs are remembered, by (job, outcome)."""
        ...

    # our side of a reconciliation
    def held_rows(self, system: str, messages: frozenset[str], *, after: UUID | None, limit: int) -> list[HeldRow]:
        """Deliveries of these messages of the system that may have a record there, case by case after this one, each
        case's in the order of creation and all of them; about so many, none at the end. One that was cancelled comes
        along where it may have left."""
        ...

    def held_lanes(
        self,
        system: str,
        messages: frozenset[str],
        *,
        marked: Collection[tuple[str, str]],
        settled_before: datetime,
        sent_from: datetime | None,
        after: UUID | None,
        limit: int,
    ) -> HeldLanes:
        """What `held_rows` gives, with lanes told apart in which nothing is unusual.

        Args:
            system, messages, after, limit: as there.
            marked: message and bundle of deliveries whose marks are still good.
            settled_before: a usual delivery did not change at this time or later.
            sent_from: a usual delivery was sent at this time or later; None: ever.
        """
        ...

    def note_verified(self, system: str, case_ids: Collection[UUID], *, at: datetime) -> None:
        """Says of these lanes that they were seen to be as they should; not of one with an open discrepancy."""
        ...

    def doubt_verified(self, system: str, case_id: UUID, *, since: datetime) -> None:
        """Takes back that a lane is as it should, where that was said then or later."""
        ...

    def leases_count(self, system: str) -> int:
        """Lanes of the system under a lease whose time is not up."""
        ...

    def grants(self, system: str) -> list[Grant]:
        """Grants whose time is not up, by process."""
        ...

    def save_grant(self, grant: Grant) -> None:
        """Inserts or replaces (system, process); one with sends_count 0 is deleted."""
        ...

    # holds
    def active_holds(self) -> Sequence[Hold]:
        """Those that hold now; no other process lifts one before a step that saw it is committed."""
        ...

    def hold(self, hold_id: UUID) -> Hold | None: ...
    def insert_hold(self, hold: Hold) -> None: ...
    def save_hold(self, hold: Hold) -> None:
        """Replaces the row of an existing hold."""
        ...

    def list_holds(self, *, after: UUID | None, limit: int, is_active: bool = False) -> list[Hold]:
        """Active ones first, each sort newest first. is_active: those only."""
        ...

    def uncleared_holds(self) -> list[Hold]:
        """Lifted ones whose lanes may not all be due again."""
        ...

    def open_by_item(self, system: str) -> dict[str, int]:
        """How many deliveries of a system wait or are under way, by item of their case; walks through all of them."""
        ...

    def held_count(self, hold: Hold, phase: Phase) -> int:
        """How many deliveries in this phase a hold is about."""
        ...

    def lanes_about(self, hold: Hold, *, after: UUID | None, limit: int) -> tuple[list[Lane], UUID | None]:
        """Lanes with pending deliveries that a hold is about, locked; and where to go on, None at the end."""
        ...

    # cases and submissions
    def case(self, case_id: UUID, *, lock: bool = False) -> Case | None: ...
    def cases(self, case_ids: Collection[UUID]) -> dict[UUID, Case]: ...
    def insert_case(self, case: Case) -> None: ...
    def save_case(self, case: Case) -> None:
        """Replaces the row of an existing case."""
        ...

    def merged_into(self, case_id: UUID) -> list[Case]:
        """The cases that were merged into this very one, and not into another that was; the oldest first."""
        ...

    def submission_by_key(self, source: str, idempotency_key: str) -> Submission | None: ...
    def submission(self, case_id: UUID, submission_no: int) -> Submission | None: ...
    def revision(self, case_id: UUID, revision: int) -> Submission | None: ...
    def revisions_of(self, keys: Collection[tuple[UUID, int]]) -> dict[tuple[UUID, int], Submission]:
        """The submissions that made these (case_id, revision)."""
        ...

    def insert_submission(self, submission: Submission) -> None:
        """Raises Conflict when (source, idempotency key) or (case, revision) is there already."""
        ...

    def list_submissions(self, case_id: UUID) -> list[Submission]:
        """By submission_no."""
        ...

    def last_submission(self, case_id: UUID, source: str) -> Submission | None:
        """The newest of this source."""
        ...

    def is_posted_by_others(self, case_id: UUID, source: str) -> bool:
        """Whether another source has submitted anything of the case."""
        ...

    def words(self, case_id: UUID, source: str) -> Words | None: ...
    def save_words(self, words: Words) -> None:
        """Inserts or replaces the row of (case, source)."""
        ...

    def list_cases(self, where: CaseFilter, *, after: UUID | None, limit: int) -> list[Case]:
        """Newest first by case_id; `after` is the last one of the page before."""
        ...

    def oldest_cases(self, where: CaseFilter, *, after: UUID | None, limit: int) -> list[Case]:
        """Oldest first by case_id; `after` is the last one of the page before."""
        ...

    # likely duplicates
    def save_likenesses(self, rows: Sequence[Likeness]) -> None:
        """Inserts or replaces the rows of (case, feature)."""
        ...

    def tell_apart(self, row: ToldApart) -> None:
        """Notes that two cases are two; once said stays said."""
        ...

    def list_alike(self, *, since: datetime, after: UUID | None, limit: int) -> list[Alike]:
        """Open cases that look alike and were not told apart: the newest later one first, a row a feature.

        since: later ones came then or later, to within a day. after: later ones are older than this.
        """
        ...

    # lanes
    def lane(self, case_id: UUID, system: str, *, lock: bool = False) -> Lane | None: ...
    def lanes(self, case_id: UUID, *, lock: bool = False) -> list[Lane]:
        """Of one case, by system."""
        ...

    def case_id_by_ref(self, system: str, case_ref: str) -> UUID | None: ...
    def case_id_by_part_ref(self, system: str, remote_ref: str) -> UUID | None:
        """The one case of which the system calls a part so; None where none is, or more than one."""
        ...

    def insert_lanes(self, lanes: Sequence[Lane]) -> None:
        """Raises Conflict when a (system, case_ref) belongs to another case."""
        ...

    def save_lane(self, lane: Lane, *, expected_token: UUID | None) -> bool:
        """Replaces the lane if its lease token is still `expected_token`; False, and nothing written, if not."""
        ...

    def due_lanes(self, system: str, *, limit: int) -> list[Lane]:
        """Unleased lanes due at `now`, earliest first, locked; those locked by others are skipped."""
        ...

    def ranked_lanes(self, system: str, *, limit: int) -> list[Lane]:
        """Unleased lanes due at `now` whose rank is no later than that, by rank, locked as `due_lanes` are."""
        ...

    def polled_lanes(self, system: str, *, limit: int) -> list[Lane]:
        """Lanes, leased or not, whose system is to be asked by `now`, earliest first, locked; locked ones skipped."""
        ...

    def next_poll_at(self, system: str) -> datetime | None:
        """When the system is asked next what became of something."""
        ...

    def expired_lanes(self, *, limit: int) -> list[Lane]:
        """Lanes whose lease time is up, earliest first, locked, skipping what others locked."""
        ...

    def expire_leases(self) -> int:
        """Lets every lease run out now and gives how many; only where no other process can be alive."""
        ...

    def next_due_at(self, system: str) -> datetime | None:
        """When the earliest unleased lane of the system is due."""
        ...

    def waiting_lanes(self, case_id: UUID) -> dict[str, str]:
        """What the case's lanes wait for: by system the one whose number it needs."""
        ...

    def wake(self, case_id: UUID, *, waits_for: str) -> int:
        """Makes lanes of the case that wait for that system due now; gives how many."""
        ...

    # deliveries
    def delivery(self, delivery_id: UUID) -> Delivery | None: ...
    def deliveries(self, case_id: UUID, system: str | None = None) -> list[Delivery]:
        """Of a case, or of one lane: all of them, by creation."""
        ...

    def deliveries_of(self, lanes: Collection[tuple[UUID, str]]) -> dict[tuple[UUID, str], list[Delivery]]:
        """The same for many lanes at once."""
        ...

    def insert_deliveries(self, deliveries: Sequence[Delivery]) -> None: ...
    def save_delivery(self, delivery: Delivery, *, before: Delivery) -> bool:
        """Replaces the delivery if its phase, lease token and reason are still those of `before`."""
        ...

    def list_deliveries(self, where: DeliveryFilter, *, after: UUID | None, limit: int) -> list[Delivery]:
        """Newest first by delivery_id."""
        ...

    def oldest_deliveries(self, where: DeliveryFilter, *, after: UUID | None, limit: int) -> list[Delivery]:
        """Oldest first by delivery_id."""
        ...

    # rows of lists of returns
    def returned_rows(self, system: str, macs: Collection[bytes]) -> dict[bytes, UUID]:
        """Which of these rows were imported before, by what names them, each with its delivery."""
        ...

    def insert_returned_row(self, system: str, row_mac: bytes, delivery_id: UUID) -> None:
        """Notes that a row was imported. Raises Conflict when it was before."""
        ...

    # the feed of what became of cases: insert_submission, insert_deliveries and save_delivery keep it
    def number_changes(self, *, limit: int) -> bool:
        """Gives the next numbers to changes that are committed and have none, in the order in which they came; whether
        there may be more. Where another process numbers at this moment, nothing is done."""
        ...

    def leave_numbers_out(self) -> None:
        """Goes on with numbers that were never given, also not by this store after the backup that it is."""
        ...

    def changes(self, source: str, *, after: int, looked_at: int) -> tuple[list[Change], int]:
        """The next changes of the source's cases by number, of so many changes that are looked at; and the number of
        the last one that was looked at."""
        ...

    def count_posts(self, *, limit: int) -> bool:
        """Counts the next numbered changes that sources made by the hour; whether there may be more. Where another
        process counts at this moment, nothing is done."""
        ...

    def posts(self, source: str, *, since: datetime) -> dict[datetime, int]:
        """How many changes a source made, by the hour in which they came; hours without any are left out."""
        ...

    # evidence
    def insert_attempts(self, attempts: Iterable[Attempt]) -> None: ...
    def attempts(self, delivery_id: UUID) -> list[Attempt]:
        """By entry_no."""
        ...

    def put_blobs(self, blobs: Iterable[Blob]) -> None:
        """Stores those that are not there yet."""
        ...

    def blob(self, scope: str, mac: bytes) -> Blob | None: ...
    def blob_macs(self, scope: str) -> list[bytes]:
        """Which ones there are, oldest first."""
        ...

    # files of materials
    def file(self, file_id: UUID, *, lock: bool = False) -> StoredFile | None: ...
    def file_by_mac(self, case_id: UUID, mac: bytes) -> StoredFile | None:
        """The file of the case with this digest; only one that is whole."""
        ...

    def unfinished_files(self, *, before: datetime, limit: int) -> list[StoredFile]:
        """Files that were begun earlier and are not whole, the oldest first."""
        ...

    def insert_file(self, file: StoredFile) -> None: ...
    def save_file(self, file: StoredFile) -> None:
        """Replaces the row of an existing file."""
        ...

    def delete_file(self, file_id: UUID) -> None:
        """Deletes the row of a file that has no chunks left."""
        ...

    def chunk(self, file_id: UUID, chunk_no: int) -> FileChunk | None: ...
    def chunks_count(self, file_id: UUID) -> int: ...
    def insert_chunks(self, chunks: Sequence[FileChunk]) -> None: ...
    def delete_chunks(self, file_id: UUID, *, limit: int) -> int:
        """Deletes the first chunks of a file, at most so many; gives how many."""
        ...

    def material(self, case_id: UUID, material: str) -> StoredMaterial | None:
        """A material whose bytes are stored."""
        ...

    def material_by_link(self, link_id: UUID) -> StoredMaterial | None: ...
    def materials(self, case_id: UUID) -> list[StoredMaterial]:
        """Those of a case whose bytes are stored, by id."""
        ...

    def insert_material(self, material: StoredMaterial) -> None:
        """Raises Conflict when the bytes of this material are stored already."""
        ...

    # roll-ups: insert_deliveries and save_delivery keep them
    def counters(self) -> dict[tuple[str, Phase, str], int]:
        """Deliveries by (system, phase, reason), reason empty where there is none."""
        ...

    # people, traces
    def principal_by_hash(self, key_hash: bytes) -> Principal | None: ...
    def principals(self) -> list[Principal]: ...
    def save_principal(self, principal: Principal) -> None: ...
    def insert_refusal(self, refusal: Refusal) -> None: ...
    def list_refusals(self, *, limit: int) -> list[Refusal]: ...
    def append_audit(self, entry: AuditEntry) -> None: ...
    def verify_audit(self, keyring: Keyring) -> AuditCheck:
        """Whether every writer's chain is whole."""
        ...

    def list_audit(self, *, limit: int) -> list[Mapping[str, Any]]: ...


Step = Callable[[Tx], T]


@dataclass(frozen=True, slots=True)
class OnSystem(Generic[T]):
    """A step that locks a system's row and then waits for no other lock, such as a claim.

    Where other processes write too, such steps are committed before the rest of their group, in the order of names,
    so that no two processes hold what the other waits for.
    """

    system: str
    step: Step[T]

    def __call__(self, tx: Tx) -> T:
        """What the step gives."""
        return self.step(tx)


class Store(Protocol):
    """The synchronous, batch-shaped store. One thread at a time calls `write`."""

    def write(self, steps: Sequence[Step[Any]]) -> list[Any]:
        """Runs the steps in one commit, or in two where some are `OnSystem` and other processes write too.

        Returns:
            For each step its result, or the exception that it raised (as a value), in order. The results are
            durable when this returns.

        Raises:
            StoreUnavailable: nothing was stored. CommitUnknown: the commit's outcome never came back.
        """
        ...

    def read(self, step: Step[T]) -> T:
        """Runs a step that only reads, on a connection of its own; safe from any thread."""
        ...

    def close(self) -> None: ...


class Writer(Protocol):
    """The asynchronous face of the store: groups what waits into one commit, with no added delay."""

    async def write(self, step: Step[T]) -> T:
        """The step's result once it is durable; raises what the step raised."""
        ...

    async def read(self, step: Step[T]) -> T: ...
    @property
    def is_taking(self) -> bool:
        """Whether the last commit went through."""
        ...

    async def aclose(self) -> None:
        """Commits what waits, then takes no more."""
        ...


class Keyring(Protocol):
    """Seals what is personal. A case has its own key, wrapped under the site's master key."""

    def new_wrapped_key(self) -> bytes: ...
    def seal(self, wrapped_key: bytes, plain: bytes, *, bound_to: str, packs: bool = True) -> bytes:
        """Authenticated encryption, compressed first if it `packs`. `bound_to` names the place: sealed bytes cannot be
        moved."""
        ...

    def open(self, wrapped_key: bytes, sealed: bytes, *, bound_to: str) -> bytes: ...
    def mac(self, purpose: str, *parts: bytes) -> bytes:
        """A keyed digest, 16 bytes, different for every purpose; parts are framed, never just joined."""
        ...

    def mac_of_last(self, purpose: str, *parts: bytes) -> Callable[[bytes], bytes]:
        """Gives `mac` of these parts and one more, quicker than asking for each anew."""
        ...
