"""What happens inside an operation, step by step, for people; the value itself is the operation's.

Every function takes a present operand and what the operation made of it.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from zoneinfo import ZoneInfo

from syncgate.documents import JsonValue
from syncgate.mapping import document as model
from syncgate.mapping import numbers, texts, times
from syncgate.mapping.document import Expression
from syncgate.mapping.explanation import Step, Value
from syncgate.mapping.tables import CodeTable, SiteTable, code_key

Replacements = Mapping[str, str] | None


def detail_of(expression: Expression) -> str:
    """The fixed facts of an expression in the words of the language: a path, a table's name, a format."""
    match expression:
        case model.Path():
            return str(expression)
        case model.Lookup():
            return f"{expression.table} reversed" if expression.is_reversed else expression.table
        case model.Row():
            return f"{expression.table}, column {expression.column}"
        case model.Time() | model.ContextValue():
            name = expression.name if isinstance(expression, model.ContextValue) else ""
            is_time = name in ("", "sent_at")
            return f"{name} {_in_zone(expression.format, expression.zone)}".strip() if is_time else name
        case model.ParseTime():
            return _in_zone(" or ".join(expression.formats), expression.zone)
        case model.Number() | model.ParseNumber():
            return f"as {expression.form}" + (f" with {expression.unit}" if expression.unit else "")
        case model.Join():
            return f"with {expression.separator!r}" if expression.separator else ""
        case model.Split():
            return f"on {expression.on!r}"
        case model.RemoteRef():
            return f"{expression.system}/{expression.message}" if expression.message else expression.system
        case model.CaseRef():
            return expression.system
        case model.Call():
            return expression.function
        case _:
            return ""


def _in_zone(form: str | None, zone: str) -> str:
    return f"as {form or 'RFC 3339'} in {zone}"


def lookup_steps(expression: model.Lookup, table: CodeTable, value: JsonValue) -> Iterator[Step]:
    """The row of a code table that was hit, or what became of a code without one."""
    if not isinstance(value, str | int):
        return
    key = value if isinstance(value, str) else code_key(value)
    ours = table.reversed_codes().get(key) if expression.is_reversed else key
    if ours is not None and ours in table.codes:
        code: JsonValue = ours if expression.is_reversed else table.codes[ours]
        yield Step("codes", table.name, Value(value), Value(code), table.place_by_code.get(ours))
    elif expression.otherwise == "keep":
        yield Step("otherwise", "keep: the table has no such code", Value(value), Value(value))
    elif isinstance(expression.otherwise, model.Const):
        yield Step("otherwise", "the table has no such code", after=Value(expression.otherwise.value))


def row_steps(expression: model.Row, table: SiteTable, key: JsonValue, at: JsonValue) -> Iterator[Step]:
    """The row of a site table that was hit."""
    rows = table.rows_by_key.get(key, ()) if isinstance(key, str) else ()
    if expression.at is not None:
        day = times.local_date(at, ZoneInfo(expression.zone), "")
        rows = tuple(row for row in rows if not hasattr(day, "rule") and row.holds_on(day))
    if rows:
        yield Step("rows", table.name, Value(key), Value(rows[0].columns.get(expression.column)), rows[0].place)


def text_steps(expression: model.Text, replacements: Replacements, value: JsonValue) -> Iterator[Step]:
    """Each text step, what was replaced for the charset, and the limit."""
    if not isinstance(value, str):
        return
    for step in expression.steps:
        after = texts.compile_step(step)(value)
        written = ", ".join(repr(argument) for argument in step.arguments)
        yield Step(step.name, written, Value(value), Value(after))
        value = after
    if expression.charset is not None:
        replaced = value
        if replacements is not None:
            replaced = texts.replace_unencodable(value, expression.charset, replacements)
        if replaced != value:
            yield Step("unencodable", f"table {expression.unencodable}", Value(value), Value(replaced))
        value = replaced
        yield Step("charset", _charset_detail(value, expression.charset))
    if expression.limit is not None:
        yield from _limit_steps(expression.limit, value)


def _charset_detail(value: str, charset: model.Charset) -> str:
    try:
        value.encode(charset)
    except UnicodeEncodeError as error:
        return f"{charset} lacks U+{ord(value[error.start]):04X}"
    return f"{charset} has every character"


def _limit_steps(limit: model.Limit, value: str) -> Iterator[Step]:
    try:
        length = len(value.encode(limit.charset)) if limit.unit == "bytes" and limit.charset else len(value)
    except UnicodeEncodeError:
        yield Step("charset", _charset_detail(value, limit.charset or "utf-8"))
        return
    measured = limit.unit if limit.charset is None else f"{limit.unit} in {limit.charset}"
    detail = f"at most {limit.most} {measured}, got {length}"
    if length > limit.most and limit.beyond == "cut":
        yield Step("limit", f"{detail}: cut", Value(value), Value(texts.cut(value, limit)))
    else:
        yield Step("limit", detail)


def parse_time_steps(expression: model.ParseTime, value: JsonValue) -> Iterator[Step]:
    """What each format says of a text, up to the one that fits."""
    zone = ZoneInfo(expression.zone)
    for form in expression.formats if isinstance(value, str) else ():
        read = times.compile_reader(form, zone, expression.fold)(value)
        if not isinstance(read, str):
            chosen = f", the {expression.fold} of two" if _is_twice(form, zone, value) else ""
            yield Step("format", f"{form} fits{chosen}")
            return
        yield Step("format", f"{form}: {'does not fit' if read == times.ANOTHER else read}")


def _is_twice(form: str, zone: ZoneInfo, value: str) -> bool:
    return times.compile_reader(form, zone, "error")(value) == times.TWICE


def parse_number_steps(expression: model.ParseNumber, value: JsonValue) -> Iterator[Step]:
    """The unit and the separators that were taken away."""
    if not isinstance(value, str) or not value.endswith(expression.unit):
        return
    if expression.unit:
        without = value.removesuffix(expression.unit)
        yield Step("unit", repr(expression.unit), Value(value), Value(without))
        value = without
    if expression.thousands and expression.thousands in value and numbers.is_grouped(value, expression.thousands):
        without = value.replace(expression.thousands, "")
        yield Step("thousands", repr(expression.thousands), Value(value), Value(without))
