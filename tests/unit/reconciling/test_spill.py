"""Entries that are spilled come back in order, and nothing of them stays."""

from __future__ import annotations

import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.flows.reconciling.spill import FOLDER, Spill, left_behind, private_folder, sweep


@given(st.lists(st.binary(min_size=4, max_size=4)), st.integers(1, 7))
def test_what_goes_in_comes_out_in_order_however_often_it_was_written_out(entries: list[bytes], at_once: int) -> None:
    with private_folder(None, "a.b") as folder:
        spill = Spill(folder, "theirs", size=4, at_once=at_once)
        for entry in entries:
            spill.add([entry])
        assert list(spill.sorted()) == sorted(entries)
        assert list(spill.sorted()) == sorted(entries)
        assert spill.count == len(entries)


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
