"""Explains what several expressions are put together to: lists, objects, choices and calls."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from syncgate.documents import JsonValue
from syncgate.language import Said
from syncgate.mapping import document as model
from syncgate.mapping import operations
from syncgate.mapping.document import Expression
from syncgate.mapping.explaining_conditions import ConditionExplainer
from syncgate.mapping.explaining_pieces import Here, Made, is_no_value, made_of
from syncgate.mapping.explanation import Slot, Step, Test, Trace
from syncgate.mapping.operations import LEFT_OUT, NULL, wrong_type


class StructureExplainer(ConditionExplainer):
    """Explains `choose`, `first`, `each`, `list` and `function`."""

    def call(self, expression: model.Call, here: Here, path: str) -> Made:
        run = operations.call(self.functions.by_name[expression.function], path)
        names = [name for name, _ in expression.arguments]

        def run_with(values: list[JsonValue]) -> JsonValue:
            return run(dict(zip(names, values, strict=True)))

        return self.gathered(expression, tuple(value for _, value in expression.arguments), here, run_with)

    def gathered(
        self, expression: Expression, operands: tuple[Expression, ...], here: Here, run: Callable[[Any], JsonValue]
    ) -> Made:
        """An operation over the list of several operands; the first absent or failing one decides."""
        values: list[JsonValue] = []
        of: list[Trace] = []
        for operand in operands:
            made = self.made(operand, here)
            of.append(made.trace)
            if is_no_value(made.value):
                return made_of(expression, made.value, of=tuple(of))
            if made.value is not LEFT_OUT:
                values.append(None if made.value is NULL else made.value)
        return made_of(expression, run(values), of=tuple(of))

    def choose(self, expression: model.Choose, here: Here) -> Made:
        tests: list[Test] = []
        count = len(expression.branches)
        for no, branch in enumerate(expression.branches, 1):
            tests.append(self.test(branch.when, here))
            if tests[-1].holds:
                return self.chosen(
                    expression, branch.then, here, tests, Said("branch {no} of {count}", no=no, count=count)
                )
        if expression.otherwise is not None:
            return self.chosen(expression, expression.otherwise, here, tests, Said("no branch holds: otherwise"))
        return made_of(expression, None, steps=(Step("branch", says=Said("no branch holds")),), tests=tuple(tests))

    def chosen(self, expression: model.Choose, then: Expression, here: Here, tests: list[Test], says: Said) -> Made:
        made = self.made(then, here)
        return made_of(expression, made.value, of=(made.trace,), steps=(Step("branch", says=says),), tests=tuple(tests))

    def first(self, expression: model.First, here: Here) -> Made:
        of: list[Trace] = []
        value: JsonValue = None
        for no, item in enumerate(expression.of, 1):
            made = self.made(item, here)
            of.append(made.trace)
            value = made.value
            if value is not None:
                says = Said("number {no} of {count} is the first that is present", no=no, count=len(expression.of))
                return made_of(expression, value, of=tuple(of), steps=(Step("first", says=says),))
        return made_of(expression, value, of=tuple(of), steps=(Step("first", says=Said("none of them is present")),))

    def each(self, expression: model.Each, here: Here, path: str) -> Made:
        source = self.made(expression.of, here)
        if is_no_value(source.value):
            return made_of(expression, source.value, of=(source.trace,))
        if source.value is NULL or (source.value.__class__ is not list and not expression.is_one_listed):
            return made_of(expression, wrong_type(path, "a list", source.value), of=(source.trace,))
        slots, built = self.items(expression, here, source)
        return made_of(expression, built, of=(source.trace,), slots=slots)

    def items(self, expression: model.Each, here: Here, source: Made) -> tuple[tuple[Slot, ...], list[JsonValue]]:
        is_list = source.value.__class__ is list
        scope, at = here.scope.inside(expression.of), source.trace.at
        built: list[JsonValue] = []
        slots: list[Slot] = []
        for no, item in enumerate(source.value if is_list else (source.value,)):
            item_at = None if at is None else (*at, no) if is_list else at
            inner = Here(scope, f"{here.field}/{len(built)}", item, item_at)
            test = None if expression.where is None else self.test(expression.where, inner)
            if test is not None and not test.holds:
                slots.append(Slot(inner.field, "not_chosen", None, test, item_no=no + 1))
                continue
            slot, value = self.slot(expression.do, inner)
            slots.append(replace(slot, test=test, item_no=no + 1))
            if slot.fate == "filled":
                built.append(value)
        return tuple(slots), built

    def list(self, expression: model.List, here: Here) -> Made:
        built: list[JsonValue] = []
        slots: list[Slot] = []
        for item in expression.items:
            slot, value = self.slot(item, replace(here, field=f"{here.field}/{len(built)}"))
            slots.append(slot)
            if slot.fate == "filled":
                built.append(value)
        return made_of(expression, built, slots=tuple(slots))
