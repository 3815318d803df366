"""What stands in the place of a value where the case is confidential and its system does not receive who called."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from syncgate.documents import Place
from syncgate.mapping import document as model
from syncgate.mapping.document import Condition, Expression
from syncgate.mapping.walks import operands_in, operands_of

WITHHELD = "is_withheld"
"""The context value that says so."""


def instead_of(expression: Expression, constant: model.Const) -> Expression:
    """The expression, with this constant in its place where the caller is withheld.

    The case's own mark is read too, so that setting it is a change of what the mapping reads.
    """
    place = expression.place
    true = model.Const(place=place, value=True)
    marked = model.Equals(place, model.Path(place=place, root="case", keys=("is_confidential",)), true)
    withheld = model.Equals(place, model.ContextValue(place=place, name=WITHHELD), true)
    branch = model.Branch(when=model.All(place, (marked, withheld)), then=constant)
    return model.Choose(
        place=place,
        options=model.Options(is_compared=expression.options.is_compared),
        branches=(branch,),
        otherwise=replace(expression, options=replace(expression.options, is_compared=True)),
    )


def read_openly(payload: model.Object) -> Iterator[tuple[str, str, Place]]:
    """Every path that a payload reads without saying what stands instead: field of the payload, path, place."""
    for field in payload.fields:
        for path, place in _open(field.value, None):
            yield field.name, path, place


def _open(expression: Expression, item: str | None) -> Iterator[tuple[str, Place]]:
    if isinstance(expression, model.Path):
        yield _full(expression, item), expression.place
    if isinstance(expression, model.Choose):
        if _is_instead(expression):
            return
        for branch in expression.branches:
            yield from _tested(branch.when, item)
    for inner in operands_of(expression):
        yield from _open(inner, item)
    if expression.options.when_absent is not None:
        yield from _open(expression.options.when_absent, item)
    if isinstance(expression, model.Each):
        each = f"{_full(expression.of, item)}.*" if isinstance(expression.of, model.Path) else None
        yield from _open(expression.do, each)
        if expression.where is not None:
            yield from _tested(expression.where, each)


def _is_instead(expression: model.Choose) -> bool:
    first = expression.branches[0].when if expression.branches else None
    if not isinstance(first, model.All):
        return False
    return any(isinstance(one, model.Equals) and _says_withheld(one.left) for one in first.of)


def _says_withheld(operand: model.Operand) -> bool:
    return isinstance(operand, model.ContextValue) and operand.name == WITHHELD


def _tested(condition: Condition, item: str | None) -> Iterator[tuple[str, Place]]:
    for operand in operands_in(condition):
        if isinstance(operand, model.Path):
            yield _full(operand, item), operand.place


def _full(path: model.Path, item: str | None) -> str:
    root = item if path.root == "it" and item is not None else path.root
    return ".".join((root, *path.keys))
