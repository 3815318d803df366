"""The files of a site: where each kind is, which of them are a system's, and what stands in them."""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

from syncgate import documents
from syncgate.documents import Place, Problem, ProblemSet

_FOLDERS: Final = ("adapters", "mappings", "schemas")
_SUFFIXES: Final = frozenset({".yaml", ".json", ".py"})
_TABLE_KEYS: Final = frozenset({"table", "row"})


def adapter_path(system: str) -> str:
    """Where a system's adapter is within a site."""
    return f"adapters/{system}/adapter.yaml"


def quirks_path(system: str) -> str:
    """Where a system's quirks are within a site."""
    return f"adapters/{system}/quirks.py"


def mapping_path(name: str) -> str:
    """Where the mapping of that name (`province/step`) is within a site."""
    return f"mappings/{name}.yaml"


def contract_path(system: str, name: str) -> str:
    """Where a contract is within a site."""
    return f"schemas/{system}/{name}.schema.json"


def read_files(root: Path) -> dict[str, bytes]:
    """The contents of a site's adapters, mappings, tables, contracts and quirks by path, in order."""
    paths = (path for folder in _FOLDERS for path in (root / folder).rglob("*"))
    kept = (path for path in paths if path.suffix in _SUFFIXES and path.is_file())
    return {path.relative_to(root).as_posix(): path.read_bytes() for path in sorted(kept) if _is_shown(path, root)}


def _is_shown(path: Path, root: Path) -> bool:
    return not any(step.startswith((".", "__")) for step in path.relative_to(root).parts)


def systems_in(files: Iterable[str]) -> list[str]:
    """Names of the systems that have an adapter, in order."""
    parts = (PurePosixPath(path).parts for path in files)
    return sorted(
        found[1] for found in parts if len(found) == 3 and found[0] == "adapters" and found[2] == "adapter.yaml"
    )


def files_of(system: str, files: Mapping[str, bytes]) -> dict[str, bytes]:
    """What a system's bundle is made of: its adapter, mappings, tables and contracts, and the shared tables used.

    A shared table that no mapping of the system names is left out, so that changing it leaves the bundle as
    it is.
    """
    own = {
        path: content
        for path, content in files.items()
        if path.startswith((f"mappings/{system}/", f"schemas/{system}/"))
        or path in (adapter_path(system), quirks_path(system))
    }
    named = {name for path in own if path.endswith(".yaml") for name in _tables_named(own[path], path)}
    shared = {f"mappings/tables/{name}.yaml" for name in named}
    return own | {path: content for path, content in files.items() if path in shared}


def _tables_named(content: bytes, path: str) -> Iterator[str]:
    try:
        node = documents.read_yaml(decoded(content, path), path)
    except ProblemSet:
        return
    yield from _names_below(node)


def _names_below(node: documents.Node) -> Iterator[str]:
    if isinstance(node, documents.Mapping):
        for entry in node:
            if entry.name in _TABLE_KEYS and isinstance(entry.value, documents.Scalar):
                yield entry.value.text
            yield from _names_below(entry.value)
    elif isinstance(node, documents.Sequence):
        for item in node:
            yield from _names_below(item)


def is_table(path: str) -> bool:
    """Whether a path within a site is a table's."""
    return path.startswith("mappings/") and PurePosixPath(path).parent.name == "tables"


def is_mapping(path: str) -> bool:
    """Whether a path within a site is a mapping's."""
    return path.startswith("mappings/") and path.endswith(".yaml") and not is_table(path)


def decoded(content: bytes, path: str) -> str:
    """The text of a file. Raises ProblemSet where it is not UTF-8."""
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError as error:
        line = content[: error.start].count(b"\n") + 1
        raise ProblemSet([Problem(Place(path, line, 1), "expected UTF-8, got other bytes", "charset")]) from None


def read_json(content: bytes, path: str) -> Any:
    """The JSON value of a file. Raises ProblemSet where it is none, or says a key twice."""
    text = decoded(content, path)
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant)
    except json.JSONDecodeError as error:
        place = Place(path, error.lineno, error.colno)
        raise ProblemSet([Problem(place, f"not JSON: {error.msg}", "json")]) from None
    except (ValueError, RecursionError) as error:
        documents.read_yaml(text, path)  # names what is wrong with its place, where it finds it
        raise ProblemSet([Problem(Place(path, 1, 1), f"not JSON: {error}", "json")]) from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")
