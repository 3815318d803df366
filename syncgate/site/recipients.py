"""Who receives the caller of a confidential case: nobody, but the systems that are declared to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final

from syncgate.documents import Problem
from syncgate.mapping import Mapping as FieldMapping
from syncgate.mapping.confidential import read_openly
from syncgate.site.adapter import Adapter
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.personal import CanonicalPaths, as_of_case

Json = Any
_OF_A_PERSON: Final = frozenset({"name", "identity", "contact"})
_PARTIES: Final = ("case.applicant", "case.agent", "case.contact")
_STAFF: Final = "case.stages.*.handler"
"""Who works on a case is not who called."""


def is_confidential(case: Json) -> bool:
    """Whether who called may reach nobody but the systems that are declared to receive it."""
    return isinstance(case, Mapping) and case.get("kind") == "hotline" and case.get("is_confidential") is True


def is_of_the_caller(path: str, classes: frozenset[str]) -> bool:
    """Whether a path, which is of these classes of personal data, says who called."""
    seen = as_of_case(path)
    if not classes or _is_at(seen, _STAFF):
        return False
    return bool(classes & _OF_A_PERSON) or any(_is_at(seen, party) for party in _PARTIES)


def without_the_caller(case: Json, schema: CanonicalSchema) -> Json:
    """The case without anything that says who called; a copy, as far as it differs.

    An object has the classes of all that lies in it: what of it says nothing of the caller stays.
    """
    paths = [path for path in schema.personal_paths() if path.startswith("case.")]
    for path in paths:
        holds_more = any(other.startswith(f"{path}.") for other in paths)
        if not holds_more and is_of_the_caller(path, schema.personal_classes(path)):
            case = _without(case, path.split(".")[1:])
    return case


def _without(value: Json, steps: Sequence[str]) -> Json:
    step, *below = steps
    if step == "*":
        if isinstance(value, list):
            return [_without(item, below) for item in value] if below else []
        return {key: _without(item, below) for key, item in value.items()} if isinstance(value, dict) else value
    if not isinstance(value, dict) or step not in value:
        return value
    rest = {key: item for key, item in value.items() if key != step}
    return rest | {step: _without(value[step], below)} if below else rest


def check_withheld(adapter: Adapter, mapping: FieldMapping | None, paths: CanonicalPaths | None) -> Iterator[Problem]:
    """Every reading of who called that does not say what stands instead, at a system that is not to receive it.

    It is asked of systems that take hotline cases by what they declare. Of any other a confidential case is parked.
    """
    if mapping is None or paths is None or mapping.direction != "out":
        return
    if adapter.confidential or not takes_calls(adapter):
        return
    for field, path, place in read_openly(mapping.document.payload):
        classes = paths.classes(path) or frozenset()
        if is_of_the_caller(path, classes):
            told = ", ".join(sorted(classes))
            words = (
                f"{mapping.name}, field {field!r}: {path} is personal ({told}) and says who called, which "
                f"{adapter.system} is not to receive of a confidential case: "
                "expected 'confidential' to say what stands instead, got none"
            )
            yield Problem(place, words, "confidential")


def takes_calls(adapter: Adapter) -> bool:
    """Whether the adapter says that it takes hotline cases."""
    return adapter.assignee is not None or _names_calls(adapter.applies_to)


def _names_calls(condition: Json) -> bool:
    if not isinstance(condition, Mapping):
        return False
    if "all" in condition:
        return any(_names_calls(one) for one in condition["all"])
    among = condition.get("in")
    if isinstance(among, Sequence) and len(among) == 2 and among[0] == "case.kind":
        return "hotline" in str(among[1])
    return condition.get("equals") == ["case.kind", {"const": "hotline"}]


def _is_at(path: str, above: str) -> bool:
    return path == above or path.startswith(f"{above}.")
