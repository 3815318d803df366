"""What the operations do: each a plain function of a value, made once per expression.

A value is None where it is absent and a Failure where it cannot be; an operation passes both on untouched.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from syncgate.documents import JsonValue, kind_of_value
from syncgate.mapping import document as model
from syncgate.mapping import numbers, texts, times
from syncgate.mapping.functions import Function, is_of
from syncgate.mapping.results import (
    FUNCTION_FAILED,
    MISSING,
    NO_ROW,
    NOT_A_NUMBER,
    NOT_A_TIME,
    UNMAPPED_CODE,
    WRONG_TYPE,
    Context,
    Failure,
)
from syncgate.mapping.tables import CodeTable, SiteTable, Tables, code_key

Operation = Callable[[JsonValue], JsonValue]
"""Takes a present value, gives a value, None or a Failure."""


class Marker:
    """A value that is no JSON value, known by identity."""

    __slots__ = ("name",)

    def __init__(self, name: str) -> None:
        self.name = name

    def __repr__(self) -> str:
        return self.name


LEFT_OUT: Final = Marker("LEFT_OUT")
"""Absent, and the mapping says that this is right."""

NULL: Final = Marker("NULL")
"""A constant null, to be told from absence."""

EMPTY: Final[dict[str, JsonValue]] = {}


class NotAnObject:
    """Stands for an object where something else was found: every key below it is a failure."""

    __slots__ = ("failure",)

    def __init__(self, value: JsonValue, path: str) -> None:
        self.failure = value if isinstance(value, Failure) else wrong_type(path, "an object", value)

    def get(self, key: str) -> Failure:
        """The failure, whatever the key."""
        return self.failure


def wrong_type(path: str, expected: str, value: JsonValue) -> Failure:
    """A failure that names what was found without showing it."""
    found = "nothing" if value is NULL else kind_of_value(value)
    return Failure(WRONG_TYPE, path, f"expected {expected}, got {found}")


def lookup(expression: model.Lookup, table: CodeTable, path: str) -> Operation:
    """A code table as a function of our code (reversed: of theirs)."""
    codes: Mapping[str, JsonValue] = table.reversed_codes() if expression.is_reversed else table.codes
    otherwise = expression.otherwise
    failure = Failure(UNMAPPED_CODE, path, f"the table {table.name} has no such code", (("table", table.name),))
    fallback = otherwise.value if isinstance(otherwise, model.Const) else None
    fallback = NULL if isinstance(otherwise, model.Const) and fallback is None else fallback

    def look_up(value: JsonValue) -> JsonValue:
        if type(value) is not str:
            if not isinstance(value, int):
                return wrong_type(path, "a code", value)
            code = codes.get(code_key(value))
        else:
            code = codes.get(value)
        if code is not None:
            return code
        if otherwise == "error":
            return failure
        return value if otherwise == "keep" else fallback

    return look_up


def row(expression: model.Row, table: SiteTable, path: str) -> Callable[[JsonValue, JsonValue], JsonValue]:
    """A site table as a function of key and time."""
    zone = ZoneInfo(expression.zone)
    column = expression.column
    facts = (("table", table.name), ("key", table.key))
    no_row = Failure(NO_ROW, path, f"the table {table.name} has no row for this {table.key}", facts)
    no_day = Failure(NO_ROW, path, f"the table {table.name} has no row in force then for this {table.key}", facts)

    def find(key: JsonValue, at: JsonValue) -> JsonValue:
        if type(key) is not str:
            return wrong_type(path, "a text as key", key)
        rows = table.rows_by_key.get(key)
        if rows is None:
            return no_row
        if expression.at is None:
            return rows[0].columns.get(column)
        day = times.local_date(at, zone, path)
        if isinstance(day, Failure):
            return day
        return next((found.columns.get(column) for found in rows if found.holds_on(day)), no_day)

    return find


def time(expression: model.Time, path: str) -> Operation:
    """A time in a format and zone."""
    write = times.compile_writer(expression.format, ZoneInfo(expression.zone), path)

    def rewrite(value: JsonValue) -> JsonValue:
        moment = times.read(value, path)
        return moment if isinstance(moment, Failure) else write(moment)

    return rewrite


def parse_time(expression: model.ParseTime, path: str) -> Operation:
    """A local time text as RFC 3339."""
    zone = ZoneInfo(expression.zone)
    readers = [times.compile_reader(form, zone, expression.fold) for form in expression.formats]
    written = " or ".join(expression.formats)
    facts = (("formats", written), ("zone", expression.zone))
    failure_by_reason = {
        reason: Failure(NOT_A_TIME, path, f"expected a time as {written} in {expression.zone}, got {reason}", facts)
        for reason in times.REASONS
    }

    def read(value: JsonValue) -> JsonValue:
        if type(value) is not str:
            return wrong_type(path, "a text", value)
        told = times.ANOTHER
        for reader in readers:
            moment = reader(value)
            if isinstance(moment, datetime):
                return moment.isoformat()
            told = moment if told == times.ANOTHER else told
        return failure_by_reason[told]

    return read


def number(expression: model.Number, path: str) -> Operation:
    """A number in its form, with its decimals and unit."""

    is_plain_integer = expression.form == "integer" and expression.decimals is None

    def write(value: JsonValue) -> JsonValue:
        if is_plain_integer and type(value) is int and -numbers.LARGEST <= value <= numbers.LARGEST:
            return value
        read = numbers.read(value, path)
        if isinstance(read, Failure):
            return read
        if expression.decimals is not None:
            fixed = numbers.fixed(read, expression.decimals, expression.rounding, path)
            if isinstance(fixed, Failure):
                return fixed
            read = fixed
        written = numbers.write(read, expression.form, path)
        return written + expression.unit if isinstance(written, str) else written

    return write


def parse_number(expression: model.ParseNumber, path: str) -> Operation:
    """The number of a text that may carry a unit and thousands separators."""
    no_unit = Failure(NOT_A_NUMBER, path, f"expected a number with the unit {expression.unit}, got none")
    no_groups = Failure(NOT_A_NUMBER, path, "expected groups of three digits, got others")

    def read(value: JsonValue) -> JsonValue:
        if type(value) is not str:
            return wrong_type(path, "a text", value)
        if not value.endswith(expression.unit):
            return no_unit
        digits = value.removesuffix(expression.unit) if expression.unit else value
        if expression.thousands and expression.thousands in digits:
            if not numbers.is_grouped(digits, expression.thousands):
                return no_groups
            digits = digits.replace(expression.thousands, "")
        found = numbers.read(digits, path)
        return found if isinstance(found, Failure) else numbers.write(found, expression.form, path)

    return read


def replacements(expression: model.Text, tables: Tables, system: str) -> dict[str, str] | None:
    """What a text's `unencodable` writes for what its charset lacks, or None where it names no table."""
    if expression.unencodable is None:
        return None
    table = tables.find(expression.unencodable, system)
    assert isinstance(table, CodeTable)
    return {key: str(code) for key, code in table.codes.items()}


