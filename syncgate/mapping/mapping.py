"""Mappings and conditions, loaded: checked as a whole and compiled once."""

from __future__ import annotations

import collections.abc
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import partial

from syncgate import documents
from syncgate.documents import JsonValue, Node, Problems
from syncgate.mapping import document as model
from syncgate.mapping.checker import ROOTS, check
from syncgate.mapping.compiler import Apply, Holds, compile_condition, compile_payload
from syncgate.mapping.examples import ExampleResult, run_example
from syncgate.mapping.explaining import explain
from syncgate.mapping.explanation import Explanation
from syncgate.mapping.functions import NO_FUNCTIONS, Functions
from syncgate.mapping.reading import Reader
from syncgate.mapping.reads import Scope, Tree, condition_reads, contexts_in, reads_of
from syncgate.mapping.results import (
    VOLATILE,
    Fault,
    Inputs,
    Mapped,
    Result,
    Unmappable,
    WaitsFor,
)
from syncgate.mapping.schema import Checker
from syncgate.mapping.tables import NO_TABLES, Tables

DEFAULT_ZONE = "Asia/Shanghai"


@dataclass(frozen=True, slots=True)
class Mapping:
    """A checked, compiled mapping. Equal where the documents are."""

    document: model.Document
    paths: frozenset[str] = field(compare=False)
    """Every path read: `case.applicant.name`, `stage.at`, `case.materials.*.name`, `record.案件編號`."""
    compared_fields: frozenset[str] = field(compare=False)
    """The fields of the payload to compare when it is read back: neither volatile nor `compared: false`."""
    contexts: frozenset[str] = field(compare=False)
    """Every context value used: `slot_key`, `record_no`."""
    columns: frozenset[str] = field(compare=False)
    """The first names below `record` that are read: the columns that a flat file of the source must have."""
    source: str = field(compare=False, repr=False)
    """The Python source that was compiled, for people."""
    _run: Apply = field(compare=False, repr=False)
    _explain: Callable[[Inputs], Explanation] = field(compare=False, repr=False)
    _inputs: Tree = field(compare=False, repr=False)

    @property
    def name(self) -> str:
        """`<system>/<message>`, the path of its file."""
        return self.document.name

    @property
    def direction(self) -> str:
        """`out`: from a case to a payload; `in`: from a record to a case."""
        return self.document.direction

    @property
    def reads(self) -> str:
        """What there is one payload of: case, stage, material; record inward."""
        return self.document.reads

    @property
    def needs_record_no(self) -> bool:
        """Whether whoever applies it must give `Context.record_no`, since the source has no ids."""
        return "record_no" in self.contexts

    def apply(self, inputs: Inputs) -> Result:
        """The payload, or every fault at once, or the system whose answer is awaited; faults come first."""
        faults: list[Fault] = []
        waits: list[str] = []
        refs = inputs.refs
        payload = self._run(inputs.case, inputs.part, inputs.context, refs.remote_ref, refs.case_ref, faults, waits)
        if faults:
            return Unmappable(tuple(faults))
        return WaitsFor(waits[0]) if waits else Mapped(payload)

    def explain(self, inputs: Inputs) -> Explanation:
        """Where each field of the payload comes from, step by step; its result is that of `apply`."""
        return self._explain(inputs)

    def run_examples(self, read: Callable[[str], JsonValue] | None = None) -> list[ExampleResult]:
        """What became of each of its examples.

        Args:
            read: Gives the case of a `case_file` (`record_file`) by the name written in the example.
        """
        return [run_example(example, self.document, self.apply, read) for example in self.document.examples]

    def inputs_of(self, case: JsonValue, part: JsonValue = None) -> dict[str, JsonValue]:
        """What the compared fields read, by root: equal where nothing that counts as a change changed."""
        roots = {"case": case, "record": case, self.reads: case if self.reads == "case" else part}
        if self.reads == "record":
            roots["record"] = case
        return {root: tree.project(roots[root]) for root, tree in self._inputs.below.items()}


@dataclass(frozen=True, slots=True)
class Condition:
    """A checked, compiled condition over a case and, where it has one, its part."""

    condition: model.Condition
    paths: frozenset[str] = field(compare=False)
    _run: Holds = field(compare=False, repr=False)

    def holds(self, case: JsonValue, part: JsonValue = None) -> bool:
        """Whether it is so; what is absent equals nothing."""
        return bool(self._run(case, part))


def load_mapping(
    text: str,
    file: str,
    *,
    tables: Tables = NO_TABLES,
    functions: Functions = NO_FUNCTIONS,
    schema: collections.abc.Mapping[str, JsonValue] | None = None,
    zone: str = DEFAULT_ZONE,
) -> Mapping:
    """A mapping from the text of its file.

    Args:
        text: The YAML text.
        file: Its name; the mapping is called by what follows `mappings/` in it.
        tables: The tables that it may name.
        functions: The functions that it may name.
        schema: The canonical JSON Schema; with it every path must be one that a case can have.
        zone: The site's time zone, where the mapping names none.

    Raises:
        documents.ProblemSet: with every problem and its place.
    """
    node = documents.read_yaml(text, file)
    document = check(node, tables=tables, functions=functions, schema=schema, zone=zone)
    compiled = compile_payload(document, tables=tables, functions=functions)
    everything, compared = Tree(), Tree()
    compared_fields: set[str] = set()
    for entry in document.payload.fields:
        reads_of(entry.value, Scope(), everything)
        if entry.value.options.is_compared:
            reads_of(entry.value, Scope(), compared)
            if not contexts_in(entry.value) & VOLATILE:
                compared_fields.add(entry.name)
    return Mapping(
        document=document,
        paths=_dotted(everything),
        compared_fields=frozenset(compared_fields),
        contexts=frozenset(contexts_in(document.payload)),
        columns=frozenset(everything.below.get("record", Tree()).below),
        source=compiled.source,
        _run=compiled.run,
        _explain=partial(explain, document, tables=tables, functions=functions),
        _inputs=compared,
    )


def load_condition(
    node: Node,
    *,
    reads: str = "case",
    tables: Tables = NO_TABLES,
    schema: collections.abc.Mapping[str, JsonValue] | None = None,
) -> Condition:
    """A condition from its node, such as an adapter's `when` or `applies_to`.

    Raises:
        documents.ProblemSet: with every problem and its place.
    """
    problems = Problems()
    reader = Reader(
        problems,
        roots=ROOTS[reads],
        tables=tables,
        functions=NO_FUNCTIONS,
        system=None,
        zone=DEFAULT_ZONE,
        context_names=(),
    )
    condition = reader.condition(node)
    if schema is not None:
        Checker(problems, schema, reads=reads).condition(condition)
    problems.raise_if_any()
    tree = Tree()
    condition_reads(condition, Scope(), tree)
    return Condition(condition, _dotted(tree), compile_condition(condition, reads=reads).run)


def _dotted(tree: Tree) -> frozenset[str]:
    return frozenset(".".join(steps) for steps in tree.leaves())
