"""Entries that are spilled come back in order, and nothing of them stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.flows.reconciling.spill import FOLDER, Spill, in_step, left_behind, private_folder, sweep


@given(st.lists(st.binary(min_size=4, max_size=4)), st.integers(1, 7))
def test_what_goes_in_comes_out_in_order_however_often_it_was_written_out(entries: list[bytes], at_once: int) -> None:
    with private_folder(None, "a.b") as folder:
        spill = Spill(folder, "theirs", size=4, at_once=at_once, fence=3)
        for entry in entries:
            spill.add([entry])
        assert list(spill.sorted()) == sorted(entries)
        assert list(spill.sorted()) == sorted(entries)
        assert spill.count == len(entries)


@given(st.lists(st.binary(min_size=3, max_size=3)), st.lists(st.binary(min_size=2, max_size=2)), st.integers(1, 7))
def test_pieces_of_two_sides_hold_all_of_both_and_no_key_twice(
    mine: list[bytes], other: list[bytes], at_once: int
) -> None:
    with private_folder(None, "a.b") as folder:
        ours = Spill(folder, "a", size=3, at_once=at_once, fence=1)
        theirs = Spill(folder, "b", size=2, at_once=at_once, fence=1)
        ours.add(mine)
        theirs.add(other)
        pieces = [(list(one), list(another)) for one, another in in_step(ours, theirs, key_size=1, usual=2)]
    assert [entry for one, _ in pieces for entry in one] == sorted(mine)
    assert [entry for _, another in pieces for entry in another] == sorted(other)
    keys = [{entry[:1] for entry in [*one, *another]} for one, another in pieces]
    assert sum(map(len, keys)) == len(set().union(*keys))


def test_one_key_a_hundred_thousand_times_is_not_held_at_once(tmp_path: Path) -> None:
    spill = Spill(tmp_path, "theirs", size=4, at_once=10_000)
    for no in range(12):
        spill.add([b"same"] * 10_000 + [bytes([no]) * 4])
    spill.add([b"zzzz"])
    pieces = [piece for (piece,) in in_step(spill, key_size=4)]
    assert [isinstance(piece, list) for piece in pieces] == [True, False]
    assert sum(1 for piece in pieces for _ in piece) == spill.count == 120_013
    assert list(spill.sorted())[-2:] == [b"same", b"zzzz"]


def test_an_entry_of_another_size_is_refused(tmp_path: Path) -> None:
    spill = Spill(tmp_path, "ours", size=4)
    with pytest.raises(ValueError, match="4 bytes"):
        spill.add([b"1234", b"12345"])


def test_only_its_owner_reads_what_is_spilled(tmp_path: Path) -> None:
    with private_folder(tmp_path, "food.1") as folder:
        Spill(folder, "ours", size=4, at_once=1).add([b"1234"])
        (file,) = folder.iterdir()
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
        assert stat.S_IMODE(folder.parent.stat().st_mode) == 0o700
        assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_nothing_is_left_of_a_run_that_failed(tmp_path: Path) -> None:
    with pytest.raises(RuntimeError), private_folder(tmp_path, "food.1") as folder:
        Spill(folder, "ours", size=4, at_once=1).add([b"1234"])
        raise RuntimeError
    assert list((tmp_path / FOLDER).iterdir()) == []


def test_what_a_killed_process_left_is_seen_and_goes(tmp_path: Path) -> None:
    """Crash point: anywhere while a run reads. Nothing of what a system listed outlives the run."""
    assert left_behind(tmp_path) == left_behind(None) == []
    for name in ("food.1", "food.2"):
        (tmp_path / FOLDER / name).mkdir(parents=True)
        (tmp_path / FOLDER / name / "theirs.0").write_bytes(b"1234")
    assert sorted(folder.name for folder in left_behind(tmp_path)) == ["food.1", "food.2"]
    sweep([tmp_path / FOLDER / "food.1"])
    assert [folder.name for folder in left_behind(tmp_path)] == ["food.2"]
