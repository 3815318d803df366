"""The protocols that syncgate speaks, by name: the built-in ones and those of installed packages.

A package adds one through the entry point group `syncgate.transports`: the entry point's name is the
transport's name, its object a `TransportKind`.
"""

from __future__ import annotations

from collections.abc import Mapping
from importlib.metadata import EntryPoint, entry_points
from types import MappingProxyType

from syncgate.domain.errors import SiteInvalid
from syncgate.transports.kind import Build, Limits, Quirks, TransportKind

__all__ = ["GROUP", "Build", "Limits", "Quirks", "TransportKind", "kinds"]

GROUP = "syncgate.transports"


def kinds() -> Mapping[str, TransportKind]:
    """Every transport by name.

    Raises:
        SiteInvalid: an installed package offers something else than a transport, or takes a built-in name.
    """
    from syncgate.transports.database import KIND as DATABASE
    from syncgate.transports.rest import KIND as REST

    found = {kind.name: kind for kind in (REST, DATABASE)}
    for entry in entry_points(group=GROUP):
        if entry.name in found:
            raise SiteInvalid(f"expected transports of different names, got {entry.name!r} twice")
        found[entry.name] = _load(entry)
    return MappingProxyType(found)


def _load(entry: EntryPoint) -> TransportKind:
    kind = entry.load()
    if not isinstance(kind, TransportKind) or kind.name != entry.name:
        raise SiteInvalid(f"expected a TransportKind named {entry.name!r} at {entry.value}, got another object")
    return kind
