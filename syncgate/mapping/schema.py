"""Checks the paths of a mapping against the canonical JSON Schema, in as far as that says what there is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from syncgate import documents
from syncgate.documents import JsonValue, Place, Problems
from syncgate.mapping import document as model
from syncgate.mapping.document import Condition, Expression
from syncgate.mapping.walks import operands_in, operands_of

PARTS = {"stage": "stages", "material": "materials"}
"""The list of the case that each kind of part stands in."""

Schema = Mapping[str, JsonValue]
FREE: Schema = {}
"""The schema of what nothing is known about."""


@dataclass(frozen=True, slots=True)
class Shape:
    """A place in the schema: all schemas that apply there. Empty: anything may be there."""

    root: Schema
    schemas: tuple[Schema, ...]

    def below(self, key: str) -> Shape | None:
        """The shape of a property, or None where the schema says that there is none."""
        found = [schema["properties"][key] for schema in self.schemas if key in _properties(schema)]
        if found:
            return shape_of(self.root, *found)
        return shape_of(self.root) if self.is_free else None

    @property
    def is_free(self) -> bool:
        """Whether keys that the schema does not name may be there."""
        words = ("additionalProperties", "unevaluatedProperties")
        if any(schema.get(word) is False for schema in self.schemas for word in words):
            return False
        return not self.types or "object" in self.types

    @property
    def names(self) -> tuple[str, ...]:
        """The properties that the schema names."""
        return tuple(dict.fromkeys(name for schema in self.schemas for name in _properties(schema)))

    @property
    def types(self) -> set[str]:
        """The JSON types that the schema names."""
        found = [schema.get("type") for schema in self.schemas]
        return {name for value in found for name in (value if isinstance(value, list) else [value]) if name}

    @property
    def is_list(self) -> bool:
        """Whether only a list may be there."""
        return self.types == {"array"}

    def items(self) -> Shape | None:
        """The shape of a list's items, or None where the schema says that there is no list."""
        found = [schema["items"] for schema in self.schemas if isinstance(schema.get("items"), dict)]
        if found:
            return shape_of(self.root, *found)
        return shape_of(self.root) if not self.types or "array" in self.types else None


def shape_of(root: Schema, *schemas: Schema) -> Shape:
    """The shape of schemas with their references and combinations followed."""
    found: list[Schema] = []
    waiting = list(schemas)
    while waiting and len(found) < 1000:
        schema = waiting.pop()
        if schema in found or not isinstance(schema, Mapping):
            continue
        found.append(schema)
        reference = schema.get("$ref")
        if isinstance(reference, str):
            waiting.append(_resolved(root, reference))
        for word in ("allOf", "anyOf", "oneOf"):
            waiting.extend(schema.get(word, ()))
        waiting.extend(schema[word] for word in ("then", "else") if word in schema)
    return Shape(root, tuple(schema for schema in found if schema))


def _leg(schema: Schema, case: Shape) -> Shape:
    """The shape of a leg, made of the schema's own stages."""
    stages = case.below("stages")
    stage = None if stages is None else stages.items()
    text: Schema = {"type": "string"}
    whole: Schema = {"allOf": [] if stage is None else list(stage.schemas)}
    organisation = {"type": "object", "additionalProperties": False, "properties": {"name": text, "uscc": text}}
    fields: Schema = {
        **dict.fromkeys(("id", "from_at", "until_at", "ended"), text),
        "no": {"type": "integer"},
        "org": organisation,
        **dict.fromkeys(("began_with", "ended_with"), whole),
        "stages": {"type": "array", "items": whole},
    }
    return shape_of(schema, {"type": "object", "additionalProperties": False, "properties": fields})


def _resolved(root: Schema, reference: str) -> Schema:
    here: JsonValue = root
    for step in reference.removeprefix("#").split("/"):
        name = step.replace("~1", "/").replace("~0", "~")
        here = here if not name else here.get(name, {}) if isinstance(here, dict) else {}
    return here if isinstance(here, dict) else {}


