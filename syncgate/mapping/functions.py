"""Registered functions: what a site adds where the closed list of operations is not enough.

A function is named, typed and pure: it takes named JSON values, gives one, and reads nothing else.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from syncgate.documents import JsonValue

Type = Literal["text", "integer", "number", "boolean", "list", "object", "any"]

_PYTHON_TYPES: Mapping[Type, tuple[type, ...]] = {
    "text": (str,),
    "integer": (int,),
    "number": (int, float),
    "boolean": (bool,),
    "list": (list,),
    "object": (dict,),
    "any": (object,),
}


@dataclass(frozen=True, slots=True)
class Function:
    """A function by its name in mappings, the type of each parameter, and the type that it gives."""

    name: str
    parameters: Mapping[str, Type]
    gives: Type
    call: Callable[..., JsonValue]


@dataclass(frozen=True, slots=True)
class Functions:
    """The functions that a mapping may name."""

    by_name: Mapping[str, Function] = field(default_factory=dict)

    def with_(self, functions: Iterable[Function]) -> Functions:
        """These functions and others; a name that is taken is refused.

        Raises:
            ValueError: where two functions have one name.
        """
        found = dict(self.by_name)
        for function in functions:
            if function.name in found:
                raise ValueError(f"the function {function.name!r} is registered twice")
            found[function.name] = function
        return Functions(found)


NO_FUNCTIONS = Functions()


def is_of(value: Any, kind: Type) -> bool:
    """Whether a JSON value is of a type; a truth value is no number."""
    if isinstance(value, bool):
        return kind in ("boolean", "any")
    return isinstance(value, _PYTHON_TYPES[kind])
