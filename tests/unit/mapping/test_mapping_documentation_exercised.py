"""The examples of the page about the mapping language do what their sections say, when they run."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest

from syncgate import documents, mapping
from syncgate.documents import Node
from syncgate.mapping import Inputs, Refs
from syncgate.mapping.examples import context_of, marked
from syncgate.mapping.explanation import Absent, Slot, Trace
from syncgate.mapping.explanation import Test as Asked
from syncgate.mapping.reading_pieces import COMMON, CONDITIONS, OPERATIONS
from syncgate.mapping.texts import STEP_ARGUMENTS
from tests.unit.mapping.test_mapping_documentation import BLOCK, FUNCTIONS, MAPPING_FILES, PAGE, TABLES

SECTIONS = {part.split("\n", 1)[0]: part for part in re.split(r"^## ", PAGE, flags=re.MULTILINE)[1:]}
NAMED = {heading: re.findall(r"`([a-z_]+)`", heading) for heading in SECTIONS}


def _slot(slot: Slot) -> Iterator[str]:
    if slot.test is not None:
        yield from _test(slot.test)
    if slot.trace is not None:
        yield from _trace(slot.trace)


def _test(test: Asked) -> Iterator[str]:
    yield test.word
    for operand in test.of:
        yield from _trace(operand)
    for inner in test.tests:
        yield from _test(inner)


def _trace(trace: Trace) -> Iterator[str]:
    if not isinstance(trace.given, Absent):
        yield trace.word
    yield from (step.word for step in trace.steps)
    for below in trace.of:
        yield from _trace(below)
    for test in trace.tests:
        yield from _test(test)
    for slot in trace.slots:
        yield from _slot(slot)


def exercised(texts: Iterator[str]) -> set[str]:
    """Every operation, step, condition and option that took part when the examples of mappings ran."""
    found: set[str] = set()
    for text in texts:
        loaded = mapping.load_mapping(text, text.split("\n", 1)[0][2:], tables=TABLES, functions=FUNCTIONS)
        for one in loaded.document.examples:
            parts = [*one.case.get("stages", ()), *one.case.get("materials", ())]
            part = next((part for part in parts if part.get("id") == one.part), None)
            refs = Refs(dict(one.remote_refs), dict(one.case_refs))
            context = context_of(loaded.document, (*one.context, *marked(one.case)))
            inputs = Inputs(one.case, part, context, refs)
            found.update(word for slot in loaded.explain(inputs).slots for word in _slot(slot))
    return found


def keys_by_operation(node: Node) -> Iterator[tuple[str, str]]:
    """Every key beside an operation, as written."""
    if isinstance(node, documents.Mapping):
        operation = next((name for name in node.names if name in OPERATIONS), "")
        yield from ((operation, name) for name in node.names)
    for inner in node if isinstance(node, documents.Mapping | documents.Sequence) else ():
        yield from keys_by_operation(inner.value if isinstance(inner, documents.Entry) else inner)


EVERYTHING = exercised(iter(MAPPING_FILES.values()))
WRITTEN = {pair for text in MAPPING_FILES.values() for pair in keys_by_operation(documents.read_yaml(text, "page"))}


UNTRACED = {"compared", "confidential"}
"""What an explanation does not name; the examples beside it show what it does."""


@pytest.mark.parametrize("word", [*OPERATIONS, *CONDITIONS, *STEP_ARGUMENTS, *sorted({*COMMON} - UNTRACED)])
def test_every_word_takes_part_in_an_example_that_runs(word: str) -> None:
    assert word in EVERYTHING


@pytest.mark.parametrize("pair", [(name, key) for name, keys in OPERATIONS.items() for key in keys])
def test_every_key_of_an_operation_is_written_in_an_example(pair: tuple[str, str]) -> None:
    assert pair in WRITTEN


@pytest.mark.parametrize("heading", [heading for heading in SECTIONS if NAMED[heading]])
def test_the_examples_of_a_section_do_what_its_heading_names(heading: str) -> None:
    texts = [text for kind, text in BLOCK.findall(SECTIONS[heading]) if kind == "yaml" and "/tables/" not in text[:60]]
    written = {key for text in texts for pair in keys_by_operation(documents.read_yaml(text, "page")) for key in pair}
    assert texts
    assert set(NAMED[heading]) <= exercised(iter(texts)) | (UNTRACED & written)
