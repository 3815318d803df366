"""What an adapter says under `options` with `transport: database`."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Mapping
from difflib import get_close_matches
from typing import Annotated, Any, Final, Literal, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictBool, StrictInt, StrictStr, model_validator

from syncgate.transports.database.address import Address
from syncgate.transports.database.charsets import Charset
from syncgate.transports.database.columns import Column, EmptyText, LengthsIn, TextRules, Unfit, bind, parse_column
from syncgate.transports.database.texts import Filled, Found, Text, parsed
from syncgate.transports.kind import Asks, Sort
from syncgate.transports.rest.text import SecretRef, secrets_in

_IDENTIFIER: Final = re.compile(r"[^\W\d][\w$#]{0,62}")


class _Model(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


def _checked_identifier(text: str) -> str:
    if _IDENTIFIER.fullmatch(text) is None:
        raise ValueError(f"expected a name of letters, digits, _, $ and # that begins with a letter, got {text!r}")
    return text


def _checked_column(text: str) -> str:
    parse_column(text)
    return text


def _checked_zone(text: str) -> str:
    try:
        ZoneInfo(text)
    except (ZoneInfoNotFoundError, ValueError):
        raise ValueError(f"expected a time zone such as Asia/Shanghai, got {text!r}") from None
    return text


Identifier = Annotated[StrictStr, AfterValidator(_checked_identifier)]
ColumnText = Annotated[StrictStr, AfterValidator(_checked_column)]
FilledColumns = dict[Identifier, Filled]
Set = Annotated[FilledColumns, Field(min_length=1)]
Where = Annotated[dict[Identifier, Found], Field(min_length=1)]
Flag = StrictStr | StrictInt


class TableOptions(_Model):
    """One table, as the target's standard publishes it.

    Attributes:
        columns: those that are written or read, by name: `varchar(50) not null`.
        key: the columns that tell its rows apart, together unique.
        schema_name: the schema it is in; left out: the connection's own.
        charset: of its text columns; left out: the options' own.
    """

    columns: Annotated[dict[Identifier, ColumnText], Field(min_length=1)]
    key: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    schema_name: Annotated[Identifier | None, Field(alias="schema")] = None
    charset: Charset | None = None

    @model_validator(mode="after")
    def _key_is_declared(self) -> Self:
        _known_columns(self.key, self.columns, "key")
        return self

    def parsed_columns(self) -> dict[str, Column]:
        """The columns, parsed."""
        return {name: parse_column(text) for name, text in self.columns.items()}


class Child(_Model):
    """Rows of another table that one message brings along.

    Attributes:
        table: where they go.
        fill: columns that the adapter fills, for every row alike.
    """

    table: Identifier
    fill: FilledColumns = Field(default_factory=dict)


class Older(_Model):
    """What becomes of the rows of earlier versions before a new one is inserted.

    Attributes:
        where: which rows these are.
        set_columns: what is written into them.
    """

    where: Where
    set_columns: Annotated[Set, Field(alias="set")]


class Insert(_Model):
    """Inserts the rows of one message, all or none.

    Attributes:
        table: of the main row; the payload's fields are its columns.
        fill: columns that the adapter fills.
        children: by the payload's field that holds the list of their rows.
        older: what becomes of earlier versions; left out: nothing.
        generated: the column that the database numbers by itself, shown in the answer as `/generated`.
        read_back: whether every row is read and compared before it is committed.
    """

    do: Literal["insert"]
    table: Identifier
    fill: FilledColumns = Field(default_factory=dict)
    children: dict[Annotated[StrictStr, Field(min_length=1)], Child] = Field(default_factory=dict)
    older: Older | None = None
    generated: Identifier | None = None
    read_back: StrictBool = True


class Update(_Model):
    """Replaces columns of one row.

    Attributes:
        table: of the row; the payload's fields are its columns.
        where: which row; none or several are not touched.
        fill: columns that the adapter fills.
        read_back: whether the row is read and compared before it is committed.
    """

    do: Literal["update"]
    table: Identifier
    where: Where
    fill: FilledColumns = Field(default_factory=dict)
    read_back: StrictBool = True


class Mark(_Model):
    """Writes what the adapter says into one row, and nothing of the payload: to void or to withdraw it.

    Attributes:
        table: of the row.
        where: which row; none or several are not touched.
        set_columns: what is written.
    """

    do: Literal["mark"]
    table: Identifier
    where: Where
    set_columns: Annotated[Set, Field(alias="set")]


class Read(_Model):
    """Reads rows back.

    Attributes:
        table: of the row.
        where: which rows.
        latest_by: the column whose highest value comes first; left out: there may be only one row.
    """

    do: Literal["read"]
    table: Identifier
    where: Where
    latest_by: Identifier | None = None


Constant = StrictStr | StrictInt
Constants = dict[Identifier, Constant | Annotated[tuple[Constant, ...], Field(min_length=1)]]


class List(_Model):
    """Lists rows, page by page in the order of a key.

    Attributes:
        table: of the rows.
        columns: those that are shown; left out: all that are declared.
        by: the columns that a page goes on by, together unique and never null; left out: the table's key.
        where: what a row must have: a value, or any of several.
        window: the column that tells whether a row lies in the window; left out: there is none.
    """

    do: Literal["list"]
    table: Identifier
    columns: tuple[Identifier, ...] = ()
    by: tuple[Identifier, ...] = ()
    where: Constants = Field(default_factory=dict)
    window: Identifier | None = None


class Count(_Model):
    """Counts rows within a range of a key.

    Attributes:
        table: of the rows.
        by: the column of texts that the range is of.
        where: what a row must have: a value, or any of several.
    """

    do: Literal["count"]
    table: Identifier
    by: Identifier
    where: Constants = Field(default_factory=dict)


class FlagValues(_Model):
    """What the consumer writes into the flag, compared as text.

    Attributes:
        column: the flag.
        waiting: not yet looked at.
        taken: taken over.
        refused: looked at and not taken over.
    """

    column: Identifier
    waiting: Annotated[tuple[Flag, ...], Field(min_length=1)]
    taken: Annotated[tuple[Flag, ...], Field(min_length=1)]
    refused: tuple[Flag, ...] = ()

    @model_validator(mode="after")
    def _no_value_twice(self) -> Self:
        values = [str(value) for value in (*self.waiting, *self.taken, *self.refused)]
        if len(set(values)) < len(values):
            raise ValueError("expected every value of a flag once, got one twice")
        return self


class Rejects(_Model):
    """The table into which a later check puts what it does not take.

    Attributes:
        table: of the rejects.
        where: which of them are about this sending: by number and version, or by batch.
        reason: the column that says why.
        latest_by: the column whose highest value counts.
    """

    table: Identifier
    where: Where
    reason: Identifier
    latest_by: Identifier


class Poll(_Model):
    """Asks what became of a row.

    Attributes:
        table: of the row.
        where: which row.
        flag: what the consumer writes into it; left out: only rejects say something.
        rejects: where a later check says no.
    """

    do: Literal["poll"]
    table: Identifier
    where: Where
    flag: FlagValues | None = None
    rejects: Rejects | None = None

    @model_validator(mode="after")
    def _something_answers(self) -> Self:
        if self.flag is None and self.rejects is None:
            raise ValueError("expected at least one of flag, rejects, got none")
        return self


Operation = Annotated[Insert | Update | Mark | Read | List | Count | Poll, Field(discriminator="do")]


class DatabaseOptions(_Model):
    """The options of a system that is a database.

    Attributes:
        url: where it is, without a password; the site's own address for it comes first.
        password: the secret that holds it.
        charset: of the target's text columns.
        lengths_in: what declared lengths count: `characters` (MySQL, PostgreSQL) or `bytes` (Oracle's default).
        empty_text: what becomes of an empty text: it is kept, written as NULL, or refused.
        time_zone: of `{sent_at}`, and of times with a zone that come back.
        connections: how many connections are kept at most.
        tables: by name; nothing else is ever written or read.
        operations: by name; messages and look-ups refer to them.
    """

    url: Address
    password: SecretRef | None = None
    charset: Charset = "utf8mb4"
    lengths_in: LengthsIn = "characters"
    empty_text: EmptyText = "keep"
    time_zone: Annotated[StrictStr, AfterValidator(_checked_zone)] = "Asia/Shanghai"
    connections: Annotated[StrictInt, Field(ge=1, le=50)] = 8
    tables: Annotated[dict[Identifier, TableOptions], Field(min_length=1)]
    operations: Annotated[dict[Annotated[StrictStr, Field(min_length=1)], Operation], Field(min_length=1)]

    @model_validator(mode="after")
    def _operations_fit_the_tables(self) -> Self:
        problems = [problem for name, one in self.operations.items() for problem in self._problems(name, one)]
        if problems:
            raise ValueError("; ".join(problems))
        return self

    def text_rules(self, table: str) -> TextRules:
        """How a table takes texts."""
        charset = self.tables[table].charset or self.charset
        return TextRules(charset=charset, lengths_in=self.lengths_in, empty_text=self.empty_text)

    def _problems(self, name: str, operation: Any) -> Iterator[str]:
        for at, table, columns in _used(operation):
            try:
                _known_name(table, self.tables, "table")
                _known_columns(columns, self.tables[table].columns, at)
            except ValueError as error:
                yield f"{name}: {error}"
        if isinstance(operation, List | Count) and operation.table in self.tables:
            yield from (f"{name}: {problem}" for problem in self._listed(operation))
        for at, table, where in _wheres(operation):
            if table in self.tables:
                yield from (f"{name}: {problem}" for problem in _moving(at, where))

    def _listed(self, operation: List | Count) -> Iterator[str]:
        """What a listing or a count cannot be made with."""
        declared = self.tables[operation.table].parsed_columns()
        for name, wanted in operation.where.items():
            for value in wanted if isinstance(wanted, tuple) else (wanted,):
                try:
                    bind(declared[name], value, self.text_rules(operation.table))
                except (KeyError, Unfit) as unfit:
                    if isinstance(unfit, Unfit):
                        yield f"where: {name}: {unfit}"
        key = (operation.by or self.tables[operation.table].key) if isinstance(operation, List) else (operation.by,)
        for name in key:
            column = declared.get(name)
            if column is not None and not column.is_required:
                yield f"by: expected columns that are declared as not null, got {name}"
            if column is not None and isinstance(operation, Count) and not column.is_text:
                yield f"by: expected a column of texts, got {name}, which is {column.kind}"
            if column is not None and column.kind == "decimal":
                yield f"by: expected columns of texts, whole numbers or times, got {name}, which is decimal"
        window = declared.get(operation.window or "") if isinstance(operation, List) else None
        if window is not None and window.kind not in ("datetime", "date"):
            yield f"window: expected a column of times, got one of {window.kind}"


def _used(operation: Any) -> Iterator[tuple[str, str, Collection[str]]]:
    """The columns that an operation names, by place and table."""
    match operation:
        case Insert():
            generated = [] if operation.generated is None else [operation.generated]
            yield "fill", operation.table, [*operation.fill, *generated]
            if operation.older is not None:
                yield "older", operation.table, [*operation.older.where, *operation.older.set_columns]
            for field, child in operation.children.items():
                yield f"children/{field}", child.table, [*child.fill]
        case Update():
            yield "where", operation.table, [*operation.where, *operation.fill]
        case Mark():
            yield "where", operation.table, [*operation.where, *operation.set_columns]
        case Read():
            latest = [] if operation.latest_by is None else [operation.latest_by]
            yield "where", operation.table, [*operation.where, *latest]
        case List():
            window = [] if operation.window is None else [operation.window]
            yield "where", operation.table, [*operation.where, *operation.columns, *operation.by, *window]
        case Count():
            yield "where", operation.table, [*operation.where, operation.by]
        case Poll():
            flag = [] if operation.flag is None else [operation.flag.column]
            yield "where", operation.table, [*operation.where, *flag]
            if operation.rejects is not None:
                rejects = operation.rejects
                yield "rejects", rejects.table, [*rejects.where, rejects.reason, rejects.latest_by]


def _wheres(operation: Any) -> Iterator[tuple[str, str, Mapping[str, Any]]]:
    if isinstance(operation, Update | Mark | Read | Poll):
        yield "where", operation.table, operation.where
    elif isinstance(operation, Insert) and operation.older is not None:
        yield "older", operation.table, operation.older.where
    if isinstance(operation, Poll) and operation.rejects is not None:
        yield "rejects", operation.rejects.table, operation.rejects.where


def _moving(at: str, where: Mapping[str, Any]) -> Iterator[str]:
    """What cannot find a row again. A constant alone would find other cases' rows too."""
    texts = [value for value in map(parsed, where.values()) if isinstance(value, Text)]
    if not any(text.names for text in texts):
        yield f"{at}: expected a placeholder such as {{slot_key}}, got none"
    if not all(text.is_stable for text in texts):
        yield f"{at}: expected placeholders that are the same at every send, got a sending time"


def _known_columns(names: Collection[str], columns: Mapping[str, Any], at: str) -> None:
    for name in names:
        _known_name(name, columns, f"{at}: column")


def _known_name(name: str, known: Mapping[str, Any], what: str) -> None:
    if name not in known:
        near = get_close_matches(name, list(known), n=1)
        hint = f"; nearest is {near[0]!r}" if near else ""
        raise ValueError(f"expected a declared {what}, got {name!r}{hint}")


def asks(options: Any, operation: str) -> Asks:
    """What an operation is for, and the keys that it takes."""
    one = options.operations[operation]
    match one:
        case List():
            return Asks("list", frozenset() if one.window is None else frozenset({"from", "until"}))
        case Count():
            return Asks("count", frozenset({"low", "high"}))
    sort: Sort = "read" if isinstance(one, Read) else "poll" if isinstance(one, Poll) else "write"
    texts = [value for _, _, where in _wheres(one) for value in map(parsed, where.values()) if isinstance(value, Text)]
    return Asks(sort, frozenset(name.partition(":")[0] for text in texts for names in text.names for name in names))


def secret_names(options: Any) -> frozenset[str]:
    """The names of all secrets that the options refer to."""
    return frozenset(secrets_in(options))


def poll_names(options: Any) -> frozenset[str]:
    """The names of the operations that ask what became of a row."""
    return frozenset(name for name, operation in options.operations.items() if isinstance(operation, Poll))
