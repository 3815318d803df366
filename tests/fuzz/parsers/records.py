"""What sources and clerks write: it ends in records, each with its place, torn ones among them, or in one refusal."""

from __future__ import annotations

import io
import json
from collections.abc import Iterator, Sequence
from functools import cache, partial
from pathlib import Path
from typing import Any, Final
from urllib.parse import quote

import openpyxl
from hypothesis import strategies as st

from syncgate.cli.case_files import read_cases
from syncgate.domain.errors import RequestError
from syncgate.flows.returning.sheet import read_sheet
from syncgate.flows.taking_in.content import Body, records_in
from syncgate.flows.taking_in.reading import rendered
from syncgate.mapping import Context, Mapped
from syncgate.records import (
    Columns,
    CsvSettings,
    FileRefused,
    FormSettings,
    JsonSettings,
    NdjsonSettings,
    Record,
    Torn,
    XlsxSettings,
    XmlSettings,
    read,
)
from syncgate.records.settings import Settings
from tests.fuzz.mutation import spoiled_archives, spoiled_documents, spoiled_trees
from tests.fuzz.target import Target
from tests.integration.web.words import FORMATS, GOOD, a_source, mapping_of
from tests.unit.test_example_site import bundle
from tests.unit.web.sample import MOBILE, NAME, application, hotline, resident, schema

PERSONAL: Final = {"姓名": NAME, "电话": MOBILE}
VALUES: Final = (NAME, MOBILE, resident())
"""What no message repeats."""
RECORDS: Final = [GOOD | PERSONAL, GOOD | PERSONAL | {"编号": "P-0002", "备注": "第一行\n第二行，“引号”"}]
LONGEST_TOLD: Final = 2000


def told(text: str) -> None:
    """What a person is told: something, not endless, and nobody's data."""
    assert text and len(text) <= LONGEST_TOLD, len(text)
    repeated = [value for value in VALUES if value in text]
    assert not repeated, "personal data in a message"


def _read(settings: Settings, content: bytes) -> None:
    columns = Columns(frozenset({"编号"}) if isinstance(settings, CsvSettings | XlsxSettings) else frozenset())
    try:
        for row in read(io.BytesIO(content), settings, name="input", columns=columns):
            assert row.line >= 1
            if isinstance(row, Torn):
                told(row.reason)
            else:
                _in_words(row)
    except FileRefused as error:
        told(error.message)
        assert "\n" not in error.message


@cache
def _mapping() -> Any:
    return mapping_of()


def _in_words(row: Record) -> None:
    """A record that was read is mapped, or says what is wrong with it; its case is judged, or refused by field."""
    json.dumps(row.value).encode()
    made = rendered(_mapping(), row, Context(record_no="1"))
    if made.fault is not None:
        _refused(made.fault)
    else:
        _checked(made.document)


def _checked(case: Any) -> None:
    try:
        schema().check(case)
    except RequestError as error:
        _refused(error)


def _refused(error: RequestError) -> None:
    told(error.message)
    for one in error.errors:
        assert one.pointer == "" or one.pointer.startswith("/")
        told(one.rule)


def _body(format_name: Any, content: bytes) -> None:
    source = a_source()
    assert source.mapping is not None
    try:
        for row in records_in(source, source.mapping, Body(format_name, content)).records:
            assert row.line >= 1
    except RequestError as error:
        _refused(error)


def _cases(suffix: str, content: bytes) -> None:
    file = Path("/dev/shm") / f"syncgate-fuzz{suffix}" if Path("/dev/shm").is_dir() else Path(f"/tmp/fuzz{suffix}")
    file.write_bytes(content)
    try:
        for row in read_cases(file):
            assert row.line >= 1
            told(row.reason) if isinstance(row, Torn) else json.dumps(row.case)
    except FileRefused as error:
        told(error.message)
    finally:
        file.unlink()


def _returns(content: bytes) -> None:
    rules = bundle("frontdb").returns
    assert rules is not None
    try:
        sheet = read_sheet(content, rules, name="input", given={})
        assert len(sheet.rows) >= 0
    except RequestError as error:
        told(error.message)


@cache
def _mapped() -> list[tuple[Any, Any]]:
    systems = ("province", "food", "frontdb", "workorders")
    return [(system, message.name) for system in systems for message in bundle(system).messages]


def in_csv(records: Sequence[dict[str, str]]) -> str:
    """Records as CSV, every cell quoted."""
    names = list(dict.fromkeys(name for record in records for name in record))
    rows = [names, *([record.get(name, "") for name in names] for record in records)]
    return "\r\n".join(",".join('"' + cell.replace('"', '""') + '"' for cell in row) for row in rows) + "\r\n"


