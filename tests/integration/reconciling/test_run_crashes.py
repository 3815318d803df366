"""A run whose process dies anywhere is gone on with, and comes to the same."""

from __future__ import annotations

import copy
from datetime import timedelta
from typing import Any

import pytest

from syncgate.domain.reconciliation.run import RunOutcome, RunState
from syncgate.domain.rows import Run
from syncgate.flows.reconciling import turns
from syncgate.flows.reconciling.run import reconcile
from syncgate.flows.reconciling.spill import FOLDER
from tests.integration.reconciling.listed import World


class Died(BaseException):
    """The process is gone."""


def _planted(world: World) -> list[tuple[str, Any]]:
    case_ids = world.deliver(9)
    world.food.remove(case_ids[2])
    world.food.record(case_ids[5])["premises"] = "样本路 4 号"
    double = copy.deepcopy(world.food.record(case_ids[7]))
    world.food.records["list_applications"].append({**double, "id": "N-second"})
    return [("duplicate", case_ids[7]), ("edited_there", case_ids[5]), ("missing", case_ids[2])]


def _dies_at(world: World, run: Run, no: int, *, after: bool) -> bool:
    """Works on the run until its save of this number, before or after what that writes; whether it came so far."""
    saves = 0

    async def save(state: RunState, *, cursor: str | None = None) -> bool:
        nonlocal saves
        saves += 1
        if saves == no and not after:
            raise Died
        kept = await world.site.gate.writer.write(lambda tx: turns.keep(tx, run, state, cursor=cursor))
        if saves == no:
            raise Died
        return kept

    async def work() -> RunState:
        return await reconcile(world.site.gate, run, transport_of=world.site.system_of, save=save)

    try:
        state = world.site.run(work())
    except Died:
        return True
    assert state.outcome is not None
    world.site.write(lambda tx: turns.end(tx, run, state, state.outcome or RunOutcome.FAILED))
    return False


@pytest.mark.parametrize("after", [False, True])
def test_a_run_that_dies_at_any_save_is_gone_on_with_and_finds_the_same_once(world: World, after: bool) -> None:
    """Crash point: every time a run keeps how far it is. Claimed once, resumed, completed once; found once."""
    expected = _planted(world)
    no, died = 0, True
    while died:
        no += 1
        run = world.begin()
        died = _dies_at(world, run, no, after=after)
        if died:
            world.site.clock.at += timedelta(minutes=2)
            state = world.work(world.claim())
            assert state.outcome is RunOutcome.COMPLETE
            assert [one.listing for one in state.totals] == ["applications", "events"]
            assert state.totals[0].kinds == {kind: 1 for kind, _ in expected}
        assert sorted(world.kinds(), key=lambda one: one[0]) == expected
        assert len({row.discrepancy_id for row in world.open()}) == 3
        assert list((world.site.gate.data / FOLDER).iterdir()) == []  # type: ignore[operator]
    assert no > 6


def test_a_listing_that_was_compared_is_not_read_again(world: World) -> None:
    """Crash point: after the first listing is done."""
    _planted(world)
    run = world.begin()
    world.food.between = lambda listing, no: (_ for _ in ()).throw(Died()) if listing == "list_events" else None
    with pytest.raises(Died):
        world.work(run)
    read: list[str] = []
    world.food.between = lambda listing, no: read.append(listing)
    world.site.clock.at += timedelta(minutes=2)
    state = world.work(world.claim())
    assert set(read) == {"list_events"}
    assert state.totals[0].kinds == {"duplicate": 1, "edited_there": 1, "missing": 1}


def test_a_run_that_another_process_has_writes_nothing_more(world: World) -> None:
    """Crash point: frozen until its lease was over, while another process went on. Nothing is kept twice."""
    expected = _planted(world)
    run = world.begin()
    others: list[RunState] = []

    def freeze(listing: str, no: int) -> None:
        world.food.between = lambda listing, no: None
        world.site.clock.at += timedelta(minutes=2)
        others.append(world.work(world.claim()))

    world.food.between = freeze

    async def work() -> RunState:
        async def save(state: RunState, *, cursor: str | None = None) -> bool:
            return await world.site.gate.writer.write(lambda tx: turns.keep(tx, run, state, cursor=cursor))

        return await reconcile(world.site.gate, run, transport_of=world.site.system_of, save=save)

    state = world.site.run(work())
    assert state.outcome is None
    assert others[0].outcome is RunOutcome.COMPLETE
    assert sorted(world.kinds(), key=lambda one: one[0]) == expected


def test_a_run_that_mends_and_dies_mends_nothing_twice(world: World) -> None:
    """Crash point: every save of a run that mends. Promise 4: one send for what is missing."""
    case_ids = world.deliver(12)
    sends = len(world.food.sends)
    for no in range(1, 40):
        world.food.remove(case_ids[3])
        run = world.begin(mode="mend")
        died = _dies_at(world, run, no, after=True)
        if died:
            world.site.clock.at += timedelta(minutes=2)
            world.work(world.claim())
        world.settle()
        sends += 1
        assert len(world.food.sends) == sends
        assert world.open() == []
        if not died:
            return
    raise AssertionError("expected a run to come to its end")


def test_a_run_that_was_taken_over_between_its_looks_keeps_nothing_more(world: World) -> None:
    """Crash point: frozen while it reads a single record, until another process has ended the run."""
    expected = _planted(world)
    run = world.begin()
    others: list[RunState] = []

    def freeze() -> None:
        if len(world.food.reads) < 2:
            return
        world.food.on_read = lambda: None
        world.site.clock.at += timedelta(minutes=2)
        others.append(world.work(world.claim()))

    world.food.on_read = freeze
    with pytest.raises(turns.TurnLost):
        world.work(run)
    assert others[0].outcome is RunOutcome.COMPLETE
    assert sorted(world.kinds(), key=lambda one: one[0]) == expected
