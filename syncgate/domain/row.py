"""What makes the rows of a store quick to make and to change: frozen to who writes code, plain to the interpreter.

A gate makes some two hundred rows a case. Python's frozen dataclasses set each field through a guarded call, four
times as slow as an assignment; the type checker guards the same rule at no cost.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import MISSING, Field, fields
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    from dataclasses import replace
else:
    from dataclasses import replace as _replaced

    def replace(row, /, **changes):
        """The row with other values in these fields, as `dataclasses.replace`."""
        copied = _copy_by_class.get(type(row))
        if copied is None:
            return _replaced(row, **changes)
        after = copied(row)
        for name, value in changes.items():
            setattr(after, name, value)
        return after


__all__ = ["quick", "replace"]

T = TypeVar("T")

_copy_by_class: dict[type, Callable[[Any], Any]] = {}


def quick(cls: type[T]) -> type[T]:
    """The frozen dataclass without its guard at run time, and with a copy of its own for `replace`.

    It stays equal and hashable by its values. The decorator stands above `@dataclass(frozen=True, slots=True)`.
    """
    for guard in ("__setattr__", "__delattr__"):
        delattr(cls, guard)
    own = fields(cls)  # type: ignore[arg-type]
    cls.__init__ = _made("__init__", _init_source(own), cls)  # type: ignore[method-assign]
    _copy_by_class[cls] = _made("copied", _copy_source(own), cls)
    return cls


def _init_source(own: Sequence[Field[Any]]) -> str:
    """Assigns its keyword arguments, as the dataclass's own does."""
    given = [field.name if _is_required(field) else f"{field.name}=_none" for field in own]
    lines = [f"    self.{field.name} = {_value_of(field)}" for field in own]
    return "\n".join([f"def __init__(self, *, {', '.join(given)}):", *lines])


def _copy_source(own: Sequence[Field[Any]]) -> str:
    lines = [f"    after.{field.name} = row.{field.name}" for field in own]
    return "\n".join(["def copied(row):", "    after = _new(_class)", *lines, "    return after"])


def _is_required(field: Field[Any]) -> bool:
    return field.default is MISSING and field.default_factory is MISSING


def _value_of(field: Field[Any]) -> str:
    if _is_required(field):
        return field.name
    fallback = f"_field_{field.name}.default" + ("" if field.default_factory is MISSING else "_factory()")
    return f"{fallback} if {field.name} is _none else {field.name}"


def _made(name: str, source: str, cls: type[Any]) -> Any:
    """The function of this name and source, which is made of nothing but the names of a class's fields."""
    own = {f"_field_{field.name}": field for field in fields(cls)}
    made: dict[str, Any] = {**own, "_class": cls, "_new": object.__new__, "_none": object()}
    exec(source, made)  # noqa: S102
    return made[name]
