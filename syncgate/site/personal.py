"""Which canonical paths there are, and which of them a system may receive."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from typing import Any, Final, get_args

from syncgate.documents import unknown
from syncgate.site.adapter import PersonalClass
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.schema_tree import Node, SchemaTree

CLASSES: Final = frozenset(get_args(PersonalClass))
_ROOTS: Final[Mapping[str, tuple[str, ...]]] = {
    "case": (),
    "stage": ("stages", "*"),
    "material": ("materials", "*"),
}
_OF_LEG: Final[Mapping[str, tuple[str, ...]]] = {
    "": ("stages",),
    "id": ("stages", "*", "id"),
    "no": ("stages", "*", "id"),
    "org": ("assignee",),
    "from_at": ("stages", "*", "at"),
    "until_at": ("stages", "*", "at"),
    "ended": ("stages", "*", "kind"),
    "began_with": ("stages", "*"),
    "ended_with": ("stages", "*"),
    "stages": ("stages",),
}
"""Where in the case the fields of a leg stand; of the whole leg its stages."""
_ANYTHING: Final[Node] = {}


class CanonicalPaths:
    """The paths that a mapping may read, as mappings write them (`case.applicant.name`)."""

    def __init__(self, schema: CanonicalSchema) -> None:
        """Args: schema: the canonical schema; a personal field of it carries `x-personal`."""
        self._schema = schema
        self._tree = SchemaTree(schema.document)

    def classes(self, path: str) -> frozenset[str] | None:
        """Classes of personal data of all that a path reads; None for a path that no case can have."""
        seen = as_of_case(path) if path.partition(".")[0] == "leg" else path
        return None if self._node(seen) is None else self._schema.personal_classes(seen)

    def unknown(self, path: str) -> str:
        """A message for a path that no case can have, with the nearest one that some can."""
        steps = path.split(".")
        for length in range(len(steps) - 1, 0, -1):
            head = ".".join(steps[:length])
            node = self._node(head)
            if node is not None:
                return unknown("path", path, [f"{head}.{name}" for name in node.get("properties", {})])
        return unknown("path", path, _ROOTS)

    def _node(self, path: str) -> Node | None:
        root, *steps = path.split(".")
        if root not in _ROOTS:
            return None
        node: Node | None = self._tree.root
        for step in (*_ROOTS[root], *steps):
            node = None if node is None else self._below(node, step)
        return node

    def _below(self, node: Node, step: str) -> Node | None:
        if (step == "*" or step.isdigit()) and _may_be(node, "array"):
            return self._tree.child(node, 0) or _ANYTHING
        is_named = step in node.get("properties", {})
        if not is_named and (node.get("additionalProperties") is False or not _may_be(node, "object")):
            return None
        return self._tree.child(node, step) or _ANYTHING


def _may_be(node: Node, kind: str) -> bool:
    kinds: Any = node.get("type", kind)
    return kind in (kinds if isinstance(kinds, list) else [kinds])


@dataclass(frozen=True, slots=True)
class Permitted:
    """What a system may receive: classes of personal data, and single canonical paths."""

    entries: frozenset[str]

    def covers(self, path: str, classes: Collection[str]) -> bool:
        """Whether the system may receive this path, which is of these classes."""
        seen = as_of_case(path)
        return frozenset(classes) <= self.entries or any(
            seen == entry or seen.startswith(f"{entry}.") for entry in self.entries - CLASSES
        )

    def includes(self, entry: str, paths: CanonicalPaths | None) -> bool:
        """Whether a narrower list may name this entry."""
        if entry in CLASSES or paths is None:
            return entry in self.entries
        classes = paths.classes(entry)
        return classes is not None and self.covers(entry, classes)


def wrong_entry(entry: str, paths: CanonicalPaths | None) -> str | None:
    """What is wrong with an entry of a `personal` list; None where it is a class or a canonical path."""
    if entry in CLASSES:
        return None
    if not entry.startswith("case."):
        return unknown("class of personal data", entry, CLASSES)
    return None if paths is None or paths.classes(entry) is not None else paths.unknown(entry)


def as_of_case(path: str) -> str:
    """The path as seen from the case: `stage.name` is `case.stages.*.name`."""
    root, *steps = path.split(".")
    if root == "leg":
        first, *below = steps or [""]
        return ".".join(("case", *_OF_LEG.get(first, ("stages", "*", first)), *below))
    return ".".join(("case", *_ROOTS.get(root, ()), *steps))
