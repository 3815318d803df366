"""A statement compiled once per engine, then run on the driver as text and a tuple.

SQLAlchemy Core describes the statement and its types; going through its connection for each of the few statements
of a step would cost several times what the step itself costs.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from operator import attrgetter
from typing import Any, Generic, TypeVar

from sqlalchemy import Column, Select, Table, bindparam, insert, update
from sqlalchemy.engine import Dialect
from sqlalchemy.sql import ClauseElement, Executable
from sqlalchemy.types import TypeEngine

from syncgate.storage.types import Convert

Params = Mapping[str, Any]
Record = tuple[Any, ...]
R = TypeVar("R")


@dataclass(frozen=True, slots=True)
class Compiled:
    """The text of a statement for one engine, with what turns values into the driver's and back.

    Attributes:
        text: the statement.
        bind: the driver's positional parameters of those by name.
        load: a row's values as Python knows them; None where the driver's are.
    """

    text: str
    bind: Callable[[Params], Record]
    load: Callable[[Record], Record] | None

    def loaded(self, rows: list[Record]) -> list[Record]:
        """The rows with their values as Python knows them."""
        return rows if self.load is None else [self.load(row) for row in rows]


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
    binders = [_type_of(compiled, name).dialect_impl(dialect).bind_processor(dialect) for name in names]
    loaders = [column.type.dialect_impl(dialect).result_processor(dialect, None) for column in _selected(core)]
    fixed = {name: value for name, value in compiled.params.items() if value is not None}
    return Compiled(text=str(compiled), bind=_binder(names, binders, fixed), load=_loader(loaders))


def _binder(names: Sequence[str], converts: Sequence[Convert | None], fixed: Params) -> Callable[[Params], Record]:
    """Picks the values of these names, in this order, and converts them; what is fixed may be left out."""
    values = [f"params[{name!r}]" if name not in fixed else f"params.get({name!r}, _fixed[{name!r}])" for name in names]
    made: Callable[[Params], Record] = _function("params", values, converts, _fixed=fixed)
    return made


def _loader(converts: Sequence[Convert | None]) -> Callable[[Record], Record] | None:
    if not any(converts):
        return None
    made: Callable[[Record], Record] = _function("row", [f"row[{place}]" for place in range(len(converts))], converts)
    return made


def _function(argument: str, values: Sequence[str], converts: Sequence[Convert | None], **more: Any) -> Any:
    """A function that gives these values as a tuple, each converted where it is not None: written out, because
    a loop over some thirty columns costs several times what it does."""
    pieces = [
        value if convert is None else f"(None if (value := {value}) is None else _convert{place}(value))"
        for place, (value, convert) in enumerate(zip(values, converts, strict=True))
    ]
    known = {f"_convert{place}": convert for place, convert in enumerate(converts)}
    return eval(f"lambda {argument}: ({', '.join(pieces)}{',' if pieces else ''})", {**known, **more})  # noqa: S307


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
        self._values = attrgetter(*self.names)
        fields = ", ".join(f"{name}=record[{place}]" for place, name in enumerate(self.names))
        self.row: Callable[[Record], R] = eval(f"lambda record: row({fields})", {"row": row})  # noqa: S307
        """The row of a record that selects all columns of the table in their order."""

    def params(self, row: R, **more: Any) -> dict[str, Any]:
        """The row's values by column, with more parameters of the statement."""
        return dict(zip(self.names, self._values(row), strict=True), **more)

    def rows(self, records: Sequence[Record]) -> list[R]:
        row = self.row
        return [row(record) for record in records]

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
