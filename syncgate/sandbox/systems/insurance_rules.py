"""What the province's insurance system asks of a row in its front table, in its own words. Pure."""

from __future__ import annotations

from collections.abc import Iterator

from syncgate.sandbox.systems.frontdb_rules import Row, Rules
from syncgate.sandbox.systems.frontdb_tables import INSURANCE_TABLES

KINDS = ("110", "310")
"""Codes of what one may be insured for."""


def _more(table: str, row: Row, accept_date: str | None) -> Iterator[str]:
    kinds = row["aae140"].split(",")
    if not set(kinds) <= set(KINDS) or len(set(kinds)) < len(kinds):
        yield "aae140代码不存在"
    month = row["aae041"]
    if len(month) != 6 or not (month.isascii() and month.isdigit()) or not "01" <= month[4:] <= "12":
        yield "aae041格式错误"
    # What is taken on the last of a month near midnight is booked for that month, whenever the row comes.
    elif month < row["aae036"][:7].replace("-", ""):
        yield "起缴年月早于经办年月"


INSURANCE = Rules(
    tables=INSURANCE_TABLES,
    codes={
        "aac058": ("01", "08"),
        "aac009": ("10", "20", "30"),
        "jfdc": ("060", "080", "100"),
        "cd_operation": ("I", "U", "D"),
        "data_source": ("999",),
    },
    ordered=(),
    accept="si_register",
    accept_date="aae036",
    needs_accept=frozenset(),
    more=_more,
)
