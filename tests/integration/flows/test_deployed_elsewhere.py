"""Another process deploys in the middle of a step of ours: nothing is sent under what it replaced. Promise 13."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from syncgate.domain.rows import SystemRow
from syncgate.flows.delivering.claim import claim
from syncgate.flows.delivering.work import Work
from tests.integration.flows.worksite import WORKER, Worksite
from tests.support.cases import an_application

NEWER = "sha256:" + "cd" * 32


class DeployedMeanwhile:
    """A transaction whose look at a system's row comes after another process's deploy, which this one followed."""

    def __init__(self, tx: Any, site: Worksite) -> None:
        self._tx = tx
        self._site = site

    def system(self, system: str, *, lock: bool = False) -> SystemRow | None:
        row = self._tx.system(system, lock=lock)
        gate = self._site.gate
        if system == "food" and gate.active["food"] != NEWER:
            gate.bundles[NEWER] = replace(gate.active_bundle("food"), digest=NEWER)
            gate.active["food"] = NEWER
        found: SystemRow | None = replace(row, active_bundle=NEWER) if system == "food" else row
        return found

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)


def test_a_claim_that_waited_for_a_deploy_claims_under_the_newer_bundle(site: Worksite) -> None:
    """Race: the claim waits for the lock that the deploy holds, and the notice is followed before it goes on."""
    site.post(an_application())
    claimed = site.write(lambda tx: claim(site.gate, DeployedMeanwhile(tx, site), "food", owner=WORKER, limit=10))
    assert [work.delivery.bundle for work in claimed.works] == [NEWER]


def test_a_case_planned_under_an_older_bundle_is_not_handed_over(site: Worksite, handed: list[Work]) -> None:
    """Race: the deploy commits, and is followed, between the plan of a case and its hand-over."""
    site.grant("food")
    writer = site.gate.writer

    class Writer:
        is_taking = True
        read = writer.read
        aclose = writer.aclose

        async def write(self, step: Any) -> Any:
            return await writer.write(lambda tx: step(DeployedMeanwhile(tx, site)))

    replace(site, gate=replace(site.gate, writer=Writer())).post(an_application())
    assert [work for work in handed if work.lane.system == "food"] == []