def text(expression: model.Text, replacements: Mapping[str, str] | None, path: str) -> Operation:
    """A text through its steps, its charset and its limit."""
    steps = tuple(texts.compile_step(step) for step in expression.steps)
    charset, limit = expression.charset, expression.limit
    charsets = tuple(dict.fromkeys(one for one in (charset, limit and limit.charset) if one))

    def write(value: JsonValue) -> JsonValue:
        if type(value) is not str:
            return wrong_type(path, "a text", value)
        for step in steps:
            value = step(value)
        if replacements is not None and charset is not None:
            value = texts.replace_unencodable(value, charset, replacements)
        length = len(value)
        for one in charsets:
            try:
                length = len(value.encode(one))
            except UnicodeEncodeError as error:
                return texts.unencodable(value[error.start], one, path)
        if limit is None:
            return value
        # The limit's own charset is the last one measured.
        return (
            value
            if (length if limit.unit == "bytes" else len(value)) <= limit.most
            else texts.beyond(value, limit, path)
        )

    return write


def join(separator: str, path: str) -> Operation:
    """A list of texts as one."""

    def write(value: JsonValue) -> JsonValue:
        if type(value) is not list:
            return wrong_type(path, "a list of texts", value)
        for item in value:
            if type(item) is not str:
                return wrong_type(path, "a list of texts, each", item)
        return separator.join(value)

    return write


