"""YAML as a tree of nodes that know their place, and problems that are reported all at once.

Read scalars by the YAML 1.2 core rules: `no` is a text, `2026-01-01` is a text. What one person reads as a
number and another as a text (`0123`) is refused, as are anchors, aliases, tags and duplicate keys, so that
what is written is what is meant.
"""

from __future__ import annotations

import difflib
import math
import re
import types
import typing
from collections.abc import Iterable, Iterator
from collections.abc import Sequence as AbstractSequence
from dataclasses import dataclass, field
from typing import Any, TypeVar

import pydantic
import yaml

JsonValue = Any
"""A JSON value: None, bool, int, float, str, list or dict with text keys."""

DEEPEST = 64
"""How many levels a document may nest."""


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """Where something stands: file, line and column, both counted from 1, columns in characters."""

    file: str
    line: int
    column: int

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True)
class Problem:
    """One thing that is wrong in a file, in words for the person who wrote it."""

    place: Place
    message: str
    code: str = "invalid"

    def __str__(self) -> str:
        return f"{self.place}: {self.message}"


class ProblemSet(Exception):
    """Every problem of what was read, in the order of their places; prints one a line."""

    def __init__(self, problems: Iterable[Problem]) -> None:
        self.problems: tuple[Problem, ...] = tuple(sorted(dict.fromkeys(problems), key=lambda problem: problem.place))
        super().__init__("\n".join(str(problem) for problem in self.problems))


class Problems:
    """A collector: add what is wrong, go on reading, raise once at the end."""

    def __init__(self) -> None:
        self.found: list[Problem] = []

    def add(self, place: Place, message: str, code: str = "invalid") -> None:
        """Remember a problem; reading goes on."""
        self.found.append(Problem(place, message, code))

    def extend(self, problems: Iterable[Problem]) -> None:
        """Take over what another reading found."""
        self.found.extend(problems)

    def raise_if_any(self) -> None:
        """Raise everything found as one ProblemSet, or return where nothing was."""
        if self.found:
            raise ProblemSet(self.found)


@dataclass(frozen=True, slots=True)
class Scalar:
    """A single value. `text` is what was written, `value` what the core rules make of it."""

    place: Place
    value: str | int | float | bool | None
    text: str
    is_plain: bool = True


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list of nodes."""

    place: Place
    items: tuple[Node, ...] = ()

    def __iter__(self) -> Iterator[Node]:
        return iter(self.items)

    def __len__(self) -> int:
        return len(self.items)


@dataclass(frozen=True, slots=True)
class Entry:
    """One key of a mapping with its value; the name of a key is its text as written."""

    key: Scalar
    value: Node

    @property
    def name(self) -> str:
        """The key's text, so `1:` and `"1":` are the same name."""
        return self.key.text


@dataclass(frozen=True, slots=True)
class Mapping:
    """Keys and values in the order written; every name once."""

    place: Place
    entries: tuple[Entry, ...] = ()
    _by_name: dict[str, Entry] = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_by_name", {entry.name: entry for entry in self.entries})

    def __iter__(self) -> Iterator[Entry]:
        return iter(self.entries)

    def __contains__(self, name: object) -> bool:
        return name in self._by_name

    @property
    def names(self) -> tuple[str, ...]:
        """All keys in the order written."""
        return tuple(self._by_name)

    def get(self, name: str) -> Node | None:
        """The value of a key, or None."""
        entry = self._by_name.get(name)
        return None if entry is None else entry.value

    def key_place(self, name: str) -> Place:
        """Where a key stands; the mapping's own place where it does not have it."""
        entry = self._by_name.get(name)
        return self.place if entry is None else entry.key.place


Node = Scalar | Sequence | Mapping


