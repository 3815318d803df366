"""Compiles a checked mapping to one Python function.

The source that is compiled holds only names made here and keywords; every name, path key, constant and
operation of the mapping comes in as an object by reference. Nothing that a person wrote is ever source.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from syncgate.documents import JsonValue
from syncgate.mapping import document as model
from syncgate.mapping import operations
from syncgate.mapping.document import Condition, Expression, Operand
from syncgate.mapping.functions import Functions
from syncgate.mapping.operations import EMPTY, LEFT_OUT, NULL, NotAnObject
from syncgate.mapping.reads import Scope, first_path
from syncgate.mapping.results import MISSING, WAITS, Context, Failure, Fault
from syncgate.mapping.tables import CodeTable, SiteTable, Tables

Apply = Callable[
    [JsonValue, JsonValue, Context, Any, Any, list[Fault], list[str]],
    JsonValue,
]
"""(case, part, context, remote_ref, case_ref, faults, waits) -> payload; faults and waits are filled."""

Holds = Callable[[JsonValue, JsonValue], bool]


@dataclass(frozen=True, slots=True)
class Compiled:
    """The source, for people, and what it was compiled to."""

    source: str
    run: Callable[..., Any]


def compile_payload(document: model.Document, *, tables: Tables, functions: Functions) -> Compiled:
    """The function of a mapping's payload, an Apply."""
    writer = _Writer(tables=tables, functions=functions, system=document.system, reads=document.reads)
    result = writer.object(document.payload, Scope(), _Slot("", ()))
    return writer.finish("case, part, context, remote_ref, case_ref, faults, waits", result)


def compile_condition(condition: Condition, *, reads: str) -> Compiled:
    """The function of a condition, a Holds."""
    writer = _Writer(tables=Tables(), functions=Functions(), system="", reads=reads)
    result = writer.condition(condition, Scope())
    return writer.finish("case, part", result)


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
class _Slot:
    """Where in the payload we are: a fixed head, and the variables whose length is the index of an item."""

    head: str
    tail: tuple[tuple[str, str], ...]

    def below(self, name: str) -> _Slot:
        step = name.replace("~", "~0").replace("/", "~1")
        if self.tail:
            variable, rest = self.tail[-1]
            return _Slot(self.head, (*self.tail[:-1], (variable, f"{rest}/{step}")))
        return _Slot(f"{self.head}/{step}" if self.head else step, ())

    def item(self, variable: str) -> _Slot:
        return _Slot(self.head, (*self.tail, (variable, "")))


