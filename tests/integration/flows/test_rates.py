"""A system's rate, by its row: what was sent is spent, and comes back with time alone."""

from __future__ import annotations

from dataclasses import replace

import pytest

from tests.integration.flows.altered import altered
from tests.integration.flows.worksite import Worksite, activate
from tests.support.cases import an_application


@pytest.fixture
def limited(site: Worksite) -> Worksite:
    """Food takes two a second, three at once after a quiet time; twelve cases wait for it."""
    limits = replace(site.gate.active_bundle("food").limits, rate=2.0, burst=3, concurrency=100)
    site.run(activate(site.gate, [altered(site, "food", limits=limits)]))
    for no in range(12):
        site.post(an_application(f"QX{no:02d}"))
    return site


def claimed(site: Worksite, owner: str = "worker-1") -> int:
    return len(site.claim("food", limit=100, owner=owner).works)


def test_no_more_is_sent_than_the_rate_admits_whoever_claims(limited: Worksite) -> None:
    """Promise 11: also of what piled up, or was requeued."""
    assert claimed(limited) == 3
    assert claimed(limited) == claimed(limited, "worker-2") == 0
    limited.clock.move(seconds=1)
    assert claimed(limited, "worker-2") == 2
    assert claimed(limited) == 0


def test_a_quiet_time_adds_no_more_than_the_burst(limited: Worksite) -> None:
    assert claimed(limited) == 3
    limited.clock.move(seconds=3600)
    assert claimed(limited) == 3


def test_half_a_token_is_kept_until_it_is_a_whole_one(limited: Worksite) -> None:
    assert claimed(limited) == 3
    sent = []
    for _ in range(4):
        limited.clock.move(seconds=0.25)
        sent.append(claimed(limited))
    assert sent == [0, 1, 0, 1]
