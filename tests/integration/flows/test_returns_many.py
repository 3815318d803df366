"""Three thousand returns in one sitting: matched, grouped, requeued; and once more, which changes nothing."""

from __future__ import annotations

import time
from collections import Counter

from syncgate.domain.delivery import Phase
from syncgate.domain.returns import RowResult
from syncgate.flows.operating import requeueing
from syncgate.flows.operating.failed import Failed
from syncgate.flows.operating.requeue import State
from syncgate.flows.returning.causes import list_causes
from syncgate.storage import SqlStore
from tests.integration.flows.returnsite import EARLY, OPERATOR, RETIRED, bring, return_site, workbook
from tests.integration.flows.worksite import Worksite
from tests.support.cases import an_application
from tests.support.rows import SetClock

ROWS = 3_000


def phases(site: Worksite) -> dict[Phase, int]:
    counts: Counter[Phase] = Counter()
    for (_, phase, _), count in site.store.read(lambda tx: tx.counters()).items():
        counts[phase] += count
    return dict(counts)


def drain(site: Worksite) -> None:
    """Sends all that waits, at the rate that the system has."""
    while phases(site).get(Phase.PENDING):
        if not site.step("province"):
            site.clock.move(seconds=1)


def test_3000_returns_are_matched_grouped_and_requeued_in_one_sitting_and_a_second_import_changes_nothing(
    sqlite_store: SqlStore, clock: SetClock
) -> None:
    """Figures are printed, none is asserted."""
    site = return_site(sqlite_store, clock)
    numbers = [f"QX{no:07}" for no in range(ROWS)]
    for number in numbers:
        site.post(an_application(number))
    drain(site)
    before = phases(site)
    assert set(before) == {Phase.DELIVERED}
    content = workbook([(number, RETIRED if no % 3 else EARLY) for no, number in enumerate(numbers)])
    began = time.perf_counter()
    found = bring(site, content)
    imported = time.perf_counter()
    assert found.results == {RowResult.RETURNED: ROWS}
    assert found.causes == {"item_unknown": 2_000, "accepted_before_applied": 1_000}
    causes = site.run(list_causes(site.gate, OPERATOR, None))
    assert [(view.cause, view.count, view.at_source) for view in causes.causes] == [
        ("item_unknown", 2_000, 0),
        ("accepted_before_applied", 1_000, 1_000),
    ]
    grouped = time.perf_counter()
    clock.move(seconds=1)
    failed = Failed(system="province", reason="returned", cause="item_unknown")
    after = site.run(requeueing.begin(site.gate, OPERATOR, failed, cap=3_000, canary=0, reason="the table has it"))
    requeued = time.perf_counter()
    assert (after.state, after.queued) == (State.DONE, 2_000)
    drain(site)
    after_all = {Phase.DELIVERED: before[Phase.DELIVERED] - 1_000, Phase.PARKED: 1_000}
    assert phases(site) == after_all
    again = bring(site, content)
    assert again.results == {RowResult.ALREADY_RETURNED: ROWS}
    assert phases(site) == after_all
    print(  # noqa: T201  seen with -s
        f"{ROWS} returns: imported in {imported - began:.1f} s, grouped in {grouped - imported:.2f} s,"
        f" 2000 requeued in {requeued - grouped:.1f} s"
    )
