"""Explains conditions: whether each holds, with what it compared."""

from __future__ import annotations

from syncgate.mapping import document as model
from syncgate.mapping import operations
from syncgate.mapping.document import Condition
from syncgate.mapping.explaining_pieces import Here, PieceExplainer, is_no_value
from syncgate.mapping.explanation import Test
from syncgate.mapping.walks import operands_in


class ConditionExplainer(PieceExplainer):
    """Explains conditions."""

    def test(self, condition: Condition, here: Here) -> Test:
        """Whether a condition holds, with what it compared."""
        match condition:
            case model.Not():
                inner = self.test(condition.of, here)
                return Test(condition.place, "not", not inner.holds, tests=(inner,))
            case model.All():
                tests = tuple(self.test(one, here) for one in condition.of)
                return Test(condition.place, "all", bool(tests) and all(one.holds for one in tests), tests=tests)
            case model.Any():
                tests = tuple(self.test(one, here) for one in condition.of)
                return Test(condition.place, "any", any(one.holds for one in tests), tests=tests)
            case _:
                return self.comparison(condition, here)

    def comparison(
        self, condition: model.Present | model.Equals | model.In | model.AtLeast | model.AtMost, here: Here
    ) -> Test:
        operands = [self.made(operand, here) for operand in operands_in(condition)]
        value, others = operands[0].value, [made.value for made in operands[1:]]
        match condition:
            case model.Present():
                word, holds = "present", not is_no_value(value)
            case model.Equals():
                word, holds = "equals", operations.equal(value, others[0])
            case model.In():
                word, holds = "in", operations.is_among(value, tuple(others))
            case model.AtLeast():
                word, holds = "at_least", operations.is_at_least(value, others[0])
            case model.AtMost():
                word, holds = "at_most", operations.is_at_most(value, others[0])
        return Test(condition.place, word, holds, tuple(made.trace for made in operands))
