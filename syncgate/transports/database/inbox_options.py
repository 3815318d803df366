"""What a site says of a front table from which a source's records are taken in."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import Field, StrictInt, StrictStr, model_validator

from syncgate.transports.database.address import Address
from syncgate.transports.database.charsets import Charset
from syncgate.transports.database.columns import bind
from syncgate.transports.database.options import DatabaseOptions, Flag, Identifier, _Model
from syncgate.transports.rest.text import SecretRef

WAITING: Final = "waiting"
"""The operation that lists the rows that wait."""


class InboxFlag(_Model):
    """The column that says which rows wait.

    Attributes:
        column: the flag.
        waiting: a row that is to be taken in.
        taken: one that is in.
        held: one that cannot be taken in as it is, and is kept here for a person; left out: as `taken`.
    """

    column: Identifier
    waiting: Flag
    taken: Flag
    held: Flag | None = None

    @model_validator(mode="after")
    def _tells_waiting_apart(self) -> Self:
        if self.waiting in (self.taken, self.held):
            raise ValueError("expected another value for waiting than for taken and held, got the same")
        return self


class InboxOptions(_Model):
    """A front table from which a source's records are taken in.

    Attributes:
        url: where the database is, without a password.
        password: the secret that holds it.
        charset: of its text columns.
        time_zone: in which its times are.
        table: the table; nothing else is read or written.
        columns: those that a record has, by name: `varchar(50) not null`, and the flag.
        key: those that tell its rows apart, for good.
        schema_name: the schema it is in; left out: the connection's own.
        flag: which rows wait, and what they are marked with.
        changed_by: a column that changes whenever a row does, such as its last change; left out: a row that is
            changed while it is taken in must be flagged as waiting only after that.
        page: rows that are taken in at a time.
        timeout: seconds for one transaction.
    """

    url: Address
    password: SecretRef | None = None
    charset: Charset = "utf8mb4"
    time_zone: StrictStr = "Asia/Shanghai"
    table: Identifier
    columns: Annotated[dict[Identifier, StrictStr], Field(min_length=1)]
    key: Annotated[tuple[Identifier, ...], Field(min_length=1)]
    schema_name: Annotated[Identifier | None, Field(alias="schema")] = None
    flag: InboxFlag
    changed_by: Identifier | None = None
    page: Annotated[StrictInt, Field(ge=1, le=1000)] = 200
    timeout: Annotated[StrictInt, Field(ge=1, le=300)] = 30

    @model_validator(mode="after")
    def _is_a_table(self) -> Self:
        declared = self.as_database()
        if self.changed_by is not None and self.changed_by not in self.columns:
            raise ValueError(f"changed_by: expected a declared column, got {self.changed_by!r}")
        if self.flag.column not in self.columns:
            raise ValueError(f"flag: expected a declared column, got {self.flag.column!r}")
        column = declared.tables[self.table].parsed_columns()[self.flag.column]
        for value in (self.flag.taken, self.flag.held):
            if value is not None:
                bind(column, value, declared.text_rules(self.table))
        return self

    def as_database(self) -> DatabaseOptions:
        """The same as the options of a database that lists the rows that wait."""
        own = {"columns": self.columns, "key": self.key, "schema": self.schema_name, "charset": self.charset}
        waiting = {"do": "list", "table": self.table, "where": {self.flag.column: self.flag.waiting}}
        return DatabaseOptions.model_validate(
            {
                "url": self.url,
                "password": self.password,
                "charset": self.charset,
                "time_zone": self.time_zone,
                "connections": 2,
                "tables": {self.table: own},
                "operations": {WAITING: waiting},
            }
        )
