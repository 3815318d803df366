"""What a listing is read from: the system itself, an uploaded export, or the file that is laid down every day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime, tzinfo
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from syncgate.domain.errors import NotFound
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.exports import Export, find_export
from syncgate.flows.reconciling.filed import FiledListing, laid_down
from syncgate.ports import Listing, Paging, Query, Transport, Unread
from syncgate.site.bundle import Bundle
from syncgate.site.readback import ReadListing

OF_A_FILE: Final = Query(operation="", paging=Paging(by="file"))
_USUAL: Final = ZoneInfo("Asia/Shanghai")


@dataclass(frozen=True, slots=True, kw_only=True)
class Local:
    """What a run needs to know of the site. zone: its own. root: its folder; None: files are not laid down there."""

    zone: tzinfo = _USUAL
    root: Path | None = None


@dataclass(frozen=True, slots=True)
class Sourced:
    """What a listing is read from.

    Attributes:
        listing: what lists; None: nothing does, and records are read one by one or not at all.
        query: how it is asked.
        as_of: what happened later it cannot show; None: it shows all.
    """

    listing: Listing | None = None
    query: Query = OF_A_FILE
    as_of: datetime | None = None


def sourced(
    gate: Gate,
    bundle: Bundle,
    listing: ReadListing,
    transport: Transport,
    *,
    export_id: str | None,
    window: Mapping[str, str],
    local: Local,
) -> Sourced:
    """What a listing is read from.

    Args:
        gate: the running gate. bundle, listing: of the system. transport: its own.
        export_id: an uploaded export that stands for what the system lists; None: the system is asked.
        window: the keys of a window, where there is one.
        local: of the site.
    """
    if export_id is not None and listing.export is not None:
        return _uploaded(gate, bundle, listing, export_id)
    if listing.query is not None and isinstance(transport, Listing):
        return Sourced(transport, replace(listing.query, keys={**listing.query.keys, **window}))
    return _laid_down(gate, listing, local)


def _uploaded(gate: Gate, bundle: Bundle, listing: ReadListing, export_id: str) -> Sourced:
    assert listing.export is not None
    try:
        export = find_export(gate, export_id)
    except NotFound:
        return Sourced()
    if export.system != bundle.system:
        return Sourced()
    return Sourced(_filed_upload(gate, export, listing.export.columns), OF_A_FILE, export.uploaded_at)


def _filed_upload(gate: Gate, export: Export, columns: frozenset[str]) -> FiledListing:
    return FiledListing(lambda: export.open(gate), export.settings, name=export.name, columns=columns)


def _laid_down(gate: Gate, listing: ReadListing, local: Local) -> Sourced:
    export = listing.export
    if export is None or export.file is None or local.root is None:
        return Sourced()
    now = gate.clock.now()
    day = now.astimezone(local.zone).date()
    opened = laid_down(export.file, root=local.root, day=day, now=now)
    if isinstance(opened, Unread):
        return Sourced()
    midnight = datetime(day.year, day.month, day.day, tzinfo=local.zone)
    return Sourced(FiledListing(opened, export.settings, name="export", columns=export.columns), OF_A_FILE, midnight)
