"""The page about the mapping language cannot lie: its examples run, and it leaves nothing out."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from syncgate import mapping
from syncgate.documents import ProblemSet
from syncgate.mapping import Function, Functions
from syncgate.mapping.reading_pieces import COMMON, CONDITIONS, OPERATIONS
from syncgate.mapping.results import CONTEXT_NAMES, RULES
from syncgate.mapping.texts import CHARSETS, STEP_ARGUMENTS

PAGE = (Path(__file__).parents[3] / "docs" / "reference" / "mapping-language.md").read_text("utf-8")
BLOCK = re.compile(r"^```(yaml(?: wrong)?|text)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
BLOCKS = [(kind, text) for kind, text in BLOCK.findall(PAGE)]
FILES = {text.split("\n", 1)[0].removeprefix("# "): text for kind, text in BLOCKS if kind == "yaml"}
TABLE_FILES = {file: text for file, text in FILES.items() if "/tables/" in file}
MAPPING_FILES = {file: text for file, text in FILES.items() if "/tables/" not in file}
TABLES = mapping.load_tables(TABLE_FILES)
FUNCTIONS = Functions().with_(
    [Function("head_of", {"name": "text", "count": "integer"}, "text", lambda name, count: name[:count])]
)


def test_every_example_stands_in_a_file_of_its_own() -> None:
    assert all(re.fullmatch(r"mappings/[\w/]+\.yaml", file) for file in FILES)
    assert len(FILES) == sum(kind == "yaml" for kind, _ in BLOCKS) >= 20


@pytest.mark.parametrize("file", MAPPING_FILES)
def test_every_example_of_the_page_runs(file: str) -> None:
    loaded = mapping.load_mapping(MAPPING_FILES[file], file, tables=TABLES, functions=FUNCTIONS)
    assert [result.diff for result in loaded.run_examples() if not result.ok] == []


def test_the_wrong_mapping_has_the_problems_that_the_page_shows() -> None:
    ((_, wrong),) = [block for block in BLOCKS if block[0] == "yaml wrong"]
    ((_, shown),) = [block for block in BLOCKS if block[0] == "text"]
    with pytest.raises(ProblemSet) as raised:
        mapping.load_mapping(wrong, wrong.split("\n", 1)[0].removeprefix("# "), tables=TABLES)
    assert f"{raised.value}\n" == shown


@pytest.mark.parametrize(
    "name",
    sorted(
        {*OPERATIONS, *(key for keys in OPERATIONS.values() for key in keys), *COMMON, *CONDITIONS, *STEP_ARGUMENTS}
    ),
)
def test_every_word_of_the_language_has_an_example_that_runs(name: str) -> None:
    used = "\n".join((*MAPPING_FILES.values(), *TABLE_FILES.values()))
    assert re.search(rf"(?<![\w.]){name}(?![\w.])", used), name


@pytest.mark.parametrize("name", [*CHARSETS, *CONTEXT_NAMES, *RULES])
def test_every_charset_context_value_and_rule_is_named(name: str) -> None:
    assert f"`{name}`" in PAGE
