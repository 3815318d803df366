"""Alerts over the interface: listed, taken on by who may."""

from __future__ import annotations

from uuid import UUID

from syncgate.domain.alerts import AlertKind
from syncgate.domain.rows import SystemRow
from syncgate.flows.alerting.raising import end_alerts, raise_alert
from syncgate.ports import Tx
from tests.integration.web.served import Served


def rouse(served: Served) -> UUID:
    def step(tx: Tx) -> UUID:
        tx.save_system(SystemRow(system="food"))
        return raise_alert(served.gate, tx, AlertKind.IMPLAUSIBLE_RUN, "food", detail={"run": "food.1"}).alert_id

    return served.write(step)


def test_an_alert_is_listed_and_taken_on(served: Served) -> None:
    alert_id = rouse(served)
    operator = served.key("operator")
    (listed,) = served.call("GET", "/v1/alerts", key=operator).json()
    assert (listed["alert_id"], listed["state"], listed["kind"]) == (str(alert_id), "open", "implausible_run")
    path = f"/v1/alerts/{alert_id}/acknowledge"
    taken = served.call("POST", path, key=operator, json={"reason": "I call them"}).json()
    assert (taken["state"], taken["acknowledged_by"], taken["due_at"]) == ("acknowledged", "tester", None)
    again = served.call("POST", path, key=served.key("admin", name="other"), json={"reason": "me too"}).json()
    assert again["acknowledged_by"] == "tester"
    served.write(lambda tx: end_alerts(tx, "food", [AlertKind.IMPLAUSIBLE_RUN]))
    assert served.call("GET", "/v1/alerts", key=operator).json() == []
    assert served.call("GET", "/v1/alerts", key=operator, params={"open": "false"}).json()[0]["state"] == "ended"
    assert served.call("POST", path, key=operator, json={"reason": "late"}).json()["state"] == "ended"


def test_who_only_reads_takes_nothing_on(served: Served) -> None:
    path = f"/v1/alerts/{rouse(served)}/acknowledge"
    for role, status in (("viewer", 403), ("source", 403), ("auditor", 403), ("integrator", 200)):
        answer = served.call("POST", path, key=served.key(role, name=role), json={"reason": "x"})
        assert answer.status_code == status, role
    assert served.call("GET", "/v1/alerts", key=served.key("source", name="s")).status_code == 403


def test_an_unknown_alert_and_one_without_a_reason_are_refused(served: Served) -> None:
    key, alert_id = served.key("operator"), rouse(served)
    assert served.call("POST", f"/v1/alerts/{alert_id}/acknowledge", key=key, json={}).status_code == 422
    assert (
        served.call("POST", f"/v1/alerts/{UUID(int=1)}/acknowledge", key=key, json={"reason": "x"}).status_code == 404
    )
