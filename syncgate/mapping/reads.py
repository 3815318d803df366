"""What a mapping reads: every path with `it` resolved, as a tree that projects a case to it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from syncgate.documents import JsonValue
from syncgate.mapping import document as model
from syncgate.mapping.document import Condition, Expression
from syncgate.mapping.walks import expressions_in, operands_in, operands_of

ITEM = "*"
"""The step into every item of a list."""

Steps = tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Scope:
    """What `it` stands for: the steps to the list's items, or None where it is made of several things."""

    it: Steps | None = None

    def steps(self, path: model.Path) -> Steps | None:
        """The steps of a path from its root, or None where it is not part of what was given."""
        if path.root != "it":
            return (path.root, *path.keys)
        return None if self.it is None else (*self.it, *path.keys)

    def inside(self, of: Expression) -> Scope:
        """The scope of what is done for each item of a list."""
        steps = self.steps(of) if isinstance(of, model.Path) else None
        return Scope(None if steps is None else (*steps, ITEM))


@dataclass(slots=True)
class Tree:
    """Steps that are read; `is_whole` where everything below is."""

    is_whole: bool = False
    below: dict[str, Tree] = field(default_factory=dict)

    def add(self, steps: Steps, *, is_whole: bool = True) -> None:
        """Take in one path; not whole: only that the list has items is read."""
        tree = self
        for step in steps:
            tree = tree.below.setdefault(step, Tree())
        tree.is_whole = tree.is_whole or is_whole

    def leaves(self, above: Steps = ()) -> Iterable[Steps]:
        """Every path that is read whole."""
        if self.is_whole:
            yield above
        for step, tree in self.below.items():
            yield from tree.leaves((*above, step))

    def project(self, value: JsonValue) -> JsonValue:
        """What is read of a value; absent and null are the same nothing."""
        if self.is_whole:
            return value
        if isinstance(value, dict):
            return self._of_object(value) or None
        if isinstance(value, list) and ITEM in self.below:
            return [self.below[ITEM].project(item) for item in value]
        return value

    def _of_object(self, value: Mapping[str, JsonValue]) -> dict[str, JsonValue]:
        found: dict[str, JsonValue] = {}
        for step, tree in self.below.items():
            below = value.get(step)
            if below is not None and not tree.is_whole:
                below = tree.project(below)
            if below is not None:
                found[step] = below
        return found


def reads_of(expression: Expression, scope: Scope, tree: Tree) -> None:
    """Adds to a tree everything that an expression reads of the case, part or record."""
    if isinstance(expression, model.Path):
        _add(expression, scope, tree)
    if expression.options.when_absent is not None:
        reads_of(expression.options.when_absent, scope, tree)
    if isinstance(expression, model.Choose):
        for branch in expression.branches:
            condition_reads(branch.when, scope, tree)
    if isinstance(expression, model.Each):
        _each_reads(expression, scope, tree)
        return
    for operand in operands_of(expression):
        reads_of(operand, scope, tree)


def _each_reads(expression: model.Each, scope: Scope, tree: Tree) -> None:
    inner = scope.inside(expression.of)
    if inner.it is None:
        reads_of(expression.of, scope, tree)
    else:
        tree.add(inner.it, is_whole=False)
        if expression.of.options.when_absent is not None:
            reads_of(expression.of.options.when_absent, scope, tree)
    if expression.where is not None:
        condition_reads(expression.where, inner, tree)
    reads_of(expression.do, inner, tree)


def condition_reads(condition: Condition, scope: Scope, tree: Tree) -> None:
    """Adds to a tree everything that a condition reads."""
    for operand in operands_in(condition):
        if isinstance(operand, model.Path):
            _add(operand, scope, tree)


def _add(path: model.Path, scope: Scope, tree: Tree) -> None:
    steps = scope.steps(path)
    if steps is not None:
        tree.add(steps)


def first_path(expression: Expression, scope: Scope) -> str:
    """The path that a fault of an expression names: the first one that it reads, or nothing."""
    for inner in expressions_in(expression):
        if isinstance(inner, model.Path):
            return ".".join(scope.steps(inner) or (inner.root, *inner.keys))
        if isinstance(inner, model.ContextValue):
            return f"context.{inner.name}"
    return ""


def contexts_in(expression: Expression) -> set[str]:
    """The context values that an expression uses, conditions included."""
    found: set[str] = set()
    for inner in expressions_in(expression):
        if isinstance(inner, model.ContextValue):
            found.add(inner.name)
        conditions: list[Condition] = []
        if isinstance(inner, model.Choose):
            conditions += [branch.when for branch in inner.branches]
        if isinstance(inner, model.Each) and inner.where is not None:
            conditions.append(inner.where)
        for condition in conditions:
            found |= {one.name for one in operands_in(condition) if isinstance(one, model.ContextValue)}
    return found
