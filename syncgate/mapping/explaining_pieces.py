"""What the parts of the explainer share: where they stand, and values with their traces."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, replace
from typing import Any

from syncgate.documents import JsonValue
from syncgate.mapping import document as model
from syncgate.mapping.document import Expression
from syncgate.mapping.explanation import Absent, At, Failed, Given, Slot, Step, Trace, Value, Waits
from syncgate.mapping.functions import Functions
from syncgate.mapping.operations import LEFT_OUT, NULL
from syncgate.mapping.reads import Scope
from syncgate.mapping.results import WAITS, Failure, Fault, Inputs
from syncgate.mapping.steps import detail_of
from syncgate.mapping.tables import Tables

WORDS: dict[type, str] = {
    model.Path: "path",
    model.Const: "const",
    model.Lookup: "table",
    model.Row: "row",
    model.Time: "time",
    model.ParseTime: "parse_time",
    model.Number: "number",
    model.ParseNumber: "parse_number",
    model.Text: "text",
    model.Join: "join",
    model.Split: "split",
    model.Choose: "choose",
    model.First: "first",
    model.Each: "each",
    model.Object: "object",
    model.List: "list",
    model.RemoteRef: "remote_ref",
    model.CaseRef: "case_ref",
    model.ContextValue: "context",
    model.Call: "function",
}
"""The word of the language for each kind of expression."""


@dataclass(frozen=True, slots=True)
class Here:
    """Where in the case and in the payload we are.

    Attributes:
        scope: what `it` stands for, in steps of the mapping.
        field: the slot in the payload.
        item: the current item.
        item_at: where the item stands in what was given; None where the mapping made it.
    """

    scope: Scope
    field: str = ""
    item: JsonValue = None
    item_at: At | None = None

    def below(self, name: str) -> Here:
        step = name.replace("~", "~0").replace("/", "~1")
        return replace(self, field=f"{self.field}/{step}" if self.field else step)


@dataclass(frozen=True, slots=True)
class Made:
    """A value as the compiled function has it (None, a Failure or a marker included), with its trace."""

    value: JsonValue
    trace: Trace


class PieceExplainer(ABC):
    """Holds what one mapping is applied to, and what it has found so far."""

    def __init__(self, document: model.Document, inputs: Inputs, *, tables: Tables, functions: Functions) -> None:
        self.system = document.system
        self.inputs = inputs
        self.tables = tables
        self.functions = functions
        self.faults: list[Fault] = []
        self.waits: list[str] = []

    @abstractmethod
    def made(self, expression: Expression, here: Here) -> Made:
        """What an expression gives, its options applied."""

    @abstractmethod
    def slot(self, expression: Expression, here: Here) -> tuple[Slot, JsonValue]:
        """What becomes of a field or item, and its value where it is filled."""


def made_of(expression: Expression, value: JsonValue, **parts: Any) -> Made:
    word = WORDS[type(expression)]
    trace = Trace(expression.place, word, detail_of(expression), given_of(value), **parts)
    return Made(value, trace)


def changed(value: JsonValue, after: JsonValue, word: str, steps: list[Step]) -> JsonValue:
    """The value after an option, with a step where it decided something."""
    if after is not value:
        steps.append(Step(word, before=given_of(value), after=given_of(after)))
    return after


def given_of(value: JsonValue) -> Given:
    if value is None or value is LEFT_OUT:
        return Absent()
    if value is NULL:
        return Value(None)
    if isinstance(value, Failure):
        return Waits(value.path) if value.rule == WAITS else Failed(value.rule, value.detail)
    return Value(value)


def is_no_value(value: JsonValue) -> bool:
    return value is None or type(value) is Failure
