"""Several sources of one case, and posts that race."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any, TypeVar

import pytest

from syncgate.flows.accepting.intake import append_stages
from syncgate.flows.gate import CaseRef
from syncgate.ports import Step, Tx
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import (
    Worksite,
    call,
    caller,
    taken,
)
from tests.support.cases import a_stage, an_application

T = TypeVar("T")


def test_a_system_that_posts_a_case_under_its_own_number_is_sent_nothing(site: Worksite) -> None:
    """Design §6, no doubled record: food typed the case in itself, and says which one of ours it is."""
    site.post(an_application("QX1"))
    site.post(an_application("SP9", references={"window": "QX1"}), source="food")
    site.run_dry("food")
    assert site.systems["food"].sends == []


def test_a_system_that_got_a_case_from_us_reports_its_stages(site: Worksite) -> None:
    """Design §6: any system's own number names the case; today 409 `reference_is_fixed` for ever."""
    accepted = site.post(an_application())
    site.systems["food"].script.append(taken("SPJY1"))
    site.run_dry("food")
    stages = [a_stage("s1", "accepted")]
    ref = CaseRef(system="food", number="SPJY1")
    after = site.run(append_stages(site.gate, caller("food"), ref, stages, call(stages)))
    assert (after.case_id, after.revision) == (accepted.case_id, 2)


class Blind:
    """A transaction that does not see yet what another one commits meanwhile."""

    def __init__(self, tx: Tx) -> None:
        self._tx = tx

    def __getattr__(self, name: str) -> Any:
        return getattr(self._tx, name)

    def case_id_by_ref(self, system: str, case_ref: str) -> None:
        return None

    def submission_by_key(self, source: str, idempotency_key: str) -> None:
        return None


@dataclass
class RacingWriter:
    """The first write loses a race: it looked before the winner's commit, and inserts after it."""

    store: SqlStore
    has_lost: bool = False

    async def write(self, step: Step[T]) -> T:
        blind, self.has_lost = not self.has_lost, True
        raced: Any = (lambda tx: step(Blind(tx))) if blind else step
        (result,) = self.store.write([raced])
        if isinstance(result, BaseException):
            raise result
        return result  # type: ignore[no-any-return]

    async def read(self, step: Step[T]) -> T:
        return self.store.read(step)

    async def aclose(self) -> None:
        pass


@pytest.mark.parametrize("key", [None, "K1"])
def test_of_two_first_posts_at_once_both_are_accepted(site: Worksite, key: str | None) -> None:
    """Promise 2; race: two processes on PostgreSQL, each with the same new case."""
    first = site.post(an_application(), key=key)
    other = replace(site, gate=replace(site.gate, writer=RacingWriter(site.store)))
    again = other.post(an_application(), key=key)
    assert (again.case_id, again.revision, again.receipt) == (first.case_id, 1, first.receipt)


def test_a_replay_names_the_deliveries_of_the_first_answer(site: Worksite) -> None:
    """Promise 2 and design §8: the first identifiers, with the phases of now."""
    first = site.post(an_application(), key="K1")
    site.clock.move(seconds=1)
    site.append(first.case_id, a_stage("s1", "accepted"))
    again = site.post(an_application(), key="K1")
    assert {d.delivery_id for d in again.deliveries} == {d.delivery_id for d in first.deliveries}
