"""What sources brought and nobody takes in is told, and is on its source's worklist, until somebody has decided."""

from __future__ import annotations

from datetime import timedelta

from syncgate.domain.alerts import AlertKind
from syncgate.flows.alerting.arrivals import look_for_held
from syncgate.flows.gate import Waiting
from syncgate.flows.showing.worklist import HeldWork, read_worklist
from syncgate.flows.taking_in import held
from tests.integration.flows.test_waiting_stages import ADMIN, CORRECTION, FIRST, joined_case, says
from tests.integration.flows.worksite import Worksite, caller

DAY = timedelta(days=1)


def open_alerts(site: Worksite, source: str = "food") -> dict[AlertKind, int]:
    """What is open for a source after a look, with how many are left."""
    site.run(look_for_held(site.gate, case_within=DAY))
    return {alert.kind: alert.detail["left"] for alert in site.store.read(lambda tx: tx.open_alerts(source))}


def worklist(site: Worksite, source: str = "food") -> tuple[HeldWork, ...]:
    return site.run(read_worklist(site.gate, caller(source).principal, source)).held


def test_a_case_that_does_not_come_is_told_after_the_set_time_and_is_over_once_it_comes(site: Worksite) -> None:
    says(site, FIRST)
    assert open_alerts(site) == {}
    site.clock.move(hours=24)
    says(site, CORRECTION)
    assert open_alerts(site) == {AlertKind.CASE_NOT_COME: 1}
    assert open_alerts(site, "window") == {}
    site.post(joined_case())
    assert open_alerts(site) == {}


def test_what_waits_for_a_person_is_told_at_once_and_is_over_once_it_is_dropped(site: Worksite) -> None:
    kept = says(site, CORRECTION)
    assert isinstance(kept, Waiting)
    site.post(joined_case())
    assert open_alerts(site) == {AlertKind.HELD_ARRIVALS: 1}
    site.run(held.drop(site.gate, ADMIN, kept.arrival_id, reason="录错"))
    assert open_alerts(site) == {}


def test_it_is_on_its_sources_worklist_and_on_no_others(site: Worksite) -> None:
    says(site, CORRECTION)
    (waiting,) = worklist(site)
    assert (waiting.code, waiting.number, waiting.faults) == ("awaits_case", "SP9", ())
    site.post(joined_case())
    (left,) = worklist(site)
    assert [(fault.field, fault.rule) for fault in left.faults] == [("stages/0/corrects", "corrects_known_stage")]
    assert worklist(site, "window") == ()
