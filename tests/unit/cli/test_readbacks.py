"""`syncgate check` and `systems show` say how much can be read back, and what that cannot find."""

from __future__ import annotations

from pathlib import Path

from syncgate.cli.readbacks import of_one
from tests.support.commands import said_by

ROOT = Path(__file__).parents[3]


def test_check_shows_of_every_listing_its_level_and_what_that_cannot_find() -> None:
    lines = said_by("--site", ROOT, "check").out.splitlines()
    table = [" ".join(line.split()) for line in lines if line.startswith(("system ", "food ", "province "))]
    assert table[0] == "system listing messages level ways cannot find"
    assert "food applications application fields list, read, count" in table
    assert "province steps step ids export stale, edited_there, normalised_there" in table


def test_check_says_the_same_in_chinese() -> None:
    told = said_by("--language", "zh", "--site", ROOT, "check").out
    line = next(line for line in told.splitlines() if line.startswith("province") and "steps" in line)
    assert line.split()[1:5] == ["steps", "step", "仅编号", "导出文件"]
    assert "对方为旧版, 对方已改动, 对方写法不同" in line
    assert "cannot be taken back" not in told


def test_check_says_it_to_machines() -> None:
    told = said_by("--site", ROOT, "check", "--json").json()
    by_system = {one["system"]: one["readback"] for one in told["readback"]}
    assert set(by_system) == set(told["systems"])
    (orders,) = by_system["workorders"]["listings"]
    assert (orders["level"], orders["cannot_find"]) == ("fields", [])
    assert orders["finds"][0] == "missing"
    assert by_system["workorders"]["unlisted"] == []


def test_a_system_that_is_not_read_back_has_no_table() -> None:
    assert of_one(None) == ""
