"""When two records say the same: comparison rules field by field, and what is different where they do not.

A run compares twice. First only digests: of `of_payload` on our side, of `of_record` on theirs. Equal bytes say the
same; unequal ones may do so too, where a field has a tolerance or is masked otherwise than declared. So the digest may
suspect too much and never too little, and `differences` has the last word on what it suspects.

Fields are compared whole, objects and lists too: a digest of a record cannot know which members ours had. Members that
a system adds to an object are passed over by the rule `members`. A member that is null is as good as left out, and so
is a field.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from json.encoder import encode_basestring_ascii as quoted
from typing import Any, Literal

from syncgate.domain.reconciliation.forms import Json, Normalise, number_of, of_numbers, plain, written
from syncgate.domain.reconciliation.masks import Mask, parse_mask, shows
from syncgate.domain.reconciliation.rules import as_it_is, parse_rules

Owner = Literal["ours", "system"]
"""Whose word counts for a field: what the sources said, or what the system's own people typed there."""

Reading = tuple[tuple[str, ...], Normalise | None]
"""A field as it is read for the digest: its steps, and its form where it has one."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ComparedField:
    """One field of a payload as a listing shows it.

    Attributes:
        name: the payload's top-level field.
        at: where a record shows it, as the steps of a JSON Pointer.
        owner: whose word counts.
        rules: the names of the rules below, in the order of applying; empty: values are compared as they are.
        normalise: the rules as one function, for what we sent.
        normalise_there: the same for what the system shows, where it is another function; None: it is not.
        mask: which characters the system shows, where it shows the field masked; only these are compared.
        tolerance: by how much two numbers may differ; 0: not at all. A field has a mask or a tolerance, not both.
    """

    name: str
    at: tuple[str, ...]
    owner: Owner = "ours"
    rules: tuple[str, ...] = ()
    normalise: Normalise = field(default=as_it_is, repr=False, compare=False)
    normalise_there: Normalise | None = field(default=None, repr=False, compare=False)
    mask: Mask | None = None
    tolerance: float = 0.0

    @classmethod
    def of(
        cls,
        name: str,
        at: tuple[str, ...],
        *,
        owner: Owner = "ours",
        same: Any = (),
        masked: Any = None,
        tolerance: float = 0.0,
    ) -> ComparedField:
        """A field as an adapter declares it.

        Args:
            name, at, owner, tolerance: as above.
            same: the document of its rules.
            masked: the document of its mask.

        Raises:
            ValueError: what was expected; all that is wrong.
        """
        rules = parse_rules(list(same) if isinstance(same, tuple) else same)
        return cls(
            name=name,
            at=at,
            owner=owner,
            rules=rules.names,
            normalise=rules.ours,
            normalise_there=rules.theirs,
            mask=parse_mask(masked),
            tolerance=tolerance,
        )

    def ours(self, value: Json) -> Json:
        """The form of a value that we sent, before mask and tolerance."""
        return self.normalise(value)

    def theirs(self, value: Json) -> Json:
        """The form of a value as the system shows it, before mask and tolerance."""
        return self.normalise(value) if self.normalise_there is None else self.normalise_there(value)


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
    of_payload: Callable[[Mapping[str, Json]], bytes] = field(init=False, repr=False, compare=False)
    """What is digested of a payload: its compared fields in their forms, as canonical JSON."""
    of_record: Callable[[Json], bytes] = field(init=False, repr=False, compare=False)
    """The same of a record as the system shows it. Equal bytes say the same; others may do so too."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "of_payload", _digester(self.readings(is_ours=True)))
        object.__setattr__(self, "of_record", _digester(self.readings(is_ours=False)))

    def readings(self, *, is_ours: bool) -> tuple[Reading, ...]:
        """How the fields are read for the digest, of a payload or of a record."""
        return tuple(((one.name,) if is_ours else one.at, _digested(one, is_ours=is_ours)) for one in self.fields)

    def differences(self, payload: Mapping[str, Json], record: Json) -> Sequence[FieldDifference]:
        """The fields that differ under the rules, in the payload's order; empty: they say the same."""
        return [
            FieldDifference(one.name, one.owner, expected, actual)
            for one in self.fields
            if not _is_same(one, expected := payload.get(one.name), actual := value_at(record, one.at))
        ]

    def changes(self, earlier: Mapping[str, Json], later: Mapping[str, Json]) -> Sequence[FieldDifference]:
        """The fields in which two payloads of ours differ under the rules: expected what was sent, actual the later."""
        return [
            FieldDifference(one.name, one.owner, earlier.get(one.name), later.get(one.name))
            for one in self.fields
            if written(one.ours(earlier.get(one.name))) != written(one.ours(later.get(one.name)))
        ]


