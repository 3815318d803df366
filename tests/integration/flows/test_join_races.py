"""Two processes take the same case under two numbers at once, on one PostgreSQL."""

from __future__ import annotations

import asyncio
import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.rows import Delivery
from syncgate.flows.accepting.intake import post_case
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.gate import Accepted, Gate
from syncgate.storage import GroupWriter, SqlStore
from tests.conftest import OpenStore
from tests.integration.flows.overtaken import Overtaken, before_insert
from tests.integration.flows.worksite import Worksite, call, caller, worksite
from tests.support.cases import a_stage, an_application
from tests.support.rows import SetClock

POSTS = 1000
Post = tuple[str, dict[str, Any]]


class Chance:
    """Randomness that two processes do not share."""

    def token(self, size: int) -> bytes:
        return os.urandom(size)

    def draw(self) -> float:
        return 0.0


def a_process(
    site: Worksite,
    store: SqlStore,
    name: str,
    posts: Sequence[Post],
    make_writer: Callable[[SqlStore], GroupWriter] = GroupWriter,
) -> list[Accepted | BaseException]:
    """The answers to these posts, all under way at once, as one process with a group writer of its own gives them."""

    async def act() -> list[Accepted | BaseException]:
        writer = make_writer(store)
        gate: Gate = replace(site.gate, writer=writer, entropy=Chance(), hand_over=HandOver(name))
        each = (post_case(gate, caller(source), document, call(document)) for source, document in posts)
        try:
            return list(await asyncio.gather(*each, return_exceptions=True))
        finally:
            await writer.aclose()

    return asyncio.run(act())


def at_once(site: Worksite, stores: Sequence[SqlStore], posts: Sequence[Post]) -> list[Accepted | BaseException]:
    """The answers of as many processes as there are stores, each with its share of the posts."""
    shares = [posts[no :: len(stores)] for no in range(len(stores))]
    with ThreadPoolExecutor(len(stores)) as pool:
        futures = [
            pool.submit(a_process, site, store, f"serve-{no}", share)
            for no, (store, share) in enumerate(zip(stores, shares, strict=True))
        ]
        return [answer for future in futures for answer in future.result()]


def two_processes(open_store: OpenStore, url: str, clock: SetClock) -> tuple[Worksite, list[SqlStore]]:
    stores = [open_store(url, writer=f"serve-{no}") for no in range(2)]
    return worksite(stores[0], clock), stores


def of_case(store: SqlStore, case_id: UUID) -> list[Delivery]:
    return store.read(lambda tx: tx.deliveries(case_id))


def one_a_slot(deliveries: Sequence[Delivery]) -> bool:
    slots = Counter((d.system, d.message, d.part) for d in deliveries if d.phase is not Phase.CANCELLED)
    return set(slots.values()) == {1}


def test_a_thousand_posts_of_one_case_under_two_numbers_are_one_case_with_one_delivery_a_slot(
    postgres_url: str, open_store: OpenStore, clock: SetClock
) -> None:
    """food always says which case of the window's it means; the window says so in half of its posts."""
    site, stores = two_processes(open_store, postgres_url, clock)
    stages = [a_stage("s1", "accepted")]
    posts: list[Post] = [
        *[("window", an_application("QX1", stages=stages))] * (POSTS // 4),
        *[("window", an_application("QX1", stages=stages, references={"food": "SP9"}))] * (POSTS // 4),
        *[("food", an_application("SP9", stages=stages, references={"window": "QX1"}))] * (POSTS // 2),
    ]
    random.Random(9).shuffle(posts)
    answers = at_once(site, stores, posts)
    assert [answer for answer in answers if not isinstance(answer, Accepted)] == []
    (case_id,) = {answer.case_id for answer in answers if isinstance(answer, Accepted)}
    deliveries = of_case(stores[0], case_id)
    assert one_a_slot(deliveries)
    food = [(d.message, d.reason) for d in deliveries if d.system == "food" and d.phase is Phase.DELIVERED]
    assert sorted(food) == [("application", "held_by_source"), ("event", "held_by_source")]
    counted = stores[0].read(lambda tx: tx.counters())
    assert sum(counted.values()) == len(deliveries)
    again = at_once(site, stores, [("food", an_application("SP9", stages=stages)), posts[0]] * 20)
    assert {answer.case_id for answer in again if isinstance(answer, Accepted)} == {case_id}


def test_who_is_overtaken_between_its_look_and_its_insert_joins_the_winners_case(
    postgres_url: str, open_store: OpenStore, clock: SetClock
) -> None:
    """Promise 2; the window's commit falls between food's look-up of the window's number and food's own insert."""
    site, stores = two_processes(open_store, postgres_url, clock)

    def window_first() -> None:
        assert isinstance(a_process(site, stores[1], "serve-1", [("window", an_application("QX1"))])[0], Accepted)

    food: list[Post] = [("food", an_application("SP9", references={"window": "QX1"}))]
    overtaken = partial(Overtaken, overtake=window_first, is_reached=before_insert)
    (answer,) = a_process(site, stores[0], "serve-0", food, overtaken)
    assert isinstance(answer, Accepted), answer
    assert stores[0].read(lambda tx: tx.case_id_by_ref("window", "QX1")) == answer.case_id


def test_many_cases_posted_in_other_orders_by_two_processes_do_not_lock_each_other_out(
    postgres_url: str, open_store: OpenStore, clock: SetClock
) -> None:
    """Group commits hold many cases at once; what deadlocks is run again, and nobody gets an error."""
    site, stores = two_processes(open_store, postgres_url, clock)
    numbers = [f"QX{no}" for no in range(60)]
    ours: list[Post] = [("window", an_application(no)) for no in numbers]
    foods: list[Post] = [("food", an_application(f"SP{no}", references={"window": no})) for no in reversed(numbers)]
    mixed = [post for pair in zip(ours, foods, strict=True) for post in pair]
    answers = at_once(site, stores, mixed)
    assert [answer for answer in answers if not isinstance(answer, Accepted)] == []
    assert len({answer.case_id for answer in answers if isinstance(answer, Accepted)}) == len(numbers)
    for case_id in {answer.case_id for answer in answers if isinstance(answer, Accepted)}:
        assert one_a_slot(of_case(stores[0], case_id))
