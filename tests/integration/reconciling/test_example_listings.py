"""What the example city's systems hold is read back under our keys, and says what was sent."""

from __future__ import annotations

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from itertools import islice
from pathlib import Path
from typing import Any, cast

from syncgate.domain.case import patched
from syncgate.domain.delivery import Phase
from syncgate.domain.rows import HeldRow
from syncgate.flows.reconciling.filed import FiledListing
from syncgate.flows.reconciling.marks import NOTHING, content_mac, key_mac
from syncgate.ports import Listing, Page, Query
from syncgate.sandbox.city.build import build_city
from syncgate.sandbox.city.script import WITHDRAW, Life
from syncgate.sandbox.systems.export import Exports, workbook
from syncgate.site.readback import ReadListing
from tests.reconcile_proof.built import prepare
from tests.reconcile_proof.place import SYSTEMS, ProofPlace
from tests.reconcile_proof.world import World, world_in

CASES, CALLS = 10, 2
WITHDRAWN = 3


def test_what_was_delivered_is_listed_under_its_key_and_says_the_same(tmp_path: Path) -> None:
    place = ProofPlace(tmp_path / "proof")

    async def scenario() -> None:
        async with world_in(place, at=prepare(place)) as world:
            began = world.clock.now()
            await live(world)
            for system in SYSTEMS:
                for listing in listings(world, system):
                    shown = [one async for one in theirs(world, system, listing, began)]
                    sent = list(ours(world, system, listing))
                    where = f"{system}: {listing.name}"
                    assert Counter(key for key, _ in sent) == Counter(key for key, _ in shown), where
                    says = dict(shown)
                    assert [key for key, mac in sent if mac not in says[key]] == [], where
                    assert {one.message for one in held(world, system, listing)} == set(listing.messages), (
                        f"{where}: nothing of some"
                    )

    asyncio.run(scenario())


async def live(world: World) -> None:
    """Every case of a small city with its whole life at once; then a few are withdrawn."""
    lives = build_city(case_count=CASES, hotline_count=CALLS).lives
    accepted = await world.post(whole(life) for life in lives)
    await world.deliver()
    begun = (one for one, life in zip(accepted, lives, strict=True) if not is_finished(whole(life)))
    for one in islice(begun, WITHDRAWN):
        await world.withdraw(one.case_id)
    await world.deliver()


def is_finished(case: dict[str, Any]) -> bool:
    """Whether a case came to its end; a hotline case is none that is withdrawn."""
    return case["kind"] == "hotline" or any(stage["kind"] == "finished" for stage in case.get("stages", []))


def own_of(case: dict[str, Any]) -> dict[str, Any]:
    """What stays as it was first posted, whatever another source calls the case."""
    return {name: case[name] for name in ("case_no", "kind")}


def whole(life: Life) -> dict[str, Any]:
    """A case with all that ever happens to it, but that it is withdrawn."""
    case: dict[str, Any] = {}
    for call in life.calls:
        if call.answer == "accepted" and call.path != WITHDRAW:
            case = patched(case, {**call.body, **own_of(case)}) if case and call.method != "PUT" else call.body
    case.pop("references", None)  # what food typed in itself, nobody typed in here
    return case


def listings(world: World, system: str) -> tuple[ReadListing, ...]:
    """How the system is read back."""
    readback = world.gate.active_bundle(system).readback
    assert readback is not None
    return readback.listings


def ours(world: World, system: str, listing: ReadListing) -> Iterator[tuple[bytes, bytes]]:
    """The marks of what was delivered: its key, and what it says."""
    for row in held(world, system, listing):
        assert row.held_key is not None and row.held_mac is not None, row
        yield row.held_key, row.held_mac


def held(world: World, system: str, listing: ReadListing) -> list[HeldRow]:
    """What was delivered of a listing's messages, and what told of a withdrawal."""
    names = frozenset(listing.messages)
    rows = world.store.read(lambda tx: tx.held_rows(system, messages=names, after=None, limit=10_000))
    return [row for row in rows if row.phase is Phase.DELIVERED]


async def theirs(
    world: World, system: str, listing: ReadListing, began: datetime
) -> AsyncIterator[tuple[bytes, frozenset[bytes]]]:
    """The keys of the records that are ours, and what each says as a record of each of the listing's messages."""
    keyring = world.gate.keyring
    async for record in records(world, system, listing, began):
        if listing.is_ours(record):
            key = listing.key_of_record(record)
            assert key is not None, f"{system}: {listing.name}: ours without a key"
            contents = [one.of_record(record) for one in listing.comparisons.values()]
            macs = [content_mac(keyring, profile=listing.profile, content=content) for content in contents]
            yield key_mac(keyring, system=system, listing=listing.name, key=key), frozenset(macs or [NOTHING])


async def records(world: World, system: str, listing: ReadListing, began: datetime) -> AsyncIterator[Any]:
    """What the system shows, page by page."""
    source, query = asked(world, system, listing)
    if listing.has_window:
        until = world.clock.now() + timedelta(hours=1)
        query = replace(query, keys={"from": began.isoformat(), "until": until.isoformat()})
    following: str | None = None
    while True:
        page = await source.list_page(query, following)
        assert isinstance(page, Page), page
        for record in page.records:
            yield record
        following = page.following
        if following is None:
            return


def asked(world: World, system: str, listing: ReadListing) -> tuple[Listing, Query]:
    """Who is asked for the listing: the system, or what its back office exported."""
    if listing.query is not None:
        return cast(Listing, world.transport(world.gate.active[system])), listing.query
    exporting = world.inside.systems[system]
    assert listing.export is not None and isinstance(exporting, Exports)
    content = workbook(exporting.export())
    export = listing.export
    opened = FiledListing(lambda: io.BytesIO(content), export.settings, name=system, columns=export.columns)
    return opened, Query(operation="")
