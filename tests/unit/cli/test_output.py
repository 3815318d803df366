"""What people read lines up, and machines get JSON."""

from __future__ import annotations

from syncgate.cli.output import facts, table, width


def test_wide_characters_take_two_columns() -> None:
    assert (width("abc"), width("示例"), width("，"), width("ｱ"), width("é")) == (3, 4, 2, 1, 1)


def test_columns_line_up_whatever_is_written() -> None:
    rows = [{"name": "示例系统", "count": 1}, {"name": "food", "count": 12}, {"name": None, "count": [1, 2]}]
    lines = table(rows, ["name", "count"]).splitlines()
    assert lines == ["name      count", "示例系统  1", "food      12", "          1, 2"]


def test_no_line_ends_in_spaces() -> None:
    assert table([{"a": "x", "b": ""}], ["a", "b"]).splitlines()[1] == "x"


def test_facts_leave_out_what_is_empty() -> None:
    assert facts({"a": 1, "long_name": "x", "c": None}, ["a", "long_name", "c"]) == "a          1\nlong name  x"