def nearest(name: str, known: Iterable[str], *, cutoff: float = 0.5) -> str | None:
    """The known name that was probably meant, or None where nothing is near.

    Args:
        name: What was written.
        known: What may be written.
        cutoff: How alike the two must be, from 0 to 1.
    """
    names = list(known)
    lowered = {known_name.lower(): known_name for known_name in names}
    if name.lower() in lowered:
        return lowered[name.lower()]
    found = difflib.get_close_matches(name, names, n=1, cutoff=cutoff)
    return found[0] if found else None


def unknown(kind: str, name: str, known: Iterable[str]) -> str:
    """A message for an unknown name: names the nearest known one, or all where they are few."""
    names = list(known)
    near = nearest(name, names)
    if near is not None:
        return f"unknown {kind} {name!r}; the nearest known is {near!r}"
    if 0 < len(names) <= 12:
        return f"unknown {kind} {name!r}; expected one of {', '.join(sorted(names))}"
    return f"unknown {kind} {name!r}"


def kind_of(node: Node) -> str:
    """What a node is, in words for a message: never its content."""
    if isinstance(node, Mapping):
        return "an object"
    if isinstance(node, Sequence):
        return "a list"
    return kind_of_value(node.value)


def kind_of_value(value: JsonValue) -> str:
    """What a JSON value is, in words for a message: never its content."""
    if value is None:
        return "nothing"
    if isinstance(value, bool):
        return "true or false"
    if isinstance(value, int | float):
        return "a number"
    if isinstance(value, str):
        return "a text"
    return "a list" if isinstance(value, list) else "an object"


def plain(node: Node) -> JsonValue:
    """The JSON value that a node stands for."""
    if isinstance(node, Scalar):
        return node.value
    if isinstance(node, Sequence):
        return [plain(item) for item in node.items]
    return {entry.name: plain(entry.value) for entry in node.entries}


def node_at(node: Node, path: AbstractSequence[str | int]) -> Node:
    """The node at a path, or its nearest existing ancestor; steps that the tree does not have are skipped."""
    for step in path:
        below = _step(node, step)
        if below is not None:
            node = below
    return node


def _step(node: Node, step: str | int) -> Node | None:
    if isinstance(node, Mapping):
        return node.get(str(step))
    if isinstance(node, Sequence) and isinstance(step, int) and 0 <= step < len(node.items):
        return node.items[step]
    return None


# --- reading -----------------------------------------------------------------------------------------------

