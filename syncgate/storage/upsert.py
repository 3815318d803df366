"""INSERT that meets a row of the same key, in each engine's dialect."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from sqlalchemy import Table, bindparam
from sqlalchemy.dialects import postgresql, sqlite

from syncgate.storage.statement import Statement


def insert_or_keep(table: Table, *, keys: Sequence[str]) -> Statement:
    """Inserts the whole row, or leaves the one that is there."""
    return _by_engine(table, lambda insert: insert.on_conflict_do_nothing(index_elements=list(keys)))


def insert_or_replace(table: Table, *, keys: Sequence[str]) -> Statement:
    """Inserts the whole row, or replaces every column of the one that is there."""
    others = [column.name for column in table.columns if column.name not in keys]
    return _by_engine(
        table,
        lambda insert: insert.on_conflict_do_update(
            index_elements=list(keys), set_={name: insert.excluded[name] for name in others}
        ),
    )


def insert_or_add(table: Table, *, keys: Sequence[str], count: str) -> Statement:
    """Inserts the whole row, or adds its count to the one that is there."""
    return _by_engine(
        table,
        lambda insert: insert.on_conflict_do_update(
            index_elements=list(keys), set_={count: table.c[count] + insert.excluded[count]}
        ),
    )


def _by_engine(table: Table, meet: Callable[[Any], Any]) -> Statement:
    values: dict[str, Any] = {column.name: bindparam(column.name) for column in table.columns}
    return Statement(
        meet(sqlite.insert(table).values(values)),
        postgresql=meet(postgresql.insert(table).values(values)),
    )
