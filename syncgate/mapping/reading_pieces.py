"""What every reader of a mapping shares: where it stands, and the small pieces that expressions are made of."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping

from syncgate import documents
from syncgate.documents import Node, Place, Problems, Scalar, Sequence
from syncgate.mapping.document import Const, Expression
from syncgate.mapping.functions import Functions
from syncgate.mapping.tables import Tables

DEEPEST = 16
"""How many expressions may nest."""

COMMON = ("optional", "when_absent", "compared", "empty_as", "absent_as", "confidential")

OPERATIONS: Mapping[str, tuple[str, ...]] = {
    "path": (),
    "const": (),
    "table": ("of", "otherwise", "lossy", "reverse"),
    "row": ("key", "at", "column"),
    "time": ("format", "zone"),
    "parse_time": ("format", "formats", "zone", "fold"),
    "number": ("as", "decimals", "rounding", "unit"),
    "parse_number": ("as", "unit", "thousands"),
    "text": ("steps", "charset", "unencodable", "limit"),
    "join": ("with",),
    "split": ("on",),
    "choose": ("otherwise",),
    "first": (),
    "each": ("where", "do", "one_as"),
    "object": (),
    "list": (),
    "remote_ref": ("message",),
    "case_ref": (),
    "context": ("format", "zone"),
    "function": ("args",),
}
"""Every operation with its own keys; the common ones go with each."""

CONDITIONS = ("present", "equals", "in", "not", "all", "any", "at_least", "at_most")


class PieceReader(ABC):
    """Reads texts, counts, choices and operands, and adds what is wrong with them."""

    def __init__(
        self,
        problems: Problems,
        *,
        roots: tuple[str, ...],
        tables: Tables,
        functions: Functions,
        system: str | None,
        zone: str,
        context_names: tuple[str, ...],
    ) -> None:
        """Args: context_names: the context values that have a meaning here."""
        self.problems = problems
        self.context_names = context_names
        self.roots = roots
        self.tables = tables
        self.functions = functions
        self.system = system
        self.zone = zone
        self.each_count = 0
        self.depth = 0

    @abstractmethod
    def expression(self, node: Node, *, is_slot: bool = False, is_field: bool = False) -> Expression:
        """The expression that a node writes."""

    def _operand(self, node: documents.Mapping, key: str) -> Expression:
        found = node.get(key)
        if found is None:
            self._add(node.place, f"expected the key {key!r}, got none")
            return nothing(node)
        return self.expression(found)

    def _items(self, node: Node | None, name: str) -> tuple[Node, ...]:
        if isinstance(node, Sequence) and node.items:
            return node.items
        if node is not None:
            got = "an empty list" if isinstance(node, Sequence) else documents.kind_of(node)
            self._add(node.place, f"expected a list for {name}, got {got}")
        return ()

    def _text(self, node: documents.Mapping, key: str, *, is_empty_allowed: bool = False) -> str:
        found = node.get(key)
        if isinstance(found, Scalar) and isinstance(found.value, str) and (found.value or is_empty_allowed):
            return found.value
        if found is None:
            self._add(node.place, f"expected the key {key!r}, got none")
        else:
            got = "an empty text" if isinstance(found, Scalar) and found.value == "" else documents.kind_of(found)
            self._add(found.place, f"expected a text as {key!r}, got {got}")
        return ""

    def _count(self, node: documents.Mapping, key: str, *, most: int) -> int | None:
        found = node.get(key)
        if found is None:
            return None
        value = found.value if isinstance(found, Scalar) else None
        if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= most:
            return value
        self._add(found.place, f"expected a whole number from 0 to {most} as {key!r}")
        return None

    def _choice(self, node: documents.Mapping, key: str, known: tuple[str, ...], default: str) -> str:
        found = node.get(key)
        if found is None:
            return default
        value = found.value if isinstance(found, Scalar) else None
        if isinstance(value, str) and value in known:
            return value
        if isinstance(value, str):
            self._unknown(found.place, key, value, [name for name in known if name])
        else:
            self._add(found.place, f"expected one of {listed(known)} as {key!r}")
        return default

    def _only(self, node: documents.Mapping, key: str, value: bool) -> bool:
        """Whether a switch is written; its other position is the default and is not written."""
        found = node.get(key)
        if found is None:
            return False
        if not isinstance(found, Scalar) or found.value is not value:
            self._add(found.place, f"expected '{key}: {str(value).lower()}' or no such key")
        return True

    def _unknown_table(self, node: Node, name: str, found: object, kind: str) -> None:
        if not name:
            return
        if found is not None:
            self._add(node.place, f"expected a {kind} table, got {name!r}, which is of the other kind")
        else:
            self._unknown(node.place, "table", name, self.tables.names(self.system))

    def _add(self, place: Place, message: str, code: str = "invalid") -> None:
        self.problems.add(place, message, code)

    def _unknown(self, place: Place, kind: str, name: str, known: object) -> None:
        names = list(known) if isinstance(known, Mapping | tuple | list) else []
        self.problems.add(place, documents.unknown(kind, name, names), "unknown_name")


def nothing(node: Node) -> Const:
    return Const(place=node.place, value=None)


def names_of(node: Node) -> tuple[str, ...]:
    return node.names if isinstance(node, documents.Mapping) else ()


def listed(names: object) -> str:
    found = [repr(name) if name == "" else str(name) for name in names]  # type: ignore[attr-defined]
    return " or ".join((", ".join(found[:-1]), found[-1])) if len(found) > 1 else "".join(found)
