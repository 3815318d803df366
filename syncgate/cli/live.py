"""`syncgate check --live`: what can be seen of the systems now."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from syncgate.cli.context import Invocation

if TYPE_CHECKING:
    from syncgate.flows.operating.probing import Seen
    from syncgate.site.folder import Site


def look(invocation: Invocation, site: Site) -> Sequence[Seen]:
    """What can be seen now of every system that is sent to, all at the same time."""
    from syncgate.bootstrap.looking import look_live

    return asyncio.run(look_live(invocation.place, site, site.bundles.values()))


def is_well(seen: Seen) -> bool:
    """Whether nothing contradicts the adapter, as far as the system can be looked at."""
    return not seen.differences and not seen.failure


def row(seen: Seen) -> dict[str, Any]:
    """One system for machines."""
    return {
        "system": seen.system,
        "is_asked": seen.is_asked,
        "seconds": seen.seconds,
        "failure": seen.failure,
        "differences": [{"at": one.at, "words": one.words} for one in seen.differences],
    }


def words(seen: Seen) -> list[str]:
    """One system for people: every difference at once."""
    if not seen.is_asked:
        return [f"{seen.system}: cannot be looked at over its protocol"]
    if seen.failure:
        return [f"{seen.system}: could not be looked at: {seen.failure}"]
    if not seen.differences:
        return [f"{seen.system}: as declared, seen in {seen.seconds:g} s"]
    told = [f"  {one.at}: {one.words}" for one in seen.differences]
    return [f"{seen.system}: {len(told)} differences from its adapter:", *told]
