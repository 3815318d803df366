"""Whether what an adapter says about asking what became of something fits the rest of it."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import Any

from syncgate.documents import Node, Problem, node_at, unknown
from syncgate.domain.outcome import Outcome
from syncgate.site.adapter import Acknowledged, Adapter, AdapterMessage, RetractBy, UpdateBy

Path = tuple[str | int, ...]


def check_acknowledgements(adapter: Adapter, node: Node, *, poll_names: Collection[str] | None) -> Iterator[Problem]:
    """Everything that is wrong with how the system is asked.

    Args:
        adapter: as read.
        node: the document that it was read from.
        poll_names: the operations that ask by their nature; None where any may, by its answer rules.
    """
    if adapter.acknowledged is not None:
        yield from _acknowledged(adapter, adapter.acknowledged, node, ("acknowledged",), poll_names)
    for position, message in enumerate(adapter.messages):
        if message.acknowledged is not None:
            here: Path = ("messages", position, "acknowledged")
            yield from _acknowledged(adapter, message.acknowledged, node, here, poll_names)


def _acknowledged(
    adapter: Adapter, declared: Acknowledged, node: Node, here: Path, poll_names: Collection[str] | None
) -> Iterator[Problem]:
    known, name = _operations(adapter), declared.operation
    place = node_at(node, (*here, "operation")).place
    sending = {operation for message in adapter.messages for operation in sent_by(message)}
    if name not in known:
        yield Problem(place, unknown("operation", name, known), "unknown")
    elif poll_names is not None and name not in poll_names:
        words = f"expected an operation that polls, got {name!r}, which does not"
        yield Problem(place, words, "acknowledged")
    elif name in sending:
        yield Problem(place, f"expected an operation that sends nothing, got {name!r}, which does", "acknowledged")
    elif poll_names is None and not _may_answer(adapter, name, Outcome.TAKEN):
        words = f"expected an answer that means taken for operation {name!r}, got none"
        yield Problem(place, words, "acknowledged")
    if declared.final_after < declared.waits[0]:
        at = node_at(node, (*here, "final_after")).place
        yield Problem(at, "expected 'final_after' not before the first wait, got a shorter one", "acknowledged")


def is_never_asked_about(adapter: Adapter, message: AdapterMessage) -> bool:
    """Whether what lies in the system's queue is not asked about until its time is up."""
    is_queued = any(_may_answer(adapter, name, Outcome.QUEUED_THERE) for name in sent_by(message))
    return is_queued and adapter.acknowledged_of(message) is None


def sent_by(message: AdapterMessage) -> Iterator[str]:
    """The operations that send it, change it or take it back."""
    yield message.operation
    if isinstance(message.on_change, UpdateBy):
        yield message.on_change.update
    if isinstance(message.on_unplanned, RetractBy):
        yield message.on_unplanned.retract


def _may_answer(adapter: Adapter, operation: str, outcome: Outcome) -> bool:
    rules = (rule for rule in adapter.answers if rule.outcome is outcome)
    return any(not rule.operations or operation in rule.operations for rule in rules)


def _operations(adapter: Adapter) -> Mapping[str, Any]:
    found = adapter.options.get("operations")
    return found if isinstance(found, dict) else {}
