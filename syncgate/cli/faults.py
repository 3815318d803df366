"""Deliveries grouped by what is wrong with them, so that 41 under one fault are one line."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum
from typing import Any


class GroupBy(StrEnum):
    """What makes deliveries one group, beside their system and phase."""

    REASON = "reason"
    MESSAGE = "message"
    FAULT = "fault"
    """The reason with the fields and rules that are broken."""


_KEYS = {
    GroupBy.REASON: ("system", "phase", "reason", "actor"),
    GroupBy.MESSAGE: ("system", "phase", "message", "reason", "actor"),
    GroupBy.FAULT: ("system", "phase", "message", "reason", "actor", "detail"),
}


def columns(by: GroupBy) -> list[str]:
    """The columns of a table of groups."""
    return ["count", *_KEYS[by], "since"]


def grouped(deliveries: Iterable[dict[str, Any]], by: GroupBy) -> list[dict[str, Any]]:
    """The groups, the largest first; `since`: when the first of them got there."""
    found: dict[tuple[Any, ...], dict[str, Any]] = {}
    for delivery in deliveries:
        values = {name: delivery.get(name) for name in _KEYS[by]}
        group = found.setdefault(tuple(values.values()), {"count": 0, **values, "since": delivery["changed_at"]})
        group["count"] += 1
        group["since"] = min(group["since"], delivery["changed_at"])
    return sorted(found.values(), key=lambda group: (-group["count"], str(group["system"]), str(group["reason"])))
