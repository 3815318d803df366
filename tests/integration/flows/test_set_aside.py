"""A lane that fails in our own hands stands aside, visibly; a process deployed past plans and claims nothing."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

import pytest

from syncgate.domain.delivery import Phase
from syncgate.flows.delivering.claim import claim
from syncgate.flows.delivering.rescue import rescue_all
from syncgate.flows.operating.following import BundlesBehind
from syncgate.ports import Tx
from syncgate.storage import SealBroken
from tests.integration.flows.altered import altered
from tests.integration.flows.worksite import WORKER, Worksite, activate
from tests.support.cases import an_application

OTHER = "sha256:" + "cd" * 32


def unseal_not(site: Worksite, case_id: Any) -> None:
    """Breaks a case's key, as damaged storage would."""

    def step(tx: Tx) -> None:
        case = tx.case(case_id)
        assert case is not None
        tx.save_case(replace(case, wrapped_key=bytes(len(case.wrapped_key))))

    site.write(step)


def test_a_case_that_cannot_be_opened_is_parked_and_holds_up_no_other(site: Worksite) -> None:
    """Promises 3 and 6: its claim fails for the whole batch, again and again."""
    broken, whole = site.post(an_application("QX1")), site.post(an_application("QX2"))
    site.run(activate(site.gate, [altered(site, "food")]))
    unseal_not(site, broken.case_id)
    before = site.counted()
    with pytest.raises(SealBroken):
        site.claim("food")
    careful = site.write(lambda tx: claim(site.gate, tx, "food", owner=WORKER, limit=10, is_careful=True))
    assert [work.case.case_id for work in careful.works] == [whole.case_id]
    parked = site.only(broken.case_id, "food", "application")
    assert (parked.phase, parked.reason, parked.actor) == (Phase.PARKED, "defect", "developer")
    assert site.attempts(parked) == ["refused"]
    assert site.counted() == before
    assert site.claim("food").works == ()


class Unreadable(Mapping[str, Any]):
    """What a defect of ours leaves of a bundle's messages."""

    def __getitem__(self, name: str) -> Any:
        raise RuntimeError

    def __iter__(self) -> Iterator[str]:
        raise RuntimeError

    def __len__(self) -> int:
        raise RuntimeError


def test_a_lease_that_cannot_be_ended_holds_up_no_other(site: Worksite) -> None:
    """Promise 3: the other dead workers' lanes are rescued all the same."""
    broken = site.post(an_application("QX1"))
    (first,) = site.claim("food").works
    site.run(activate(site.gate, [altered(site, "food")]))
    whole = site.post(an_application("QX2"))
    (second,) = site.claim("food").works
    sent_by = site.gate.bundles[first.delivery.bundle]
    site.gate.bundles[sent_by.digest] = replace(sent_by, specs=Unreadable())
    site.clock.at = max(work.lane.lease_until or site.clock.at for work in (first, second))
    site.run(rescue_all(site.gate))
    phases = {c.case_id: site.only(c.case_id, "food", "application").phase for c in (broken, whole)}
    assert phases == {broken.case_id: Phase.IN_FLIGHT, whole.case_id: Phase.UNCONFIRMED}
    site.gate.bundles[sent_by.digest] = sent_by
    site.clock.move(seconds=61)
    site.run(rescue_all(site.gate))
    assert site.only(broken.case_id, "food", "application").phase is Phase.UNCONFIRMED


def test_leases_that_cannot_be_ended_do_not_fill_the_batches_of_the_rescue(site: Worksite) -> None:
    """Promises 3 and 6: they are first in line, and a batch has room for no other."""
    broken = [site.post(an_application(f"QX{no}")) for no in range(2)]
    works = site.claim("food").works
    site.run(activate(site.gate, [altered(site, "food")]))
    sent_by = site.gate.bundles[works[0].delivery.bundle]
    site.gate.bundles[sent_by.digest] = replace(sent_by, specs=Unreadable())
    site.clock.move(seconds=1)
    whole = site.post(an_application("QX9"))
    (last,) = site.claim("food").works
    site.clock.at = last.lane.lease_until or site.clock.at
    site.run(rescue_all(site.gate, batch=len(broken)))
    assert site.only(whole.case_id, "food", "application").phase is Phase.UNCONFIRMED


def deployed_elsewhere(site: Worksite, digest: str = OTHER) -> None:
    """What another process's deploy leaves in the store."""

    def step(tx: Tx) -> None:
        row = tx.system("food", lock=True)
        assert row is not None
        tx.save_system(replace(row, active_bundle=digest))

    site.write(step)


def test_nothing_is_claimed_under_a_bundle_that_is_not_active_any_more(site: Worksite) -> None:
    """Promise 13; race: a deploy by another process between two claims."""
    site.post(an_application())
    deployed_elsewhere(site)
    claimed = site.claim("food")
    assert (claimed.works, claimed.is_behind) == ((), True)


def test_a_process_that_was_deployed_past_takes_over_before_it_plans(site: Worksite) -> None:
    """Promise 13: under the older bundle the event would retract what only the newer one planned."""
    followed: list[str] = []

    async def follow() -> None:
        followed.append("food")
        site.gate.bundles[OTHER] = replace(site.gate.active_bundle("food"), digest=OTHER)
        site.gate.active["food"] = OTHER

    site.gate = replace(site.gate, follow=follow)
    deployed_elsewhere(site)
    accepted = site.post(an_application())
    assert followed == ["food"]
    assert {d.bundle for d in site.deliveries(accepted.case_id, "food")} == {OTHER}


def test_a_process_that_cannot_take_over_takes_no_case(site: Worksite) -> None:
    """Promises 1 and 3: 503, rather than a case that is planned for fewer systems."""

    async def follow() -> None:
        return

    site.gate = replace(site.gate, follow=follow)
    deployed_elsewhere(site)
    with pytest.raises(BundlesBehind):
        site.post(an_application())
    assert site.counted() == 0
