"""What a source lists of its own cases, and where that says otherwise than what it posted."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

Json = Any
_IDENTITY: Final = frozenset({"case_no", "references"})
_BY_ID: Final = ("stages", "materials")


@dataclass(frozen=True, slots=True, kw_only=True)
class Listed:
    """One case as its source lists it.

    Attributes:
        number: the source's own number.
        document: the canonical case that its record makes; None where only some columns are read.
        fields: texts by JSON Pointer into the case; empty where the document is there.
        version: the source's own version; None where it says none.
    """

    number: str
    document: Json = field(default=None, repr=False)
    fields: Mapping[str, str] = field(default_factory=dict, repr=False)
    version: str | None = None

    @property
    def tells_content(self) -> bool:
        """Whether it says more than that the case is there."""
        return self.document is not None or bool(self.fields) or self.version is not None


def differing(listed: Listed, said: Json) -> tuple[str, ...]:
    """The top-level fields in which a listing says otherwise than what was posted, in the listing's order.

    What the listing leaves out is not compared. Stages and materials are compared by their ids: one that is listed and
    was never posted differs, one that was posted and is not listed does not.
    """
    found: dict[str, None] = {}
    if listed.document is not None:
        for name, value in listed.document.items():
            if name not in _IDENTITY and not _says(name, value, said.get(name)):
                found[name] = None
    for pointer, text in listed.fields.items():
        if _text(_at(said, pointer)) != text.strip():
            found[pointer.split("/")[1]] = None
    if listed.version is not None and _text(said.get("source_version")) != listed.version.strip():
        found["source_version"] = None
    return tuple(found)


def _says(name: str, listed: Json, said: Json) -> bool:
    if name in _BY_ID and isinstance(listed, list) and isinstance(said, list):
        by_id = {one.get("id"): one for one in said if isinstance(one, dict)}
        return all(isinstance(one, dict) and _covers(one, by_id.get(one.get("id"))) for one in listed)
    return _covers(listed, said)


def _covers(listed: Json, said: Json) -> bool:
    """Whether all that is listed was posted so; a field that was posted beyond it is no difference."""
    if isinstance(listed, dict):
        return isinstance(said, dict) and all(_covers(value, said.get(name)) for name, value in listed.items())
    if isinstance(listed, bool) or isinstance(said, bool):
        return listed is said
    return bool(listed == said)


def _at(said: Json, pointer: str) -> Json:
    for step in pointer.split("/")[1:]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(said, Mapping):
            said = said.get(name)
        elif isinstance(said, Sequence) and not isinstance(said, str) and name.isdecimal() and int(name) < len(said):
            said = said[int(name)]
        else:
            return None
    return said


def _text(value: Json) -> str:
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    return str(value).strip()
