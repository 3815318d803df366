"""A correction that a system does not take is told by a letter; when a case was sent is proved."""

from __future__ import annotations

from dataclasses import replace
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import Conflict, Forbidden, NotFound
from syncgate.flows.gate import CaseRef
from syncgate.flows.operating import by_hand
from syncgate.flows.showing.files import ReasonMissing
from syncgate.flows.showing.letters import prove, write_letter
from syncgate.reports.letter import letter_page, proof_page
from syncgate.reports.letter_model import HIDDEN, Letter, LetterFace
from syncgate.storage import SqlStore
from tests.integration.flows.returnsite import OPERATOR, deliver, return_site
from tests.integration.flows.worksite import Worksite, caller
from tests.support.rows import SetClock

FACE = LetterFace(site={"zh": "示例市", "en": "Example city"}, zone=ZoneInfo("Asia/Shanghai"))
WRONG, RIGHT = "张示列", "张示例"


@pytest.fixture
def site(store: SqlStore, clock: SetClock) -> Worksite:
    return return_site(store, clock)


def corrected(site: Worksite) -> UUID:
    """A case whose applicant was delivered with a wrong name, and corrected since."""
    person = {"type": "natural_person", "name": WRONG, "id_type": "111", "id_no": "99010119780213002X"}
    cases = deliver(site, "A1", applicant=person)
    site.patch(cases["A1"], {"applicant": {"name": RIGHT}})
    site.step("province")
    (parked,) = [d for d in site.deliveries(cases["A1"], "province") if d.phase is Phase.PARKED]
    return parked.delivery_id


def letter(site: Worksite, delivery_id: UUID, *, reveals: bool = False, reason: str = "") -> Letter:
    work = write_letter(site.gate, OPERATOR, delivery_id, face=FACE, reveals=reveals, reason=reason)
    return site.run(work)


def test_a_letter_says_field_by_field_what_is_held_and_what_is_right(site: Worksite) -> None:
    found = letter(site, corrected(site), reveals=True, reason="for the province")
    (line,) = [line for line in found.lines if line.place == "applicant"]
    assert (line.held, line.right) == (WRONG, RIGHT)
    assert line.title and found.delivered_at is not None
    for page, words in (
        (letter_page(found, "zh"), ("更正函", "贵系统现有内容")),
        (letter_page(found, "en"), ("Letter of correction", "Held by you")),
    ):
        assert all(word in page for word in (*words, WRONG, RIGHT, line.title))


def test_without_a_reason_no_value_is_shown_and_a_masked_letter_shows_none(site: Worksite) -> None:
    """Promise 10."""
    delivery_id = corrected(site)
    masked = letter(site, delivery_id)
    assert {value for line in masked.lines for value in (line.held, line.right)} <= {HIDDEN, None}
    assert WRONG not in letter_page(masked, "zh") and RIGHT not in letter_page(masked, "zh")
    with pytest.raises(ReasonMissing):
        letter(site, delivery_id, reveals=True)


def test_what_is_shown_is_noted_with_its_reason(site: Worksite) -> None:
    letter(site, corrected(site), reveals=True, reason="for the province")
    told = site.store.read(lambda tx: tx.list_audit(limit=5))
    assert ("letter_revealed", "for the province") in {(one["action"], one["reason"]) for one in told}


def test_the_source_that_posted_it_needs_no_reason_and_another_sees_no_letter(site: Worksite) -> None:
    delivery_id = corrected(site)
    window = caller("window").principal
    found = site.run(write_letter(site.gate, window, delivery_id, face=FACE, reveals=True, reason=""))
    assert not found.is_masked
    with pytest.raises(NotFound):
        hall = caller("hall").principal
        site.run(write_letter(site.gate, hall, delivery_id, face=FACE, reveals=False, reason=""))


def test_a_viewer_may_read_the_letter_but_no_value(site: Worksite) -> None:
    delivery_id = corrected(site)
    viewer = replace(OPERATOR, role="viewer")
    with pytest.raises(Forbidden):
        site.run(write_letter(site.gate, viewer, delivery_id, face=FACE, reveals=True, reason="I like to"))


def test_what_is_not_parked_for_that_has_no_letter(site: Worksite) -> None:
    cases = deliver(site, "A1")
    with pytest.raises(Conflict):
        letter(site, site.only(cases["A1"], "province", "basic_info").delivery_id)


def test_what_was_handed_over_is_confirmed_by_hand(site: Worksite) -> None:
    delivery_id = corrected(site)
    confirming = by_hand.confirm(
        site.gate, OPERATOR, delivery_id, held=True, remote_ref=None, reason="letter sent, seen on their screen"
    )
    assert site.run(confirming).phase is Phase.DELIVERED
    with pytest.raises(Conflict):
        letter(site, delivery_id)


def test_the_proof_tells_when_each_record_was_sent_and_answered(site: Worksite) -> None:
    cases = deliver(site, "A1")
    proof = site.run(prove(site.gate, OPERATOR, CaseRef(case_id=cases["A1"]), face=FACE))
    (province,) = proof.systems
    sent = province.records[0].sendings[0]
    assert (sent.outcome, sent.ended_at, bool(sent.digest)) == ("taken", site.clock.at, True)
    assert [revision for revision, _, _ in proof.received] == [1]
    for page in (proof_page(proof, "zh"), proof_page(proof, "en")):
        assert sent.digest[:16] in page and "A1" in page and "张示例" not in page
