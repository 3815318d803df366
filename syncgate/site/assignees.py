"""What must fit together where a system takes cases by who is in charge of them; each check yields problems."""

from __future__ import annotations

from collections.abc import Iterator

from syncgate.documents import Node, Problem, node_at, unknown
from syncgate.mapping import Mapping as FieldMapping
from syncgate.site.adapter import Adapter, AdapterMessage
from syncgate.site.paths import places_of_paths


def check_legs(adapter: Adapter, node: Node) -> Iterator[Problem]:
    """Everything that an adapter can say wrongly about legs.

    Args:
        adapter: as read.
        node: the document that it was read from.
    """
    for position, message in enumerate(adapter.messages):
        here = ("messages", position)
        if message.of == "leg" and adapter.assignee is None:
            place = node_at(node, (*here, "of")).place
            yield Problem(place, "expected 'assignee' to say which legs are the system's own, got none", "assignee")
        if message.of == "leg" and message.is_case_ref:
            place = node_at(node, (*here, "is_case_ref")).place
            yield Problem(
                place, "expected no 'is_case_ref' where each leg has a number of its own, got it", "remote_ref"
            )
        if message.closes is not None:
            for words, code in _closing(adapter, message, message.closes):
                yield Problem(node_at(node, (*here, "closes")).place, words, code)


def _closing(adapter: Adapter, message: AdapterMessage, closes: str) -> Iterator[tuple[str, str]]:
    legs = {one.name: one for one in adapter.messages if one.of == "leg" and one.closes is None}
    names = [one.name for one in adapter.messages]
    if message.of != "leg":
        yield f"expected 'of: leg' for a message that closes a leg, got 'of: {message.of}'", "closes"
    elif closes not in legs:
        yield unknown("message of a leg", closes, legs), "unknown"
    elif closes not in (names[: names.index(message.name)] if message.after is None else message.after):
        yield f"expected it to come after {closes!r}, which it closes, got another order", "closes"


def check_own_stages(adapter: Adapter, mapping: FieldMapping | None) -> Iterator[Problem]:
    """Every reading of the case's stages at a system that takes only those of its own legs."""
    if adapter.assignee is None or mapping is None:
        return
    for path, place in places_of_paths(mapping).items():
        if path == "case" or path.split(".")[:2] == ["case", "stages"]:
            words = f"{path} has the stages of every assignee: expected those of a leg of its own (leg.stages), got all"
            yield Problem(place, words, "assignee")
