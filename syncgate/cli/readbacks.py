"""How much of what systems hold can be read back, listing by listing."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

from syncgate.cli.output import table
from syncgate.cli.speech import spoken
from syncgate.language import word

if TYPE_CHECKING:
    from syncgate.site.bundle import Bundle

COLUMNS = ["listing", "messages", "level", "ways", "cannot_find"]


def row(bundle: Bundle) -> dict[str, Any]:
    """One system for machines."""
    from dataclasses import asdict

    from syncgate.flows.showing.readbacks import ReadBackView

    readback = None if bundle.readback is None else ReadBackView.of(bundle.readback)
    return {"system": bundle.system, "readback": None if readback is None else asdict(readback)}


def words(systems: Iterable[dict[str, Any]]) -> list[str]:
    """Every listing of the systems for people, one a line; none where nothing can be read back."""
    rows = [
        _row(listing) | {"system": one["system"]}
        for one in systems
        if one["readback"] is not None
        for listing in one["readback"]["listings"]
    ]
    return table(rows, ["system", *COLUMNS]).split("\n") if rows else []


def of_one(readback: dict[str, Any] | None) -> str:
    """The listings of one system for people; empty where it is not read back."""
    return "" if readback is None else table([_row(one) for one in readback["listings"]], COLUMNS)


def _row(listing: dict[str, Any]) -> dict[str, Any]:
    kinds = [word("kind", kind, spoken()) for kind in listing["cannot_find"]]
    return {**listing, "cannot_find": kinds, "ways": [word("way", way, spoken()) for way in listing["ways"]]}
