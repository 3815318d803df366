"""Where in a mapping's file a canonical path is read."""

from __future__ import annotations

from collections.abc import Iterator

from syncgate.documents import Place
from syncgate.mapping import Mapping as FieldMapping
from syncgate.mapping import document as doc
from syncgate.mapping.walks import operands_in, operands_of


def places_of_paths(mapping: FieldMapping) -> dict[str, Place]:
    """The first place of every path that a mapping reads, by the path as `Mapping.paths` writes it."""
    found: dict[str, Place] = {}
    for path, place in _read(mapping.document.payload, None):
        found.setdefault(path, place)
    return found


def _read(expression: doc.Expression, item: str | None) -> Iterator[tuple[str, Place]]:
    """Every path below an expression. `item` is what `it` stands for, None outside of an `each`."""
    if isinstance(expression, doc.Path):
        yield _full(expression, item), expression.place
    for inner in operands_of(expression):
        yield from _read(inner, item)
    if expression.options.when_absent is not None:
        yield from _read(expression.options.when_absent, item)
    if isinstance(expression, doc.Choose):
        for branch in expression.branches:
            yield from _tested(branch.when, item)
    if isinstance(expression, doc.Each):
        each = _item_of(expression, item)
        yield from _read(expression.do, each)
        if expression.where is not None:
            yield from _tested(expression.where, each)


def _tested(condition: doc.Condition, item: str | None) -> Iterator[tuple[str, Place]]:
    for operand in operands_in(condition):
        if isinstance(operand, doc.Path):
            yield _full(operand, item), operand.place


def _full(path: doc.Path, item: str | None) -> str:
    root = item if path.root == "it" and item is not None else path.root
    return ".".join((root, *path.keys))


def _item_of(each: doc.Each, item: str | None) -> str | None:
    return f"{_full(each.of, item)}.*" if isinstance(each.of, doc.Path) else None