def in_xml(records: Sequence[dict[str, str]], charset: str) -> str:
    """Records as elements."""
    orders = "".join(
        "<order a='1'>" + "".join(f"<{k}>{v}</{k}>" for k, v in one.items()) + "</order>" for one in records
    )
    return f'<?xml version="1.0" encoding="{charset}"?>\n<orders xmlns:x="u">\n{orders}\n</orders>'


def in_workbook(records: Sequence[dict[str, str]]) -> bytes:
    """Records as a workbook."""
    made = openpyxl.Workbook()
    sheet = made.active
    assert sheet is not None
    names = list(records[-1])
    sheet.append(names)
    for record in records:
        sheet.append([record.get(name) for name in names])
    out = io.BytesIO()
    made.save(out)
    return out.getvalue()


def in_form(charset: str) -> str:
    """The first record as a form."""
    return "&".join(f"{quote(k, encoding=charset)}={quote(v, encoding=charset)}" for k, v in RECORDS[0].items())


def _documents(text: str, charset: str) -> st.SearchStrategy[bytes]:
    return spoiled_documents([text.encode(charset)], charset=charset)


def targets() -> Iterator[Target]:
    """Each format in its charsets, and the readers that stand on them."""
    listed = json.dumps({"data": {"items": RECORDS}}).encode()
    lines = "\n".join(json.dumps(one, ensure_ascii=False) for one in [*RECORDS, application(), hotline()])
    for charset in ("utf-8", "gb18030", "gbk", "big5"):
        text = in_csv(RECORDS).encode(charset, "ignore").decode(charset)
        yield Target(f"csv_{charset}", partial(_documents, text, charset), partial(_read, CsvSettings(charset=charset)))
        marked = in_xml(RECORDS, charset).encode(charset, "ignore").decode(charset)
        xml = XmlSettings(charset=charset, record="/orders/order", lists=("/备注",))
        yield Target(f"xml_{charset}", partial(_documents, marked, charset), partial(_read, xml))
    yield Target("json_list", partial(spoiled_trees, [listed]), partial(_read, JsonSettings(records="/data/items")))
    gbk = JsonSettings(charset="gb18030", records="/data/items")
    yield Target("json_gb18030", partial(spoiled_trees, [listed], charset="gb18030"), partial(_read, gbk))
    yield Target("json_text", partial(_documents, listed.decode(), "utf-8"), partial(_read, gbk))
    yield Target("ndjson", partial(_documents, lines, "utf-8"), partial(_read, NdjsonSettings()))
    for charset in ("utf-8", "gbk"):
        form = FormSettings(charset=charset, lists=("备注",))
        yield Target(f"form_{charset}", partial(_documents, in_form(charset), "utf-8"), partial(_read, form))
    yield Target("xlsx", lambda: spoiled_archives([in_workbook(RECORDS)]), partial(_read, XlsxSettings()))
    bodies = {
        "json": (json.dumps(RECORDS[0], ensure_ascii=False), "gb18030"),
        "xml": (in_xml(RECORDS, "gbk"), "gbk"),
        "form": (in_form("gbk"), "utf-8"),
        "csv": (in_csv(RECORDS), "gbk"),
    }
    assert set(bodies) == set(FORMATS)
    for name, (text, charset) in bodies.items():
        yield Target(f"posted_{name}", partial(_documents, text, charset), partial(_body, name))
    one = json.dumps([application(), hotline()], ensure_ascii=False)
    yield Target("case_file_json", partial(_documents, one, "utf-8"), partial(_cases, ".json"))
    yield Target("case_file_ndjson", partial(_documents, lines, "utf-8"), partial(_cases, ".ndjson"))
    yield Target("returns_csv", partial(_documents, _returned(), "gb18030"), _returns)
    yield Target("returns_xlsx", lambda: spoiled_archives([_returned_workbook()]), _returns)
    yield Target("outward", lambda: spoiled_trees([json.dumps(application()).encode()]), _outward)


def _outward(content: bytes) -> None:
    """Whatever a case says, a mapping gives a payload or faults, and the contract judges it."""
    try:
        case = json.loads(content)
    except ValueError:
        return
    if not isinstance(case, dict):
        return
    for system, message in _mapped():
        spec = bundle(system).specs[message]
        result = spec.mapping.apply(_inputs(case))
        if isinstance(result, Mapped):
            spec.contract.violations(result.payload)


def _inputs(case: Any) -> Any:
    from syncgate.mapping import Inputs

    stages = case.get("stages")
    return Inputs(case, part=stages[0] if isinstance(stages, list) and stages else None)


def _returned() -> str:
    return "业务编号,退回原因,环节,退回时间\r\n990101-1,受理时间早于申请时间,S01,2026-05-01 09:00:00\r\n"


def _returned_workbook() -> bytes:
    names, row = (line.split(",") for line in _returned().strip().split("\r\n"))
    return in_workbook([dict(zip(names, row, strict=True))])
