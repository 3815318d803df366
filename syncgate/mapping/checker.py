"""Reads a whole mapping document and reports everything that is wrong with it at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

from syncgate import documents
from syncgate.documents import JsonValue, Node, Problems, Scalar
from syncgate.mapping import document as model
from syncgate.mapping.functions import Functions
from syncgate.mapping.reading import Reader
from syncgate.mapping.results import INWARD_CONTEXT, OUTWARD_CONTEXT, RULES
from syncgate.mapping.schema import Checker, shape_of
from syncgate.mapping.tables import Tables

KEYS = ("mapping", "direction", "reads", "payload", "examples")
READS_BY_DIRECTION: Mapping[str, tuple[str, ...]] = {"out": ("case", "stage", "material", "leg"), "in": ("record",)}
ROOTS: Mapping[str, tuple[str, ...]] = {
    "case": ("case",),
    "stage": ("case", "stage"),
    "material": ("case", "material"),
    "leg": ("case", "leg"),
    "record": ("record",),
}
"""What a path may start with, by what the mapping reads."""


def context_names_of(reads: str) -> tuple[str, ...]:
    """The context values that a mapping may use, by what it reads."""
    return INWARD_CONTEXT if reads == "record" else OUTWARD_CONTEXT


Reads = Literal["case", "stage", "material", "leg", "record"]


def check(
    node: Node,
    *,
    tables: Tables,
    functions: Functions,
    schema: Mapping[str, JsonValue] | None,
    zone: str,
) -> model.Document:
    """The document that a node writes.

    Raises:
        documents.ProblemSet: with every problem and its place.
    """
    problems = Problems()
    document = _DocumentReader(problems, tables=tables, functions=functions, zone=zone).document(node)
    if schema is not None:
        _check_paths(problems, document, schema)
    problems.raise_if_any()
    return document


def _check_paths(problems: Problems, document: model.Document, schema: Mapping[str, JsonValue]) -> None:
    checker = Checker(problems, schema, reads=document.reads)
    checker.expression(document.payload)
    if document.direction == "in":
        checker.target(document.payload.fields, shape_of(schema, schema))


class _DocumentReader:
    """Reads the top of a mapping; expressions are the Reader's."""

    def __init__(self, problems: Problems, *, tables: Tables, functions: Functions, zone: str) -> None:
        self.problems = problems
        self.tables = tables
        self.functions = functions
        self.zone = zone

    def document(self, node: Node) -> model.Document:
        if not isinstance(node, documents.Mapping):
            self.problems.add(node.place, f"expected a mapping, got {documents.kind_of(node)}")
            raise documents.ProblemSet(self.problems.found)
        for entry in node:
            if entry.name not in KEYS:
                self.problems.add(entry.key.place, documents.unknown("key", entry.name, KEYS), "unknown_key")
        name = self._name(node)
        direction: Literal["out", "in"] = "in" if self._one_of(node, "direction", ("out", "in")) == "in" else "out"
        reads = self._reads(node, direction)
        payload = self._payload(node, name, reads)
        return model.Document(
            place=node.place,
            name=name,
            direction=direction,
            reads=reads,
            payload=payload,
            examples=self._examples(node, reads),
            node=node,
        )

    def _name(self, node: documents.Mapping) -> str:
        file = node.place.file.removesuffix(".yaml")
        steps = file.split("/")
        start = len(steps) - steps[::-1].index("mappings") if "mappings" in steps else len(steps) - 2
        expected = "/".join(steps[max(start, 0) :])
        found = node.get("mapping")
        if found is None:
            self.problems.add(node.place, "expected the key 'mapping', got none", "missing_key")
        elif not isinstance(found, Scalar) or found.text != expected:
            self.problems.add(found.place, f"expected 'mapping: {expected}', the path of its file")
        return expected

    def _one_of(self, node: documents.Mapping, key: str, known: tuple[str, ...]) -> str | None:
        found = node.get(key)
        if found is None:
            self.problems.add(node.place, f"expected the key {key!r}, got none", "missing_key")
        elif isinstance(found, Scalar) and found.text in known:
            return found.text
        elif isinstance(found, Scalar):
            self.problems.add(found.place, documents.unknown(key, found.text, known), "unknown_name")
        else:
            self.problems.add(found.place, f"expected {' or '.join(known)}, got {documents.kind_of(found)}")
        return None

    def _reads(self, node: documents.Mapping, direction: str) -> Reads:
        if direction == "in" and "reads" not in node:
            return "record"
        found = self._one_of(node, "reads", READS_BY_DIRECTION[direction])
        known: tuple[Reads, ...] = ("case", "stage", "material", "leg", "record")
        default: Reads = "record" if direction == "in" else "case"
        return next((name for name in known if name == found), default)

    def _payload(self, node: documents.Mapping, name: str, reads: Reads) -> model.Object:
        reader = Reader(
            self.problems,
            roots=ROOTS[reads],
            tables=self.tables,
            functions=self.functions,
            system=name.rpartition("/")[0].rpartition("/")[2],
            zone=self.zone,
            context_names=context_names_of(reads),
        )
        payload = node.get("payload")
        if payload is None:
            self.problems.add(node.place, "expected the key 'payload', got none", "missing_key")
            return model.Object(place=node.place, fields=())
        return model.Object(place=payload.place, fields=reader.fields(payload, is_payload=True))

    def _examples(self, node: documents.Mapping, reads: Reads) -> tuple[model.Example, ...]:
        listed = node.get("examples")
        if not isinstance(listed, documents.Sequence) or not listed.items:
            place = node.place if listed is None else listed.place
            self.problems.add(place, "expected at least one example under 'examples', got none", "no_examples")
            return ()
        return tuple(_ExampleReader(self.problems, item, reads).example() for item in listed)


