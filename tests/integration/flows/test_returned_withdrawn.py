"""What came back of a case that was withdrawn meanwhile: nothing of it is held, so nothing is taken back or kept."""

from __future__ import annotations

from pathlib import Path
from uuid import UUID

import pytest

from syncgate.storage import SqlStore
from tests.integration.flows.frontsite import FILES, FrontSite, front_site
from tests.support.cases import an_application
from tests.support.rows import SetClock

VOID = """\
    on_change: new_version
    on_unplanned: {retract: step, mapping: void, contract: step}
"""


VOID_MAPPING = (
    "mapping: front/void\ndirection: out\nreads: stage\npayload:\n  kind: {const: void}\n"
    "examples:\n  - name: one\n    case: {stages: [{id: s1, kind: withdrawn, at: '2026-03-02T10:00:00+08:00'}]}\n"
    "    part: s1\n    gives: {kind: void}\n"
)


@pytest.fixture
def front(store: SqlStore, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> FrontSite:
    monkeypatch.setitem(FILES, "mappings/front/void.yaml", VOID_MAPPING)
    return front_site(store, clock, tmp_path, **{"    on_change: new_version\n": VOID})


def told(front: FrontSite, case_id: UUID) -> list[tuple[str, str, str | None]]:
    return [(d.message, d.phase.value, d.reason) for d in front.site.deliveries(case_id, "front")]


def taken_and_given_back(front: FrontSite) -> UUID:
    """A case that was taken, and whose row the quality check has given back; nobody was asked about it since."""
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    front.step()
    assert told(front, case_id) == [("accept", "delivered", None)]
    front.reject("accept", "事项版本已停用")
    front.move(hours=1)
    return case_id


def test_what_came_back_before_the_case_was_withdrawn_is_sent_no_more(front: FrontSite) -> None:
    case_id = taken_and_given_back(front)
    front.step()
    front.site.withdraw(case_id)
    front.step()
    assert told(front, case_id) == [("accept", "cancelled", "withdrawn")]


def test_what_comes_back_before_it_is_taken_back_needs_no_taking_back(front: FrontSite) -> None:
    case_id = taken_and_given_back(front)
    front.site.withdraw(case_id)
    batch = front.claim_batch_without_sends()
    front.settle(batch, front.ask(batch))
    front.step()
    assert told(front, case_id) == [("accept", "cancelled", "withdrawn"), ("void", "cancelled", "withdrawn")]
    assert front.sql("SELECT count(*) FROM step") == [(0,)]


def test_a_retraction_that_is_refused_because_nothing_is_there_any_more_waits_for_nobody(front: FrontSite) -> None:
    """Sent before anybody knew that its record came back: it would be refused however often it is sent again."""
    case_id = taken_and_given_back(front)
    front.site.withdraw(case_id)
    front.step(asks=False)
    front.reject("step", "办件受理信息不存在")
    for _ in range(2):
        front.move(minutes=5)
        front.step()
    assert told(front, case_id) == [("accept", "cancelled", "withdrawn"), ("void", "cancelled", "withdrawn")]


def test_a_retraction_that_is_refused_while_its_record_stands_waits_for_a_person(front: FrontSite) -> None:
    case_id = front.site.post(an_application()).case_id
    front.step()
    front.sql("UPDATE accept SET is_sync = 1")
    front.move(seconds=30)
    front.step()
    front.site.withdraw(case_id)
    front.step(asks=False)
    front.reject("step", "办件已锁定")
    for _ in range(2):
        front.move(minutes=5)
        front.step()
    assert told(front, case_id) == [("accept", "delivered", None), ("void", "parked", "rejected_there")]
