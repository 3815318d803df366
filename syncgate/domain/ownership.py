"""Whose word counts for which fields of a case that several sources post. Pure."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any, Final

from syncgate.domain.reconciliation.patches import with_value

Json = Any
Owns = Mapping[str, Collection[str]]
"""By source, the JSON Pointers of the fields and groups of fields for which its word counts."""
Steps = tuple[str, ...]

UNOWNED: Final = frozenset({"stages", "materials", "references", "kind", "case_no", "source_version"})
"""What is only ever added to, or fixed: nobody's word is needed for it."""


def owners_of(owns: Owns, at: str) -> frozenset[str]:
    """The sources whose word counts for the field: those that name it, or else the nearest group that holds it."""
    while at:
        if found := frozenset(source for source, fields in owns.items() if at in fields):
            return found
        at = at.rpartition("/")[0]
    return frozenset()


def overstepped(owns: Owns, source: str, before: Json, after: Json) -> dict[str, frozenset[str]]:
    """The fields with a value that the source changes though only others' word counts, with their owners.

    A field that has no value yet may be given one by anybody.
    """
    changed = (_pointer(steps) for steps, was in _leaves(before) if _at(after, steps) != was)
    return {at: owners for at in changed if (owners := owners_of(owns, at)) and source not in owners}


def with_others_kept(owns: Owns, source: str, before: Json, after: Json) -> Json:
    """The document after the source said all that it knows: what it left out stays where only others' word counts."""
    for steps, was in _leaves(before):
        owners = owners_of(owns, _pointer(steps))
        if owners and source not in owners and _at(after, steps) is None:
            after = with_value(after, steps, was)
    return after


def _leaves(document: Json, steps: Steps = ()) -> Iterator[tuple[Steps, Json]]:
    """Every value that is no object, with its place; lists are values."""
    if not isinstance(document, Mapping):
        if document is not None:
            yield steps, document
        return
    for name, value in document.items():
        if steps or name not in UNOWNED:
            yield from _leaves(value, (*steps, name))


def _at(document: Json, steps: Steps) -> Json:
    for step in steps:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


def _pointer(steps: Steps) -> str:
    return "".join("/" + step.replace("~", "~0").replace("/", "~1") for step in steps)
