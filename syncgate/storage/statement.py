"""A statement compiled once per engine, then run on the driver as text and a tuple.

SQLAlchemy Core describes the statement and its types; going through its connection for each of the few statements
of a step would cost several times what the step itself costs.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Select, Table, Update, bindparam, insert, update
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement, Executable
from sqlalchemy.types import TypeEngine

from syncgate.storage.types import Convert

Params = Mapping[str, Any]
Record = tuple[Any, ...]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Compiled:
    """The text of a statement for one engine, with what turns values into the driver's and back."""

    text: str
    names: tuple[str, ...]
    _binders: tuple[Convert | None, ...]
    _fixed: Params
    _loaders: tuple[tuple[int, Convert], ...]

    def bind(self, params: Params) -> tuple[Any, ...]:
        """The driver's positional parameters."""
        fixed = self._fixed
        return tuple(
            [
                value if binder is None else binder(value)
                for binder, value in zip(
                    self._binders,
                    [params[name] if name in params else fixed[name] for name in self.names],
                    strict=True,
                )
            ]
        )

    def load(self, rows: Sequence[Sequence[Any]]) -> list[Record]:
        """The rows with their values as Python knows them."""
        loaders = self._loaders
        if not loaders:
            return [tuple(row) for row in rows]
        loaded = []
        for row in rows:
            values = list(row)
            for place, load in loaders:
                values[place] = load(values[place])
            loaded.append(tuple(values))
        return loaded


class Statement:
    """A Core statement with bind parameters by name. Module-level ones are compiled once per engine."""

    __slots__ = ("_compiled", "_core", "_postgresql", "locks")

    def __init__(self, core: Executable, *, postgresql: Executable | None = None) -> None:
        """Args: core: the statement; postgresql: what PostgreSQL runs in its place, where the two differ."""
        self._core = core
        self._postgresql = core if postgresql is None else postgresql
        self._compiled: dict[str, Compiled] = {}
        self.locks = getattr(core, "_for_update_arg", None) is not None

    def compiled(self, dialect: Dialect) -> Compiled:
        """The statement for this engine."""
        found = self._compiled.get(dialect.name)
        if found is None:
            core = self._postgresql if dialect.name == "postgresql" else self._core
            found = self._compiled[dialect.name] = _compile(core, dialect)
        return found


def _compile(core: Executable, dialect: Dialect) -> Compiled:
    assert isinstance(core, ClauseElement)
    compiled: Any = core.compile(dialect=dialect, compile_kwargs={"render_postcompile": True})
    names = tuple(compiled.positiontup or ())
    return Compiled(
        text=str(compiled),
        names=names,
        _binders=tuple(_binder(_type_of(compiled, name), dialect) for name in names),
        _fixed={name: value for name, value in compiled.params.items() if value is not None},
        _loaders=_loaders(core, dialect),
    )


def _type_of(compiled: Any, name: str) -> TypeEngine[Any]:
    bind = compiled.binds.get(name)
    if bind is None:
        return _expanded_type(compiled, name)
    found: TypeEngine[Any] = bind.type
    return found


def _expanded_type(compiled: Any, name: str) -> TypeEngine[Any]:
    """The type of one value of an expanded IN list: `phase_1_2` is the second value of `phase_1`."""
    found: TypeEngine[Any] = compiled.binds[name.rpartition("_")[0]].type
    return found


def _binder(type_: TypeEngine[Any], dialect: Dialect) -> Convert | None:
    return type_.dialect_impl(dialect).bind_processor(dialect)


def _loaders(core: Executable, dialect: Dialect) -> tuple[tuple[int, Convert], ...]:
    columns: Sequence[Any] = ()
    if isinstance(core, Select):
        columns = list(core.selected_columns)
    elif isinstance(core, Update):
        columns = list(core.returning_column_descriptions)
    pairs = ((place, column.type.dialect_impl(dialect)) for place, column in enumerate(columns))
    found = ((place, impl.result_processor(dialect, None)) for place, impl in pairs)
    return tuple((place, load) for place, load in found if load is not None)


class Shape(Generic[R]):
    """How a table's rows and a frozen row of `domain.rows` become each other: by the names that they share."""

    def __init__(self, table: Table, row: type[R]) -> None:
        self.table = table
        self.names: tuple[str, ...] = tuple(column.name for column in table.columns)
        self._row = row
        self._values = attrgetter(*self.names)

    def params(self, row: R, **more: Any) -> dict[str, Any]:
        """The row's values by column, with more parameters of the statement."""
        return dict(zip(self.names, self._values(row), strict=True), **more)

    def row(self, record: Record) -> R:
        """The row of a record that selects all columns of the table in their order."""
        return self._row(**dict(zip(self.names, record, strict=True)))

    def rows(self, records: Sequence[Record]) -> list[R]:
        return [self.row(record) for record in records]

    def insert(self) -> Any:
        """INSERT of a whole row."""
        return insert(self.table).values({name: bindparam(name) for name in self.names})

    def update(self, *, keeping: Sequence[str]) -> Any:
        """UPDATE of every column but these; the WHERE is the caller's."""
        moving = [name for name in self.names if name not in keeping]
        return update(self.table).values({name: bindparam(name) for name in moving})


def given(name: str, column: Column[Any]) -> Any:
    """A bind parameter with the column's type."""
    return bindparam(name, type_=column.type)
