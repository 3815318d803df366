"""The live check: whether the real tables are what the adapter declares. Every difference is told at once."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from difflib import get_close_matches
from typing import Any, Final

from sqlalchemy import Connection, inspect, text, types
from sqlalchemy.engine import Inspector

from syncgate.ports import Difference
from syncgate.transports.database.columns import Column
from syncgate.transports.database.options import DatabaseOptions, Insert

_WRITES: Final = ("insert", "update", "mark")
_TRANSACTIONAL: Final = frozenset({"innodb", "ndbcluster", "rocksdb", "tokudb"})
_BITS: Final[Mapping[str, int]] = {
    "tinyint": 8,
    "smallint": 16,
    "mediumint": 24,
    "integer": 32,
    "int": 32,
    "bigint": 64,
}
_NEEDED: Final[Mapping[str, int]] = {"smallint": 16, "int": 32, "bigint": 64}


def differences(options: DatabaseOptions, connection: Connection) -> list[Difference]:
    """Every difference between the declared tables and the real ones; blocks on the connection."""
    inspector = inspect(connection)
    found: list[Difference] = []
    for name, declared in options.tables.items():
        schema = declared.schema_name
        known = [*inspector.get_table_names(schema=schema), *inspector.get_view_names(schema=schema)]
        if name not in known:
            found.append(Difference(name, f"expected a table, got none{_near(name, known)}"))
            continue
        found += _columns(name, declared.parsed_columns(), inspector, schema, options)
        if _is_written(name, options):
            found += _key(name, declared.key, inspector, schema)
            found += _engine(name, schema, connection)
    return found


def _columns(
    table: str, declared: Mapping[str, Column], inspector: Inspector, schema: str | None, options: DatabaseOptions
) -> Iterator[Difference]:
    real = {column["name"]: column for column in inspector.get_columns(table, schema=schema)}
    is_loose = inspector.dialect.name == "sqlite"
    for name, column in declared.items():
        at = f"{table}.{name}"
        if name not in real:
            yield Difference(at, f"expected {column.declared()}, got no such column{_near(name, list(real))}")
            continue
        there = real[name]
        if not _holds(there["type"], column, is_loose=is_loose):
            yield Difference(at, f"expected {column.declared()}, got {there['type']}")
        if there["nullable"] is False and not column.is_required and not _is_filled_there(there):
            yield Difference(at, "expected a column that takes null, got one that is not null")
    if table in _inserted(options):
        for name, there in real.items():
            if name not in declared and there["nullable"] is False and not _is_filled_there(there):
                yield Difference(
                    f"{table}.{name}", "expected no column that must have a value and is not declared, got one"
                )


def _holds(there: Any, column: Column, *, is_loose: bool) -> bool:
    """Whether the real type takes every value that the declared one does."""
    name = str(getattr(there, "__visit_name__", "")).lower()
    if column.is_text:
        if not isinstance(there, types.String):
            return False
        return there.length is None or (0 < column.length <= there.length)
    if column.kind in _NEEDED:
        return (is_loose and isinstance(there, types.Integer)) or _BITS.get(name, 0) >= _NEEDED[column.kind]
    if column.kind == "decimal":
        if not isinstance(there, types.Numeric) or isinstance(there, types.Float):
            return False
        return there.precision is None or ((there.scale or 0) == column.scale and there.precision >= column.length)
    if column.kind == "datetime":
        return isinstance(there, types.DateTime | types.TIMESTAMP)
    return isinstance(there, types.Date)


def _is_filled_there(there: Mapping[str, Any]) -> bool:
    return (
        there.get("default") is not None
        or there.get("autoincrement") is True
        or bool(there.get("identity"))
        or bool(there.get("computed"))
        or (bool(there.get("primary_key")) and isinstance(there["type"], types.Integer))
    )


def _key(table: str, key: tuple[str, ...], inspector: Inspector, schema: str | None) -> Iterator[Difference]:
    unique: list[Sequence[str | None]] = [inspector.get_pk_constraint(table, schema=schema)["constrained_columns"]]
    unique += [each["column_names"] for each in inspector.get_unique_constraints(table, schema=schema)]
    unique += [each["column_names"] for each in inspector.get_indexes(table, schema=schema) if each["unique"]]
    if not any(columns and set(columns) <= set(key) for columns in unique):
        yield Difference(
            table, f"expected a unique index on {', '.join(key)}, got none: a row sent twice would be there twice"
        )


def _engine(table: str, schema: str | None, connection: Connection) -> Iterator[Difference]:
    """MySQL has tables that commit every row at once; what is rolled back there stays."""
    if connection.dialect.name not in ("mysql", "mariadb"):
        return
    statement = "SELECT engine FROM information_schema.tables WHERE table_name = :name AND table_schema = "
    asked = text(statement + ("database()" if schema is None else ":schema"))
    values = {"name": table} | ({} if schema is None else {"schema": schema})
    engine = connection.execute(asked, values).scalar()
    if engine is not None and str(engine).lower() not in _TRANSACTIONAL:
        yield Difference(table, f"expected an engine with transactions, got {engine}: half a message would stay")


def _is_written(table: str, options: DatabaseOptions) -> bool:
    return table in _inserted(options) or any(
        operation.table == table for operation in options.operations.values() if operation.do in _WRITES
    )


def _inserted(options: DatabaseOptions) -> frozenset[str]:
    inserts = [operation for operation in options.operations.values() if isinstance(operation, Insert)]
    return frozenset([each.table for each in inserts] + [c.table for each in inserts for c in each.children.values()])


def _near(name: str, known: list[str]) -> str:
    near = get_close_matches(name, known, n=1)
    return f"; nearest is {near[0]!r}" if near else ""
