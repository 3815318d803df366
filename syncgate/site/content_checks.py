"""Whether the files that messages send along fit their transport, their operation, their contract and the system."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from syncgate.documents import Node, Place, Problem, node_at
from syncgate.mapping import Mapping as FieldMapping
from syncgate.site.adapter import Adapter, AdapterMessage, UpdateBy
from syncgate.site.personal import CanonicalPaths, Permitted
from syncgate.transports.content import Content, MultipartContent, UrlContent

OperationProblems = Callable[[str, Content], Iterator[str]]
"""What is wrong with how a file goes along with an operation, by its name; as the transport knows it."""

FILE_NAME = "material.file_name"
"""Whoever gets a file gets what its name could say, and more."""


def check_contents(
    adapter: Adapter, node: Node, problems_of: OperationProblems, permitted: Permitted, paths: CanonicalPaths | None
) -> Iterator[Problem]:
    """Everything that is wrong with the files that an adapter's messages send along.

    Args:
        adapter: as read.
        node: the document that it was read from.
        problems_of: what the transport says of each operation.
        permitted: what the system may receive.
        paths: of the canonical schema, None where it is not known.
    """
    for position, message in enumerate(adapter.messages):
        if message.content != "none":
            place = node_at(node, ("messages", position, "content")).place
            for words in _of_message(message, message.content, problems_of):
                yield Problem(place, f"{message.name}: {words}", "content")
            yield from _leaks(message, place, permitted, paths)


def _of_message(message: AdapterMessage, content: Content, problems_of: OperationProblems) -> Iterator[str]:
    if message.of != "material":
        yield f"expected content only with 'of: material', got 'of: {message.of}'"
    operations = [message.operation]
    if isinstance(message.on_change, UpdateBy):
        operations.append(message.on_change.update)
    for name in dict.fromkeys(operations):
        yield from problems_of(name, content)


def _leaks(
    message: AdapterMessage, place: Place, permitted: Permitted, paths: CanonicalPaths | None
) -> Iterator[Problem]:
    classes = frozenset() if paths is None else paths.classes(FILE_NAME) or frozenset({"content"})
    if not permitted.covers(FILE_NAME, classes):
        kept = ", ".join(sorted(classes - permitted.entries))
        words = f"a file is personal ({kept}); it may not be received (personal, adapter or config.yaml)"
        yield Problem(place, f"{message.name}: {words}", "personal")


def filled_by_content(message: AdapterMessage) -> str | None:
    """The member of the payload that a file is put into, whole or in part; None where none is."""
    if message.content == "none" or isinstance(message.content, MultipartContent):
        return None
    return message.content.tokens[0]


def check_place(message: AdapterMessage, mapping: FieldMapping, place: Place) -> Iterator[Problem]:
    """Whether the mapping leaves the place free that a file is put at."""
    content = message.content
    if content == "none" or isinstance(content, MultipartContent) or len(content.tokens) > 1:
        return
    if content.tokens[0] in {entry.name for entry in mapping.document.payload.fields}:
        yield Problem(
            place, f"{message.name}: expected a place that the mapping leaves free, got {content.at!r}", "content"
        )


def needs_links(adapter: Adapter) -> bool:
    """Whether the system is sent links, and must be able to reach us."""
    return any(isinstance(message.content, UrlContent) for message in adapter.messages)
