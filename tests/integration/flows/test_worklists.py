"""What came back to a source, and what became of its cases: its own, and nobody else's."""

from __future__ import annotations

from dataclasses import replace

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import NotFound
from syncgate.domain.rows import Principal
from syncgate.flows.operating import requeueing
from syncgate.flows.operating.failed import Failed
from syncgate.flows.returning.causes import send_back
from syncgate.flows.showing.changes import ChangePage, InvalidCursor, read_changes
from syncgate.flows.showing.worklist import WorkItem, WorkKind, read_worklist
from syncgate.storage import SqlStore
from tests.integration.flows.returnsite import EARLY, OPERATOR, RETIRED, bring, deliver, return_site, workbook
from tests.integration.flows.worksite import Worksite, caller
from tests.support.rows import SetClock

WINDOW = caller("window").principal


@pytest.fixture
def site(store: SqlStore, clock: SetClock) -> Worksite:
    return return_site(store, clock)


def work(site: Worksite, source: str = "window", *, as_: Principal = WINDOW) -> tuple[WorkItem, ...]:
    return site.run(read_worklist(site.gate, as_, source)).items


def changes(site: Worksite, cursor: str | None = None, *, limit: int = 100) -> ChangePage:
    return site.run(read_changes(site.gate, WINDOW, "window", cursor=cursor, limit=limit))


def test_story_4_one_cause_is_mended_here_and_the_other_goes_back_to_the_street(site: Worksite) -> None:
    """300 returns of two causes in small: the table is mended and the returns requeued, the others are corrected."""
    numbers = [f"A{no}" for no in range(6)]
    cases = deliver(site, *numbers)
    bring(site, workbook([(number, EARLY if no < 2 else RETIRED) for no, number in enumerate(numbers)]))
    assert [(item.case_no, item.kind, item.cause) for item in work(site)] == [
        ("A0", WorkKind.GIVEN_BACK, "accepted_before_applied"),
        ("A1", WorkKind.GIVEN_BACK, "accepted_before_applied"),
    ]
    failed = Failed(system="province", cause="item_unknown")
    site.clock.move(seconds=1)
    site.run(requeueing.begin(site.gate, OPERATOR, failed, cap=10, canary=1, reason="the table has it"))
    while site.step("province"):
        site.run(requeueing.go_on_with_all(site.gate))
    site.patch(cases["A0"], {"applied_at": "2026-03-01T09:00:00+08:00"})
    site.step("province")
    assert [item.case_no for item in work(site)] == ["A1"], "what is corrected leaves the list"
    phases = {number: site.only(case_id, "province", "basic_info").phase for number, case_id in cases.items()}
    assert phases == dict.fromkeys(numbers, Phase.DELIVERED) | {"A1": Phase.PARKED}


def test_what_an_operator_sends_back_comes_to_the_list_and_shows_no_value(site: Worksite) -> None:
    deliver(site, "A1")
    bring(site, workbook([("A1", f"张示例 {RETIRED}")]))
    assert work(site) == ()
    site.run(send_back(site.gate, OPERATOR, Failed(system="province", cause="item_unknown"), reason="t", dry_run=False))
    (item,) = work(site)
    assert (item.kind, item.reason, item.since) == (WorkKind.GIVEN_BACK, "returned", site.clock.at)
    assert RETIRED in item.text and "张示例" not in f"{item}"


def test_a_correction_that_the_system_does_not_take_is_on_the_list(site: Worksite) -> None:
    cases = deliver(site, "A1")
    site.patch(cases["A1"], {"title": "关于张示例的食品经营许可（更正）"})
    site.step("province")
    (item,) = work(site)
    assert (item.kind, item.reason) == (WorkKind.NOT_TAKEN, "correction_not_taken")


def test_a_source_sees_neither_the_list_nor_the_changes_of_another(site: Worksite) -> None:
    deliver(site, "A1")
    bring(site, workbook([("A1", EARLY)]))
    hall = caller("hall").principal
    assert work(site, "hall", as_=hall) == ()
    with pytest.raises(NotFound):
        work(site, "window", as_=hall)
    with pytest.raises(NotFound):
        site.run(read_changes(site.gate, hall, "window", cursor=None, limit=10))
    with pytest.raises(NotFound):
        work(site, "nobody", as_=replace(WINDOW, sources=()))


def test_the_feed_tells_in_order_what_became_of_a_case_and_goes_on_from_its_cursor(site: Worksite) -> None:
    deliver(site, "A1", materials=[])
    first = changes(site)
    assert next((c.kind.value, c.case_no, c.phase) for c in first.changes) == ("case", "A1", None)
    bring(site, workbook([("A1", EARLY)]))
    second = changes(site, first.cursor)
    told = [(c.message, c.phase, c.reason, c.actor) for c in second.changes]
    assert told == [("basic_info", Phase.PARKED, "returned", "source")] or first.changes[-1].phase is Phase.PARKED
    assert changes(site, first.cursor).changes == second.changes, "the same cursor gives the same again"
    last = changes(site, second.cursor)
    assert (last.changes, last.cursor, last.is_last) == ((), second.cursor, True)


def test_pages_of_one_lose_and_repeat_nothing(site: Worksite) -> None:
    deliver(site, "A1", "A2", "A3")
    whole = changes(site).changes
    cursor, found = None, []
    while True:
        page = changes(site, cursor, limit=1)
        found += page.changes
        if not page.changes:
            break
        cursor = page.cursor
    assert tuple(found) == whole
    assert [change.change_no for change in whole] == sorted(change.change_no for change in whole)


def test_a_cursor_that_was_never_given_is_refused(site: Worksite) -> None:
    for cursor in ("", "1", "cx", "c-1"):
        with pytest.raises(InvalidCursor):
            changes(site, cursor)
