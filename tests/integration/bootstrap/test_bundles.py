"""The bundles of a process beside others: what the store names active is taken over; nothing is tried in circles."""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import timedelta
from typing import TypeVar

import pytest

from syncgate.bootstrap.bundles import RETRIED_AFTER, Bundles
from syncgate.bootstrap.place import SitePlace
from syncgate.domain.errors import StoreUnavailable
from syncgate.domain.rows import Blob
from syncgate.flows.operating.deploy import SITE_SCOPE
from syncgate.ports import Step, Tx
from syncgate.site.bundle import Bundle
from syncgate.storage import SqlStore
from tests.integration.flows.altered import rewritten
from tests.integration.flows.worksite import ROOT, DirectWriter, Worksite, activate, example_site, worksite
from tests.support.rows import SetClock

T = TypeVar("T")
UNREADABLE = b"\xee" * 32


@dataclass
class CountingWriter(DirectWriter):
    """Counts what is read."""

    reads_count: int = 0

    async def read(self, step: Step[T]) -> T:
        self.reads_count += 1
        return await super().read(step)


@dataclass
class Other:
    """Another process over the same store, which sends nothing."""

    bundles: Bundles
    writer: CountingWriter
    site: Worksite


@pytest.fixture
def site(sqlite_store: SqlStore, clock: SetClock) -> Worksite:
    return worksite(sqlite_store, clock)


@pytest.fixture
def other(site: Worksite) -> Other:
    writer = CountingWriter(site.store)
    gate = replace(site.gate, writer=writer, bundles=dict(site.gate.bundles), active=dict(site.gate.active))
    bundles = Bundles(gate, SitePlace(ROOT), example_site(), None)
    return Other(bundles, writer, replace(site, gate=gate))


def name_unreadable_active(site: Worksite) -> None:
    """What a newer version's deploy leaves: a bundle that this version cannot compile."""

    def step(tx: Tx) -> None:
        row = tx.system("food", lock=True)
        assert row is not None
        tx.put_blobs([Blob(scope=SITE_SCOPE, mac=UNREADABLE, sealed=b"{}", created_at=tx.now)])
        tx.save_system(replace(row, active_bundle="sha256:" + UNREADABLE.hex()))

    site.write(step)


def test_a_bundle_that_cannot_be_compiled_is_not_tried_at_every_call(other: Other) -> None:
    """Every case that a source posts meanwhile asks to follow: it must cost a look at the systems, and no more."""
    name_unreadable_active(other.site)

    async def history() -> None:
        for _ in range(20):
            await other.bundles.follow()

    other.site.run(history())
    assert other.writer.reads_count == 20 + 1
    with pytest.raises(StoreUnavailable, match="food"):
        other.bundles.check()


def test_a_bundle_that_cannot_be_compiled_is_tried_again_after_a_while_and_when_told(other: Other) -> None:
    name_unreadable_active(other.site)
    other.site.run(other.bundles.follow())
    other.site.clock.at += RETRIED_AFTER + timedelta(seconds=1)
    before = other.writer.reads_count
    other.site.run(other.bundles.follow())
    assert other.writer.reads_count == before + 2
    before = other.writer.reads_count
    other.site.run(other.bundles.refresh())
    assert other.writer.reads_count > before + 1


def test_a_deploy_elsewhere_is_followed(site: Worksite, other: Other) -> None:
    bundle = _renamed(site)
    site.run(activate(site.gate, [bundle]))
    other.site.run(other.bundles.follow())
    assert other.site.gate.active["food"] == bundle.digest
    assert other.site.gate.active_bundle("food").files == bundle.files
    other.bundles.check()


def test_a_bundle_that_was_active_for_a_moment_is_known_all_the_same(site: Worksite, other: Other) -> None:
    """Promise 4: another worker may have sent under it, and this one is asked to confirm."""
    old, moment = site.gate.active_bundle("food"), _renamed(site)
    site.run(activate(site.gate, [moment]))
    site.run(activate(site.gate, [old]))
    other.site.run(other.bundles.refresh())
    assert other.site.gate.active["food"] == old.digest
    assert moment.digest in other.site.gate.bundles


def _renamed(site: Worksite) -> Bundle:
    path = "mappings/food/application.yaml"
    return rewritten(site, "food", path, "itemName: case.item.name", "itemName: case.title")
