"""Compiles a checked mapping to one Python function.

The source that is compiled holds only names made here and keywords; every name, path key, constant and
operation of the mapping comes in as an object by reference. Nothing that a person wrote is ever source.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from syncgate.documents import JsonValue
from syncgate.mapping import document as model
from syncgate.mapping import operations
from syncgate.mapping.compiling_pieces import Compiled, Slot, is_demanded, is_no_value, may_be
from syncgate.mapping.compiling_structures import StructureWriter
from syncgate.mapping.document import Condition, Expression
from syncgate.mapping.functions import Functions
from syncgate.mapping.operations import LEFT_OUT, NULL
from syncgate.mapping.reads import Scope, first_path
from syncgate.mapping.results import WAITS, Context, Failure, Fault
from syncgate.mapping.tables import CodeTable, SiteTable, Tables

Apply = Callable[
    [JsonValue, JsonValue, Context, Any, Any, list[Fault], list[str]],
    JsonValue,
]
"""(case, part, context, remote_ref, case_ref, faults, waits) -> payload; faults and waits are filled."""

Holds = Callable[[JsonValue, JsonValue], bool]


def compile_payload(document: model.Document, *, tables: Tables, functions: Functions) -> Compiled:
    """The function of a mapping's payload, an Apply."""
    writer = _Writer(tables=tables, functions=functions, system=document.system, reads=document.reads)
    result = writer.object(document.payload, Scope(), Slot("", ()))
    return writer.finish("case, part, context, remote_ref, case_ref, faults, waits", result)


def compile_condition(condition: Condition, *, reads: str) -> Compiled:
    """The function of a condition, a Holds."""
    writer = _Writer(tables=Tables(), functions=Functions(), system="", reads=reads)
    result = writer.condition(condition, Scope())
    return writer.finish("case, part", result)


