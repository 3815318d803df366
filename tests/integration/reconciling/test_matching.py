"""What was typed at a system by hand is matched with what waits to be sent there."""

from __future__ import annotations

import asyncio
import copy
from dataclasses import replace
from pathlib import Path
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.reconciliation import plausibility
from syncgate.flows.reconciling.findings import Match
from syncgate.flows.reconciling.matching import Matching
from syncgate.flows.reconciling.pacing import Pace
from syncgate.flows.reconciling.reading import Reader
from syncgate.ports import Page
from tests.integration.reconciling.listed import World


async def _nothing(_: int) -> None:
    return None


def _matches(world: World, folder: Path) -> list[Match]:
    gate = world.site.gate
    bundle = gate.active_bundle("food")
    assert bundle.readback is not None
    listing = bundle.readback.listings[0]
    assert listing.query is not None
    reader = Reader(world.food, listing.query, Pace(gate, bundle), (), _nothing)
    made = Matching(gate, bundle, listing, frozenset(listing.messages), reader, folder)
    return asyncio.run(made.matches())


def _typed(world: World, case_no: str, number: str, **changes: Any) -> None:
    """A clerk types an application in by hand: it bears the case's number, and no key of ours."""
    model = copy.deepcopy(world.food.records["list_applications"][0])
    del model["bizKey"]
    world.food.records["list_applications"].append({**model, "caseNo": case_no, "id": number, **changes})


def _of(found: list[Match]) -> list[tuple[UUID, tuple[str | None, ...], int]]:
    return sorted((one.case_id, one.remote_refs, one.others) for one in found)


def test_what_was_typed_by_hand_is_matched_by_its_number(world: World, tmp_path: Path) -> None:
    world.deliver(2)
    third, fourth, _ = world.post(), world.post(), world.post()
    _typed(world, "QX0000000003", "T3")
    _typed(world, "QX0000000004", "T4")
    _typed(world, "QX0000000001", "T1")
    _typed(world, "another", "T9")
    assert _of(_matches(world, tmp_path)) == [(third, ("T3",), 0), (fourth, ("T4",), 0)]


def test_several_records_of_one_number_are_all_told(world: World, tmp_path: Path) -> None:
    world.deliver(1)
    second = world.post()
    _typed(world, "QX0000000002", "Ta")
    _typed(world, "QX0000000002", "Tb")
    (match,) = _matches(world, tmp_path)
    assert (match.case_id, set(match.remote_refs), len(match.records)) == (second, {"Ta", "Tb"}, 2)


def test_what_may_have_been_sent_is_matched_with_nothing(world: World, tmp_path: Path) -> None:
    world.deliver(1)
    world.post()
    world.site.claim_one("food")
    _typed(world, "QX0000000002", "T2")
    assert _matches(world, tmp_path) == []


def test_a_listing_in_doubt_links_nothing(world: World, tmp_path: Path) -> None:
    world.deliver(1)
    world.post()
    _typed(world, "QX0000000002", "T2")
    held = world.food.records["list_applications"]
    world.food.lies = lambda listing, no, page: type(page)(
        records=page.records, following=page.following, total=len(held) + 4
    )
    assert _matches(world, tmp_path) == []


@pytest.mark.parametrize("reading", [1, 2])
def test_a_listing_that_repeats_far_apart_links_nothing(
    world: World, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, reading: int
) -> None:
    """Its total fits all the same: what is shown twice stands where another should be."""
    monkeypatch.setattr(plausibility, "RECENT_COUNT", 2)
    world.deliver(1)
    second = world.post()
    for number in range(2, 10):
        _typed(world, f"QX000000000{number}", f"T{number}")
    shown: list[Page] = []

    def repeats(listing: str, no: int, page: Page) -> Page:
        shown.append(page)
        is_moved = len(shown) == 3 * reading
        return replace(page, records=[*page.records[:-1], shown[0].records[1]]) if is_moved else page

    assert _of(_matches(world, tmp_path)) == [(second, ("T2",), 0)]
    world.food.lies = repeats
    assert _matches(world, tmp_path) == []
