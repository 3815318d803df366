"""A gate over a real store beside a food system that can be read back, and altered behind everybody's back."""

from __future__ import annotations

import asyncio
import copy
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any
from uuid import UUID

from syncgate.domain.outcome import Answer, Evidence, Found, Outcome, Reading
from syncgate.domain.reconciliation.run import RunState, RunWish
from syncgate.domain.rows import Discrepancy, Run
from syncgate.flows.reconciling import turns
from syncgate.flows.reconciling.exports import settings_of
from syncgate.flows.reconciling.run import reconcile
from syncgate.ports import DiscrepancyFilter, Page, Query, Request, Unread
from syncgate.site.readback import Export
from tests.integration.flows.worksite import ScriptedSystem, Worksite
from tests.support.cases import an_application

Record = dict[str, Any]
KEY = {"list_applications": "bizKey", "list_events": "eventKey"}
PAGE_SIZE = 3
SETTINGS = settings_of("ndjson", {})
"""Of an export, as `as_lines` writes it."""
FOUND = Evidence("GET /", None, b"{}", 200)


@dataclass
class ListedFood(ScriptedSystem):
    """Takes what is sent, and lists it: applications by page, events by cursor.

    records: by listing. between: called before each page with its number. lies: changes a page before it is shown.
    reads: keys that were read singly. on_read: called before each of them. queries: what was listed, as asked.
    """

    records: dict[str, list[Record]] = field(default_factory=lambda: {name: [] for name in KEY})
    between: Callable[[str, int], None] = field(default=lambda listing, no: None)
    lies: Callable[[str, int, Page], Page | Unread] = field(default=lambda listing, no, page: page)
    totals: bool = True
    reads: list[str] = field(default_factory=list)
    can_be_read: bool = True
    on_read: Callable[[], None] = field(default=lambda: None)
    queries: list[Query] = field(default_factory=list)

    async def send(self, request: Request) -> Answer:
        is_silent = self.takes_silently
        answer = await super().send(request)
        if answer.outcome is Outcome.TAKEN or is_silent:
            self._take(request)
        return answer

    def _take(self, request: Request) -> None:
        listing = "list_events" if request.operation == "event" else "list_applications"
        kept = self.records[listing]
        record = copy.deepcopy(request.payload)
        old = next((one for one in kept if one.get(KEY[listing]) == record[KEY[listing]]), None)
        if old is None:
            kept.append({**record, "id": f"N{listing[5]}{len(kept)}"})
        else:
            number = old["id"]
            old.clear()
            old.update(record, id=number)

    async def list_page(self, query: Query, following: str | None) -> Page | Unread:
        no = int(following or 0)
        self.queries.append(query)
        await asyncio.to_thread(self.between, query.operation, no)
        held = self.records[query.operation]
        shown = copy.deepcopy(held[no * PAGE_SIZE : (no + 1) * PAGE_SIZE])
        more = str(no + 1) if (no + 1) * PAGE_SIZE < len(held) else None
        page = Page(records=shown, following=more, total=len(held) if self.totals else None)
        return self.lies(query.operation, no, page)

    async def count(self, query: Query, *, low: str, high: str | None) -> int | Unread:
        held = self.records["list_applications"]
        return sum(1 for one in held if one["bizKey"] >= low and (high is None or one["bizKey"] < high))

    async def look_up(self, request: Request, *, record_at: str, absent: Mapping[str, Any]) -> Reading:
        if self.readings:
            return self.readings.popleft()
        if not self.can_be_read:
            return Reading(Found.UNDECIDED, FOUND)
        is_event = request.operation == "read_event"
        listing, key = ("list_events", "slot_key") if is_event else ("list_applications", "case_id")
        self.reads.append(request.keys[key])
        await asyncio.to_thread(self.on_read)
        for record in self.records[listing]:
            if record.get(KEY[listing]) == request.keys[key]:
                return Reading(Found.RECORD, FOUND, record=copy.deepcopy(record), remote_ref=record["id"])
        return Reading(Found.ABSENT, Evidence("GET /", None, b"", 404))

    def record(self, case_id: UUID) -> Record:
        """The application of a case."""
        return next(one for one in self.records["list_applications"] if one.get("bizKey") == str(case_id))

    def remove(self, case_id: UUID) -> None:
        """Deletes the application of a case."""
        self.records["list_applications"].remove(self.record(case_id))


@dataclass
class World:
    """A worksite whose food system is read back."""

    site: Worksite
    food: ListedFood
    posted: int = 0
    slots: Iterator[int] = field(default_factory=lambda: iter(range(1, 1000)))
    saved: list[RunState] = field(default_factory=list)

    def post(self) -> UUID:
        """A case posted, not delivered yet."""
        self.posted += 1
        return self.site.post(an_application(f"QX{self.posted:010d}")).case_id

    def deliver(self, count: int = 1) -> list[UUID]:
        """Cases posted and delivered."""
        case_ids = [self.post() for _ in range(count)]
        self.settle()
        return case_ids

    def settle(self) -> None:
        """Delivers what is due, and lets its grace pass."""
        self.site.run_dry("food", rounds=200)
        self.pass_grace()

    def pass_grace(self) -> None:
        self.site.clock.at += timedelta(minutes=11)

    def begin(self, **wish: Any) -> Run:
        """A run, claimed by a process."""
        self.site.write(lambda tx: turns.begin(tx, "food", RunWish(**wish), salt=str(next(self.slots))))
        return self.claim()

    def claim(self) -> Run:
        """The open run, claimed."""
        run = self.site.write(lambda tx: turns.claim(tx, "food", by="tester"))
        assert run is not None
        return run

    def reconcile(self, **wish: Any) -> RunState:
        """A whole run."""
        return self.work(self.begin(**wish))

    def work(self, run: Run) -> RunState:
        """A claimed run, worked on to its end."""

        async def save(state: RunState, *, cursor: str | None = None) -> bool:
            self.saved.append(state)
            return await self.site.gate.writer.write(lambda tx: turns.keep(tx, run, state, cursor=cursor))

        async def work() -> RunState:
            return await reconcile(self.site.gate, run, transport_of=self.site.system_of, save=save)

        state = self.site.run(work())
        assert state.outcome is not None
        self.site.write(lambda tx: turns.end(tx, run, state, state.outcome))
        return state

    def open(self) -> list[Discrepancy]:
        """The open discrepancies, oldest first."""
        where = DiscrepancyFilter(systems=("food",), is_open=True)
        return self.site.store.read(lambda tx: tx.list_discrepancies(where, after=None, limit=1000))[::-1]

    def kinds(self) -> list[tuple[str, UUID | None]]:
        """Their classes and cases."""
        return [(row.kind, row.case_id) for row in self.open()]


def only_by_file(world: World, *, file: str | None) -> None:
    """Food's applications are listed by files alone, and its events are not. file: where it is laid down."""
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    assert bundle.readback is not None
    first, *_ = bundle.readback.listings
    export = Export(settings=SETTINGS, file=file, columns=frozenset())
    listing = replace(first, query=None, read=None, export=export)
    gate.bundles[bundle.digest] = replace(bundle, readback=replace(bundle.readback, listings=(listing,)))


def as_lines(world: World) -> bytes:
    """The applications, as the system's people export them."""
    records = world.food.records["list_applications"]
    return "".join(json.dumps(record, ensure_ascii=False) + "\n" for record in records).encode()
