"""Whose turn a run is, on each engine: begun once, one at a system, taken over from the dead, cancelled."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest

from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.reconciliation.due import Rhythm
from syncgate.domain.reconciliation.run import RunOutcome, RunState, RunWish, job_of, slot_of
from syncgate.domain.rows import Run, SystemRow
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling import attending, turns
from syncgate.flows.reconciling.attending import Attendant, Planned
from syncgate.ports import Tx
from syncgate.ports.store import Step
from syncgate.storage import GroupWriter, SiteKeyring, SqlStore
from tests.conftest import OpenStore
from tests.integration.web.served import RealEntropy
from tests.support.rows import START, SetClock
from tests.unit.web.sample import schema

HOURLY = Rhythm(every=timedelta(hours=1))
WISH = RunWish(trigger="schedule", by="schedule")
FOOD = {"food": Planned(HOURLY, WISH)}


@dataclass
class Bench:
    """A store, and as many processes over it as a test has."""

    store: SqlStore
    keyring: SiteKeyring
    clock: SetClock
    worked: list[tuple[str, str]] = field(default_factory=list)
    """(process, slot) of every run that was worked on."""

    def write(self, step: Step[Any]) -> Any:
        (result,) = self.store.write([step])
        if isinstance(result, Exception):
            raise result
        return result

    def runs(self, system: str = "food") -> list[Run]:
        return self.store.read(lambda tx: tx.list_runs(job_of(system), limit=500))

    def process(self, name: str, work: Any = None, *, planned: Any = dict) -> tuple[Attendant, GroupWriter]:
        writer = GroupWriter(self.store)
        gate = Gate(
            hand_over=HandOver(name),
            writer=writer,
            keyring=self.keyring,
            clock=self.clock,
            entropy=RealEntropy(),
            schema=schema(),
            bundles={},
            active={},
            sources=frozenset(),
            on_due=lambda systems: None,
        )

        async def plain(gate: Gate, run: Run, **more: Any) -> RunState:
            self.worked.append((name, run.slot))
            return replace(RunState.from_json(run.detail), outcome=RunOutcome.COMPLETE, records=7)

        used = work or plain
        made = Attendant(gate, work=used, transport_of=lambda digest: None, planned=planned)  # type: ignore[arg-type,return-value]
        return made, writer

    def run(self, act: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        return asyncio.run(act())

    def attend(self, name: str, work: Any = None, *, planned: Any = dict) -> None:
        """One look of one process, to the end of all that it began."""

        async def act() -> None:
            attendant, writer = self.process(name, work, planned=planned)
            await attendant.attend()
            await attendant.idle()
            await writer.aclose()

        self.run(act)


@pytest.fixture
def bench(store: SqlStore, keyring: SiteKeyring, clock: SetClock, monkeypatch: pytest.MonkeyPatch) -> Bench:
    monkeypatch.setattr(attending, "LOOKS_EVERY", timedelta(milliseconds=20))
    monkeypatch.setattr(attending, "ENDS_WITHIN", timedelta(milliseconds=20))
    store.write([lambda tx: [tx.save_system(SystemRow(system=name)) for name in ("food", "other")]])
    return Bench(store, keyring, clock)


def begun(bench: Bench, system: str = "food", salt: str = "a1") -> Run:
    run: Run = bench.write(lambda tx: turns.begin(tx, system, RunWish(by="zhao", reason="why"), salt=salt))
    return run


def test_a_time_that_came_is_one_run_whichever_process_looks(bench: Bench) -> None:
    bench.attend("one", planned=lambda: FOOD)
    assert bench.runs() == []
    bench.clock.move(hours=1)
    for name in ("one", "two", "one"):
        bench.attend(name, planned=lambda: FOOD)
    (run,) = bench.runs()
    assert (run.slot, run.outcome) == (slot_of(HOURLY.latest(bench.clock.at)), "complete")
    assert [slot for _, slot in bench.worked] == [run.slot]
    assert RunState.from_json(run.detail).records == 7


def test_times_that_nobody_could_begin_make_one_run_and_are_noticed(bench: Bench) -> None:
    bench.attend("one", planned=lambda: FOOD)
    bench.clock.move(hours=5)
    bench.attend("one", planned=lambda: FOOD)
    runs = bench.runs()
    assert [run.outcome for run in runs] == ["complete", *["missed"] * 4]
    assert [run.slot for run in runs] == [slot_of(HOURLY.latest(START) + timedelta(hours=5 - n)) for n in range(5)]
    assert all(run.ended_at is not None for run in runs)


def test_a_time_that_comes_while_a_run_is_under_way_begins_after_it(bench: Bench) -> None:
    bench.attend("one", planned=lambda: FOOD)
    by_hand = begun(bench)
    bench.clock.move(hours=1)

    async def act() -> None:
        attendant, writer = bench.process("one", planned=lambda: FOOD)
        await attendant.begin_due("food")
        assert [run.slot for run in bench.runs()] == [by_hand.slot]
        await attendant.attend()
        await attendant.idle()
        await attendant.attend()
        await attendant.idle()
        await writer.aclose()

    bench.run(act)
    assert [slot for _, slot in bench.worked] == [by_hand.slot, slot_of(HOURLY.latest(bench.clock.at))]
    assert [run.outcome for run in bench.runs()] == ["complete", "complete"]


def test_another_rhythm_misses_nothing_of_its_own_past(bench: Bench) -> None:
    bench.attend("one", planned=lambda: {"food": Planned(Rhythm(every=timedelta(days=1)), WISH)})
    bench.clock.move(hours=5)
    bench.attend("one", planned=lambda: FOOD)
    assert bench.runs() == []
    bench.clock.move(hours=1)
    bench.attend("one", planned=lambda: FOOD)
    assert [run.outcome for run in bench.runs()] == ["complete"]


def test_a_process_that_is_behind_begins_nothing(bench: Bench) -> None:
    """It may know another rhythm than the active one."""
    bench.attend("one", planned=lambda: FOOD)
    bench.write(lambda tx: tx.save_system(SystemRow(system="food", active_bundle="sha256:newer")))
    bench.clock.move(hours=1)
    bench.attend("one", planned=lambda: FOOD)
    assert bench.runs() == []


def test_one_run_at_a_time_at_a_system_and_others_beside_it(bench: Bench) -> None:
    first = begun(bench)
    with pytest.raises(turns.RunUnderWay, match=f"food.{first.slot}"):
        begun(bench, salt="b2")
    assert begun(bench, "other", salt="c3").slot.endswith("-c3")
    bench.attend("one")
    assert [run.outcome for run in (*bench.runs(), *bench.runs("other"))] == ["complete", "complete"]
    assert begun(bench, salt="d4").outcome == ""


def test_a_run_of_the_living_is_left_alone_and_one_of_the_dead_is_gone_on_with_from_its_cursor(bench: Bench) -> None:
    """Crash point: after a save."""
    begun(bench)
    dead: Run = bench.write(lambda tx: turns.claim(tx, "food", by="dead"))
    state = replace(RunState.from_json(dead.detail), records=5)
    assert bench.write(lambda tx: turns.keep(tx, dead, state, cursor="applications"))
    bench.clock.move(seconds=59)
    bench.attend("two")
    assert bench.worked == []
    bench.clock.move(seconds=1)
    found: list[Run] = []

    async def work(gate: Gate, run: Run, **more: Any) -> RunState:
        found.append(run)
        return replace(RunState.from_json(run.detail), outcome=RunOutcome.INCOMPLETE)

    bench.attend("two", work)
    assert [(run.cursor, run.detail["records"]) for run in found] == [("applications", 5)]
    assert [run.outcome for run in bench.runs()] == ["incomplete"]
    assert not bench.write(lambda tx: turns.keep(tx, dead, state, cursor="events"))
    assert bench.write(lambda tx: turns.end(tx, dead, state, RunOutcome.COMPLETE)) is None
    with pytest.raises(turns.TurnLost):
        bench.write(lambda tx: turns.require_turn(tx, dead))
    assert [run.outcome for run in bench.runs()] == ["incomplete"]


def test_a_run_that_keeps_ending_its_process_is_failed(bench: Bench) -> None:
    begun(bench)
    for number in range(turns.CLAIMS_AT_MOST):
        claimed = bench.write(lambda tx, number=number: turns.claim(tx, "food", by=f"dead {number}"))
        assert claimed is not None
        bench.clock.move(seconds=60)
    bench.attend("two")
    assert bench.worked == []
    assert [run.outcome for run in bench.runs()] == ["failed"]


def test_a_run_nobody_works_on_is_cancelled_at_once(bench: Bench) -> None:
    run = begun(bench)
    cancelled: Run = bench.write(lambda tx: turns.cancel(tx, "food", run.slot, by="qian"))
    assert (cancelled.outcome, RunState.from_json(cancelled.detail).cancelled_by) == ("cancelled", "qian")
    again = bench.write(lambda tx: turns.cancel(tx, "food", run.slot, by="sun"))
    assert RunState.from_json(again.detail).cancelled_by == "qian"
    assert bench.write(lambda tx: turns.cancel(tx, "food", "20260101T000000Z", by="sun")) is None


@pytest.mark.parametrize("is_saving", [True, False], ids=["it saves", "it waits for a slow system"])
def test_a_run_under_way_is_cancelled(bench: Bench, is_saving: bool) -> None:
    run = begun(bench)
    ends: list[str] = []

    async def work(gate: Gate, claimed: Run, *, save: turns.Save, **more: Any) -> RunState:
        state = RunState.from_json(claimed.detail)
        try:
            assert await save(replace(state, records=3))
            bench_cancel = lambda tx: turns.cancel(tx, "food", run.slot, by="qian")  # noqa: E731
            await gate.writer.write(bench_cancel)
            if not is_saving:
                await asyncio.sleep(60)
            assert not await save(replace(state, records=4))
            return replace(state, records=4)
        finally:
            ends.append("cleaned up")

    bench.attend("one", work)
    (over,) = bench.runs()
    state = RunState.from_json(over.detail)
    assert (over.outcome, state.outcome, state.cancelled_by) == ("cancelled", RunOutcome.CANCELLED, "qian")
    assert (state.records, ends) == (4 if is_saving else 3, ["cleaned up"])


def test_a_defect_fails_the_run_and_an_outage_of_the_store_leaves_it(bench: Bench) -> None:
    begun(bench)
    errors: list[Exception] = [StoreUnavailable("expected a store, got none"), ValueError("a name of a citizen")]

    async def work(gate: Gate, run: Run, **more: Any) -> RunState:
        raise errors.pop(0)

    bench.attend("one", work)
    (left,) = bench.runs()
    assert (left.outcome, left.ended_at) == ("", None)
    bench.clock.move(seconds=60)
    bench.attend("one", work)
    (failed,) = bench.runs()
    assert failed.outcome == "failed"
    assert "citizen" not in str(failed)


def test_a_process_that_ends_lets_others_go_on_at_once(bench: Bench) -> None:
    begun(bench)

    async def slow(gate: Gate, run: Run, *, save: turns.Save, **more: Any) -> RunState:
        await save(RunState.from_json(run.detail), cursor="applications")
        await asyncio.sleep(60)
        raise AssertionError

    async def act() -> None:
        attendant, writer = bench.process("one", slow)
        await attendant.attend()
        with suppress(TimeoutError):
            async with asyncio.timeout(5):
                while bench.runs()[0].cursor is None:
                    await asyncio.sleep(0.01)
        await attendant.stop()
        await writer.aclose()

    bench.run(act)
    (run,) = bench.runs()
    assert (run.cursor, run.ended_at, run.detail["claims"]) == ("applications", None, 0)
    bench.attend("two")
    assert [run.outcome for run in bench.runs()] == ["complete"]


def test_a_long_wait_loses_no_turn(bench: Bench) -> None:
    """The system answers after more time than a lease has."""
    begun(bench)

    async def work(gate: Gate, run: Run, **more: Any) -> RunState:
        for _ in range(6):
            bench.clock.move(seconds=30)
            await asyncio.sleep(0.1)
        return replace(RunState.from_json(run.detail), outcome=RunOutcome.COMPLETE)

    bench.attend("one", work)
    assert [(run.outcome, run.detail["claims"]) for run in bench.runs()] == [("complete", 1)]


def test_two_processes_begin_and_work_on_every_time_once(
    postgres_url: str, open_store: OpenStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    """Both look at the same moments, each with connections of its own."""
    count = 40
    benches = [Bench(open_store(postgres_url, clock=clock, writer=name), keyring, clock) for name in ("one", "two")]
    benches[0].write(lambda tx: tx.save_system(SystemRow(system="food")))

    async def act() -> None:
        both = [bench.process(str(number), planned=lambda: FOOD) for number, bench in enumerate(benches)]
        for _ in range(count + 1):
            await asyncio.gather(*(attendant.attend() for attendant, _ in both))
            await asyncio.gather(*(attendant.idle() for attendant, _ in both))
            await asyncio.gather(*(attendant.attend() for attendant, _ in both))
            await asyncio.gather(*(attendant.idle() for attendant, _ in both))
            clock.move(hours=1)
        await asyncio.gather(*(writer.aclose() for _, writer in both))

    asyncio.run(act())
    runs = benches[0].runs()
    assert [run.outcome for run in runs] == ["complete"] * count
    worked = [slot for bench in benches for _, slot in bench.worked]
    assert sorted(worked) == sorted(run.slot for run in runs)
    assert all(bench.worked for bench in benches)


def test_what_a_run_writes_is_guarded_by_its_turn(bench: Bench) -> None:
    begun(bench)
    first: Run = bench.write(lambda tx: turns.claim(tx, "food", by="first"))

    def guarded(tx: Tx) -> None:
        turns.require_turn(tx, first)

    bench.write(guarded)
    bench.clock.move(seconds=60)
    bench.write(lambda tx: turns.claim(tx, "food", by="second"))
    with pytest.raises(turns.TurnLost):
        bench.write(guarded)
