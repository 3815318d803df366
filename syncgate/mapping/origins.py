"""Where in a record a field of the case comes from, so that what is wrong with it can be said in the source's words."""

from __future__ import annotations

from collections.abc import Sequence

from syncgate.mapping import document as model
from syncgate.mapping.document import Expression
from syncgate.mapping.reads import ITEM, Scope, Tree, reads_of

_ROOT = "record"


def origins(written: model.Document, at: Sequence[str]) -> tuple[str, ...]:
    """The JSON Pointers of what an inward mapping reads for a field of the case; empty where it reads nothing.

    Args:
        written: the mapping.
        at: the steps to the field within the case, numbers into lists among them.
    """
    expression: Expression = written.payload
    scope, numbers = Scope(), []
    for step in at:
        below = _below(expression, step)
        if below is None:
            break
        if isinstance(expression, model.Each):
            scope = scope.inside(expression.of)
            numbers.append(step)
        expression = below
    if expression is written.payload:
        return ()
    tree = Tree()
    reads_of(expression, scope, tree)
    return tuple(dict.fromkeys(pointed(steps, numbers) for steps in tree.leaves() if steps[0] == _ROOT))


def pointed(steps: Sequence[str], numbers: Sequence[str]) -> str:
    """The pointer of steps from the record on; of a list the item of this number, or the list where none is known."""
    left = list(numbers)
    pointer = ""
    for step in steps[1:]:
        if step == ITEM and not left:
            break
        name = left.pop(0) if step == ITEM else step
        pointer += "/" + name.replace("~", "~0").replace("/", "~1")
    return pointer


def _below(expression: Expression, step: str) -> Expression | None:
    """What makes the value one step further down; None where that cannot be told."""
    match expression:
        case model.Object():
            return next((entry.value for entry in expression.fields if entry.name == step), None)
        case model.Each():
            return expression.do if step.isdigit() and expression.where is None else None
        case model.List():
            return expression.items[int(step)] if step.isdigit() and int(step) < len(expression.items) else None
        case _:
            return None
