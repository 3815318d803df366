"""The declared tables as SQLAlchemy writes them: names always quoted, values always bound."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from typing import Any, Final

from sqlalchemy import BigInteger, Date, DateTime, Numeric, String, TableClause, TypeDecorator, column, table
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import quoted_name
from sqlalchemy.types import TypeEngine

from syncgate.transports.database.columns import Column, TextRules
from syncgate.transports.database.options import DatabaseOptions


class _DecimalText(TypeDecorator[Decimal]):
    """SQLite has no decimals; a float would not hold them."""

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Decimal | None, dialect: Dialect) -> str | None:
        """As text; the column's affinity makes of it what it can."""
        return None if value is None else f"{value:f}"

    def process_result_value(self, value: Any, dialect: Dialect) -> Decimal | None:
        """From whatever SQLite made of it."""
        return None if value is None else Decimal(str(value))


_TIME: Final = DateTime().with_variant(sqlite.DATETIME(truncate_microseconds=True), "sqlite")  # type: ignore[no-untyped-call]


@dataclass(frozen=True, slots=True)
class Table:
    """One declared table.

    Attributes:
        name: as declared.
        columns: by name.
        key: the columns that tell rows apart.
        rules: how it takes texts.
        clause: what statements are made of.
    """

    name: str
    columns: Mapping[str, Column]
    key: tuple[str, ...]
    rules: TextRules
    clause: TableClause


def tables_of(options: DatabaseOptions) -> dict[str, Table]:
    """Every declared table by name."""
    return {name: _table(name, options) for name in options.tables}


def _table(name: str, options: DatabaseOptions) -> Table:
    declared = options.tables[name]
    columns = declared.parsed_columns()
    schema = None if declared.schema_name is None else quoted_name(declared.schema_name, quote=True)
    clause = table(
        quoted_name(name, quote=True),
        *(column(quoted_name(each, quote=True), _type(one)) for each, one in columns.items()),
        schema=schema,
    )
    return Table(name=name, columns=columns, key=declared.key, rules=options.text_rules(name), clause=clause)


def _type(one: Column) -> TypeEngine[Any]:
    match one.kind:
        case "varchar" | "char" | "text":
            return String()
        case "smallint" | "int" | "bigint":
            return BigInteger()
        case "decimal":
            return Numeric(one.length, one.scale).with_variant(_DecimalText(), "sqlite")
        case "datetime":
            return _TIME
        case "date":
            return Date()
