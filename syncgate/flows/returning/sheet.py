"""A list of returns as rows: its format, its charset and its columns found, and nothing of it guessed."""

from __future__ import annotations

import io
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final

from syncgate.documents import nearest
from syncgate.domain.errors import FieldError, RequestError
from syncgate.domain.returns import RowResult, folded
from syncgate.domain.returns_matching import KEY_LENGTH, ReturnRow, plain_key
from syncgate.flows.reconciling.exports import settings_of
from syncgate.records import Columns, CsvSettings, FileRefused, Record, Torn, read
from syncgate.records.settings import Settings
from syncgate.site.returning import KEYS, ReturnRules, header_key

ROWS_AT_MOST: Final = 20_000
FORMATS: Final = ("xlsx", "csv")
CHARSETS_TRIED: Final = ("utf-8-sig", "gb18030")
"""Of a CSV file whose charset nobody says: what is no UTF-8 is read as GB18030, of which GBK is a part."""


class InvalidList(RequestError):
    """A file that is no list of returns of this system; nothing of it was taken."""

    code = "invalid_returns"
    status = 422
    actor = "caller"


@dataclass(frozen=True, slots=True, kw_only=True)
class BadRow:
    """A row that says nothing for certain. column: where; why: in words that repeat nothing of it."""

    no: int
    result: RowResult
    column: str = ""
    why: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Sheet:
    """A list as read. format, charset: how it was read; columns: what each header is; unread: headers of nothing."""

    format: str
    charset: str
    columns: Mapping[str, str]
    unread: tuple[str, ...]
    rows: tuple[ReturnRow | BadRow, ...]


def read_sheet(content: bytes, rules: ReturnRules, *, name: str, given: Mapping[str, Any]) -> Sheet:
    """The list.

    Args:
        content: the file.
        rules: which columns it may have.
        name: what messages call it.
        given: `format`, `charset`, `delimiter`, `sheet`, `header_row` as asked for; None: as the file shows.

    Raises:
        InvalidList: it has not the columns, or more rows than are taken. InvalidExport: such settings do not exist.
    """
    format_name, settings = _settings(content, given)
    columns = Columns()
    try:
        records = list(_at_most(read(io.BytesIO(content), settings, name=name, columns=columns)))
    except FileRefused as error:
        raise InvalidList(error.said) from None
    field_by_header = _fields(columns.unread, rules)
    return Sheet(
        format=format_name,
        charset=settings.charset if isinstance(settings, CsvSettings) else "",
        columns=field_by_header,
        unread=tuple(one for one in columns.unread if one not in field_by_header),
        rows=tuple(_row(record, field_by_header, rules) for record in records),
    )


def _settings(content: bytes, given: Mapping[str, Any]) -> tuple[str, Settings]:
    if not content:
        raise InvalidList("expected a file of returns, got an empty one")
    format_name = given.get("format") or ("xlsx" if content.startswith(b"PK\x03\x04") else "csv")
    if format_name not in FORMATS:
        errors = [FieldError("/query/format", "enum", ", ".join(FORMATS))]
        raise InvalidList("expected a workbook or CSV, got another format", errors=errors)
    more = {key: given.get(key) for key in ("charset", "delimiter", "sheet", "header_row")}
    if format_name == "csv" and more["charset"] is None:
        more["charset"] = _charset(content)
    return format_name, settings_of(format_name, more)


def _charset(content: bytes) -> str:
    for charset in CHARSETS_TRIED:
        try:
            content.decode(charset)
        except UnicodeDecodeError:
            continue
        return charset
    raise InvalidList("expected UTF-8 or GB18030, got neither: say the charset")


def _at_most(records: Iterator[Record | Torn]) -> Iterator[Record | Torn]:
    for count, record in enumerate(records, start=1):
        if count > ROWS_AT_MOST:
            raise InvalidList("expected at most {most} rows, got more: import it in parts", most=ROWS_AT_MOST)
        yield record


def _fields(header: Collection[str], rules: ReturnRules) -> dict[str, str]:
    """What each header is that is something. Raises InvalidList naming everything that is wrong with them."""
    found = {one: name for one in header if (name := rules.column_by_header.get(header_key(one))) is not None}
    errors: list[FieldError] = []
    for name, known in rules.headers.items():
        held = [one for one in found if found[one] == name]
        if len(held) > 1:
            errors.append(FieldError(f"/columns/{name}", "repeated_header", " / ".join(known)))
    if "reason" not in found.values():
        errors.append(_missing("reason", rules.headers["reason"], header))
    if not set(KEYS) & set(found.values()):
        keys = [one for key in KEYS for one in rules.headers[key]]
        errors.append(_missing("case_no", keys, header))
    if errors:
        raise InvalidList("expected the headers that the adapter declares for returns, got others", errors=errors)
    return found


def _missing(name: str, known: Collection[str], header: Collection[str]) -> FieldError:
    near = next((one for word in known if (one := nearest(word, [h for h in header if len(h) < 100]))), None)
    expected = " / ".join(known)
    return FieldError(f"/columns/{name}", "missing_header", f"{expected} (there is {near})" if near else expected)


def _row(record: Record | Torn, field_by_header: Mapping[str, str], rules: ReturnRules) -> ReturnRow | BadRow:
    if isinstance(record, Torn):
        return BadRow(no=record.line, result=RowResult.UNREADABLE, column=record.at, why=record.reason)
    header_by_field = {name: header for header, name in field_by_header.items()}
    cell = {name: str(record.value.get(header, "")).strip() for name, header in header_by_field.items()}
    bad = _bad_cell(record.line, cell, header_by_field, rules)
    if bad is not None:
        return bad
    return ReturnRow(
        no=record.line,
        case_no=cell.get("case_no", ""),
        slot_key=plain_key(cell.get("slot_key", "")),
        batch=plain_key(cell.get("batch", "")),
        message=rules.message_by_word.get(folded(cell.get("message", ""))),
        meant=rules.meant,
        reason=cell["reason"],
        returned_at=rules.time(cell["returned_at"]) if cell.get("returned_at") else None,
        record=dict(record.value),
    )


def _bad_cell(
    no: int, cell: Mapping[str, str], header_by_field: Mapping[str, str], rules: ReturnRules
) -> BadRow | None:
    """The first thing that is wrong with a row; None where nothing is."""

    def bad(name: str, why: str, result: RowResult = RowResult.UNREADABLE) -> BadRow:
        return BadRow(no=no, result=result, column=header_by_field.get(name, ""), why=why)

    if not any(cell.get(key) for key in KEYS):
        keys = next(key for key in KEYS if key in header_by_field)
        return bad(keys, "expected a number or a key, got none", RowResult.INCOMPLETE)
    if not cell["reason"]:
        return bad("reason", "expected a text that says why, got none", RowResult.INCOMPLETE)
    for name in ("slot_key", "batch"):
        key = plain_key(cell.get(name, ""))
        if key and (len(key) != KEY_LENGTH or set(key) - set("0123456789abcdef")):
            return bad(name, "expected a key of 32 hexadecimal digits, got another text")
    if cell.get("message") and folded(cell["message"]) not in rules.message_by_word:
        return bad("message", "expected a word that the adapter knows for a message, got another")
    if cell.get("returned_at") and rules.time(cell["returned_at"]) is None:
        return bad("returned_at", "expected a time such as 2026-03-02 09:00:00, got another text")
    return None
