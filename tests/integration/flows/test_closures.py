"""A system that is closed is not spoken to at all; what waits for it says so, and goes out when it opens."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID
from zoneinfo import ZoneInfo

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.head import Task
from syncgate.domain.outcome import Outcome
from syncgate.domain.rows import BreakerState, Principal
from syncgate.flows.delivering.claim import is_stopped
from syncgate.flows.delivering.work import Work
from syncgate.flows.gate import CaseRef
from syncgate.flows.showing.reading import list_deliveries, read_passport
from syncgate.flows.showing.systems import read_system
from syncgate.ports import DeliveryFilter
from syncgate.web.standing import passport
from tests.integration.flows.altered import UNKNOWN, rewritten
from tests.integration.flows.worksite import Worksite, activate, answer
from tests.support.cases import a_stage, an_application
from tests.support.rows import START

PERSON = Principal(
    principal_id=UUID(int=7), name="值守", role="operator", key_hash=b"k" * 16, key_hint="", created_at=START
)
NIGHT = 'windows: [{from: "17:30", until: "08:00"}]\n'
WEEKLY = 'maintenance: [{on: [thu], from: "08:00", until: "12:00", reason: weekly backup}]\n'
ADAPTER = "adapters/food/adapter.yaml"


def at(text: str) -> datetime:
    return datetime.fromisoformat(f"2026-{text}").replace(tzinfo=ZoneInfo("Asia/Shanghai"))


def closing(site: Worksite, more: str) -> None:
    """Food under an adapter that says more; it is Thursday, two minutes past nine."""
    site.run(activate(site.gate, [rewritten(site, "food", ADAPTER, "system: food\n", f"system: food\n{more}")]))


def sent(site: Worksite, system: str = "food") -> int:
    return len(site.systems[system].sends)


@pytest.mark.parametrize(
    ("more", "opens_at"), [(NIGHT, at("04-30T17:30")), (WEEKLY, at("04-30T12:00"))], ids=["hours", "maintenance"]
)
def test_a_closed_system_is_sent_nothing_until_it_opens_and_the_others_go_on(
    site: Worksite, more: str, opens_at: datetime
) -> None:
    """Promises 6 and 9."""
    closing(site, more)
    case = site.post(an_application())
    claimed = site.claim("food")
    assert (claimed.works, claimed.next_due_at, claimed.is_stopped) == ((), opens_at, True)
    site.run_dry("province")
    assert (sent(site), sent(site, "province") > 0) == (0, True)
    site.clock.at = opens_at - timedelta(seconds=1)
    assert site.step("food") == 0
    site.clock.at = opens_at
    assert site.step("food") == 1
    assert site.only(case.case_id, "food", "application").phase is Phase.DELIVERED


def test_nothing_goes_out_by_a_grant_either(site: Worksite, handed: list[Work]) -> None:
    """Promise 9: a grant from before the closing does not outlive it."""
    closing(site, NIGHT)
    site.clock.at = at("05-01T08:00:00")
    site.gate.hand_over.refill("food", 4, at("05-01T08:00:01"))
    site.post(an_application())
    assert handed == []


def test_a_lane_is_let_go_where_its_system_closed_after_the_first_send(site: Worksite) -> None:
    closing(site, NIGHT)
    site.clock.at = at("05-01T07:59:59")
    site.post(an_application(stages=[a_stage("s1", "accepted")]))
    work = site.claim_one("food")
    verdict = site.serve(work)
    site.clock.at = at("05-01T08:00:00")
    assert site.settle(work, verdict).next_work is None
    assert site.step("food") == 0
    site.clock.at = at("05-01T17:30:00")
    assert site.step("food") == 1


def test_what_was_claimed_a_moment_before_is_seen_to_be_stopped(site: Worksite) -> None:
    closing(site, NIGHT)
    site.clock.at = at("05-01T07:59:59")
    site.post(an_application())
    work = site.claim_one("food")
    assert not site.store.read(lambda tx: is_stopped(site.gate, tx, work))
    site.clock.at = at("05-01T08:00:01")
    assert site.store.read(lambda tx: is_stopped(site.gate, tx, work))


def test_a_lost_answer_is_looked_up_when_the_system_opens_again(site: Worksite) -> None:
    """Promise 4: neither resent nor asked about meanwhile."""
    closing(site, NIGHT)
    site.clock.at = at("05-01T07:59:59")
    site.systems["food"].script.append(UNKNOWN)
    site.systems["food"].takes_silently = True
    case = site.post(an_application())
    site.step("food")
    site.clock.at = at("05-01T12:00:00")
    assert site.claim("food").works == ()
    site.clock.at = at("05-01T17:30:00")
    assert site.claim_one("food").task is Task.CONFIRM
    assert (sent(site), site.only(case.case_id, "food", "application").phase) == (1, Phase.UNCONFIRMED)


@pytest.mark.parametrize("outcome", [Outcome.UNAVAILABLE, Outcome.DENIED])
def test_what_fails_because_the_system_closed_meanwhile_opens_no_breaker_and_uses_up_nothing(
    site: Worksite, outcome: Outcome
) -> None:
    closing(site, NIGHT)
    site.clock.at = at("05-01T07:59:59")
    for _ in range(8):
        site.systems["food"].script.append(answer(outcome))
    cases = [site.post(an_application(f"QX{no}")) for no in range(8)]
    works = site.claim("food").works
    verdicts = [site.serve(work) for work in works]
    site.clock.at = at("05-01T08:00:02")
    for work, verdict in zip(works, verdicts, strict=True):
        site.settle(work, verdict)
    assert (site.row("food").breaker, site.row("food").failures_count) == (BreakerState.CLOSED, 0)
    waiting = [site.only(case.case_id, "food", "application") for case in cases]
    assert {(one.phase, one.tries_count, one.first_failed_at) for one in waiting} == {(Phase.PENDING, 0, None)}
    site.clock.at = at("05-01T17:30:00")
    assert site.step("food") == 8


def test_the_passport_the_list_and_the_system_say_what_is_waited_for(site: Worksite) -> None:
    closing(site, WEEKLY)
    case = site.post(an_application())
    view = site.run(read_passport(site.gate, PERSON, CaseRef(case_id=case.case_id)))
    (told,) = [one.sentence for one in passport(view, "en").systems if one.system == "food"]
    assert told.endswith("application is pending because of in_maintenance, until 2026-04-30 12:00+08:00")
    found = site.run(list_deliveries(site.gate, PERSON, DeliveryFilter(reasons=("in_maintenance",))))
    assert [(one.system, one.detail, one.due_at) for one in found.deliveries] == [
        ("food", "weekly backup", at("04-30T12:00"))
    ]
    system = site.run(read_system(site.gate, PERSON, "food"))
    assert system.closure is not None
    assert (system.closure.why, system.closure.until, system.closure.reason) == (
        "in_maintenance",
        at("04-30T12:00"),
        "weekly backup",
    )
    site.clock.at = at("04-30T12:00")
    assert site.run(read_system(site.gate, PERSON, "food")).closure is None


def test_the_forecast_counts_from_the_hour_at_which_the_system_opens(site: Worksite) -> None:
    closing(site, 'cutoff: "17:30"\n' + NIGHT)
    before = site.run(read_system(site.gate, PERSON, "food")).forecast
    assert before is not None and (before.waiting_count, before.drained_at) == (0, site.clock.at)
    site.post(an_application())
    found = site.run(read_system(site.gate, PERSON, "food")).forecast
    assert found is not None and found.cutoff_at == at("04-30T17:30")
    assert (found.drained_at, found.is_before_cutoff, found.waiting_count) == (at("04-30T17:30"), True, 1)