_NULL = re.compile(r"(?:null|Null|NULL|~|)\Z")
_TRUE = re.compile(r"(?:true|True|TRUE)\Z")
_FALSE = re.compile(r"(?:false|False|FALSE)\Z")
_INTEGER = re.compile(r"[-+]?[0-9]+\Z")
_OCTAL = re.compile(r"0o[0-7]+\Z")
_HEX = re.compile(r"0x[0-9a-fA-F]+\Z")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?\Z")
_NOT_JSON = re.compile(r"(?:[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN))\Z")
_UNREADABLE = re.compile("[^\t\n\r\x20-\x7e\x85\xa0-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_LEADING_ZERO = re.compile(r"[-+]?0[0-9]")


def read_yaml(text: str, file: str) -> Node:
    """The one document of a YAML text as nodes with their places.

    Raises:
        ProblemSet: with everything that is wrong; a syntax error ends the reading.
    """
    problems = Problems()
    root = _Reader(file, problems).read(text.removeprefix("\ufeff"))
    problems.raise_if_any()
    if root is None:
        raise ProblemSet([Problem(Place(file, 1, 1), "expected a document, got an empty file", "empty")])
    return root


@dataclass(slots=True)
class _Open:
    """A list or mapping whose end has not been read yet; a key waits in `key` for its value."""

    place: Place
    is_mapping: bool
    items: list[Node] = field(default_factory=list)
    entries: list[Entry] = field(default_factory=list)
    names: dict[str, Place] = field(default_factory=dict)
    key: Scalar | None = None
    is_key_lost: bool = False


class _Reader:
    """Builds nodes from the parser's events, so that nothing is resolved behind the writer's back."""

    def __init__(self, file: str, problems: Problems) -> None:
        self.file = file
        self.problems = problems
        self.stack: list[_Open] = []
        self.root: Node | None = None
        self.document_count = 0

    def read(self, text: str) -> Node | None:
        refused = _UNREADABLE.search(text)
        if refused is not None:
            self._add_unreadable(text, refused.start())
            return None
        try:
            for event in yaml.parse(text, Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader)):
                self._take(event)
        except yaml.MarkedYAMLError as error:
            mark = error.problem_mark or error.context_mark
            place = Place(self.file, 1, 1) if mark is None else self._place(mark)
            self.problems.add(place, f"not YAML: {error.problem or error.context}", "syntax")
        return self.root

    def _add_unreadable(self, text: str, at: int) -> None:
        before = text[:at]
        place = Place(self.file, before.count("\n") + 1, at - before.rfind("\n"))
        message = f"expected printable characters, got U+{ord(text[at]):04X}"
        self.problems.add(place, message, "syntax")

    def _place(self, mark: Any) -> Place:
        return Place(self.file, mark.line + 1, mark.column + 1)

    def _take(self, event: yaml.Event) -> None:
        place = self._place(event.start_mark)
        if isinstance(event, yaml.DocumentStartEvent):
            self.document_count += 1
            if self.document_count > 1:
                self.problems.add(place, "expected one document, got another one", "syntax")
        elif isinstance(event, yaml.AliasEvent):
            self.problems.add(place, "aliases are not allowed: write the value out", "alias")
            self._place_node(Scalar(place, None, ""))
        elif isinstance(event, yaml.ScalarEvent):
            self._refuse_extras(event, place)
            self._place_node(self._scalar(event, place))
        elif isinstance(event, yaml.SequenceStartEvent | yaml.MappingStartEvent):
            self._refuse_extras(event, place)
            self._open(place, is_mapping=isinstance(event, yaml.MappingStartEvent))
        elif isinstance(event, yaml.SequenceEndEvent | yaml.MappingEndEvent):
            self._close()

    def _refuse_extras(self, event: Any, place: Place) -> None:
        if event.anchor is not None:
            self.problems.add(place, "anchors are not allowed: write the value out", "anchor")
        if event.tag is not None:
            self.problems.add(place, "tags are not allowed", "tag")

    def _open(self, place: Place, *, is_mapping: bool) -> None:
        if len(self.stack) == DEEPEST:
            self.problems.add(place, f"expected at most {DEEPEST} levels, got more", "too_deep")
        self.stack.append(_Open(place, is_mapping))

    def _close(self) -> None:
        done = self.stack.pop()
        if done.is_mapping:
            self._place_node(Mapping(done.place, tuple(done.entries)))
        else:
            self._place_node(Sequence(done.place, tuple(done.items)))

    def _place_node(self, node: Node) -> None:
        if not self.stack:
            self.root = node if self.root is None else self.root
        elif not self.stack[-1].is_mapping:
            self.stack[-1].items.append(node)
        elif self.stack[-1].key is None and not self.stack[-1].is_key_lost:
            self._take_key(self.stack[-1], node)
        else:
            self._take_value(self.stack[-1], node)

    def _take_key(self, parent: _Open, node: Node) -> None:
        if not isinstance(node, Scalar):
            self.problems.add(node.place, f"expected a text as key, got {kind_of(node)}", "key")
            parent.is_key_lost = True
            return
        first = parent.names.get(node.text)
        if first is not None:
            message = f"the key {node.text!r} stands twice, first in line {first.line}"
            self.problems.add(node.place, message, "duplicate_key")
            parent.is_key_lost = True
            return
        parent.names[node.text] = node.place
        parent.key = node

    def _take_value(self, parent: _Open, node: Node) -> None:
        if parent.key is not None:
            parent.entries.append(Entry(parent.key, node))
        parent.key, parent.is_key_lost = None, False

    def _scalar(self, event: yaml.ScalarEvent, place: Place) -> Scalar:
        if event.style or not event.implicit[0]:
            return Scalar(place, event.value, event.value, is_plain=False)
        is_value = not (self.stack and self.stack[-1].is_mapping and self.stack[-1].key is None)
        if not is_value:
            return Scalar(place, event.value, event.value)
        return Scalar(place, self._core(event.value, place), event.value)

    def _core(self, text: str, place: Place) -> str | int | float | bool | None:
        if _NULL.match(text):
            return None
        if _TRUE.match(text) or _FALSE.match(text):
            return bool(_TRUE.match(text))
        if _LEADING_ZERO.match(text) and _FLOAT.match(text):
            message = f"expected a number without leading zeros or a quoted text, got {text}"
            self.problems.add(place, message, "leading_zero")
            return text
        if _INTEGER.match(text) and len(text) <= 40:
            return int(text)
        if _OCTAL.match(text) or _HEX.match(text):
            return int(text, 0)
        if _FLOAT.match(text):
            return self._float(text, place)
        if _NOT_JSON.match(text):
            self.problems.add(place, f"expected a number that JSON can hold, got {text}", "number")
        return text

    def _float(self, text: str, place: Place) -> float:
        value = float(text)
        if math.isinf(value):
            self.problems.add(place, "expected a number that JSON can hold, got a larger one", "number")
        return value


