"""A system that is only known by files: an uploaded export, and one that is laid down every day."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.reconciliation.run import RunOutcome, RunState
from syncgate.domain.rows import Run
from syncgate.flows.reconciling import turns
from syncgate.flows.reconciling.exports import find_export, keep_export
from syncgate.flows.reconciling.run import reconcile
from syncgate.flows.reconciling.sourced import Local
from tests.integration.flows.worksite import caller
from tests.integration.reconciling.listed import SETTINGS, World, as_lines, only_by_file
from tests.support.disks import NoSmallDisk, small_disk


@pytest.fixture
def filed(world: World) -> World:
    """The world whose applications are listed by files alone, and whose events are not listed."""
    only_by_file(world, file=None)
    return world


def _upload(world: World, content: bytes, *, system: str = "food") -> str:
    async def pieces() -> AsyncIterator[bytes]:
        yield content

    keeping = keep_export(
        world.site.gate,
        caller("window").principal,
        system,
        pieces(),
        format_name="ndjson",
        settings=SETTINGS,
        size_at_most=10**6,
    )
    return world.site.run(keeping).export_id


@pytest.mark.parametrize("left", [0, 4096])
def test_an_export_for_which_there_is_no_room_leaves_nothing(filed: World, left: int) -> None:
    """The disk is full before the file's own bytes, or before the note that makes it whole."""
    data = filed.site.gate.data
    assert data is not None
    try:
        with small_disk(data / "exports", megabytes=1) as disk:
            disk.fill(but=left)
            with pytest.raises(StoreUnavailable):
                _upload(filed, b"{}")
            assert [path.name for path in disk.path.iterdir()] == ["ballast"]
            disk.empty()
            assert find_export(filed.site.gate, _upload(filed, b"{}"))
    except NoSmallDisk as error:
        pytest.skip(str(error))


def test_an_export_stands_for_what_the_system_lists(filed: World) -> None:
    case_ids = filed.deliver(6)
    filed.food.remove(case_ids[2])
    filed.food.record(case_ids[4])["premises"] = "样本路 7 号"
    state = filed.reconcile(export=_upload(filed, as_lines(filed)))
    assert state.outcome is RunOutcome.COMPLETE
    assert sorted(filed.kinds(), key=lambda one: one[0]) == [("edited_there", case_ids[4]), ("missing", case_ids[2])]
    assert state.totals[0].verified == 4


def test_a_row_that_a_file_lists_twice_is_a_duplicate_and_no_doubt(filed: World) -> None:
    case_ids = filed.deliver(6)
    filed.food.remove(case_ids[2])
    again = json.dumps(filed.food.record(case_ids[4]), ensure_ascii=False)
    other = json.dumps({**filed.food.record(case_ids[5]), "id": "N-other"}, ensure_ascii=False)
    state = filed.reconcile(export=_upload(filed, as_lines(filed) + f"{again}\n{other}\n".encode()))
    assert (state.outcome, state.totals[0].doubts) == (RunOutcome.COMPLETE, ())
    found = {(row.case_id, row.kind, row.detail["records"]) for row in filed.open()}
    assert found == {(case_ids[2], "missing", 0), (case_ids[4], "duplicate", 2), (case_ids[5], "duplicate", 2)}
    assert state.totals[0].verified == 3


def test_to_read_a_file_takes_nothing_of_the_systems_rate(filed: World) -> None:
    case_ids = filed.deliver(3)
    filed.food.remove(case_ids[1])
    before = _rate_tokens(filed)
    assert before > 2
    assert filed.site.gate.active_bundle("food").limits.rate is not None
    state = filed.reconcile(export=_upload(filed, as_lines(filed)))
    assert filed.kinds() == [("missing", case_ids[1])]
    assert (state.outcome, _rate_tokens(filed)) == (RunOutcome.COMPLETE, before)


def _rate_tokens(world: World) -> float:
    row = world.site.store.read(lambda tx: tx.system("food"))
    assert row is not None
    return row.rate_tokens


def test_what_was_delivered_after_an_export_was_brought_is_not_judged_by_it(filed: World) -> None:
    filed.deliver(3)
    export = _upload(filed, as_lines(filed))
    filed.deliver(2)
    state = filed.reconcile(export=export)
    assert filed.open() == []
    assert (state.totals[0].verified, state.totals[0].unjudged) == (3, 2)


def test_a_torn_export_proves_what_is_there_and_no_absence(filed: World) -> None:
    case_ids = filed.deliver(6)
    filed.food.record(case_ids[1])["premises"] = "样本路 8 号"
    filed.food.remove(case_ids[5])
    torn = as_lines(filed) + b'{"bizKey": \n'
    state = filed.reconcile(export=_upload(filed, torn))
    assert state.outcome is RunOutcome.INCOMPLETE
    assert filed.kinds() == [("edited_there", case_ids[1])]


def test_without_an_export_or_with_another_systems_nothing_is_said(filed: World) -> None:
    case_ids = filed.deliver(2)
    filed.food.remove(case_ids[0])
    export = _upload(filed, as_lines(filed), system="province")
    for wish in ({}, {"export": export}, {"export": "01936f00-0000-7000-8000-000000000000"}):
        state = filed.reconcile(**wish)
        assert (state.outcome, state.totals[0].doubts) == (RunOutcome.INCOMPLETE, ("no_export",))
        assert filed.open() == []


def test_the_file_of_the_day_is_read_where_it_is_laid_down(world: World, tmp_path: Path) -> None:
    only_by_file(world, file="exports/food-{date}.ndjson")
    case_ids = world.deliver(4)
    world.food.remove(case_ids[3])
    world.site.clock.at = world.site.clock.at.replace(hour=18)
    local = Local(zone=ZoneInfo("Asia/Shanghai"), root=tmp_path)
    day = world.site.clock.at.astimezone(local.zone)
    file = tmp_path / "exports" / f"food-{day:%Y%m%d}.ndjson"
    file.parent.mkdir()
    file.write_bytes(as_lines(world))
    os.utime(file, (0, datetime(day.year, day.month, day.day, 1, tzinfo=local.zone).timestamp()))
    world.pass_grace()
    state = _work(world, world.begin(), local)
    assert state.outcome is RunOutcome.COMPLETE
    assert world.kinds() == [("missing", case_ids[3])]


def _work(world: World, run: Run, local: Local) -> RunState:
    async def save(state: RunState, *, cursor: str | None = None) -> bool:
        return await world.site.gate.writer.write(lambda tx: turns.keep(tx, run, state, cursor=cursor))

    gate, system_of = world.site.gate, world.site.system_of
    state = world.site.run(reconcile(gate, run, transport_of=system_of, save=save, local=local))
    assert state.outcome is not None
    world.site.write(lambda tx: turns.end(tx, run, state, state.outcome or RunOutcome.FAILED))
    return state
