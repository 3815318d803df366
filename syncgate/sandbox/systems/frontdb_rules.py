"""What the consumer of a front database checks of a row, in its own words. Pure."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from syncgate.sandbox.systems.frontdb_tables import COLUMNS, TABLES, Column

Row = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Known:
    """What was taken before of the same case.

    Attributes:
        accept_date: when the case was accepted, None where no acceptance of it was taken.
        is_again: whether a row of the same row_guid was taken.
        is_accept_waiting: whether an acceptance lies there that was not looked at.
        added: codes that the consumer knows by now beside those of its rules, as (column, code).
    """

    accept_date: str | None
    is_again: bool
    is_accept_waiting: bool = False
    added: frozenset[tuple[str, str]] = frozenset()


@dataclass(frozen=True, slots=True)
class Rules:
    """What one front database asks of its rows.

    Attributes:
        tables: its columns by table, in the order in which the consumer looks at them.
        codes: what is known of a column with codes.
        ordered: two dates of a row of which the first is not after the second, and what is said where it is.
        accept, accept_date: the table and the column that say when a case was accepted.
        needs_accept: tables whose rows are not taken before the case's acceptance.
        more: what else is said against a row, given when its case was accepted.
    """

    tables: Mapping[str, Sequence[Column]]
    codes: Mapping[str, Sequence[str]]
    ordered: Sequence[tuple[str, str, str]]
    accept: str
    accept_date: str
    needs_accept: frozenset[str]
    more: Callable[[str, Row, str | None], Iterator[str]]


ID_TYPES = ("111", "112", "113", "114", "414", "511", "516", "553", "554", "001", "990", "999")
ITEMS = (
    "11990100MB0000001T3000131901001",
    "11990100MB000000314000531902001",
    "11990100MB000000443002031903001",
    "11990100MB000000573000131904001",
)
"""Implementation codes that the national platform knows."""


def _more_of_national(table: str, row: Row, accept_date: str | None) -> Iterator[str]:
    if table == "up_pro_accept" and row["task_code"] not in ITEMS:
        yield f"【{row['task_name']}】事项不存在"
    if table in NATIONAL.needs_accept and accept_date is None:
        yield "办件受理信息不存在"
    if table == "up_pro_result" and accept_date is not None and row["result_date"] < accept_date:
        yield "办结时间早于受理时间"


NATIONAL = Rules(
    tables=TABLES,
    codes={
        "applyer_type": ("1", "2", "3", "4", "5", "6", "9"),
        "applyer_page_type": ID_TYPES,
        "apply_type": ("1", "2", "9"),
        "project_type": ("1", "2", "3", "4"),
        "cd_operation": ("I", "U", "D"),
        "event_name": ("1", "2", "3"),
        "result_type": ("0", "1", "2", "3", "4", "5", "6", "7"),
        "is_delivery_results": ("0", "1"),
        "get_type": ("1", "2", "3", "4", "9"),
        "special_type": ("1", "2"),
        "data_source": ("999",),
    },
    ordered=(
        ("apply_date", "accept_date", "受理时间早于申请时间"),
        ("accept_date", "promise_date", "承诺办结时间早于受理时间"),
        ("event_start_time", "event_end_time", "环节结束时间早于环节开始时间"),
        ("special_time", "end_time", "特别程序结束时间早于开始时间"),
    ),
    accept="up_pro_accept",
    accept_date="accept_date",
    # Materials are handed in before it.
    needs_accept=frozenset({"up_pro_process", "up_pro_special_procedure", "up_pro_result"}),
    more=_more_of_national,
)


Version = tuple[str, int]
"""An item's implementation code, and which version of it."""
PROMISED = "2"


def quality_objection(row: Row, retired: Collection[Version]) -> str | None:
    """Why the check of the next morning gives an acceptance back that was taken; None where it does not.

    It asks more than the consumer: what is promised is not accepted in the second in which it is applied for.
    """
    if row["project_type"] == PROMISED and row["accept_date"] <= row["apply_date"]:
        return "质检不通过：受理时间早于申请时间"
    if (row["task_code"], row["task_version"]) in retired:
        return "质检不通过：事项版本已停用"
    return None


def is_too_early(table: str, known: Known, rules: Rules = NATIONAL) -> bool:
    """Whether a row is left until its case's acceptance was looked at."""
    return table in rules.needs_accept and known.accept_date is None and known.is_accept_waiting


def objection(table: str, row: Row, known: Known, rules: Rules = NATIONAL) -> str | None:
    """Why a row is not taken, in the consumer's words; None where it is."""
    return next(_objections(table, row, known, rules), None)


def _objections(table: str, row: Row, known: Known, rules: Rules) -> Iterator[str]:
    yield from _values(table, row, known, rules)
    for earlier, later, words in rules.ordered:
        if row.get(earlier) is not None and row.get(later) is not None and row[later] < row[earlier]:
            yield words
    yield from rules.more(table, row, known.accept_date)
    if known.is_again and row["cd_operation"] == "I":
        yield "记录唯一标识重复"


def _values(table: str, row: Row, known: Known, rules: Rules) -> Iterator[str]:
    for column in COLUMNS[table]:
        value = row[column.name]
        if value is None or value == "":
            if column.is_required:
                yield f"{column.name}不能为空"
            continue
        is_code = column.name in rules.codes and (column.name, value) not in known.added
        if is_code and value not in rules.codes[column.name]:
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
