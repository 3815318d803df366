"""Who posts cases, and how its own records are read."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from syncgate import documents
from syncgate.config import Config, CsvSettings, SourceSettings
from syncgate.documents import Node, Problem, Problems, ProblemSet, unknown
from syncgate.mapping import Mapping as FieldMapping
from syncgate.mapping import Tables, load_mapping
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.files import decoded, mapping_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source.

    Attributes:
        name: its name.
        title: by language (`zh`, `en`).
        mapping: its inbound mapping, record to canonical case; None where it posts canonical cases.
        csv: how its CSV files are written; None where it has none.
    """

    name: str
    title: Mapping[str, str]
    mapping: FieldMapping | None = field(repr=False)
    csv: CsvSettings | None


def compile_sources(
    config: Config, node: Node, files: Mapping[str, bytes], *, tables: Tables, schema: CanonicalSchema | None
) -> dict[str, Source]:
    """The sources of a configuration by name.

    Args:
        config: the configuration.
        node: the document that it was read from.
        files: the site's files by path.
        tables: all tables of the site.
        schema: the canonical schema, None where it could not be read.

    Raises:
        ProblemSet: every problem of every source.
    """
    problems = Problems()
    found = {}
    for name, settings in config.sources.items():
        try:
            mapping = _inbound(name, settings, node, files, tables=tables)
        except ProblemSet as error:
            problems.extend(error.problems)
            continue
        if mapping is not None:
            problems.extend(_fields(mapping, schema))
        title = {"zh": settings.title.zh, "en": settings.title.en}
        found[name] = Source(name=name, title=title, mapping=mapping, csv=settings.csv)
    problems.raise_if_any()
    return found


def _inbound(
    name: str, settings: SourceSettings, node: Node, files: Mapping[str, bytes], *, tables: Tables
) -> FieldMapping | None:
    if settings.mapping is None:
        return None
    path = mapping_path(settings.mapping)
    if path not in files:
        known = [other.removeprefix("mappings/").removesuffix(".yaml") for other in files if "/tables/" not in other]
        place = documents.node_at(node, ("sources", name, "mapping")).place
        raise ProblemSet([Problem(place, unknown("mapping", settings.mapping, known), "no_file")])
    mapping = load_mapping(decoded(files[path], path), path, tables=tables)
    if mapping.direction != "in":
        place = mapping.document.place
        raise ProblemSet([Problem(place, "expected 'direction: in' for a source, got 'out'", "direction")])
    return mapping


def _fields(mapping: FieldMapping, schema: CanonicalSchema | None) -> Iterator[Problem]:
    known = set() if schema is None else set(schema.document.get("properties", {}))
    for entry in mapping.document.payload.fields if known else ():
        if entry.name not in known:
            yield Problem(entry.place, unknown("field of the canonical case", entry.name, known), "unknown_path")
