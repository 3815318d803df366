"""Explains a mapping: does what the compiled function does, and keeps every step.

The operations are the compiled function's own; only the way from one to the next is walked here, and a
property test shows that both end in the same result, faults included.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

from syncgate.documents import JsonValue
from syncgate.language import Said
from syncgate.mapping import document as model
from syncgate.mapping import operations
from syncgate.mapping.compiling_pieces import is_demanded, note
from syncgate.mapping.document import Expression
from syncgate.mapping.explaining_pieces import Here, Made, changed, given_of, is_no_value, made_of
from syncgate.mapping.explaining_structures import StructureExplainer
from syncgate.mapping.explanation import (
    At,
    Explanation,
    Fate,
    Slot,
    Step,
)
from syncgate.mapping.functions import Functions
from syncgate.mapping.operations import LEFT_OUT, NULL, wrong_type
from syncgate.mapping.reads import Scope, first_path
from syncgate.mapping.results import WAITS, Failure, Inputs, Mapped, Unmappable, WaitsFor
from syncgate.mapping.steps import lookup_steps, parse_number_steps, parse_time_steps, row_steps, text_steps
from syncgate.mapping.tables import CodeTable, SiteTable, Tables
from syncgate.mapping.walks import operands_of


def explain(document: model.Document, inputs: Inputs, *, tables: Tables, functions: Functions) -> Explanation:
    """Where each field of the payload came from."""
    explainer = _Explainer(document, inputs, tables=tables, functions=functions)
    slots, payload = explainer.fields(document.payload, Here(Scope()))
    faults, waits = explainer.faults, explainer.waits
    result = Unmappable(tuple(faults)) if faults else WaitsFor(waits[0]) if waits else Mapped(payload)
    return Explanation(document.name, document.place, slots, result)


class _Explainer(StructureExplainer):
    """Walks the expressions of one mapping over one case."""

    # --- slots -------------------------------------------------------------------------------------------

    def fields(self, expression: model.Object, here: Here) -> tuple[tuple[Slot, ...], dict[str, JsonValue]]:
        built: dict[str, JsonValue] = {}
        slots = []
        for field in expression.fields:
            slot, value = self.slot(field.value, here.below(field.name))
            slots.append(slot)
            if slot.fate == "filled":
                built[field.name] = value
        return tuple(slots), built

    def slot(self, expression: Expression, here: Here) -> tuple[Slot, JsonValue]:
        """What becomes of a field or item, and its value where it is filled."""
        made = self.made(expression, here)
        value = made.value
        if value is NULL:
            return Slot(here.field, "filled", made.trace), None
        if value is LEFT_OUT:
            return Slot(here.field, "left_out", made.trace), None
        if value is not None and type(value) is not Failure:
            return Slot(here.field, "filled", made.trace), value
        known = len(self.faults)
        note(value, here.field, first_path(expression, here.scope), self.faults, self.waits)
        fault = self.faults[-1] if len(self.faults) > known else None
        fate: Fate = "waits" if fault is None else "fault"
        return Slot(here.field, fate, made.trace, fault=fault), None

    # --- values ------------------------------------------------------------------------------------------

    def made(self, expression: Expression, here: Here) -> Made:
        """What an expression gives, its options applied."""
        made = self.core(expression, here)
        options = expression.options
        value, steps, of = made.value, list(made.trace.steps), list(made.trace.of)
        if options.absent_as:
            value = changed(value, operations.without(value, options.absent_as), "absent_as", steps)
        if options.empty_as == "absent":
            value = changed(value, operations.without_empty(value), "empty_as", steps)
        elif options.empty_as == "text":
            value = changed(value, operations.with_empty_text(value), "empty_as", steps)
        if value is None and options.when_absent is not None:
            instead = self.made(options.when_absent, here)
            steps.append(Step("when_absent", after=given_of(instead.value)))
            value, of = instead.value, [*of, instead.trace]
        elif value is None and options.is_optional:
            steps.append(Step("optional", says=Said("left out, as the mapping says")))
            value = LEFT_OUT
        at = made.trace.at if value is made.value else None
        trace = replace(made.trace, given=given_of(value), steps=tuple(steps), of=tuple(of), at=at)
        return Made(value, trace)

    def core(self, expression: Expression, here: Here) -> Made:
        path = first_path(expression, here.scope)
        match expression:
            case model.Path():
                return self.path(expression, here)
            case model.Const():
                return made_of(expression, NULL if expression.value is None else expression.value)
            case model.Lookup():
                run = operations.lookup(expression, self.code_table(expression.table), path)
                return self.through(expression, expression.of, here, run)
            case model.Row():
                return self.row(expression, here, path)
            case model.Time():
                return self.through(expression, expression.of, here, operations.time(expression, path))
            case model.ParseTime():
                return self.through(expression, expression.of, here, operations.parse_time(expression, path))
            case model.Number():
                return self.through(expression, expression.of, here, operations.number(expression, path))
            case model.ParseNumber():
                return self.through(expression, expression.of, here, operations.parse_number(expression, path))
            case model.Text():
                run = operations.text(expression, self.replacements(expression), path)
                return self.through(expression, expression.of, here, run)
            case model.Split():
                return self.through(expression, expression.of, here, operations.split(expression.on, path))
            case model.Join():
                return self.join(expression, here, operations.join(expression.separator, path))
            case model.Choose():
                return self.choose(expression, here)
            case model.First():
                return self.first(expression, here)
            case model.Each():
                return self.each(expression, here, path)
            case model.Object():
                slots, built = self.fields(expression, here)
                return made_of(expression, built, slots=slots)
            case model.List():
                return self.list(expression, here)
            case model.RemoteRef():
                key = (expression.system, expression.message)
                return self.awaited(expression, self.inputs.refs.remote_ref.get(key))
            case model.CaseRef():
                return self.awaited(expression, self.inputs.refs.case_ref.get(expression.system))
            case model.ContextValue():
                return self.context(expression)
            case model.Call():
                return self.call(expression, here, path)

    # --- operations --------------------------------------------------------------------------------------

    def path(self, expression: model.Path, here: Here) -> Made:
        steps = (*(here.scope.it or ("it",)),) if expression.root == "it" else (expression.root,)
        at: At | None = here.item_at if expression.root == "it" else (expression.root,)
        value = self.root(expression.root, here)
        lacking: tuple[Step, ...] = ()
        for no, key in enumerate(expression.keys):
            above = ".".join((*steps, *expression.keys[:no]))
            if value is None:
                lacking = (Step("absent", above),)
                break
            if value.__class__ is not dict:
                value = wrong_type(above, "an object", value)
                break
            value = value.get(key)
        at = None if at is None else (*at, *expression.keys)
        return made_of(expression, value, at=at, steps=lacking)

    def root(self, name: str, here: Here) -> JsonValue:
        if name == "it":
            return here.item
        return self.inputs.case if name in ("case", "record") else self.inputs.part

    def through(self, expression: Expression, of: Expression, here: Here, run: operations.Operation) -> Made:
        """An operation over one operand; absence and failure pass by."""
        made = self.made(of, here)
        if is_no_value(made.value):
            return made_of(expression, made.value, of=(made.trace,))
        value = run(made.value)
        return made_of(expression, value, of=(made.trace,), steps=tuple(self.steps(expression, made.value)))

    def steps(self, expression: Expression, value: JsonValue) -> Iterator[Step]:
        match expression:
            case model.Lookup():
                yield from lookup_steps(expression, self.code_table(expression.table), value)
            case model.Text():
                yield from text_steps(expression, self.replacements(expression), value)
            case model.ParseTime():
                yield from parse_time_steps(expression, value)
            case model.ParseNumber():
                yield from parse_number_steps(expression, value)
            case _:
                pass

    def join(self, expression: model.Join, here: Here, run: operations.Operation) -> Made:
        if isinstance(expression.of, tuple):
            return self.gathered(expression, expression.of, here, run)
        return self.through(expression, expression.of, here, run)

    def row(self, expression: model.Row, here: Here, path: str) -> Made:
        table = self.tables.find(expression.table, self.system)
        assert isinstance(table, SiteTable)
        operands = [self.made(one, here) for one in operands_of(expression)]
        of = tuple(made.trace for made in operands)
        missing = next((made for made in operands if is_no_value(made.value)), None)
        if missing is not None:
            return made_of(expression, missing.value, of=of)
        key, at = operands[0].value, operands[1].value if len(operands) > 1 else None
        value = operations.row(expression, table, path)(key, at)
        return made_of(expression, value, of=of, steps=tuple(row_steps(expression, table, key, at)))

    def awaited(self, expression: model.RemoteRef | model.CaseRef, value: JsonValue) -> Made:
        if value is None and is_demanded(expression):
            value = Failure(WAITS, expression.system, "")
        return made_of(expression, value)

    def context(self, expression: model.ContextValue) -> Made:
        context = self.inputs.context
        if expression.name == "sent_at":
            return made_of(expression, operations.sent_at(expression)(context))
        value = getattr(context, expression.name)
        if value is None and is_demanded(expression):
            value = operations.not_given(expression.name)
        return made_of(expression, value)

    # --- tables ------------------------------------------------------------------------------------------

    def code_table(self, name: str) -> CodeTable:
        table = self.tables.find(name, self.system)
        assert isinstance(table, CodeTable)
        return table

    def replacements(self, expression: model.Text) -> dict[str, str] | None:
        return operations.replacements(expression, self.tables, self.system)