class _Writer(StructureWriter):
    """Writes expressions, their options and what becomes of them in the payload."""

    def store(self, expression: Expression, scope: Scope, slot: Slot, take: str) -> None:
        """Takes the value as `take` says, with {} for it, or notes why there is none."""
        value = self.value(expression, scope, slot)
        if isinstance(expression, model.Const):
            self.line(take.format("None" if expression.value is None else value))
            return
        may_null, may_be_left_out = may_be(expression, NULL), may_be(expression, LEFT_OUT)
        taken = f"None if {value} is NULL else {value}" if may_null else value
        test = f"{value} is not None and {value}.__class__ is not Failure"
        if may_be_left_out:
            test += f" and {value} is not LEFT_OUT"
        with self.block(f"if {test}:"):
            self.line(take.format(taken))
        with self.block(f"elif {value} is not LEFT_OUT:" if may_be_left_out else "else:"):
            path = self.constant(first_path(expression, scope))
            self.line(f"note({value}, {self.where(slot)}, {path}, faults, waits)")

    def value(self, expression: Expression, scope: Scope, slot: Slot) -> str:
        """The variable that holds an expression's value, its options applied."""
        value = self.core(expression, scope, slot)
        options = expression.options
        if options.absent_as:
            changed = self.name()
            self.line(f"{changed} = without({value}, {self.fresh(options.absent_as)})")
            value = changed
        if options.empty_as != "keep":
            changed = self.name()
            function = "without_empty" if options.empty_as == "absent" else "with_empty_text"
            self.line(f"{changed} = {function}({value})")
            value = changed
        if options.when_absent is not None or options.is_optional:
            changed = self.name()
            self.line(f"{changed} = {value}")
            value = changed
            with self.block(f"if {value} is None:"):
                if options.when_absent is None:
                    self.line(f"{value} = LEFT_OUT")
                else:
                    self.line(f"{value} = {self.value(options.when_absent, scope, slot)}")
        return value

    def core(self, expression: Expression, scope: Scope, slot: Slot) -> str:
        path = first_path(expression, scope)
        match expression:
            case model.Path():
                return self.read(expression)
            case model.Const():
                return "NULL" if expression.value is None else self.constant(expression.value)
            case model.Lookup():
                table = self.tables.find(expression.table, self.system)
                assert isinstance(table, CodeTable)
                return self.through(expression.of, scope, slot, operations.lookup(expression, table, path))
            case model.Row():
                return self.row(expression, scope, slot)
            case model.Time():
                return self.through(expression.of, scope, slot, operations.time(expression, path))
            case model.ParseTime():
                return self.through(expression.of, scope, slot, operations.parse_time(expression, path))
            case model.Number():
                return self.through(expression.of, scope, slot, operations.number(expression, path))
            case model.ParseNumber():
                return self.through(expression.of, scope, slot, operations.parse_number(expression, path))
            case model.Text():
                operation = operations.text(
                    expression, operations.replacements(expression, self.tables, self.system), path
                )
                return self.through(expression.of, scope, slot, operation)
            case model.Split():
                return self.through(expression.of, scope, slot, operations.split(expression.on, path))
            case model.Join():
                return self.join(expression, scope, slot)
            case model.Choose():
                return self.choose(expression, scope, slot)
            case model.First():
                return self.first(expression, scope, slot)
            case model.Each():
                return self.each(expression, scope, slot)
            case model.Object():
                return self.object(expression, scope, slot)
            case model.List():
                return self.list(expression.items, scope, slot)
            case model.RemoteRef():
                key = self.constant((expression.system, expression.message))
                return self.awaited(expression, f"remote_ref.get({key})", expression.system)
            case model.CaseRef():
                key = self.constant(expression.system)
                return self.awaited(expression, f"case_ref.get({key})", expression.system)
            case model.ContextValue():
                return self.context(expression)
            case model.Call():
                return self.call(expression, scope, slot)

    def through(self, of: Expression, scope: Scope, slot: Slot, operation: Callable[..., JsonValue]) -> str:
        """An operation over one operand; absence and failure pass by."""
        operand = self.value(of, scope, slot)
        result = self.name()
        run = self.fresh(operation)
        self.line(f"{result} = {operand} if {is_no_value(operand)} else {run}({operand})")
        return result

    def row(self, expression: model.Row, scope: Scope, slot: Slot) -> str:
        table = self.tables.find(expression.table, self.system)
        assert isinstance(table, SiteTable)
        run = self.fresh(operations.row(expression, table, first_path(expression, scope)))
        key = self.value(expression.key, scope, slot)
        at = "None" if expression.at is None else self.value(expression.at, scope, slot)
        result = self.name()
        with self.block(f"if {is_no_value(key)}:"):
            self.line(f"{result} = {key}")
        if expression.at is not None:
            with self.block(f"elif {is_no_value(at)}:"):
                self.line(f"{result} = {at}")
        with self.block("else:"):
            self.line(f"{result} = {run}({key}, {at})")
        return result

    def awaited(self, expression: model.RemoteRef | model.CaseRef, written: str, system: str) -> str:
        result = self.name()
        self.line(f"{result} = {written}")
        if is_demanded(expression):
            wait = self.fresh(Failure(WAITS, system, ""))
            self.line(f"if {result} is None: {result} = {wait}")
        return result

    def context(self, expression: model.ContextValue) -> str:
        result = self.name()
        if expression.name == "sent_at":
            self.line(f"{result} = {self.fresh(operations.sent_at(expression))}(context)")
        else:
            self.line(f"{result} = {self.fresh(_context_reader(expression.name))}(context)")
            if is_demanded(expression):
                refusal = self.fresh(operations.not_given(expression.name))
                self.line(f"if {result} is None: {result} = {refusal}")
        return result


def _context_reader(name: str) -> Callable[[Context], JsonValue]:
    def read(context: Context) -> JsonValue:
        return getattr(context, name)

    return read