class _Writer:
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
        # The source holds nothing that a person wrote: see the head of this file.
        exec(compile(source, "<mapping>", "exec"), namespace)  # noqa: S102
        return Compiled(source, namespace["mapped"])

    # --- writing -----------------------------------------------------------------------------------------

    def name(self, letter: str = "v") -> str:
        self.names += 1
        return f"{letter}{self.names}"

    def constant(self, value: object) -> str:
        if type(value) is str:
            if value not in self.texts:
                self.texts[value] = self._constant(value)
            return self.texts[value]
        return self._constant(value)

    def _constant(self, value: object) -> str:
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

    # --- slots -------------------------------------------------------------------------------------------

    def store(self, expression: Expression, scope: Scope, slot: _Slot, take: str) -> None:
        """Takes the value as `take` says, with {} for it, or notes why there is none."""
        value = self.value(expression, scope, slot)
        if isinstance(expression, model.Const):
            self.line(take.format("None" if expression.value is None else value))
            return
        may_null, may_be_left_out = _may_be(expression, NULL), _may_be(expression, LEFT_OUT)
        taken = f"None if {value} is NULL else {value}" if may_null else value
        test = f"{value} is not None and {value}.__class__ is not Failure"
        if may_be_left_out:
            test += f" and {value} is not LEFT_OUT"
        with self.block(f"if {test}:"):
            self.line(take.format(taken))
        with self.block(f"elif {value} is not LEFT_OUT:" if may_be_left_out else "else:"):
            path = self.constant(first_path(expression, scope))
            self.line(f"note({value}, {self.where(slot)}, {path}, faults, waits)")

    def where(self, slot: _Slot) -> str:
        pieces = [self.constant(slot.head)]
        for variable, rest in slot.tail:
            pieces.append(f"f'/{{len({variable})}}'")
            if rest:
                pieces.append(self.constant(rest))
        return " + ".join(pieces)

    def object(self, expression: model.Object, scope: Scope, slot: _Slot) -> str:
        result = self.name("d")
        self.line(f"{result} = {{}}")
        for field in expression.fields:
            key = self.constant(field.name)
            self.store(field.value, scope, slot.below(field.name), f"{result}[{key}] = {{}}")
        return result

    # --- values ------------------------------------------------------------------------------------------

    def value(self, expression: Expression, scope: Scope, slot: _Slot) -> str:
        """The variable that holds an expression's value, its options applied."""
        value = self.core(expression, scope, slot)
        options = expression.options
        if options.absent_as:
            changed = self.name()
            self.line(f"{changed} = without({value}, {self._constant(options.absent_as)})")
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

    def core(self, expression: Expression, scope: Scope, slot: _Slot) -> str:
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

    def read(self, path: model.Path) -> str:
        """A path's value: keys of objects that are fetched once, and never a null."""
        root = self.items[-1] if path.root == "it" else "case" if path.root in ("case", "record") else "part"
        if not path.keys:
            return root
        if path.root == "it":
            holder = self.holder(root, path, path.keys[:-1], is_hoisted=False)
            value = self.name()
            self.line(f"{value} = {holder}.get({self.constant(path.keys[-1])})")
            return value
        if (root, path.keys) not in self.values:
            holder = self.holder(root, path, path.keys[:-1], is_hoisted=True)
            value = self.values[root, path.keys] = self.name()
            self.head.append(f"    {value} = {holder}.get({self.constant(path.keys[-1])})")
        return self.values[root, path.keys]

    def holder(self, root: str, path: model.Path, keys: tuple[str, ...], *, is_hoisted: bool) -> str:
        """The object that holds a path's last key; EMPTY where it is absent, NotAnObject where it is none."""
        if is_hoisted and (root, keys) in self.objects:
            return self.objects[root, keys]
        found = self.name("o")
        if keys:
            above = self.holder(root, path, keys[:-1], is_hoisted=is_hoisted)
            written = f"{above}.get({self.constant(keys[-1])})"
        else:
            written = root
        steps = (*self.it_steps[-1], *keys) if path.root == "it" else (path.root, *keys)
        place = self.constant(".".join(steps))
        lines = (
            f"{found} = {written}",
            f"if {found}.__class__ is not dict: {found} = EMPTY if {found} is None else NotAnObject({found}, {place})",
        )
        if is_hoisted:
            self.head.extend(f"    {line}" for line in lines)
            self.objects[root, keys] = found
        else:
            for line in lines:
                self.line(line)
        return found

    def through(self, of: Expression, scope: Scope, slot: _Slot, operation: Callable[..., JsonValue]) -> str:
        """An operation over one operand; absence and failure pass by."""
        operand = self.value(of, scope, slot)
        result = self.name()
        run = self._constant(operation)
        self.line(f"{result} = {operand} if {_is_no_value(operand)} else {run}({operand})")
        return result

    def row(self, expression: model.Row, scope: Scope, slot: _Slot) -> str:
        table = self.tables.find(expression.table, self.system)
        assert isinstance(table, SiteTable)
        run = self._constant(operations.row(expression, table, first_path(expression, scope)))
        key = self.value(expression.key, scope, slot)
        at = "None" if expression.at is None else self.value(expression.at, scope, slot)
        result = self.name()
        with self.block(f"if {_is_no_value(key)}:"):
            self.line(f"{result} = {key}")
        if expression.at is not None:
            with self.block(f"elif {_is_no_value(at)}:"):
                self.line(f"{result} = {at}")
        with self.block("else:"):
            self.line(f"{result} = {run}({key}, {at})")
        return result

    def join(self, expression: model.Join, scope: Scope, slot: _Slot) -> str:
        run = operations.join(expression.separator, first_path(expression, scope))
        if not isinstance(expression.of, tuple):
            return self.through(expression.of, scope, slot, run)
        return self.gathered(expression.of, scope, slot, run)

    def gathered(self, of: tuple[Expression, ...], scope: Scope, slot: _Slot, run: Callable[..., JsonValue]) -> str:
        """An operation over the list of several operands; the first absent or failing one decides."""
        listed, result = self.name("l"), self.name()
        self.line(f"{listed} = []")
        self.line(f"{result} = NULL")
        for item in of:
            with self.block(f"if {result} is NULL:"):
                value = self.value(item, scope, slot)
                with self.block(f"if {_is_no_value(value)}:"):
                    self.line(f"{result} = {value}")
                with self.block(f"elif {value} is not LEFT_OUT:"):
                    given = f"None if {value} is NULL else {value}" if _may_be(item, NULL) else value
                    self.line(f"{listed}.append({given})")
        with self.block(f"if {result} is NULL:"):
            self.line(f"{result} = {self._constant(run)}({listed})")
        return result

    def choose(self, expression: model.Choose, scope: Scope, slot: _Slot) -> str:
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

    def first(self, expression: model.First, scope: Scope, slot: _Slot) -> str:
        result = self.name()
        self.line(f"{result} = {self.value(expression.of[0], scope, slot)}")
        for item in expression.of[1:]:
            with self.block(f"if {result} is None:"):
                self.line(f"{result} = {self.value(item, scope, slot)}")
        return result

    def each(self, expression: model.Each, scope: Scope, slot: _Slot) -> str:
        source = self.value(expression.of, scope, slot)
        result, item = self.name("l"), self.name("i")
        refuse = self._constant(operations.wrong_type)
        path = self.constant(first_path(expression, scope))
        with self.block(f"if {_is_no_value(source)}:"):
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

    def list(self, items: tuple[Expression, ...], scope: Scope, slot: _Slot) -> str:
        result = self.name("l")
        self.line(f"{result} = []")
        for item in items:
            self.store(item, scope, slot.item(result), f"{result}.append({{}})")
        return result

    def awaited(self, expression: model.RemoteRef | model.CaseRef, written: str, system: str) -> str:
        result = self.name()
        self.line(f"{result} = {written}")
        if is_demanded(expression):
            wait = self._constant(Failure(WAITS, system, ""))
            self.line(f"if {result} is None: {result} = {wait}")
        return result

    def context(self, expression: model.ContextValue) -> str:
        result = self.name()
        if expression.name == "sent_at":
            self.line(f"{result} = {self._constant(operations.sent_at(expression))}(context)")
        else:
            self.line(f"{result} = {self._constant(_context_reader(expression.name))}(context)")
            if is_demanded(expression):
                refusal = self._constant(operations.not_given(expression.name))
                self.line(f"if {result} is None: {result} = {refusal}")
        return result

    def call(self, expression: model.Call, scope: Scope, slot: _Slot) -> str:
        run = operations.call(self.functions.by_name[expression.function], first_path(expression, scope))
        names = tuple(name for name, _ in expression.arguments)

        def run_with(values: list[JsonValue]) -> JsonValue:
            return run(dict(zip(names, values, strict=True)))

        return self.gathered(tuple(value for _, value in expression.arguments), scope, slot, run_with)

    # --- conditions --------------------------------------------------------------------------------------

    def condition(self, condition: Condition, scope: Scope) -> str:
        """A Python expression; what it reads is fetched by lines before it."""
        match condition:
            case model.Present():
                value = self.operand(condition.of)
                return f"({value} is not None and {value}.__class__ is not Failure)"
            case model.Equals():
                return self.equality(condition.left, condition.right)
            case model.In():
                return self.membership(condition)
            case model.AtLeast():
                return f"is_at_least({self.operand(condition.of)}, {self.operand(condition.bound)})"
            case model.AtMost():
                return f"is_at_most({self.operand(condition.of)}, {self.operand(condition.bound)})"
            case model.Not():
                return f"(not {self.condition(condition.of, scope)})"
            case model.All():
                return "(" + " and ".join(self.condition(inner, scope) for inner in condition.of) + ")"
            case model.Any():
                inner = [self.condition(inner, scope) for inner in condition.of]
                return "(" + " or ".join(inner) + ")" if inner else "False"

    def operand(self, operand: Operand) -> str:
        return self.value(operand, Scope(), _Slot("", ()))

    def equality(self, left: Operand, right: Operand) -> str:
        for one, other in ((left, right), (right, left)):
            if isinstance(one, model.Const) and isinstance(one.value, str):
                return f"({self.operand(other)} == {self.operand(one)})"
        return f"equal({self.operand(left)}, {self.operand(right)})"

    def membership(self, condition: model.In) -> str:
        value = self.operand(condition.of)
        constants = [item.value for item in condition.among if isinstance(item, model.Const)]
        if len(constants) == len(condition.among):
            return f"is_among({value}, {self._constant(tuple(constants))})"
        listed = ", ".join(self.operand(item) for item in condition.among)
        return f"is_among({value}, ({listed},))"


_BUILTINS = {"len": len, "dict": dict, "list": list}


def _is_no_value(name: str) -> str:
    return f"{name} is None or {name}.__class__ is Failure"


def is_demanded(expression: Expression) -> bool:
    """Whether nothing says what to do where the value is absent."""
    return not expression.options.is_optional and expression.options.when_absent is None


def _context_reader(name: str) -> Callable[[Context], JsonValue]:
    def read(context: Context) -> JsonValue:
        return getattr(context, name)

    return read


def _may_be(expression: Expression, marker: object) -> bool:
    """Whether an expression can give NULL or LEFT_OUT."""
    options = expression.options
    if options.is_optional and marker is LEFT_OUT:
        return True
    if options.when_absent is not None and _may_be(options.when_absent, marker):
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
            return any(_may_be(then, marker) for then in thens)
        case model.First():
            return any(_may_be(item, marker) for item in expression.of)
        case _:
            return False
