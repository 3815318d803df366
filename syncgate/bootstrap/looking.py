"""Looking at a site's systems with transports of their own, which are closed again."""

from __future__ import annotations

from collections.abc import Iterable

from syncgate.bootstrap.place import SitePlace
from syncgate.bootstrap.transports import Transports
from syncgate.flows.operating.probing import Seen, look_at
from syncgate.site.bundle import Bundle
from syncgate.site.folder import Site


async def look_live(place: SitePlace, site: Site, bundles: Iterable[Bundle]) -> tuple[Seen, ...]:
    """What can be seen now of those of these systems that are sent to; a missing secret is one system's failure."""
    live = {bundle.digest: bundle for bundle in bundles if bundle.mode == "live"}
    names = {name for bundle in live.values() for name in bundle.secret_names}
    transports = Transports(live, place.found_secrets(site, names))
    try:
        return await look_at(live.values(), transports.of)
    finally:
        await transports.aclose()
