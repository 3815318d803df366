"""How a source writes its records, format by format."""

from __future__ import annotations

from typing import Annotated, Any, Final, Literal, Self

from pydantic import AfterValidator, BeforeValidator, Field, StrictInt, StrictStr, model_validator

from syncgate.documents import unknown
from syncgate.values import Model

Format = Literal["csv", "xml", "json", "ndjson", "form", "xlsx"]
"""A format that records come in."""

CHARSETS: Final = ("utf-8", "utf-8-sig", "gbk", "gb18030", "big5", "cp950")
"""utf-8-sig also reads UTF-8 without a mark; cp950 is Big5 as Windows writes it."""


def _known_charset(name: Any) -> Any:
    if isinstance(name, str) and name not in CHARSETS:
        raise ValueError(unknown("charset", name, CHARSETS))
    return name


def _absolute(path: str) -> str:
    if not path.startswith("/") or any(not step for step in path.split("/")[1:]):
        raise ValueError("expected a path of element names such as /cases/case, got another text")
    return path


def _pointer(path: str) -> str:
    if path and not path.startswith("/"):
        raise ValueError("expected a JSON Pointer such as /data/items, or an empty one, got another text")
    return path


def _one_sign(sign: str) -> str:
    if sign in "\r\n\0\ufeff" or sign.isalnum():
        raise ValueError("expected a sign such as a comma, got a letter, a digit or an end of line")
    return sign


Charset = Annotated[StrictStr, BeforeValidator(_known_charset)]
Sign = Annotated[StrictStr, Field(min_length=1, max_length=1), AfterValidator(_one_sign)]
ElementPath = Annotated[StrictStr, Field(max_length=500), AfterValidator(_absolute)]
Pointer = Annotated[StrictStr, Field(max_length=500), AfterValidator(_pointer)]
FieldName = Annotated[StrictStr, Field(min_length=1, max_length=200)]


class CsvSettings(Model):
    """CSV with a header in its first line.

    Attributes:
        charset: such as `utf-8-sig`, `gb18030` or `big5`.
        delimiter: one character between columns.
        quote: one character around texts that hold a delimiter, a quote or an end of line.
    """

    charset: Charset = "utf-8-sig"
    delimiter: Sign = ","
    quote: Sign = '"'

    @model_validator(mode="after")
    def _two_signs(self) -> Self:
        if self.delimiter == self.quote:
            raise ValueError("expected different signs for delimiter and quote, got the same")
        return self


class XmlSettings(Model):
    """XML in which each element at one path is a record.

    Attributes:
        charset: what the file is written in; a declaration inside it must agree.
        record: the path of the records from the root, such as `/cases/case`; names without prefixes.
        lists: paths from the record of elements that may come more than once, such as `/step`.
    """

    charset: Charset = "utf-8"
    record: ElementPath
    lists: tuple[ElementPath, ...] = ()


class JsonSettings(Model):
    """One JSON document that holds a list of records.

    Attributes:
        charset: what it is written in.
        records: JSON Pointer of the list; empty where the document is the list.
    """

    charset: Charset = "utf-8"
    records: Pointer = ""


class NdjsonSettings(Model):
    """One JSON object a line.

    Attributes:
        charset: what it is written in.
    """

    charset: Charset = "utf-8"


class FormSettings(Model):
    """One record as `application/x-www-form-urlencoded`.

    Attributes:
        charset: what the percent signs stand for.
        lists: fields that may come more than once.
    """

    charset: Charset = "utf-8"
    lists: tuple[FieldName, ...] = ()


class XlsxSettings(Model):
    """An Excel workbook with a header row.

    Attributes:
        sheet: the sheet's name; left out: the only visible one.
        header_row: the row of the column names, counted from 1.
    """

    sheet: Annotated[StrictStr, Field(min_length=1, max_length=31)] | None = None
    header_row: Annotated[StrictInt, Field(ge=1, le=1000)] = 1


Settings = CsvSettings | XmlSettings | JsonSettings | NdjsonSettings | FormSettings | XlsxSettings