# --- pydantic models ---------------------------------------------------------------------------------------

Model = TypeVar("Model", bound=pydantic.BaseModel)


def validate(model: type[Model], node: Node) -> Model:
    """An instance of a pydantic model from a node; unknown keys are refused whatever the model says.

    Raises:
        ProblemSet: every error of pydantic with the place of what it is about.
    """
    try:
        return model.model_validate(plain(node), extra="forbid")
    except pydantic.ValidationError as error:
        found = error.errors(include_url=False, include_input=False, include_context=False)
        problems = [_problem(model, node, item["loc"], item["type"], item["msg"]) for item in found]
        raise ProblemSet(problems) from None


def _problem(
    model: type[pydantic.BaseModel], node: Node, loc: tuple[str | int, ...], kind: str, message: str
) -> Problem:
    if kind == "extra_forbidden":
        parent = node_at(node, loc[:-1])
        place = parent.key_place(str(loc[-1])) if isinstance(parent, Mapping) else parent.place
        return Problem(place, unknown("key", str(loc[-1]), _known_names(model, loc[:-1])), "unknown_key")
    here = node_at(node, loc)
    if kind == "missing":
        return Problem(here.place, f"expected the key {str(loc[-1])!r}, got none", "missing_key")
    words = message.removeprefix("Value error, ")
    if words.startswith("Input should be "):
        words = f"expected {words.removeprefix('Input should be ')}, got {kind_of(here)}"
    where = ".".join(str(step) for step in loc)
    return Problem(here.place, f"{where}: {words}" if where else words, kind)


def _known_names(model: type[pydantic.BaseModel], loc: tuple[str | int, ...]) -> set[str]:
    models = {model}
    for step in loc:
        below = {found for parent in models for found in _models_below(parent, step)}
        models = below or models
    return {info.alias or name for found in models for name, info in found.model_fields.items()}


def _models_below(model: type[pydantic.BaseModel], step: str | int) -> set[type[pydantic.BaseModel]]:
    for name, info in model.model_fields.items():
        if step in (name, info.alias):
            return set(_models_in(info.annotation))
    return set()


def _models_in(annotation: Any) -> Iterator[type[pydantic.BaseModel]]:
    if isinstance(annotation, type) and not isinstance(annotation, types.GenericAlias):
        if issubclass(annotation, pydantic.BaseModel):
            yield annotation
        return
    for inner in typing.get_args(annotation):
        yield from _models_in(inner)
