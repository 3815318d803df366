"""Walks over a mapping as written: what stands below an expression, and what a condition reads."""

from __future__ import annotations

from collections.abc import Iterator

from syncgate.mapping import document as model
from syncgate.mapping.document import Condition, Expression, Operand


def operands_of(expression: Expression) -> tuple[Expression, ...]:
    """The expressions directly below one, in order; without `when_absent`, `do` and conditions."""
    match expression:
        case (
            model.Lookup()
            | model.Time()
            | model.ParseTime()
            | model.Number()
            | model.ParseNumber()
            | model.Text()
            | model.Split()
            | model.Each()
        ):
            return (expression.of,)
        case model.Row():
            return (expression.key,) if expression.at is None else (expression.key, expression.at)
        case model.Join():
            return expression.of if isinstance(expression.of, tuple) else (expression.of,)
        case model.First():
            return expression.of
        case model.Choose():
            thens = tuple(branch.then for branch in expression.branches)
            return thens if expression.otherwise is None else (*thens, expression.otherwise)
        case model.Object():
            return tuple(entry.value for entry in expression.fields)
        case model.List():
            return expression.items
        case model.Call():
            return tuple(value for _, value in expression.arguments)
        case model.Path() | model.Const() | model.RemoteRef() | model.CaseRef() | model.ContextValue():
            return ()


def expressions_in(expression: Expression) -> Iterator[Expression]:
    """An expression and everything below it, `do` and `when_absent` included; conditions are not."""
    yield expression
    below = operands_of(expression)
    if isinstance(expression, model.Each):
        below = (*below, expression.do)
    if expression.options.when_absent is not None:
        below = (*below, expression.options.when_absent)
    for inner in below:
        yield from expressions_in(inner)


def operands_in(condition: Condition) -> Iterator[Operand]:
    """Everything that a condition reads."""
    match condition:
        case model.Present():
            yield condition.of
        case model.Equals():
            yield from (condition.left, condition.right)
        case model.In():
            yield condition.of
            yield from condition.among
        case model.AtLeast() | model.AtMost():
            yield from (condition.of, condition.bound)
        case model.Not():
            yield from operands_in(condition.of)
        case model.All() | model.Any():
            for inner in condition.of:
                yield from operands_in(inner)
