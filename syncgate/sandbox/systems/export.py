"""What a system's back office exports and sends by mail: a table of texts as CSV or as an Excel workbook."""

from __future__ import annotations

import csv
import io
import zipfile
from collections.abc import Iterable, Iterator, Sequence
from typing import Protocol, runtime_checkable
from urllib.parse import parse_qs
from xml.sax.saxutils import escape

from syncgate.sandbox.wire import Reply, json_reply

_SHEET = "http://schemas.openxmlformats.org/spreadsheetml/2006/main"
_PACKAGE = "http://schemas.openxmlformats.org/package/2006"
_OFFICE = "http://schemas.openxmlformats.org/officeDocument/2006/relationships"
_TYPE = "application/vnd.openxmlformats-officedocument.spreadsheetml"
_PARTS = {
    "[Content_Types].xml": (
        f'<Types xmlns="{_PACKAGE}/content-types"><Default Extension="rels"'
        ' ContentType="application/vnd.openxmlformats-package.relationships+xml"/>'
        f'<Override PartName="/xl/workbook.xml" ContentType="{_TYPE}.sheet.main+xml"/>'
        f'<Override PartName="/xl/worksheets/sheet1.xml" ContentType="{_TYPE}.worksheet+xml"/></Types>'
    ),
    "_rels/.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{_OFFICE}/officeDocument" Target="xl/workbook.xml"/></Relationships>'
    ),
    "xl/_rels/workbook.xml.rels": (
        f'<Relationships xmlns="{_PACKAGE}/relationships"><Relationship Id="r1"'
        f' Type="{_OFFICE}/worksheet" Target="worksheets/sheet1.xml"/></Relationships>'
    ),
    "xl/workbook.xml": (
        f'<workbook xmlns="{_SHEET}" xmlns:r="{_OFFICE}"><sheets>'
        '<sheet name="办件导出" sheetId="1" r:id="r1"/></sheets></workbook>'
    ),
}
_HEAD = '<?xml version="1.0" encoding="UTF-8" standalone="yes"?>'

Row = Sequence[str]


@runtime_checkable
class Exports(Protocol):
    """A system whose people export what it holds."""

    def export(self) -> Iterator[Row]:
        """The header, then a row for every record."""


def exported(rows: Iterable[Row], query: str) -> Reply:
    """The file that is asked for: `format` csv (default) or xlsx; of CSV its `charset`, else utf-8-sig."""
    fields = {name: values[-1] for name, values in parse_qs(query).items()}
    match fields.get("format", "csv"):
        case "xlsx":
            return Reply(200, workbook(rows), media_type=f"{_TYPE}.sheet")
        case "csv":
            charset = fields.get("charset", "utf-8-sig")
            try:
                return Reply(200, table(rows, charset), media_type="text/csv")
            except (LookupError, UnicodeEncodeError):
                return json_reply(422, {"error": f"expected a charset that holds the rows, got {charset}"})
        case other:
            return json_reply(422, {"error": f"expected format csv or xlsx, got {other}"})


def table(rows: Iterable[Row], charset: str) -> bytes:
    """The rows as CSV. Raises LookupError, UnicodeEncodeError."""
    text = io.StringIO(newline="")
    csv.writer(text).writerows(rows)
    return text.getvalue().encode(charset)


def workbook(rows: Iterable[Row]) -> bytes:
    """The rows as the one sheet of a workbook, every cell a text."""
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, part in _PARTS.items():
            archive.writestr(name, _HEAD + part)
        with archive.open("xl/worksheets/sheet1.xml", "w", force_zip64=True) as sheet:
            sheet.write(f'{_HEAD}<worksheet xmlns="{_SHEET}"><sheetData>'.encode())
            for no, row in enumerate(rows, start=1):
                sheet.write(f'<row r="{no}">{"".join(_cells(no, row))}</row>'.encode())
            sheet.write(b"</sheetData></worksheet>")
    return file.getvalue()


def _cells(no: int, row: Row) -> Iterator[str]:
    for place, text in enumerate(row):
        if text:
            yield f'<c r="{chr(65 + place)}{no}" t="inlineStr"><is><t xml:space="preserve">{escape(text)}</t></is></c>'
