"""Writes what several expressions are put together to: objects, lists, choices and calls."""

from __future__ import annotations

from collections.abc import Callable

from syncgate.documents import JsonValue
from syncgate.mapping import document as model
from syncgate.mapping import operations
from syncgate.mapping.compiling_conditions import ConditionWriter
from syncgate.mapping.compiling_pieces import Slot, is_no_value, may_be
from syncgate.mapping.document import Expression
from syncgate.mapping.operations import NULL
from syncgate.mapping.reads import Scope, first_path


class StructureWriter(ConditionWriter):
    """Writes `object`, `list`, `each`, `choose`, `first`, `join` and `function`."""

    def object(self, expression: model.Object, scope: Scope, slot: Slot) -> str:
        result = self.name("d")
        self.line(f"{result} = {{}}")
        for field in expression.fields:
            key = self.constant(field.name)
            self.store(field.value, scope, slot.below(field.name), f"{result}[{key}] = {{}}")
        return result

    def list(self, items: tuple[Expression, ...], scope: Scope, slot: Slot) -> str:
        result = self.name("l")
        self.line(f"{result} = []")
        for item in items:
            self.store(item, scope, slot.item(result), f"{result}.append({{}})")
        return result

    def each(self, expression: model.Each, scope: Scope, slot: Slot) -> str:
        source = self.value(expression.of, scope, slot)
        result, item = self.name("l"), self.name("i")
        refuse = self.fresh(operations.wrong_type)
        path = self.constant(first_path(expression, scope))
        with self.block(f"if {is_no_value(source)}:"):
            self.line(f"{result} = {source}")
        is_none = f"{source} is NULL" if expression.is_one_listed else f"{source}.__class__ is not list"
        with self.block(f"elif {is_none}:"):
            self.line(f"{result} = {refuse}({path}, 'a list', {source})")
        with self.block("else:"):
            self.line(f"{result} = []")
            inner = scope.inside(expression.of)
            self.items.append(item)
            self.it_steps.append(inner.it or ("it",))
            walked = f"{source} if {source}.__class__ is list else ({source},)" if expression.is_one_listed else source
            with self.block(f"for {item} in {walked}:"):
                if expression.where is not None:
                    with self.block(f"if not ({self.condition(expression.where, inner)}):"):
                        self.line("continue")
                self.store(expression.do, inner, slot.item(result), f"{result}.append({{}})")
            self.items.pop()
            self.it_steps.pop()
        return result

    def choose(self, expression: model.Choose, scope: Scope, slot: Slot) -> str:
        result, is_chosen = self.name(), self.name("c")
        self.line(f"{result} = None")
        self.line(f"{is_chosen} = False")
        for branch in expression.branches:
            with self.block(f"if not {is_chosen}:"), self.block(f"if {self.condition(branch.when, scope)}:"):
                self.line(f"{is_chosen} = True")
                self.line(f"{result} = {self.value(branch.then, scope, slot)}")
        if expression.otherwise is not None:
            with self.block(f"if not {is_chosen}:"):
                self.line(f"{result} = {self.value(expression.otherwise, scope, slot)}")
        return result

    def first(self, expression: model.First, scope: Scope, slot: Slot) -> str:
        result = self.name()
        self.line(f"{result} = {self.value(expression.of[0], scope, slot)}")
        for item in expression.of[1:]:
            with self.block(f"if {result} is None:"):
                self.line(f"{result} = {self.value(item, scope, slot)}")
        return result

    def join(self, expression: model.Join, scope: Scope, slot: Slot) -> str:
        run = operations.join(expression.separator, first_path(expression, scope))
        if not isinstance(expression.of, tuple):
            return self.through(expression.of, scope, slot, run)
        return self.gathered(expression.of, scope, slot, run)

    def gathered(self, of: tuple[Expression, ...], scope: Scope, slot: Slot, run: Callable[..., JsonValue]) -> str:
        """An operation over the list of several operands; the first absent or failing one decides."""
        listed, result = self.name("l"), self.name()
        self.line(f"{listed} = []")
        self.line(f"{result} = NULL")
        for item in of:
            with self.block(f"if {result} is NULL:"):
                value = self.value(item, scope, slot)
                with self.block(f"if {is_no_value(value)}:"):
                    self.line(f"{result} = {value}")
                with self.block(f"elif {value} is not LEFT_OUT:"):
                    given = f"None if {value} is NULL else {value}" if may_be(item, NULL) else value
                    self.line(f"{listed}.append({given})")
        with self.block(f"if {result} is NULL:"):
            self.line(f"{result} = {self.fresh(run)}({listed})")
        return result

    def call(self, expression: model.Call, scope: Scope, slot: Slot) -> str:
        run = operations.call(self.functions.by_name[expression.function], first_path(expression, scope))
        names = tuple(name for name, _ in expression.arguments)

        def run_with(values: list[JsonValue]) -> JsonValue:
            return run(dict(zip(names, values, strict=True)))

        return self.gathered(tuple(value for _, value in expression.arguments), scope, slot, run_with)
