"""Metrics of reconciliation: how runs ended, how old the last complete one is, what it counted, what is open."""

from __future__ import annotations

from tests.integration.web.served import Served
from tests.integration.web.test_alerts import rouse
from tests.integration.web.test_reports import ran

__all__ = ["ran"]


def test_metrics_say_how_reconciliation_stands(ran: Served) -> None:
    rouse(ran)
    lines = ran.call("GET", "/metrics", key=ran.key("viewer")).text.splitlines()
    for line in (
        'syncgate_reconciliation_runs{outcome="complete",system="food"} 1.0',
        'syncgate_reconciliation_age_seconds{system="food"} 3540.0',
        'syncgate_reconciliation_records{system="food",what="expected"} 9.0',
        'syncgate_reconciliation_records{system="food",what="verified"} 7.0',
        'syncgate_discrepancies_open{kind="edited_there",system="food"} 2.0',
        'syncgate_discrepancies_open{kind="unexpected",system="food"} 1.0',
        'syncgate_alerts_open{kind="implausible_run",system="food"} 1.0',
    ):
        assert line in lines
    assert not any("SP-" in line for line in lines)