def split(on: str, path: str) -> Operation:
    """The texts between the separators; an empty text is an empty list."""

    def read(value: JsonValue) -> JsonValue:
        if type(value) is not str:
            return wrong_type(path, "a text", value)
        return value.split(on) if value else []

    return read


def sent_at(expression: model.ContextValue) -> Callable[[Context], JsonValue]:
    """The sending time in a format and zone."""
    write = times.compile_writer(expression.format, ZoneInfo(expression.zone), "context.sent_at")
    return lambda context: write(context.sent_at)


def call(function: Function, path: str) -> Callable[[dict[str, JsonValue]], JsonValue]:
    """A registered function over its arguments; whatever it raises is a failure without its words."""

    def run(arguments: dict[str, JsonValue]) -> JsonValue:
        for name, value in arguments.items():
            if not is_of(value, function.parameters[name]):
                return wrong_type(path, f"{function.parameters[name]} as {name} of {function.name}", value)
        try:
            result = function.call(**arguments)
        except Exception as error:
            # The words of a foreign exception may hold what it was given.
            kind = type(error).__name__
            facts = (("function", function.name), ("error", kind))
            return Failure(FUNCTION_FAILED, path, f"the function {function.name} failed: {kind}", facts)
        if result is not None and not is_of(result, function.gives):
            detail = f"the function {function.name} gave {kind_of_value(result)}, expected {function.gives}"
            return Failure(FUNCTION_FAILED, path, detail, (("function", function.name),))
        return result

    return run


def not_given(name: str) -> Failure:
    """The failure of a context value that the caller does not give."""
    path = f"context.{name}"
    return Failure(MISSING, path, f"expected {path} from whoever reads the records, got none")


def without(value: JsonValue, absent_as: tuple[JsonValue, ...]) -> JsonValue:
    """None in place of a value that means nothing."""
    return None if is_among(value, absent_as) else value


def without_empty(value: JsonValue) -> JsonValue:
    """None in place of an empty text, list or object."""
    return None if value is None or value == "" or value == [] or value == {} else value


def with_empty_text(value: JsonValue) -> JsonValue:
    """An empty text in place of whatever is empty or absent."""
    return "" if value is None or value == [] or value == {} else value


def equal(left: JsonValue, right: JsonValue) -> bool:
    """Whether two JSON values are the same; absence and failure equal nothing, and true is not 1."""
    if left is None or isinstance(left, Failure) or isinstance(left, bool) is not isinstance(right, bool):
        return False
    return bool(left == right)


def is_among(value: JsonValue, candidates: tuple[JsonValue, ...]) -> bool:
    """Whether a value equals one of several."""
    return any(equal(value, candidate) for candidate in candidates)


def compare(value: JsonValue, bound: JsonValue) -> int | None:
    """-1, 0 or 1 as a number is below, at or above a bound; None where either is no number."""
    if value is None or bound is None:
        return None
    left, right = numbers.read(value, ""), numbers.read(bound, "")
    if isinstance(left, Failure) or isinstance(right, Failure):
        return None
    return (left > right) - (left < right)


def is_at_least(value: JsonValue, bound: JsonValue) -> bool:
    """Whether both are numbers and the first is not smaller."""
    order = compare(value, bound)
    return order is not None and order >= 0


def is_at_most(value: JsonValue, bound: JsonValue) -> bool:
    """Whether both are numbers and the first is not larger."""
    order = compare(value, bound)
    return order is not None and order <= 0