def value_at(record: Json, steps: Sequence[str]) -> Json:
    """The value at the steps of a JSON Pointer; None where there is none."""
    for step in steps:
        if isinstance(record, Mapping):
            record = record.get(step)
        elif isinstance(record, list) and step.isdecimal() and int(step) < len(record):
            record = record[int(step)]
        else:
            return None
    return record


def _is_same(one: ComparedField, expected: Json, actual: Json) -> bool:
    """Told from the values alone, and not from what is digested of them: so the one can be held against the other."""
    ours, theirs = one.ours(expected), one.theirs(actual)
    if one.tolerance:
        ours, theirs = _as_number(ours), _as_number(theirs)
    if written(ours) == written(theirs):
        return True
    if one.mask is not None:
        return shows(theirs, ours)
    return bool(one.tolerance) and _is_near(ours, theirs, Decimal(repr(one.tolerance)))


def _is_near(ours: Json, theirs: Json, tolerance: Decimal) -> bool:
    here, there = number_of(ours), number_of(theirs)
    return here is not None and there is not None and abs(here - there) <= tolerance


_as_number = of_numbers(plain, ())


def _digested_form(one: ComparedField, value: Json, *, is_ours: bool) -> Json:
    if one.mask is not None:
        value = one.mask.of_ours(value) if is_ours else one.mask.of_theirs(value)
    return _as_number(value) if one.tolerance else value


def _digested(one: ComparedField, *, is_ours: bool) -> Normalise | None:
    """What is digested of a field's value; None: the value itself."""
    form = one.normalise if is_ours or one.normalise_there is None else one.normalise_there
    if one.mask is None and not one.tolerance:
        return None if form is as_it_is else form
    return lambda value: _digested_form(one, form(value), is_ours=is_ours)


def digest_plainly(record: Json, readings: Sequence[Reading]) -> bytes:
    """What is digested of a record, field by field: what `_digester` writes out says the same."""
    parts = []
    for steps, form in readings:
        value = value_at(record, steps)
        parts.append(_part(value if form is None else form(value)))
    return f"[{','.join(parts)}]".encode("ascii")


def _part(value: Json) -> str:
    return "null" if value is None else written(value)


def _digester(readings: Sequence[Reading]) -> Callable[[Json], bytes]:
    """The same as one expression: it runs for every record of every run, and a loop costs half as much again."""
    known: dict[str, Any] = {"_quoted": quoted, "_part": _part, "_value_at": value_at}
    values = []
    for no, (steps, form) in enumerate(readings):
        value = f"record.get({steps[0]!r})" if len(steps) == 1 else f"_value_at(record, {steps!r})"
        values.append(value if form is None else f"_form{no}({value})")
        known[f"_form{no}"] = form
    parts = f"[_quoted(value) if type(value) is str else _part(value) for value in ({', '.join([*values, ''])})]"
    of_object = eval(f"lambda record: ('[' + ','.join({parts}) + ']').encode('ascii')", known)  # noqa: S307
    return lambda record: of_object(record) if type(record) is dict else digest_plainly(record, readings)
