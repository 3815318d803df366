"""A run of reconciliation: every listing of one system compared, what was found kept, then mended as was asked."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import Any, Final

import structlog

from syncgate.domain.reconciliation.kinds import Level
from syncgate.domain.reconciliation.learning import Offers
from syncgate.domain.reconciliation.plausibility import Implausible
from syncgate.domain.reconciliation.run import ListingTotals, RunOutcome, RunStage, RunState
from syncgate.domain.rows import Run
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.adopting import adopt
from syncgate.flows.reconciling.closing import GATE
from syncgate.flows.reconciling.comparing import Compared, ListingRun, is_judged_now
from syncgate.flows.reconciling.counting import CountRun
from syncgate.flows.reconciling.matching import Matching
from syncgate.flows.reconciling.mending import mend
from syncgate.flows.reconciling.pacing import Pace
from syncgate.flows.reconciling.progress import Progress, Stopped
from syncgate.flows.reconciling.reading import Reader
from syncgate.flows.reconciling.recording import Recorder
from syncgate.flows.reconciling.roles import Judging, messages_of, takes_back_by
from syncgate.flows.reconciling.sourced import Local, Sourced, sourced
from syncgate.flows.reconciling.spill import private_folder
from syncgate.flows.reconciling.turns import Save, require_turn
from syncgate.ports import Listing, Transport, Tx
from syncgate.site.bundle import Bundle
from syncgate.site.readback import ReadBack, ReadListing

log = structlog.get_logger("syncgate.reconcile")
UNLISTED: Final = "no_export"
"""The doubt about a listing that only an export brings, where none was given."""
_NOT_BELIEVED: Final = frozenset(one.value for one in Implausible)
RUNS_LOOKED_AT: Final = 20
"""Earlier runs among which one of the same sort is looked for."""


async def reconcile(
    gate: Gate, run: Run, *, transport_of: Callable[[str], Transport], save: Save, local: Local | None = None
) -> RunState:
    """What a run comes to; also of one that another process began and left.

    It may be stopped anywhere, and be gone on with from what was kept: listings that were compared are not read again,
    what was found is found again as the same, and mending looks at each case anew.

    Args:
        gate: the running gate.
        run: claimed by the caller.
        transport_of: the transport of a bundle, by digest.
        save: keeps how far it is; False ends it here.
        local: of the site; None: as sites usually are.
    """
    state = RunState.from_json(run.detail)
    system = run.job.partition(":")[2]
    bundle = gate.bundles.get(state.bundle) or gate.active_bundle(system)
    progress = Progress.of(gate, replace(state, bundle=bundle.digest), run.cursor, save)
    if bundle.readback is None:
        return _ended(progress.state, RunOutcome.FAILED, at=gate.clock.now())
    with private_folder(gate.data, f"{system}.{run.slot}") as folder:
        transport = transport_of(bundle.digest)
        working = _Running(gate, run, bundle, bundle.readback, transport, progress, folder, local or Local())
        try:
            return await working.work()
        except Stopped:
            return progress.state


@dataclass(slots=True)
class _Running:
    """One run at work."""

    gate: Gate
    run: Run
    bundle: Bundle
    readback: ReadBack
    transport: Transport
    progress: Progress
    folder: Path
    local: Local
    offers: Offers = field(default_factory=Offers)

    async def work(self) -> RunState:
        recorder = Recorder(self.gate, self.run, self.bundle.system, self._begun_at)
        await recorder.load_ignored()
        for listing in self.readback.listings:
            if listing.name not in self.progress.compared and self._messages(listing):
                await self._adopt(listing)
                await self._compare(listing, recorder)
        await self.progress.now(offers=self._offered())
        outcome = await self._mended(recorder, _outcome(self.progress.state.totals))
        return _ended(self.progress.state, outcome, at=await self.gate.writer.read(lambda tx: tx.now))

    def _offered(self) -> tuple[Mapping[str, Any], ...]:
        """What was learnt, also by whoever worked on the run before."""
        known = {(one["message"], one["field"]): one for one in self.progress.state.offers}
        mine = {(one.message, one.field): one.to_json() for one in self.offers.offered()}
        return tuple((known | mine).values())

    async def _adopt(self, listing: ReadListing) -> None:
        """Links what was typed there by hand, where that was asked; then the listing is compared as always."""
        state, source = self.progress.state, self._sourced(listing)
        if state.wish.mode != "adopt" or source.listing is None or source.query is None:
            return
        await self.progress.now(stage=RunStage.READING, listing=listing.name)
        reader = Reader(
            source=source.listing,
            query=source.query,
            pace=Pace(self.gate, self.bundle),
            waits=self.bundle.schedule,
            on_page=self.progress.read,
        )
        matching = Matching(
            gate=self.gate,
            bundle=self.bundle,
            listing=listing,
            messages=self._messages(listing),
            reader=reader,
            folder=self.folder,
        )
        matches, by = await matching.matches(), state.wish.by or GATE
        told = await adopt(self.gate, self.bundle.system, self.run.slot, matches, by=by, require=self._require)
        await self.progress.now(mended=dict(Counter(self.progress.state.mended) + Counter(told)))

    async def _mended(self, recorder: Recorder, outcome: RunOutcome) -> RunOutcome:
        """Mends what this run saw, where that was asked and is believed; gives how the run ends."""
        wish, ids = self.progress.state.wish, await recorder.seen_open()
        if wish.mode != "mend" or outcome is RunOutcome.IMPLAUSIBLE:
            await self.progress.now(left=len(ids))
            return outcome
        await self.progress.now(stage=RunStage.MENDING, listing="")
        mended = await mend(
            self.gate,
            self.bundle.system,
            self.run.slot,
            ids,
            cap=self.readback.cap if wish.cap is None else wish.cap,
            by=wish.by or GATE,
            require=self._require,
        )
        await self.progress.now(mended=dict(mended.by_action), left=mended.left)
        return RunOutcome.CAP_EXCEEDED if mended.is_beyond_cap else outcome

    def _require(self, tx: Tx) -> None:
        require_turn(tx, self.run)

    @property
    def _begun_at(self) -> datetime:
        return datetime.fromisoformat(self.progress.state.begun_at)

    def _messages(self, listing: ReadListing) -> frozenset[str]:
        return messages_of(listing.messages, self.progress.state.wish.messages)

    async def _compare(self, listing: ReadListing, recorder: Recorder) -> None:
        await self.progress.now(stage=RunStage.READING, listing=listing.name)
        source = self._sourced(listing)
        if listing.level is Level.NONE:
            await self.progress.done(ListingTotals(listing=listing.name, level=listing.level.value))
            return
        if source.listing is None and listing.read is None and listing.level is not Level.COUNTS:
            totals = ListingTotals(listing=listing.name, level=listing.level.value, doubts=(UNLISTED,))
            await self.progress.done(totals)
            return
        judging = self._judging(listing, source.as_of)
        if listing.level is Level.COUNTS:
            await self._count(listing, replace(judging, messages=frozenset(listing.messages)), recorder)
            return
        before = await self.gate.writer.read(partial(self._read_before, listing.name))
        running = ListingRun(
            gate=self.gate,
            bundle=self.bundle,
            listing=listing,
            judging=judging,
            source=source.listing,
            query=source.query,
            transport=self.transport,
            folder=self.folder,
            recorder=recorder,
            progress=self.progress,
            read_before=before,
            missing_at_most=self.readback.missing_at_most,
            offers=self.offers,
        )
        compared = await running.compare()
        await self._close(listing, judging, compared, recorder)
        await self.progress.done(compared.totals)

    async def _count(self, listing: ReadListing, judging: Judging, recorder: Recorder) -> None:
        if listing.count is None or not isinstance(self.transport, Listing):
            await self.progress.done(ListingTotals(listing=listing.name, level=listing.level.value, doubts=(UNLISTED,)))
            return
        running = CountRun(
            gate=self.gate,
            bundle=self.bundle,
            listing=listing,
            judging=judging,
            source=self.transport,
            query=listing.count,
            recorder=recorder,
            progress=self.progress,
            read_before=await self.gate.writer.read(partial(self._read_before, listing.name)),
            missing_at_most=self.readback.missing_at_most,
        )
        compared = await running.compare()
        await self._close(listing, judging, compared, recorder)
        await self.progress.done(compared.totals)

    def _sourced(self, listing: ReadListing) -> Sourced:
        return sourced(
            self.gate,
            self.bundle,
            listing,
            self.transport,
            export_id=self.progress.state.wish.export,
            window=self._window(listing),
            local=self.local,
        )

    def _window(self, listing: ReadListing) -> dict[str, str]:
        """From when until when it is listed, as the site's clocks tell it."""
        until = self.progress.state.wish.until
        ends = {"from": self._since(listing), "until": None if until is None else datetime.fromisoformat(until)}
        if not listing.has_window:
            return {}
        return {name: _local(at, self.local) for name, at in ends.items() if at is not None}

    def _since(self, listing: ReadListing) -> datetime | None:
        wish, window = self.progress.state.wish, self.readback.window
        if not listing.has_window:
            return None
        if wish.since is not None:
            return datetime.fromisoformat(wish.since)
        return None if window is None else self._begun_at - window

    def _judging(self, listing: ReadListing, as_of: datetime | None) -> Judging:
        wish, since = self.progress.state.wish, self._since(listing)
        ends = [self._begun_at, *([] if as_of is None else [as_of])]
        until = min(ends if wish.until is None else [*ends, datetime.fromisoformat(wish.until)])
        return Judging(
            messages=self._messages(listing),
            takes_back=takes_back_by(self.bundle.messages),
            is_removed=listing.is_removed,
            settled_before=until - self.readback.grace,
            sent_from=None if since is None else since + self.readback.grace,
        )

    def _read_before(self, listing: str, tx: Tx) -> int | None:
        """Records of ours that the last complete run over the same window read of a listing."""
        wish = self.progress.state.wish
        for run in tx.list_runs(self.run.job, limit=RUNS_LOOKED_AT):
            if run.outcome != RunOutcome.COMPLETE.value or run.slot == self.run.slot:
                continue
            state = RunState.from_json(run.detail)
            if _scope(state) == (wish.messages, wish.since, wish.until, wish.export):
                return next((one.read for one in state.totals if one.listing == listing), None)
        return None

    async def _close(self, listing: ReadListing, judging: Judging, compared: Compared, recorder: Recorder) -> None:
        if not compared.is_believed or compared.totals.doubts:
            return
        await recorder.close_gone(
            sorted(judging.messages),
            is_whole=judging.sent_from is None and self.progress.state.wish.messages is None,
            judged=lambda tx, row: is_judged_now(tx, row, judging),
        )


def _local(at: datetime, local: Local) -> str:
    return at.astimezone(local.zone).isoformat(timespec="seconds")


def _scope(state: RunState) -> tuple[object, ...]:
    wish = state.wish
    return (wish.messages, wish.since, wish.until, wish.export)


def _outcome(totals: Sequence[ListingTotals]) -> RunOutcome:
    doubts = {doubt for one in totals for doubt in one.doubts}
    if doubts & _NOT_BELIEVED:
        return RunOutcome.IMPLAUSIBLE
    return RunOutcome.INCOMPLETE if doubts else RunOutcome.COMPLETE


def _ended(state: RunState, outcome: RunOutcome, *, at: datetime) -> RunState:
    return replace(state, stage=RunStage.ENDED, listing="", outcome=outcome, ended_at=at.isoformat())
