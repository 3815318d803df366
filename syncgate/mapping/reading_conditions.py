"""Reads conditions."""

from __future__ import annotations

from syncgate import documents
from syncgate.documents import Node, Place, Sequence
from syncgate.mapping import document as model
from syncgate.mapping.document import Condition, Const, Operand
from syncgate.mapping.reading_pieces import (
    CONDITIONS,
    DEEPEST,
    OPERATIONS,
    PieceReader,
    names_of,
    nothing,
)


class ConditionReader(PieceReader):
    """Reads conditions: objects with one of CONDITIONS."""

    def condition(self, node: Node) -> Condition:
        """The condition that a node writes: an object with one of CONDITIONS."""
        never = model.Any(node.place, ())
        if not isinstance(node, documents.Mapping) or len(node.entries) != 1:
            got = documents.kind_of(node)
            self._add(node.place, f"expected one condition such as {{present: case.agent}}, got {got}")
            return never
        entry = node.entries[0]
        if entry.name not in CONDITIONS:
            self._unknown(entry.key.place, "condition", entry.name, CONDITIONS)
            return never
        if self.depth >= DEEPEST:
            self._add(node.place, f"expected at most {DEEPEST} nested conditions, got more")
            return never
        self.depth += 1
        try:
            return self._condition(entry.name, entry.value, node.place)
        finally:
            self.depth -= 1

    def _condition(self, name: str, node: Node, place: Place) -> Condition:
        if name == "present":
            return model.Present(place, self._read_operand(node))
        if name == "not":
            return model.Not(place, self.condition(node))
        if name in ("all", "any"):
            conditions = tuple(self.condition(item) for item in self._items(node, name))
            return model.All(place, conditions) if name == "all" else model.Any(place, conditions)
        pair = self._items(node, name)
        if len(pair) != 2:
            if isinstance(node, Sequence) and node.items:
                self._add(node.place, f"expected two values to compare, got {len(pair)}")
            return model.Any(place, ())
        left = self._read_operand(pair[0])
        if name == "in":
            return model.In(place, left, self._among(pair[1]))
        right = self._read_operand(pair[1])
        if name == "equals":
            for side in (left, right):
                if isinstance(side, Const) and side.value is None:
                    self._add(side.place, "nothing equals null: write {not: {present: ...}}")
            return model.Equals(place, left, right)
        return self._bound(name, place, left, right)

    def _bound(self, name: str, place: Place, left: Operand, right: Operand) -> Condition:
        if isinstance(right, Const) and (isinstance(right.value, bool) or not isinstance(right.value, int | float)):
            got = documents.kind_of_value(right.value)
            self._add(right.place, f"expected a number as bound, got {got}")
        if name == "at_least":
            return model.AtLeast(place, left, right)
        return model.AtMost(place, left, right)

    def _read_operand(self, node: Node) -> Operand:
        expression = self.expression(node)
        if isinstance(expression, model.Path | Const | model.ContextValue):
            if expression.options.when_absent is None:
                return expression
            self._add(node.place, "when_absent has no meaning in a condition")
            return nothing(node)
        name = next((key for key in names_of(node) if key in OPERATIONS), "an operation")
        self._add(node.place, f"expected a path, a constant or a context value in a condition, got {name}")
        return nothing(node)

    def _among(self, node: Node) -> tuple[Operand, ...]:
        if isinstance(node, documents.Mapping) and node.names == ("list",):
            return tuple(self._read_operand(item) for item in self._items(node.get("list"), "list"))
        if isinstance(node, documents.Mapping) and node.names == ("const",):
            items = self._items(node.get("const"), "const")
            return tuple(Const(place=item.place, value=documents.plain(item)) for item in items)
        self._add(node.place, "expected {const: [...]} or {list: [...]} to look in")
        return ()
