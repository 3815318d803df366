"""Writes conditions."""

from __future__ import annotations

from syncgate.mapping import document as model
from syncgate.mapping.compiling_paths import PathWriter
from syncgate.mapping.compiling_pieces import Slot
from syncgate.mapping.document import Condition, Operand
from syncgate.mapping.reads import Scope


class ConditionWriter(PathWriter):
    """Writes conditions."""

    def condition(self, condition: Condition, scope: Scope) -> str:
        """A Python expression; what it reads is fetched by lines before it."""
        match condition:
            case model.Present():
                value = self.operand(condition.of)
                return f"({value} is not None and {value}.__class__ is not Failure)"
            case model.Equals():
                return self.equality(condition.left, condition.right)
            case model.In():
                return self.membership(condition)
            case model.AtLeast():
                return f"is_at_least({self.operand(condition.of)}, {self.operand(condition.bound)})"
            case model.AtMost():
                return f"is_at_most({self.operand(condition.of)}, {self.operand(condition.bound)})"
            case model.Not():
                return f"(not {self.condition(condition.of, scope)})"
            case model.All():
                return "(" + " and ".join(self.condition(inner, scope) for inner in condition.of) + ")"
            case model.Any():
                inner = [self.condition(inner, scope) for inner in condition.of]
                return "(" + " or ".join(inner) + ")" if inner else "False"

    def operand(self, operand: Operand) -> str:
        return self.value(operand, Scope(), Slot("", ()))

    def equality(self, left: Operand, right: Operand) -> str:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, model.Const) and isinstance(one.value, str):
                return f"({self.operand(other)} == {self.operand(one)})"
        return f"equal({self.operand(left)}, {self.operand(right)})"

    def membership(self, condition: model.In) -> str:
        value = self.operand(condition.of)
        constants = [item.value for item in condition.among if isinstance(item, model.Const)]
        if len(constants) == len(condition.among):
            return f"is_among({value}, {self.fresh(tuple(constants))})"
        listed = ", ".join(self.operand(item) for item in condition.among)
        return f"is_among({value}, ({listed},))"
