"""Activating the site's folder over a socket."""

from __future__ import annotations

from typing import Any

from syncgate.documents import Place, Problem, ProblemSet
from syncgate.flows.operating.deploy import Deployed
from syncgate.ports import Difference
from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.web.served import serving
from tests.support.rows import SetClock


def test_a_deployment_says_what_changed(sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> None:
    async def deploy(by: str) -> Deployed:
        assert by == "tester"
        return Deployed(
            changed={"food": (None, "sha256:ab")},
            refused={"front": (Difference("records", "expected a table, got none"),)},
            unseen={"province": "connection failed"},
        )

    with serving(sqlite_store, keyring, clock, deploy=deploy) as served:
        answer = served.call("POST", "/v1/deployments", key=served.key("integrator"))
        assert answer.json() == {
            "changed": [{"system": "food", "before": None, "after": "sha256:ab"}],
            "refused": [{"system": "front", "differences": [{"at": "records", "words": "没有该表"}]}],
            "unseen": [{"system": "province", "failure": "连接失败"}],
        }
        assert served.call("POST", "/v1/deployments", key=served.key("operator")).status_code == 403
        assert served.call("POST", "/v1/deployments").status_code == 401


def test_a_bad_folder_is_refused_with_every_place(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    async def deploy(_by: str) -> Any:
        places = (Place("adapters/food/adapter.yaml", 3, 5), Place("config.yaml", 1, 1))
        raise ProblemSet([Problem(place, "expected a name, got none", "missing") for place in places])

    with serving(sqlite_store, keyring, clock, deploy=deploy) as served:
        answer = served.call("POST", "/v1/deployments", key=served.key("integrator"))
    assert (answer.status_code, answer.json()["code"]) == (422, "site_refused")
    assert [error["pointer"] for error in answer.json()["errors"]] == [
        "adapters/food/adapter.yaml:3:5",
        "config.yaml:1:1",
    ]
