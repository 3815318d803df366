"""What happens inside an operation, step by step, for people; the value itself is the operation's.

Every function takes a present operand and what the operation made of it.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Final
from zoneinfo import ZoneInfo

from syncgate.documents import JsonValue
from syncgate.language import Said
from syncgate.mapping import document as model
from syncgate.mapping import numbers, texts, times
from syncgate.mapping.document import Expression
from syncgate.mapping.explanation import Step, Value
from syncgate.mapping.tables import CodeTable, SiteTable, code_key

Replacements = Mapping[str, str] | None
_NO_CODE: Final = Said("the table has no such code")
_AT_MOST: Final = "at most {most} {unit}, got {length}"
_AT_MOST_IN_CHARSET: Final = "at most {most} {unit} in {charset}, got {length}"
_CUT: Final = "at most {most} {unit}, got {length}: cut"
_CUT_IN_CHARSET: Final = "at most {most} {unit} in {charset}, got {length}: cut"


def detail_of(expression: Expression) -> str:
    """The fixed facts of an expression in the words of the mapping language: a path, a table's name, a format."""
    match expression:
        case model.Path():
            return str(expression)
        case model.Lookup():
            return f"{expression.table}, reverse" if expression.is_reversed else expression.table
        case model.Row():
            return f"{expression.table}, column: {expression.column}"
        case model.Time():
            return _in_zone([expression.format] if expression.format else [], expression.zone)
        case model.ContextValue() if expression.name == "sent_at":
            return f"sent_at, {_in_zone([expression.format] if expression.format else [], expression.zone)}"
        case model.ParseTime():
            return _in_zone(expression.formats, expression.zone)
        case model.Number() | model.ParseNumber():
            return f"as: {expression.form}" + (f", unit: {expression.unit!r}" if expression.unit else "")
        case model.Join():
            return f"with: {expression.separator!r}" if expression.separator else ""
        case model.Split():
            return f"on: {expression.on!r}"
        case model.RemoteRef():
            return f"{expression.system}/{expression.message}" if expression.message else expression.system
        case model.CaseRef():
            return expression.system
        case model.ContextValue():
            return expression.name
        case model.Call():
            return expression.function
        case _:
            return ""


def _in_zone(formats: Iterable[str], zone: str) -> str:
    return ", ".join([*(f"format: {one}" for one in formats), f"zone: {zone}"])


def lookup_steps(expression: model.Lookup, table: CodeTable, value: JsonValue) -> Iterator[Step]:
    """The row of a code table that was hit, or what became of a code without one."""
    if not isinstance(value, str | int):
        return
    key = value if isinstance(value, str) else code_key(value)
    ours = table.reversed_codes().get(key) if expression.is_reversed else key
    if ours is not None and ours in table.codes:
        code: JsonValue = ours if expression.is_reversed else table.codes[ours]
        yield Step("codes", table.name, "", Value(value), Value(code), table.place_by_code.get(ours))
    elif expression.otherwise == "keep":
        yield Step("otherwise", "keep", _NO_CODE, Value(value), Value(value))
    elif isinstance(expression.otherwise, model.Const):
        yield Step("otherwise", says=_NO_CODE, after=Value(expression.otherwise.value))


def row_steps(expression: model.Row, table: SiteTable, key: JsonValue, at: JsonValue) -> Iterator[Step]:
    """The row of a site table that was hit."""
    rows = table.rows_by_key.get(key, ()) if isinstance(key, str) else ()
    if expression.at is not None:
        day = times.local_date(at, ZoneInfo(expression.zone), "")
        rows = tuple(row for row in rows if not hasattr(day, "rule") and row.holds_on(day))
    if rows:
        found = Value(rows[0].columns.get(expression.column))
        yield Step("rows", table.name, "", Value(key), found, rows[0].place)


def text_steps(expression: model.Text, replacements: Replacements, value: JsonValue) -> Iterator[Step]:
    """Each text step, what was replaced for the charset, and the limit."""
    if not isinstance(value, str):
        return
    for step in expression.steps:
        after = texts.compile_step(step)(value)
        written = ", ".join(repr(argument) for argument in step.arguments)
        yield Step(step.name, written, "", Value(value), Value(after))
        value = after
    if expression.charset is not None:
        replaced = value
        if replacements is not None:
            replaced = texts.replace_unencodable(value, expression.charset, replacements)
        if replaced != value:
            yield Step("unencodable", f"table: {expression.unencodable}", "", Value(value), Value(replaced))
        value = replaced
        yield Step("charset", says=_charset_says(value, expression.charset))
    if expression.limit is not None:
        yield from _limit_steps(expression.limit, value)


def _charset_says(value: str, charset: model.Charset) -> Said:
    try:
        value.encode(charset)
    except UnicodeEncodeError as error:
        return Said("{charset} lacks {character}", charset=charset, character=f"U+{ord(value[error.start]):04X}")
    return Said("{charset} has every character", charset=charset)


def _limit_steps(limit: model.Limit, value: str) -> Iterator[Step]:
    try:
        length = len(value.encode(limit.charset)) if limit.unit == "bytes" and limit.charset else len(value)
    except UnicodeEncodeError:
        yield Step("charset", says=_charset_says(value, limit.charset or "utf-8"))
        return
    facts = {"most": limit.most, "unit": limit.unit, "charset": limit.charset, "length": length}
    if length > limit.most and limit.beyond == "cut":
        says = _CUT_IN_CHARSET if limit.charset else _CUT
        yield Step("limit", "", Said(says, **facts), Value(value), Value(texts.cut(value, limit)))
    else:
        yield Step("limit", says=Said(_AT_MOST_IN_CHARSET if limit.charset else _AT_MOST, **facts))


def parse_time_steps(expression: model.ParseTime, value: JsonValue) -> Iterator[Step]:
    """What each format says of a text, up to the one that fits."""
    zone = ZoneInfo(expression.zone)
    for form in expression.formats if isinstance(value, str) else ():
        read = times.compile_reader(form, zone, expression.fold)(value)
        if not isinstance(read, str):
            is_twice = _is_twice(form, zone, value)
            says = "{format} fits, and of its two times the {which} one" if is_twice else "{format} fits"
            yield Step("format", says=Said(says, format=form, which=expression.fold))
            return
        says = "{format} does not fit" if read == times.ANOTHER else "{format} gives {why}"
        yield Step("format", says=Said(says, format=form, why=read))


def _is_twice(form: str, zone: ZoneInfo, value: str) -> bool:
    return times.compile_reader(form, zone, "error")(value) == times.TWICE


def parse_number_steps(expression: model.ParseNumber, value: JsonValue) -> Iterator[Step]:
    """The unit and the separators that were taken away."""
    if not isinstance(value, str) or not value.endswith(expression.unit):
        return
    if expression.unit:
        without = value.removesuffix(expression.unit)
        yield Step("unit", repr(expression.unit), "", Value(value), Value(without))
        value = without
    if expression.thousands and expression.thousands in value and numbers.is_grouped(value, expression.thousands):
        without = value.replace(expression.thousands, "")
        yield Step("thousands", repr(expression.thousands), "", Value(value), Value(without))
