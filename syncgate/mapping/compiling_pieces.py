"""What the parts of the compiler share: lines of source, the objects that they refer to, and where they stand."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from syncgate.documents import JsonValue
from syncgate.mapping import document as model
from syncgate.mapping import operations
from syncgate.mapping.document import Condition, Expression
from syncgate.mapping.functions import Functions
from syncgate.mapping.operations import EMPTY, LEFT_OUT, NULL, NotAnObject
from syncgate.mapping.reads import Scope
from syncgate.mapping.results import MISSING, WAITS, Failure, Fault
from syncgate.mapping.tables import Tables


@dataclass(frozen=True, slots=True)
class Compiled:
    """The source, for people, and what it was compiled to."""

    source: str
    run: Callable[..., Any]


def note(value: JsonValue, field: str, path: str, faults: list[Fault], waits: list[str]) -> None:
    """Records why a slot stays empty: nothing there, a failure, or another system's id to wait for."""
    if value is None:
        faults.append(Fault(field, MISSING, path, "expected a value, got none"))
    elif type(value) is Failure:
        if value.rule == WAITS:
            waits.append(value.path)
        else:
            faults.append(Fault(field, value.rule, value.path, value.detail, value.facts))


@dataclass(frozen=True, slots=True)
class Slot:
    """Where in the payload we are: a fixed head, and the variables whose length is the index of an item."""

    head: str
    tail: tuple[tuple[str, str], ...]

    def below(self, name: str) -> Slot:
        step = name.replace("~", "~0").replace("/", "~1")
        if self.tail:
            variable, rest = self.tail[-1]
            return Slot(self.head, (*self.tail[:-1], (variable, f"{rest}/{step}")))
        return Slot(f"{self.head}/{step}" if self.head else step, ())

    def item(self, variable: str) -> Slot:
        return Slot(self.head, (*self.tail, (variable, "")))


class PieceWriter(ABC):
    """Writes the lines of one function and collects the objects that it refers to."""

    def __init__(self, *, tables: Tables, functions: Functions, system: str, reads: str) -> None:
        self.tables = tables
        self.functions = functions
        self.system = system
        self.reads = reads
        self.head: list[str] = []
        self.lines: list[str] = []
        self.depth = 1
        self.names = 0
        self.constants: dict[str, object] = {
            "Failure": Failure,
            "LEFT_OUT": LEFT_OUT,
            "NULL": NULL,
            "EMPTY": EMPTY,
            "NotAnObject": NotAnObject,
            "note": note,
            "equal": operations.equal,
            "is_among": operations.is_among,
            "without": operations.without,
            "is_at_least": operations.is_at_least,
            "is_at_most": operations.is_at_most,
            "without_empty": operations.without_empty,
            "with_empty_text": operations.with_empty_text,
        }
        self.texts: dict[str, str] = {}
        self.objects: dict[tuple[str, tuple[str, ...]], str] = {}
        self.values: dict[tuple[str, tuple[str, ...]], str] = {}
        self.items: list[str] = []
        self.it_steps: list[tuple[str, ...]] = []

    def finish(self, parameters: str, result: str) -> Compiled:
        body = [*self.head, *self.lines, f"    return {result}"]
        source = "\n".join((f"def mapped({parameters}):", *body, ""))
        namespace: dict[str, Any] = {"__builtins__": _BUILTINS, **self.constants}
        # The source holds nothing that a person wrote: see the head of compiler.py.
        exec(compile(source, "<mapping>", "exec"), namespace)  # noqa: S102
        return Compiled(source, namespace["mapped"])

    def name(self, letter: str = "v") -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def constant(self, value: object) -> str:
        if type(value) is str:
            if value not in self.texts:
                self.texts[value] = self.fresh(value)
            return self.texts[value]
        return self.fresh(value)

    def fresh(self, value: object) -> str:
        name = self.name("k")
        self.constants[name] = value
        return name

    def line(self, text: str) -> None:
        self.lines.append("    " * self.depth + text)

    @contextmanager
    def block(self, text: str) -> Iterator[None]:
        self.line(text)
        self.depth += 1
        yield
        self.depth -= 1

    def where(self, slot: Slot) -> str:
        pieces = [self.constant(slot.head)]
        for variable, rest in slot.tail:
            pieces.append(f"f'/{{len({variable})}}'")
            if rest:
                pieces.append(self.constant(rest))
        return " + ".join(pieces)

    @abstractmethod
    def value(self, expression: Expression, scope: Scope, slot: Slot) -> str:
        """The variable that holds an expression's value, its options applied."""

    @abstractmethod
    def store(self, expression: Expression, scope: Scope, slot: Slot, take: str) -> None:
        """Takes the value as `take` says, with {} for it, or notes why there is none."""

    @abstractmethod
    def through(self, of: Expression, scope: Scope, slot: Slot, operation: Callable[..., JsonValue]) -> str:
        """An operation over one operand; absence and failure pass by."""

    @abstractmethod
    def condition(self, condition: Condition, scope: Scope) -> str:
        """A Python expression; what it reads is fetched by lines before it."""


_BUILTINS = {"len": len, "dict": dict, "list": list}


def is_no_value(name: str) -> str:
    return f"{name} is None or {name}.__class__ is Failure"


def is_demanded(expression: Expression) -> bool:
    """Whether nothing says what to do where the value is absent."""
    return not expression.options.is_optional and expression.options.when_absent is None


def may_be(expression: Expression, marker: object) -> bool:
    """Whether an expression can give NULL or LEFT_OUT."""
    options = expression.options
    if options.is_optional and marker is LEFT_OUT:
        return True
    if options.when_absent is not None and may_be(options.when_absent, marker):
        return True
    match expression:
        case model.Const():
            return marker is NULL and expression.value is None
        case model.Lookup():
            fallback = expression.otherwise
            return marker is NULL and isinstance(fallback, model.Const) and fallback.value is None
        case model.Choose():
            thens = [branch.then for branch in expression.branches]
            thens += [] if expression.otherwise is None else [expression.otherwise]
            return any(may_be(then, marker) for then in thens)
        case model.First():
            return any(may_be(item, marker) for item in expression.of)
        case _:
            return False
