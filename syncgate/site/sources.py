"""Who posts cases, and how its own records are read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from syncgate import documents
from syncgate.config import Config, SourceSettings
from syncgate.documents import Node, Problem, Problems, ProblemSet, unknown
from syncgate.mapping import Mapping as FieldMapping
from syncgate.mapping import Tables, load_mapping
from syncgate.records.settings import Format, Settings
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.checks import check_secrets
from syncgate.site.files import decoded, is_mapping, mapping_path


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One source.

    Attributes:
        name: its name.
        title: by language (`zh`, `en`).
        mapping: its inbound mapping, record to canonical case; None where it posts canonical cases.
        formats: how its records are written, by each format that it has.
        is_holding: whether what it posts and cannot be taken in is kept for a person, rather than refused.
        owns: JSON Pointers of the fields for which its word counts.
    """

    name: str
    title: Mapping[str, str]
    mapping: FieldMapping | None = field(repr=False)
    formats: Mapping[Format, Settings]
    is_holding: bool = False
    owns: frozenset[str] = frozenset()


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
        if settings.poll is not None:
            below = documents.node_at(node, ("sources", name, "poll"))
            problems.extend(check_secrets(settings.poll.secret_names, below, config.secret_refs))
            problems.extend(_unknown_format(settings, below))
        try:
            mapping = _inbound(name, config, node, files, tables=tables, schema=schema)
        except ProblemSet as error:
            problems.extend(error.problems)
            continue
        problems.extend(_unknown_fields(name, config, node, schema))
        title = {"zh": settings.title.zh, "en": settings.title.en}
        found[name] = Source(
            name=name,
            title=title,
            mapping=mapping,
            formats=settings.formats,
            is_holding=settings.on_bad == "hold",
            owns=frozenset(settings.owns),
        )
    problems.raise_if_any()
    return found


def _unknown_format(settings: SourceSettings, node: Node) -> list[Problem]:
    """A format in which the source's folder has files though it does not say how it writes them."""
    folder = None if settings.poll is None else settings.poll.folder
    if folder is None or folder.format in settings.formats:
        return []
    place = documents.node_at(node, ("folder", "format")).place
    words = f"expected the source's settings for {folder.format}, got none beside poll"
    return [Problem(place, words, "unknown")]


def _unknown_fields(name: str, config: Config, node: Node, schema: CanonicalSchema | None) -> list[Problem]:
    """What a source is said to own though a case has no such field."""
    if schema is None:
        return []
    known = [f"/{field}" for field in schema.document["properties"]]
    return [
        Problem(documents.node_at(node, ("sources", name, "owns", no)).place, unknown("field", at, known), "no_field")
        for no, at in enumerate(config.sources[name].owns)
        if not schema.titles(at)
    ]


def _inbound(
    name: str,
    config: Config,
    node: Node,
    files: Mapping[str, bytes],
    *,
    tables: Tables,
    schema: CanonicalSchema | None,
) -> FieldMapping | None:
    settings = config.sources[name]
    if settings.mapping is None:
        if settings.poll is not None:
            place = documents.node_at(node, ("sources", name, "poll")).place
            message = "expected a mapping for a source that is asked for its records, got none"
            raise ProblemSet([Problem(place, message, "no_mapping")])
        return None
    path = mapping_path(settings.mapping)
    if path not in files:
        known = [other.removeprefix("mappings/").removesuffix(".yaml") for other in files if is_mapping(other)]
        place = documents.node_at(node, ("sources", name, "mapping")).place
        raise ProblemSet([Problem(place, unknown("mapping", settings.mapping, known), "no_file")])
    document = None if schema is None else schema.document
    text, zone = decoded(files[path], path), config.site.time_zone
    mapping = load_mapping(text, path, tables=tables, schema=document, zone=zone)
    if mapping.direction != "in":
        place = mapping.document.place
        raise ProblemSet([Problem(place, "expected 'direction: in' for a source, got 'out'", "direction")])
    return mapping
