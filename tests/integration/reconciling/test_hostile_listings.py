"""Runs over HTTP against the sandbox's food, whose listings are wrong in every way that it knows."""

from __future__ import annotations

import contextlib
import random
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from syncgate.domain.outcome import Answer, Reading
from syncgate.domain.reconciliation.run import RunOutcome
from syncgate.domain.row import replace
from syncgate.ports import Page, Query, Request, Unread
from syncgate.sandbox.modes import LISTING_MODES
from syncgate.sandbox.running import Running, running
from syncgate.storage import SqlStore
from syncgate.transports.rest import RestOptions
from syncgate.transports.rest.clients import plain_client
from syncgate.transports.rest.transport import RestTransport, build
from tests.integration.flows.worksite import example_site, worksite
from tests.integration.reconciling.listed import World
from tests.support.rows import SetClock

KEY = "food-key"
PAGE_SIZE = 4
COUNT = 14


@dataclass
class SandboxFood:
    """The sandbox's food through the real transport, built anew for every call: each has an event loop of its own."""

    system: Running
    sends: list[Request] = field(default_factory=list)

    @property
    def polls_at_once(self) -> int:
        return 1

    @contextlib.asynccontextmanager
    async def _speaking(self) -> Any:
        adapter = example_site().bundles["food"].adapter
        transport = build(
            RestOptions.model_validate(adapter.options),
            adapter.answers,
            limits=SimpleNamespace(connect_timeout=2.0, timeout=5.0),
            secrets=SimpleNamespace(get=lambda name: KEY),
            clock=SimpleNamespace(now=lambda: datetime.now(UTC)),
            entropy=SimpleNamespace(token=random.randbytes, draw=random.random),
            address=self.system.base_url,
            make_client=plain_client,
        )
        assert isinstance(transport, RestTransport)
        async with contextlib.aclosing(transport):
            yield transport

    async def send(self, request: Request) -> Answer:
        self.sends.append(request)
        async with self._speaking() as transport:
            found: Answer = await transport.send(request)
            return found

    async def look_up(self, request: Request, *, record_at: str, absent: Mapping[str, Any]) -> Reading:
        async with self._speaking() as transport:
            found: Reading = await transport.look_up(request, record_at=record_at, absent=absent)
            return found

    async def poll(self, requests: Sequence[Request]) -> Sequence[Answer]:
        raise AssertionError("food is not polled")

    async def list_page(self, query: Query, following: str | None) -> Page | Unread:
        async with self._speaking() as transport:
            found: Page | Unread = await transport.list_page(query, following)
            return found

    async def count(self, query: Query, *, low: str, high: str | None) -> int | Unread:
        async with self._speaking() as transport:
            found: int | Unread = await transport.count(query, low=low, high=high)
            return found

    async def aclose(self) -> None:
        pass


@pytest.fixture
def hostile(sqlite_store: SqlStore, clock: SetClock, tmp_path: Path) -> Iterator[World]:
    """A world whose food is the sandbox's, read in pages of four, with 14 applications delivered to it."""
    site = worksite(sqlite_store, clock)
    site.gate = replace(site.gate, data=tmp_path)
    with running("food", folder=tmp_path / "food", env={"SANDBOX_FOOD_KEY": KEY}) as system:
        food: Any = SandboxFood(system)
        site.systems["food"] = food
        world = World(site, food)
        _read_in_small_pages(world)
        world.deliver(COUNT)
        yield world


def _read_in_small_pages(world: World) -> None:
    bundle = world.site.gate.active_bundle("food")
    assert bundle.readback is not None
    small = [
        replace(one, query=replace(one.query, paging=replace(one.query.paging, size=PAGE_SIZE)))
        for one in bundle.readback.listings
        if one.query is not None
    ]
    readback = replace(bundle.readback, listings=tuple(small))
    world.site.gate.bundles[bundle.digest] = replace(bundle, readback=readback, schedule=())


def _system(world: World) -> Running:
    food: Any = world.food
    system: Running = food.system
    return system


def _verified(world: World) -> int:
    world.pass_grace()
    state = world.reconcile()
    assert state.outcome is RunOutcome.COMPLETE
    assert world.open() == []
    return state.totals[0].verified


def test_no_wrong_listing_makes_anything_missing_or_sent_again_and_a_true_one_ends_every_doubt(hostile: World) -> None:
    """One world for all of them: each mode is switched on, read, and switched off again. Time passes in between, and
    with it comes the rate that a run may ask at."""
    assert _verified(hostile) == COUNT
    sends = len(hostile.food.sends)
    for mode in LISTING_MODES:
        hostile.pass_grace()
        _system(hostile).switch_on(mode, seed=3)
        state = hostile.reconcile(mode="mend")
        _system(hostile).switch_off()
        assert _system(hostile).counts()["faults"].get(mode, 0) > 0, mode
        assert state.outcome in (RunOutcome.INCOMPLETE, RunOutcome.IMPLAUSIBLE), mode
        assert "missing" not in [kind for kind, _ in hostile.kinds()], mode
        assert (hostile.site.step("food"), len(hostile.food.sends)) == (0, sends), mode
    assert _verified(hostile) == COUNT


def test_a_record_that_is_really_gone_is_found_under_wrong_listings_too_where_records_can_be_read(
    hostile: World,
) -> None:
    gone = hostile.post()
    hostile.settle()
    _system(hostile).alter({"do": "remove", "operation": "create", "key": str(gone)})
    for mode in ("lose_page", "end_early", "break_off"):
        hostile.pass_grace()
        _system(hostile).switch_on(mode)
        hostile.reconcile()
        _system(hostile).switch_off()
        assert [case_id for kind, case_id in hostile.kinds() if kind == "missing"] == [gone], mode
