"""Fields typed once and fields delivered, of real cases that went to systems; what a person confirmed is rolled up."""

from __future__ import annotations

from uuid import UUID

from syncgate.domain.delivery import Phase
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import Principal
from syncgate.flows.operating.by_hand import confirm
from syncgate.flows.showing.meter import read_meter
from tests.integration.flows.worksite import Worksite, answer
from tests.support.cases import an_application
from tests.support.rows import START

PERSON = Principal(
    principal_id=UUID(int=7), name="值守", role="operator", key_hash=b"k" * 16, key_hint="", created_at=START
)


def test_fields_count_as_delivered_only_once_they_are(site: Worksite) -> None:
    site.post(an_application())
    before = site.run(read_meter(site.gate, PERSON, minutes_per_entry=None)).sample
    assert before.cases == 1 and before.typed > 10 and before.delivered == 0
    for system in ("food", "province"):
        site.run_dry(system)
    after = site.run(read_meter(site.gate, PERSON, minutes_per_entry=None)).sample
    sent = sum(len(request.payload) for system in ("food", "province") for request in site.systems[system].sends)
    assert after.typed == before.typed and 0 < after.delivered <= sent


def test_what_a_person_confirmed_is_rolled_up_as_such(site: Worksite) -> None:
    accepted = site.post(an_application())
    site.systems["food"].script.append(answer(Outcome.REFUSED))
    site.run_dry("food")
    parked = site.only(accepted.case_id, "food", "application")
    assert parked.phase is Phase.PARKED
    site.run(confirm(site.gate, PERSON, parked.delivery_id, held=True, remote_ref="FD1", reason="typed by hand"))
    counted = site.run(site.gate.writer.read(lambda tx: tx.counters()))
    assert counted["food", Phase.DELIVERED, "confirmed_by_hand"] == 1