def _properties(schema: Schema) -> Schema:
    found = schema.get("properties")
    return found if isinstance(found, Mapping) else {}


class Checker:
    """Follows every path of a document through the schema and adds those that lead nowhere."""

    def __init__(self, problems: Problems, schema: Schema, *, reads: str) -> None:
        self.problems = problems
        case = shape_of(schema, schema)
        self.shapes: dict[str, Shape] = {"case": case, "record": shape_of(schema)}
        if reads in PARTS:
            listed = case.below(PARTS[reads]) or shape_of(schema)
            self.shapes[reads] = listed.items() or shape_of(schema)
        if reads == "leg":
            self.shapes["leg"] = _leg(schema, case)
        self.free = shape_of(schema)

    def expression(self, expression: Expression, it: Shape | None = None) -> None:
        """Checks an expression and everything below it; `it` is the shape of the current item."""
        if isinstance(expression, model.Path):
            self.path(expression, it)
        if expression.options.when_absent is not None:
            self.expression(expression.options.when_absent, it)
        if isinstance(expression, model.Choose):
            for branch in expression.branches:
                self.condition(branch.when, it)
        for operand in operands_of(expression):
            self.expression(operand, it)
        if isinstance(expression, model.Each):
            self._each(expression, it)

    def _each(self, expression: model.Each, it: Shape | None) -> None:
        items: Shape | None = self.free
        if isinstance(expression.of, model.Path):
            listed = self._follow(expression.of, it)
            items = self.free if listed is None else listed.items()
            if items is None:
                message = f"expected a list for each, and {expression.of} is none"
                self.problems.add(expression.of.place, message, "not_a_list")
        if expression.where is not None:
            self.condition(expression.where, items or self.free)
        self.expression(expression.do, items or self.free)

    def condition(self, condition: Condition, it: Shape | None = None) -> None:
        """Checks everything that a condition reads."""
        for operand in operands_in(condition):
            if isinstance(operand, model.Path):
                self.path(operand, it)

    def path(self, path: model.Path, it: Shape | None) -> None:
        """Adds a problem where the schema has no such path."""
        self._follow(path, it, is_reported=True)

    def _follow(self, path: model.Path, it: Shape | None, *, is_reported: bool = False) -> Shape | None:
        shape = it if path.root == "it" else self.shapes.get(path.root)
        if shape is None:
            return self.free
        above = path.root
        for key in path.keys:
            below = shape.below(key)
            if below is None:
                if is_reported:
                    self._report(path.place, key, above, shape)
                return None
            shape, above = below, f"{above}.{key}"
        return shape

    def _report(self, place: Place, key: str, above: str, shape: Shape) -> None:
        if shape.is_list:
            message = f"{above} is a list: it is read with each, got {key!r} below it"
        elif not shape.names:
            message = f"{above} is no object: expected the end of the path, got {key!r}"
        else:
            message = documents.unknown(f"field of {above}", key, shape.names)
        self.problems.add(place, message, "unknown_path")

    def target(self, fields: tuple[model.Field, ...], shape: Shape, above: str = "case") -> None:
        """Checks the fields that a mapping inward writes: the schema must have them."""
        for field in fields:
            below = shape.below(field.name)
            if below is None:
                self._report(field.place, field.name, above, shape)
            else:
                self._written(field.value, below, f"{above}.{field.name}")

    def _written(self, value: Expression, shape: Shape, above: str) -> None:
        """Follows what a field is made of down to the objects that are written."""
        match value:
            case model.Object():
                self.target(value.fields, shape, above)
            case model.Each():
                self._written(value.do, shape.items() or self.free, above)
            case model.List():
                for item in value.items:
                    self._written(item, shape.items() or self.free, above)
            case model.Choose() | model.First():
                for operand in operands_of(value):
                    self._written(operand, shape, above)
            case _:
                pass
