"""What the consumer of the front database checks of a row, in its own words. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from syncgate.sandbox.systems.frontdb_tables import TABLES

Row = Mapping[str, Any]

CODES = {
    "applyer_type": ("1", "2", "3", "4", "5", "6", "9"),
    "applyer_page_type": ("111", "112", "113", "114", "414", "511", "516", "553", "554", "001", "990", "999"),
    "apply_type": ("1", "2", "9"),
    "project_type": ("1", "2", "3", "4"),
    "cd_operation": ("I", "U", "D"),
    "event_name": ("1", "2", "3"),
    "result_type": ("0", "1", "2", "3", "4", "5", "6", "7"),
    "is_delivery_results": ("0", "1"),
    "get_type": ("1", "2", "3", "4", "9"),
    "special_type": ("1", "2"),
    "data_source": ("999",),
}
ITEMS = ("11990100MB0000001T3000131901001", "11990100MB000000443002031903001", "11990100MB000000573000131904001")
"""Implementation codes that the national platform knows."""
ORDERED = (
    ("apply_date", "accept_date", "受理时间早于申请时间"),
    ("accept_date", "promise_date", "承诺办结时间早于受理时间"),
    ("event_start_time", "event_end_time", "环节结束时间早于环节开始时间"),
    ("special_time", "end_time", "特别程序结束时间早于开始时间"),
)
NEEDS_ACCEPT = frozenset({"up_pro_process", "up_pro_special_procedure", "up_pro_result"})
"""Tables whose rows are not taken before the case's acceptance; materials are handed in before it."""


@dataclass(frozen=True, slots=True)
class Known:
    """What was taken before of the same case.

    Attributes:
        accept_date: when the case was accepted, None where no acceptance of it was taken.
        is_again: whether a row of the same row_guid was taken.
        is_accept_waiting: whether an acceptance lies there that was not looked at.
    """

    accept_date: str | None
    is_again: bool
    is_accept_waiting: bool = False


def is_too_early(table: str, known: Known) -> bool:
    """Whether a row is left until its case's acceptance was looked at."""
    return table in NEEDS_ACCEPT and known.accept_date is None and known.is_accept_waiting


def objection(table: str, row: Row, known: Known) -> str | None:
    """Why a row is not taken, in the consumer's words; None where it is."""
    return next(_objections(table, row, known), None)


def _objections(table: str, row: Row, known: Known) -> Iterator[str]:
    yield from _values(table, row)
    for earlier, later, words in ORDERED:
        if row.get(earlier) is not None and row.get(later) is not None and row[later] < row[earlier]:
            yield words
    if table == "up_pro_accept" and row["task_code"] not in ITEMS:
        yield f"【{row['task_name']}】事项不存在"
    if table in NEEDS_ACCEPT and known.accept_date is None:
        yield "办件受理信息不存在"
    if table == "up_pro_result" and known.accept_date is not None and row["result_date"] < known.accept_date:
        yield "办结时间早于受理时间"
    if known.is_again and row["cd_operation"] == "I":
        yield "记录唯一标识重复"


def _values(table: str, row: Row) -> Iterator[str]:
    for column in TABLES[table]:
        value = row[column.name]
        if value is None or value == "":
            if column.is_required:
                yield f"{column.name}不能为空"
            continue
        if column.name in CODES and value not in CODES[column.name]:
            yield f"{column.name}代码不存在"
        if column.kind == "text":
            yield from _text(column.name, value, column.size)


def _text(name: str, value: str, size: int) -> Iterator[str]:
    try:
        written = value.encode("gbk")
    except UnicodeEncodeError:
        yield f"{name}含有无法识别的字符"
        return
    if len(written) > size:
        yield f"{name}超长"
