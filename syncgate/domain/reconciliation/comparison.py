"""When two records say the same: comparison rules field by field, and what is different where they do not."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

Json = Any
Owner = Literal["ours", "system"]
"""Whose word counts for a field: what the sources said, or what the system's own people typed there."""
Normalise = Callable[[Json], Json]
"""Gives the one form of all values that count as the same."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedField:
    """One field of a payload as a listing shows it.

    Attributes:
        name: the payload's top-level field.
        at: where a record shows it, as the steps of a JSON Pointer.
        owner: whose word counts.
        rules: the names of the rules below, in the order of applying; empty: values are compared as they are.
        normalise: the rules as one function.
        is_masked: whether the system shows it masked, so that only the characters that it shows are compared.
        tolerance: by how much two numbers may differ; 0: not at all. A tolerance and a mask are in no digest.
    """

    name: str
    at: tuple[str, ...]
    owner: Owner = "ours"
    rules: tuple[str, ...] = ()
    normalise: Normalise = field(default=lambda value: value, repr=False)
    is_masked: bool = False
    tolerance: float = 0.0


@dataclass(frozen=True, slots=True)
class FieldDifference:
    """A field that says something else there.

    Attributes:
        name: of the field. owner: whose word counts.
        expected, actual: the two values, as they are.
        like: the name of a rule under which they would be the same, where one of the known ones is; "" where none is.
    """

    name: str
    owner: Owner
    expected: Json = field(repr=False)
    actual: Json = field(repr=False)
    like: str = ""


@dataclass(frozen=True, slots=True)
class Comparison:
    """The compared fields of one message, in the payload's order."""

    fields: tuple[ComparedField, ...]

    def of_payload(self, payload: Mapping[str, Json]) -> bytes:
        """What is digested of a payload: its compared fields, normalised, as canonical JSON."""
        raise NotImplementedError

    def of_record(self, record: Json) -> bytes:
        """The same of a record as the system shows it. Equal bytes say the same; others may do so by a tolerance."""
        raise NotImplementedError

    def differences(self, payload: Mapping[str, Json], record: Json) -> Sequence[FieldDifference]:
        """The fields that differ under the rules, in the payload's order; empty: they say the same."""
        raise NotImplementedError
