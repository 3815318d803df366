"""A run of a source: what it lists of its own cases, against what was accepted from it.

Nothing is mended: the source posts, and the next run sees it. Only digests of numbers are kept while it runs.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from itertools import groupby
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from syncgate.domain.case import canonical_bytes
from syncgate.domain.errors import NotFound
from syncgate.domain.reconciliation.kinds import Action, Level, SourceKind
from syncgate.domain.reconciliation.manifest import Listed
from syncgate.domain.reconciliation.run import JOB_PREFIX, ListingTotals, RunOutcome, RunStage, RunState
from syncgate.domain.rows import CaseState, Discrepancy, Run
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.exports import Export, find_export
from syncgate.flows.reconciling.manifests import ManifestReader
from syncgate.flows.reconciling.recording import Recorder
from syncgate.flows.reconciling.sourcing import Look, Verdict, look, posted_case
from syncgate.flows.reconciling.spill import Spill, private_folder
from syncgate.flows.reconciling.turns import Save, require_turn
from syncgate.ports import CaseFilter, DiscrepancyFilter, Tx

LISTING: Final = "manifest"
"""What the one listing of a source is called."""
MESSAGE: Final = "case"
"""What stands in the place of a message."""
UNAVAILABLE: Final = "unavailable"
PAGE: Final = 1_000
KEPT_AT_ONCE: Final = 200
_KEY: Final = 16
_KINDS: Final = {Verdict.NOT_POSTED: SourceKind.NOT_POSTED, Verdict.DIFFERS: SourceKind.DIFFERS}


async def reconcile_source(gate: Gate, run: Run, *, save: Save) -> RunState:
    """Compares a source's manifest with what was accepted from it, from the beginning to the end.

    Args:
        gate: the running gate.
        run: whose turn it is; its wish names the manifest, and the window in which a case that is not listed is told.
        save: keeps how far it came.
    """
    state, source = RunState.from_json(run.detail), run.job.removeprefix(JOB_PREFIX)
    export = _export(gate, source, state.wish.export)
    if export is None:
        totals = ListingTotals(listing=LISTING, level=Level.NONE.value, doubts=(UNAVAILABLE,))
        return replace(state, totals=(totals,), outcome=RunOutcome.INCOMPLETE)
    begun_at = datetime.fromisoformat(state.begun_at)
    recorder = Recorder(gate=gate, run=run, system=source, begun_at=begun_at)
    await recorder.load_ignored()
    with private_folder(gate.data, f"{source}.{run.slot}") as folder:
        return await _Comparison(gate, run, source, export, recorder, save, state, folder).run_through()


def _export(gate: Gate, source: str, export_id: str | None) -> Export | None:
    try:
        export = find_export(gate, export_id or "")
    except NotFound:
        return None
    return export if export.system == source else None


@dataclass(slots=True)
class _Comparison:
    """One run."""

    gate: Gate
    run: Run
    source: str
    export: Export
    recorder: Recorder
    save: Save
    state: RunState
    folder: Path
    suspects: set[bytes] = field(default_factory=set)
    shown: dict[bytes, Verdict] = field(default_factory=dict)
    """What the second look showed of each suspect."""
    open_cases: frozenset[UUID] = frozenset()
    """Cases about which something is open: the only ones that are remembered one by one."""
    equal: set[UUID] = field(default_factory=set)
    listed: set[UUID] = field(default_factory=set)
    kinds: dict[str, int] = field(default_factory=dict)
    doubts: dict[str, None] = field(default_factory=dict)

    async def run_through(self) -> RunState:
        """The state at the run's end."""
        where = DiscrepancyFilter(systems=(self.source,), messages=(MESSAGE,), is_open=True)
        opened = [row.case_id async for row in self.recorder.rows(where)]
        self.open_cases = frozenset(case_id for case_id in opened if case_id is not None)
        lists = Spill(self.folder, "listed", size=_KEY + 1)
        if not await self._first_look(lists) or not await self._staged(RunStage.LOOKING_AGAIN):
            return replace(self.state, outcome=RunOutcome.CANCELLED)
        is_empty = not lists.count
        await self._second_look()
        window = self._window()
        if window is not None and not self.doubts and not is_empty:
            await self._look_for_others(lists, window)
        totals = self._totals(lists)
        outcome = RunOutcome.INCOMPLETE if self.doubts else RunOutcome.COMPLETE
        if not self.doubts and is_empty and await self.gate.writer.read(self._has_cases):
            outcome = RunOutcome.IMPLAUSIBLE
        if outcome is not RunOutcome.IMPLAUSIBLE:
            await self.recorder.close_gone([MESSAGE], is_whole=True, judged=self._is_judged)
        return replace(self.state, totals=(totals,), left=sum(self.kinds.values()), outcome=outcome)

    @property
    def as_of(self) -> datetime:
        """What happened from then on the manifest cannot show."""
        manifest = self.export.manifest
        return self.export.uploaded_at if manifest is None else min(manifest.as_of, self.export.uploaded_at)

    async def _staged(self, stage: RunStage) -> bool:
        self.state = replace(self.state, stage=stage, listing=LISTING)
        return await self.save(self.state)

    async def _first_look(self, lists: Spill) -> bool:
        """Looks at all that is listed; False where the run is to end."""
        reader = ManifestReader(self.gate, self.export, self.doubts)
        async with aclosing(reader.pages()) as pages:
            async for page in pages:
                looks = await self.gate.writer.read(partial(self._looks, page))
                lists.add(self._entry(one, seen) for one, seen in zip(page, looks, strict=True))
                self.state = replace(self.state, records=self.state.records + len(page), listing=LISTING)
                if not await self.save(self.state):
                    return False
        return True

    def _looks(self, page: Sequence[Listed], tx: Tx) -> list[Look]:
        return [look(self.gate, tx, self.source, one, as_of=self.as_of) for one in page]

    def _entry(self, one: Listed, seen: Look) -> bytes:
        key = self._key(one.number)
        if seen.verdict in _KINDS:
            self.suspects.add(key)
        if seen.case_id in self.open_cases and seen.case_id is not None:
            self.listed.add(seen.case_id)
            if seen.verdict is Verdict.EQUAL:
                self.equal.add(seen.case_id)
        return key + bytes((seen.verdict,))

    async def _second_look(self) -> None:
        """Looks again at what was suspected, and keeps what is still so: a row may have been posted meanwhile."""
        if not self.suspects:
            return
        async with aclosing(ManifestReader(self.gate, self.export, self.doubts).pages()) as pages:
            async for page in pages:
                some = [one for one in page if self._key(one.number) in self.suspects]
                for start in range(0, len(some), KEPT_AT_ONCE):
                    part = some[start : start + KEPT_AT_ONCE]
                    seen = await self.gate.writer.write(partial(self._keep_listed, part))
                    self._count(part, seen)

    def _keep_listed(self, some: Sequence[Listed], tx: Tx) -> list[tuple[Look, bool]]:
        """The second looks, and of each whether a difference was kept."""
        require_turn(tx, self.run)
        looks = self._looks(some, tx)
        return [(seen, self._keep(tx, one, seen)) for one, seen in zip(some, looks, strict=True)]

    def _keep(self, tx: Tx, one: Listed, seen: Look) -> bool:
        kind = _KINDS.get(seen.verdict)
        if kind is SourceKind.NOT_POSTED:
            return self._upsert(tx, self._key(one.number).hex(), kind, detail={"key": one.number})
        if kind is SourceKind.DIFFERS and seen.case_id is not None:
            fields = [{"name": name, "owner": "system"} for name in seen.names]
            content = canonical_bytes([one.document, dict(one.fields), one.version])
            seen_mac = self.gate.keyring.mac("manifest_content", seen.case_id.bytes, content)
            return self._upsert(tx, f"{seen.case_id}:", kind, case_id=seen.case_id, seen=seen_mac, fields=fields)
        return False

    def _count(self, some: Sequence[Listed], seen: Sequence[tuple[Look, bool]]) -> None:
        for one, (shown, is_kept) in zip(some, seen, strict=True):
            key, kind = self._key(one.number), _KINDS.get(shown.verdict)
            known = self.shown.get(key)
            if is_kept and kind is not None and (known is None or known not in _KINDS):
                self.kinds[kind.value] = self.kinds.get(kind.value, 0) + 1
            self.shown[key] = shown.verdict if known is None else max(known, shown.verdict)

    def _window(self) -> CaseFilter | None:
        """The cases that should be listed; None where the run was asked about no window."""
        wish = self.state.wish
        if wish.since is None and wish.until is None:
            return None
        until = self.as_of if wish.until is None else min(datetime.fromisoformat(wish.until), self.as_of)
        since = None if wish.since is None else datetime.fromisoformat(wish.since)
        return CaseFilter(origins=(self.source,), created_from=since, created_until=until)

    async def _look_for_others(self, lists: Spill, window: CaseFilter) -> None:
        """Looks for cases of the window that are not listed."""
        accepted = Spill(self.folder, "accepted", size=_KEY + 16)
        after: UUID | None = None
        while page := await self.gate.writer.read(partial(_cases, window, after)):
            accepted.add(self._key(number) + case_id.bytes for case_id, number in page)
            after = page[-1][0]
        some: list[UUID] = []
        for entry in _only_left(accepted.sorted(), lists.sorted()):
            some.append(UUID(bytes=entry[_KEY:]))
            if len(some) >= KEPT_AT_ONCE:
                await self._keep_unlisted(some)
                some = []
        await self._keep_unlisted(some)

    async def _keep_unlisted(self, some: Sequence[UUID]) -> None:
        kept = await self.gate.writer.write(partial(self._unlisted, tuple(some))) if some else 0
        if kept:
            name = SourceKind.NOT_THERE.value
            self.kinds[name] = self.kinds.get(name, 0) + kept

    def _unlisted(self, some: Sequence[UUID], tx: Tx) -> int:
        require_turn(tx, self.run)
        cases = tx.cases(some)
        here = [one for one in some if one in cases and cases[one].state is CaseState.OPEN]
        return sum(self._upsert(tx, f"{case_id}:", SourceKind.NOT_THERE, case_id=case_id) for case_id in here)

    def _upsert(
        self,
        tx: Tx,
        subject: str,
        kind: SourceKind,
        *,
        case_id: UUID | None = None,
        seen: bytes | None = None,
        fields: Sequence[Mapping[str, str]] = (),
        detail: Mapping[str, Any] | None = None,
    ) -> bool:
        """Keeps a difference, or notes that it was seen again; False where a person wants to hear no more of it."""
        told = {"listing": LISTING, "level": self._level().value, **(detail or {}), "fields": list(fields)}
        difference = self.recorder.seen(
            tx,
            message=MESSAGE,
            subject=subject,
            kind=kind.value,
            case_id=case_id,
            action=Action.ASK.value,
            observed_mac=seen,
            detail=told,
        )
        return self.recorder.put(tx, difference)

    def _is_judged(self, tx: Tx, row: Discrepancy) -> bool:
        """Whether not to have seen a difference says that it is gone."""
        if row.kind == SourceKind.NOT_POSTED:
            return posted_case(self.gate, tx, self.source, str(row.detail.get("key", ""))) is not None
        if row.kind == SourceKind.DIFFERS:
            return row.case_id in self.equal
        if row.kind == SourceKind.NOT_THERE and row.case_id is not None:
            case = tx.case(row.case_id)
            return row.case_id in self.listed or (case is not None and case.state is not CaseState.OPEN)
        return False

    def _has_cases(self, tx: Tx) -> bool:
        where = self._window() or CaseFilter(origins=(self.source,), created_until=self.as_of)
        return bool(tx.oldest_cases(where, after=None, limit=1))

    def _totals(self, lists: Spill) -> ListingTotals:
        counts = dict.fromkeys(Verdict, 0)
        for key, entries in groupby(lists.sorted(), key=lambda entry: entry[:_KEY]):
            first = Verdict(max(entry[_KEY] for entry in entries))
            counts[self.shown.get(key, first)] += 1
        expected = sum(counts.values())
        return ListingTotals(
            listing=LISTING,
            level=self._level().value,
            expected=expected,
            delivered=expected - counts[Verdict.NOT_POSTED],
            read=self.state.records,
            verified=counts[Verdict.EQUAL],
            unjudged=counts[Verdict.UNJUDGED],
            kinds=self.kinds,
            doubts=tuple(self.doubts),
        )

    def _level(self) -> Level:
        return Level.FIELDS if ManifestReader(self.gate, self.export).tells_content else Level.IDS

    def _key(self, number: str) -> bytes:
        return self.gate.keyring.mac("manifest", self.source.encode(), number.encode())[:_KEY]


def _cases(where: CaseFilter, after: UUID | None, tx: Tx) -> list[tuple[UUID, str]]:
    return [(case.case_id, case.case_no) for case in tx.oldest_cases(where, after=after, limit=PAGE)]


def _only_left(left: Iterator[bytes], right: Iterator[bytes]) -> Iterator[bytes]:
    """Entries whose key is on the left only; both in order."""
    other = next(right, None)
    for entry in left:
        while other is not None and other[:_KEY] < entry[:_KEY]:
            other = next(right, None)
        if other is None or other[:_KEY] != entry[:_KEY]:
            yield entry
