"""What must fit together where messages say how what they delivered is taken back."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any, Final

from syncgate.documents import Node, Place, Problem, node_at
from syncgate.mapping import Mapping as FieldMapping
from syncgate.site.adapter import Adapter, AdapterMessage, RetractBy

_OF_ONE_SLOT: Final = re.compile(r"\{[^{}]*\b(?:slot_key|remote_ref|version_no)\b[^{}]*\}")


def check_retractions(adapter: Adapter, node: Node) -> Iterator[Problem]:
    """Everything that an adapter's own document can say wrongly about retractions, beyond its model."""
    names = {message.name for message in adapter.messages}
    first: dict[str, RetractBy] = {}
    for position, message in enumerate(adapter.messages):
        own = message.on_unplanned
        if not isinstance(own, RetractBy):
            continue
        place = node_at(node, ("messages", position, "on_unplanned")).place
        if own.contract is not None and own.mapping is None:
            yield Problem(place, "expected the key 'mapping' beside 'contract', got none", "missing_key")
        if own.of == "slot":
            continue
        if own.name in names:
            words = f"expected a retraction of the case under a name that no message has, got {own.name!r}"
            yield Problem(place, words, "name")
        if first.setdefault(own.name, own) != own:
            words = f"expected the retraction {own.name!r} declared alike wherever it is named, got another declaration"
            yield Problem(place, words, "retraction")
        yield from _keys(adapter, own, place)


def _keys(adapter: Adapter, retraction: RetractBy, place: Place) -> Iterator[Problem]:
    """Keys of one slot in what is sent once for several would take back one of them and leave the others."""
    naming = [message for message in adapter.messages if message.on_unplanned == retraction]
    has_one_slot = len(naming) == 1 and naming[0].of == "case"
    found = _OF_ONE_SLOT.search(str(_operations(adapter).get(retraction.retract)))
    if retraction.mapping is None and not has_one_slot and found:
        words = (
            f"expected 'of: slot', because operation {retraction.retract!r} names one slot by {found.group()}, "
            "got one retraction for several slots"
        )
        yield Problem(place, words, "retraction")


def _operations(adapter: Adapter) -> Mapping[str, Any]:
    found = adapter.options.get("operations")
    return found if isinstance(found, dict) else {}


def check_retraction_reads(
    message: AdapterMessage, retraction: RetractBy, mapping: FieldMapping | None, *, place: Place
) -> Iterator[Problem]:
    """Whether the mapping of a message's retraction reads what there is when it is sent.

    One of the case may read the case, or the stage that withdrew it; one of a slot what the message reads.
    """
    if mapping is None:
        return
    if mapping.direction != "out":
        words = f"expected a mapping with 'direction: out' for retraction {retraction.name!r}, got 'in'"
        yield Problem(place, words, "direction")
        return
    own = "stage" if retraction.of == "case" else message.of
    if mapping.reads not in ("case", own):
        words = (
            f"expected a mapping that reads {own} for retraction {retraction.name!r}, "
            f"got one that reads {mapping.reads}"
        )
        yield Problem(place, words, "reads")