class _ExampleReader:
    """Reads one example."""

    def __init__(self, problems: Problems, node: Node, reads: Reads) -> None:
        self.problems = problems
        self.node = node
        self.reads = reads
        self.given = "record" if reads == "record" else "case"
        self.known = ("name", self.given, f"{self.given}_file", "part", "context", "refs")
        self.expected = ("gives", "fails", "waits_for")

    def example(self) -> model.Example:
        node = self.node
        if not isinstance(node, documents.Mapping):
            self._add(node, f"expected an example, got {documents.kind_of(node)}")
            return model.Example(node.place, "")
        for entry in node:
            known = (*self.known, *self.expected)
            if entry.name not in known:
                self.problems.add(entry.key.place, documents.unknown("key", entry.name, known), "unknown_key")
        if (self.given in node) == (f"{self.given}_file" in node):
            self._add(node, f"expected one of the keys '{self.given}' and '{self.given}_file'")
        if sum(name in node for name in self.expected) != 1:
            self._add(node, "expected one of the keys 'gives', 'fails' and 'waits_for'")
        needs_part = self.reads in ("stage", "material", "leg")
        if needs_part != ("part" in node):
            self._add(node, f"expected {'the key' if needs_part else 'no key'} 'part'")
        remote_refs, case_refs = self._refs(node.get("refs"))
        given, gives = node.get(self.given), node.get("gives")
        return model.Example(
            place=node.place,
            name=self._text(node, "name") or "",
            case=None if given is None else documents.plain(given),
            case_file=self._text(node, f"{self.given}_file") if f"{self.given}_file" in node else None,
            part=self._text(node, "part") if "part" in node else None,
            context=self._context(node.get("context")),
            remote_refs=remote_refs,
            case_refs=case_refs,
            gives=None if gives is None else documents.plain(gives),
            fails=self._fails(node.get("fails")),
            waits_for=self._text(node, "waits_for") if "waits_for" in node else None,
        )

    def _text(self, node: documents.Mapping, key: str) -> str | None:
        found = node.get(key)
        if isinstance(found, Scalar) and found.text:
            return found.text
        self._add(node if found is None else found, f"expected a text as {key!r}, got none")
        return None

    def _context(self, node: Node | None) -> tuple[tuple[str, JsonValue], ...]:
        if node is None:
            return ()
        if not isinstance(node, documents.Mapping):
            self._add(node, f"expected context values by name, got {documents.kind_of(node)}")
            return ()
        for entry in node:
            known = context_names_of(self.reads)
            if entry.name not in known:
                message = documents.unknown("context value", entry.name, known)
                self.problems.add(entry.key.place, message, "unknown_name")
        return tuple((entry.name, documents.plain(entry.value)) for entry in node)

    def _refs(
        self, node: Node | None
    ) -> tuple[tuple[tuple[tuple[str, str | None], str], ...], tuple[tuple[str, str], ...]]:
        if node is None:
            return (), ()
        known = ("remote_ref", "case_ref")
        if not isinstance(node, documents.Mapping) or any(name not in known for name in node.names):
            self._add(node, "expected {remote_ref: {<system>/<message>: ...}, case_ref: {<system>: ...}}")
            return (), ()
        remote = [
            ((system, message or None), value)
            for name, value in self._texts_of(node.get("remote_ref"))
            for system, _, message in (name.partition("/"),)
        ]
        return tuple(remote), tuple(self._texts_of(node.get("case_ref")))

    def _texts_of(self, node: Node | None) -> list[tuple[str, str]]:
        if node is None:
            return []
        if not isinstance(node, documents.Mapping):
            self._add(node, f"expected numbers by system, got {documents.kind_of(node)}")
            return []
        return [(entry.name, str(documents.plain(entry.value))) for entry in node]

    def _fails(self, node: Node | None) -> tuple[tuple[str, str], ...] | None:
        if node is None:
            return None
        found: list[tuple[str, str]] = []
        for item in node if isinstance(node, documents.Sequence) else ():
            value = documents.plain(item)
            if isinstance(value, dict) and set(value) == {"field", "rule"}:
                if value["rule"] not in RULES:
                    self._add(
                        documents.node_at(item, ("rule",)),
                        documents.unknown("rule", str(value["rule"]), RULES),
                    )
                found.append((str(value["field"]), str(value["rule"])))
            else:
                self._add(item, "expected {field: ..., rule: ...}")
        if not found:
            self._add(node, "expected a list of {field: ..., rule: ...}")
        return tuple(found)

    def _add(self, node: Node, message: str) -> None:
        self.problems.add(node.place, message)
