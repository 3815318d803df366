"""What is shown of many rows at once is what is shown of one."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from decimal import Decimal
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.transports.database.bulk import shower_of
from syncgate.transports.database.columns import Unreadable, parse_column, show

ZONE = ZoneInfo("Asia/Shanghai")
ZONED = timezone(timedelta(hours=1))
VALUES: dict[str, st.SearchStrategy[Any]] = {
    "varchar(20)": st.text(),
    "char(20)": st.text(),
    "text": st.text(),
    "int": st.integers(),
    "bigint": st.integers() | st.booleans(),
    "decimal(8,2)": st.decimals(allow_nan=False, allow_infinity=False, places=2) | st.decimals(allow_nan=False),
    "decimal(8,0)": st.decimals(allow_nan=False, allow_infinity=False),
    "datetime": st.datetimes() | st.datetimes(timezones=st.just(ZONED), min_value=datetime(1900, 1, 1)),
    "date": st.dates(),
}
ODD = st.none() | st.binary(max_size=2) | st.lists(st.integers(), max_size=1)


def one_by_one(declared: str, values: list[Any]) -> Any:
    try:
        return [show(parse_column(declared), value, ZONE) for value in values]
    except (Unreadable, OverflowError) as error:
        return type(error)


def at_once(declared: str, values: list[Any]) -> Any:
    try:
        return list(shower_of(parse_column(declared), ZONE)(values))
    except (Unreadable, OverflowError) as error:
        return type(error)


@pytest.mark.parametrize("declared", VALUES)
@given(data=st.data())
def test_many_values_are_shown_as_each_of_them(declared: str, data: st.DataObject) -> None:
    values = data.draw(st.lists(VALUES[declared] | ODD, max_size=5))
    assert at_once(declared, values) == one_by_one(declared, values)


LOOSE: list[tuple[str, Any, Any]] = [
    ("decimal(8,2)", 120.5, "120.50"),
    ("decimal(8,2)", 120, "120.00"),
    ("decimal(8,2)", "120.5", "120.50"),
    ("decimal(8,2)", 0.125, "0.125"),
    ("decimal(8,2)", 1e-7, "0.0000001"),
    ("decimal(20,2)", 1e17, "100000000000000000.00"),
    ("decimal(8,2)", True, 1),
    ("datetime", "2026-04-30 09:31:00", "2026-04-30 09:31:00"),
    ("datetime", "2026-04-30 09:31:00.000000", "2026-04-30 09:31:00"),
    ("datetime", "2026-04-30 09:31:00.250000", "2026-04-30 09:31:00.250000"),
    ("datetime", "2026-04-30T09:31:00", "2026-04-30 09:31:00"),
    ("date", "2026-04-30", "2026-04-30"),
]


@pytest.mark.parametrize(("declared", "given_there", "shown"), LOOSE, ids=str)
def test_what_sqlite_gives_in_other_types_is_shown_as_the_column_s(declared: str, given_there: Any, shown: Any) -> None:
    assert at_once(declared, [given_there, None]) == [shown, None]


@pytest.mark.parametrize(
    ("declared", "value"),
    [
        *(("decimal(8,2)", value) for value in (math.nan, "many", Decimal("NaN"))),
        *(("datetime", value) for value in ("yesterday", 1.5)),
        ("date", "2026-02-30"),
        ("varchar(9)", 1.5),
        ("int", b"1"),
    ],
)
def test_what_no_json_shows_is_unreadable(declared: str, value: Any) -> None:
    assert at_once(declared, [value]) is Unreadable


def test_a_day_is_no_time() -> None:
    assert at_once("datetime", [date(2026, 4, 30)]) == ["2026-04-30"]
