"""A merge in one process, and posts to either case in another one, on one PostgreSQL."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from functools import partial
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import CaseState
from syncgate.flows.accepting.intake import post_case
from syncgate.flows.accepting.merging import merge_case
from syncgate.flows.accepting.withdrawal import withdrawal_in
from syncgate.flows.gate import Accepted, CaseRef, Gate
from tests.conftest import OpenStore
from tests.integration.flows.overtaken import Overtaken, before_lock
from tests.integration.flows.test_join_races import Post, a_process, of_case, one_a_slot, two_processes
from tests.integration.flows.test_waiting_stages import in_a_process
from tests.integration.flows.worksite import call, caller
from tests.support.cases import a_hotline_case
from tests.support.rows import SetClock

PAIRS = 40


def a_call(number: str, **changes: Any) -> dict[str, Any]:
    return a_hotline_case(number, **changes)


async def merges(no: int, gate: Gate) -> Accepted:
    body = {"into": f"window:S{no}", "reason": "同一诉求"}
    names = [CaseRef(system="window", number=f"{kind}{no}") for kind in "ES"]
    return await merge_case(gate, caller("window"), *names, withdrawal_in({"reason": body["reason"]}), call(body))


async def posts(number: str, gate: Gate) -> Accepted:
    document = a_call(number, description=f"补充{number}")
    return await post_case(gate, caller("window"), document, call(document))


def test_merges_and_posts_to_both_cases_at_once_leave_one_open_case_by_both_names(
    postgres_url: str, open_store: OpenStore, clock: SetClock
) -> None:
    """E is merged into S while both are posted again: nobody gets an error, and a post that comes behind the merge
    speaks of S (promises 2 and 3)."""
    site, stores = two_processes(open_store, postgres_url, clock)
    ids = {f"{kind}{no}": site.post(a_call(f"{kind}{no}")).case_id for no in range(PAIRS) for kind in "ES"}
    merging: list[Callable[[Gate], Any]] = [partial(merges, no) for no in range(PAIRS)]
    posting: list[Callable[[Gate], Any]] = [partial(posts, number) for number in ids]
    random.Random(7).shuffle(posting)
    with ThreadPoolExecutor(2) as pool:
        merged = pool.submit(in_a_process, site, stores[0], merging)
        posted = pool.submit(in_a_process, site, stores[1], posting)
        answers = [*merged.result(), *posted.result()]
    assert [one for one in answers if not isinstance(one, Accepted)] == []
    for no in range(PAIRS):
        ends, stays = ids[f"E{no}"], ids[f"S{no}"]
        assert states(stores[0], ends, stays) == [(CaseState.MERGED, stays), (CaseState.OPEN, None)]
        left = {d.phase for d in of_case(stores[0], ends)}
        assert left <= {Phase.CANCELLED}, "nothing of it was sent, and nothing of it will be"
        assert one_a_slot(of_case(stores[0], stays))
        late = site.post(a_call(f"E{no}", description="又来电"))
        assert late.case_id == stays
        assert site.document(stays)["description"] == "又来电"
    counted = stores[0].read(lambda tx: tx.counters())
    assert sum(counted.values()) == sum(len(of_case(stores[0], case_id)) for case_id in ids.values())


def states(store: Any, *case_ids: UUID) -> list[tuple[CaseState, UUID | None]]:
    found = store.read(lambda tx: tx.cases(case_ids))
    return [(found[case_id].state, found[case_id].merged_into) for case_id in case_ids]


def test_a_post_that_a_merge_overtakes_between_its_look_and_its_lock_speaks_of_the_survivor(
    postgres_url: str, open_store: OpenStore, clock: SetClock
) -> None:
    """Promise 2: it neither changes the merged case nor is refused."""
    site, stores = two_processes(open_store, postgres_url, clock)
    stays = site.post(a_call("S0")).case_id
    ends = site.post(a_call("E0")).case_id

    def merge_first() -> None:
        (merged,) = in_a_process(site, stores[1], [partial(merges, 0)])
        assert isinstance(merged, Accepted), merged

    said: list[Post] = [("window", a_call("E0", description="又来电"))]
    overtaken = partial(Overtaken, overtake=merge_first, is_reached=before_lock)
    (answer,) = a_process(site, stores[0], "serve-0", said, overtaken)
    assert isinstance(answer, Accepted), answer
    assert answer.case_id == stays
    assert site.document(stays)["description"] == "又来电"
    assert "description" not in site.document(ends)
