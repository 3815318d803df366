"""A gate whose one system brings lists of returns, and the lists that it brings."""

from __future__ import annotations

import csv
import io
from collections.abc import Sequence
from dataclasses import replace
from typing import Any
from uuid import UUID

import openpyxl

from syncgate.domain import ids
from syncgate.domain.returns import RowResult
from syncgate.flows.returning.importing import Imported, RowAnswer, import_returns
from syncgate.site.bundle import Bundle
from syncgate.site.compiler import compile_bundle
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import KEYRING, Worksite, caller, example_site, worksite
from tests.support.cases import an_application
from tests.support.rows import SetClock

OPERATOR = replace(caller("operator").principal, role="operator", sources=())
HEADER = ("办件编号", "质检意见")
EARLY = "受理时间早于申请时间"
RETIRED = "事项版本已停用"
RETURNS = """
returns:
  columns:
    case_no: [办件编号, project_no]
    slot_key: [row_guid]
    batch: [cd_batch, 批次号]
    reason: [质检意见, error_msg]
    returned_at: [质检时间]
    message: [环节]
  messages: {受理: basic_info, 过程: step}
  meant: [basic_info]
  causes:
    - {name: accepted_before_applied, contains: [受理时间早于申请时间], actor: source}
    - {name: item_unknown, contains: [事项版本], actor: table, title: {zh: 事项版本已停用, en: The item was retired}}
"""


def returning_bundle(more: str = RETURNS) -> Bundle:
    """The province of the example site, which here brings lists of returns."""
    files = dict(example_site().bundles["province"].files)
    path = "adapters/province/adapter.yaml"
    files[path] = files[path].rstrip() + more.encode()
    return compile_bundle(
        "province", files, mac=lambda content: KEYRING.mac("inputs", content), schema=example_site().schema
    )


def return_site(store: SqlStore, clock: SetClock) -> Worksite:
    """A worksite whose one system is that province."""
    return worksite(store, clock, [returning_bundle()])


def deliver(site: Worksite, *numbers: str, **changes: Any) -> dict[str, UUID]:
    """Posts applications under these numbers and delivers all that they need; gives the cases."""
    cases = {number: site.post(an_application(number, **changes)).case_id for number in numbers}
    while site.step("province"):
        pass
    return cases


def workbook(rows: Sequence[Sequence[Any]], *, header: Sequence[Any] = HEADER, merge: str = "") -> bytes:
    """A workbook of one sheet. merge: a range of cells that are merged."""
    book = openpyxl.Workbook()
    sheet = book.active
    assert sheet is not None
    for row in (header, *rows):
        sheet.append(list(row))
    if merge:
        sheet.merge_cells(merge)
    out = io.BytesIO()
    book.save(out)
    return out.getvalue()


def table(rows: Sequence[Sequence[Any]], *, header: Sequence[Any] = HEADER, charset: str = "utf-8-sig") -> bytes:
    """The same as CSV."""
    out = io.StringIO()
    csv.writer(out, lineterminator="\r\n").writerows([header, *rows])
    return out.getvalue().encode(charset)


def bring(site: Worksite, content: bytes, *, dry_run: bool = False, **given: Any) -> Imported:
    """Imports a list of the province."""
    work = import_returns(
        site.gate, OPERATOR, "province", content, given=given, dry_run=dry_run, reason="the check of Monday"
    )
    return site.run(work)


def results(found: Imported) -> list[RowResult]:
    """What each row came to, in the order of the file."""
    return [row.result for row in found.rows]


def only(found: Imported) -> RowAnswer:
    (row,) = found.rows
    return row


def batch_of(site: Worksite, case_id: UUID, message: str = "basic_info") -> str:
    """The key of the sending that lies at the province."""
    d = site.only(case_id, "province", message)
    return ids.send_key(d.delivery_id, d.revision, d.bundle, d.given_back_no)
