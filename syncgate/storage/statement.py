"""A statement compiled once per engine, then run on the driver as text and a tuple.

SQLAlchemy Core describes the statement and its types; going through its connection for each of the few statements
of a step would cost several times what the step itself costs.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Select, Table, bindparam, insert, update
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement, Executable
from sqlalchemy.types import TypeEngine

from syncgate.storage.types import Convert

Params = Mapping[str, Any]
Record = tuple[Any, ...]
R = TypeVar("R")


Places = tuple[tuple[int, Convert], ...]
"""Which positions of a tuple are converted, and how; None stays None."""


@dataclass(frozen=True, slots=True)
class Compiled:
    """The text of a statement for one engine, with what turns values into the driver's and back."""

    text: str
    _pick: Callable[[Params], Record]
    _fixed: Params
    _binders: Places
    _loaders: Places

    def bind(self, params: Params) -> Record:
        """The driver's positional parameters."""
        return _converted(self._pick({**self._fixed, **params} if self._fixed else params), self._binders)

    def load(self, rows: Sequence[Record]) -> list[Record]:
        """The rows with their values as Python knows them."""
        return [_converted(row, self._loaders) for row in rows]


def _converted(values: Record, places: Places) -> Record:
    converted = list(values)
    for place, convert in places:
        if (value := converted[place]) is not None:
            converted[place] = convert(value)
    return tuple(converted)


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
        _pick=_picker(names),
        _fixed={name: value for name, value in compiled.params.items() if value is not None},
        _binders=_places(_type_of(compiled, name).dialect_impl(dialect).bind_processor(dialect) for name in names),
        _loaders=_places(
            column.type.dialect_impl(dialect).result_processor(dialect, None) for column in _selected(core)
        ),
    )


def _picker(names: Sequence[str]) -> Callable[[Params], Record]:
    """Picks the values of these names as a tuple, at the speed of C where there are several."""
    if len(names) > 1:
        picked: Callable[[Params], Record] = itemgetter(*names)
        return picked
    return lambda params: tuple(params[name] for name in names)


def _places(converts: Iterable[Convert | None]) -> Places:
    return tuple((place, convert) for place, convert in enumerate(converts) if convert is not None)


def _selected(core: Executable) -> Sequence[Any]:
    return list(core.selected_columns) if isinstance(core, Select) else ()


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
