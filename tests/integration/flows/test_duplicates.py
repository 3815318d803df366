"""Likely duplicates (story 9): listed with what they are alike in, merged or told apart by a person, never by us."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from uuid import UUID

import pytest

from syncgate.domain.errors import InvalidCase, NotFound
from syncgate.domain.rows import Principal
from syncgate.flows.gate import CaseRef
from syncgate.flows.operating.duplicates import list_duplicates, tell_apart
from tests.integration.flows.altered import OPERATOR
from tests.integration.flows.worksite import Worksite, caller
from tests.support.cases import a_hotline_case

PERSON = replace(OPERATOR, role="operator", sources=())
Pairs = list[tuple[str, str, set[str]]]


def pairs(site: Worksite, principal: Principal = PERSON) -> Pairs:
    page = site.run(list_duplicates(site.gate, principal))
    return [(one.case.case_no, one.other.case_no, {name.value for name in one.alike}) for one in page.pairs]


def post(site: Worksite, number: str, **changes: object) -> UUID:
    return site.post(a_hotline_case(number) | changes).case_id


def apart(site: Worksite, one: UUID, other: UUID) -> None:
    refs = CaseRef(case_id=one), CaseRef(case_id=other)
    site.run(tell_apart(site.gate, PERSON, *refs, reason="两位来电人，两处"))


def test_two_calls_with_the_same_text_are_two_cases_and_one_pair(site: Worksite) -> None:
    """Promise 2, story 9."""
    text = "样本路12号前有坑，请尽快修补"
    assert post(site, "HL1", description=text) != post(site, "HL2", description=text)
    ((later, earlier, alike),) = pairs(site)
    assert (later, earlier) == ("HL2", "HL1")
    assert alike == {"text", "location"}


def test_the_merged_pair_is_listed_no_more(site: Worksite) -> None:
    first, second = post(site, "HL1"), post(site, "HL2")
    site.merge(second, first)
    assert pairs(site) == []


def test_a_pair_that_was_told_apart_is_listed_no_more_whichever_is_named_first(site: Worksite) -> None:
    first, second = post(site, "HL1"), post(site, "HL2")
    post(site, "HL3")
    apart(site, first, second)
    apart(site, second, first)
    assert [(later, earlier) for later, earlier, _ in pairs(site)] == [("HL3", "HL2"), ("HL3", "HL1")]


def test_a_week_apart_they_are_two(site: Worksite) -> None:
    post(site, "HL1")
    site.clock.at += timedelta(days=7, seconds=1)
    post(site, "HL2")
    assert pairs(site) == []


def test_another_text_and_place_is_another_case(site: Worksite) -> None:
    post(site, "HL1")
    other = {"title": "另一件事", "description": "完全不同的诉求内容", "location": {"text": "别处1号"}}
    post(site, "HL2", **other)
    assert pairs(site) == []


def test_what_is_corrected_to_be_alike_is_listed_then(site: Worksite) -> None:
    text = "样本路12号前有坑，请尽快修补"
    elsewhere = {"location": {"text": "别处1号"}, "description": "先写错的诉求内容"}
    post(site, "HL1", description=text)
    second = post(site, "HL2", **elsewhere)
    before = pairs(site)
    site.patch(second, {"description": text})
    assert (before, [alike for _, _, alike in pairs(site)]) == ([], [{"text"}])


def test_who_sees_but_one_of_the_two_sees_no_pair(site: Worksite) -> None:
    """Promise 10."""
    post(site, "HL1")
    site.post(a_hotline_case("H7"), source="hall")
    assert len(pairs(site)) == 1
    assert pairs(site, caller("hall").principal) == []


def test_no_digest_tells_what_it_was_taken_of(site: Worksite) -> None:
    """Promise 10: the same text in two features, or under another key, gives other digests."""
    first = post(site, "HL1")
    text = site.document(first)["location"]["text"]
    rows = site.store.read(lambda tx: tx.list_alike(since=site.clock.at - timedelta(days=1), after=None, limit=10))
    assert text not in repr(rows)


def test_a_case_is_not_told_apart_from_itself_or_from_nobody(site: Worksite) -> None:
    first = post(site, "HL1")
    with pytest.raises(InvalidCase):
        apart(site, first, first)
    with pytest.raises(NotFound):
        apart(site, first, UUID(int=7))


def test_pages_hold_every_pair_once(site: Worksite) -> None:
    for number in range(6):
        post(site, f"HL{number}")
    found: list[tuple[str, str]] = []
    after = None
    for _ in range(20):
        page = site.run(list_duplicates(site.gate, PERSON, after=after, limit=2))
        found += [(one.case.case_no, one.other.case_no) for one in page.pairs]
        if (after := page.next) is None:
            break
    assert len(found) == len(set(found)) == 15
