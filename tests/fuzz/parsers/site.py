"""What a person writes in a site's folder: it ends in a site, or in problems that name their places."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from functools import cache, partial
from pathlib import Path
from typing import Final

from hypothesis import strategies as st

from syncgate import documents
from syncgate.config import Config
from syncgate.documents import ProblemSet
from syncgate.mapping import load_mapping, load_tables
from syncgate.site.compiler import compile_bundle
from syncgate.site.files import decoded, files_of, read_files
from tests.fuzz.mutation import CANARY, spoiled_documents, spoiled_trees
from tests.fuzz.target import Target
from tests.unit.site.conftest import FILES, compiled, schema
from tests.unit.site.test_readback import OPERATIONS, SECTION, with_section
from tests.unit.test_example_site import SECRETS

ROOT: Final = Path(__file__).parents[3]
LONGEST: Final = 100_000
_SECRET: Final = re.compile(rf"(?:secret|token|password|key)\w*:[ {{]*(?:secret: )?{CANARY}")


def refused(error: ProblemSet, content: bytes, *files: str) -> None:
    """A refusal as it may be: every problem with its place, short enough for a person, no secret repeated."""
    assert error.problems
    for problem in error.problems:
        assert problem.place.line >= 1 and problem.place.column >= 1, problem.place
        assert not files or problem.place.file in files, problem.place
        assert problem.message and problem.code
    text = content.decode("utf-8", "replace")
    if _SECRET.search(text):
        assert CANARY not in str(error), "a secret in a problem"


def whole(path: str, content: bytes) -> str:
    """The text of a file of the site, as it is read. Raises ProblemSet."""
    return decoded(content, path)


def _config(content: bytes) -> None:
    try:
        documents.validate(Config, documents.read_yaml(whole("config.yaml", content), "config.yaml"))
    except ProblemSet as error:
        refused(error, content, "config.yaml")


def _small_site(path: str, content: bytes) -> None:
    try:
        compile_bundle(
            "archive",
            {name: text.encode() for name, text in FILES.items()} | {path: content},
            schema=schema(),
            secrets={"archive_key"},
            mac=bytes,
        )
    except ProblemSet as error:
        refused(error, content)


def _reconciliation(content: bytes) -> None:
    try:
        compiled(with_section(whole("x", content)))
    except ProblemSet as error:
        refused(error, content)


def _operations(content: bytes) -> None:
    try:
        compiled(with_section(operations=whole("x", content)))
    except ProblemSet as error:
        refused(error, content)


@cache
def _files() -> dict[str, bytes]:
    return read_files(ROOT)


def _system(system: str, content: bytes) -> None:
    path = f"adapters/{system}/adapter.yaml"
    files = files_of(system, _files()) | {path: content}
    try:
        compile_bundle(system, files, schema=schema(), secrets=SECRETS, mac=bytes)
    except ProblemSet as error:
        refused(error, content)


@cache
def _tables() -> dict[str, str]:
    return {path: text.decode() for path, text in _files().items() if "/tables/" in path}


def _mapping(content: bytes) -> None:
    path = "mappings/province/basic_info.yaml"
    try:
        load_mapping(whole(path, content), path, tables=load_tables(_tables()), schema=schema().document)
    except ProblemSet as error:
        refused(error, content, path)


def _table(content: bytes) -> None:
    path = "mappings/tables/hostile.yaml"
    try:
        load_tables({path: whole(path, content)})
    except ProblemSet as error:
        refused(error, content, path)


def _mappings() -> list[bytes]:
    """Mappings of the example site, those of sources too."""
    return [text for path, text in sorted(_files().items()) if path.startswith("mappings/") and "/tables/" not in path]


def _texts(seeds: Callable[[], list[bytes]]) -> Callable[[], st.SearchStrategy[bytes]]:
    return lambda: spoiled_documents([seed for seed in seeds() if len(seed) < LONGEST])


def targets() -> Iterator[Target]:
    """Each kind of file, and each system of the example site."""
    yield Target("configuration", _texts(lambda: [(ROOT / "config.example.yaml").read_bytes()]), _config)
    for path in FILES:
        name = "small_" + re.sub(r"\W+", "_", path.rpartition("/")[2].partition(".")[0])
        name += "_contract" if path.startswith("schemas/") else ""
        spoil = spoiled_trees if path.endswith(".json") else spoiled_documents
        yield Target(name, partial(spoil, [FILES[path].encode()]), partial(_small_site, path))
    yield Target("reconciliation_section", _texts(lambda: [SECTION.encode()]), _reconciliation)
    yield Target("operations_section", _texts(lambda: [OPERATIONS.encode()]), _operations)
    for system in ("province", "food", "frontdb", "insurance", "hotline", "workorders"):
        seeds = partial(lambda name: [_files()[f"adapters/{name}/adapter.yaml"]], system)
        yield Target(f"adapter_{system}", _texts(seeds), partial(_system, system))
    yield Target("mapping", _texts(_mappings), _mapping)
    yield Target("table", _texts(lambda: [text.encode() for text in _tables().values()]), _table)
