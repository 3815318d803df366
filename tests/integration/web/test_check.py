"""The check over a socket; what it tells is proved beside the flows."""

from __future__ import annotations

import json
from typing import Any
from uuid import UUID

import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import FieldError
from syncgate.flows.accepting.check import CheckedCase, Expected
from syncgate.flows.delivering.work import PayloadFault
from syncgate.storage import SiteKeyring, SqlStore
from syncgate.web.flows import Flows
from tests.integration.web.served import LOCAL_TOKEN, Served, serving
from tests.support.rows import SetClock
from tests.unit.web.sample import MOBILE, NAME, application

CHECK = "/v1/cases:check"


def test_it_tells_what_a_post_would_do_and_stores_nothing(served: Served) -> None:
    key = served.key()
    new = served.call("POST", CHECK, key=key, json=application())
    assert (new.status_code, new.json()) == (
        200,
        {
            "case_id": None,
            "case_no": "SP-990101-0001",
            "revision": 1,
            "unchanged": False,
            "joins": False,
            "deliveries": [],
            "warnings": [],
        },
    )
    assert served.call("GET", "/v1/cases", key=key).json()["cases"] == []
    posted = served.call("POST", "/v1/cases", key=key, json=application()).json()
    same = served.call("POST", CHECK, key=key, json=application()).json()
    assert (same["case_id"], same["revision"], same["unchanged"]) == (posted["case_id"], 1, True)
    other = served.call("POST", CHECK, key=key, json=application(channel="app")).json()
    assert (other["revision"], other["unchanged"]) == (2, False)


@pytest.mark.parametrize(
    "body", [{}, [], application(channel="fax"), application(case_no="a b"), application(references={"nowhere": "1"})]
)
def test_what_a_post_refuses_a_check_refuses_alike_but_leaves_no_trace(served: Served, body: Any) -> None:
    key = served.key()
    checked = served.call("POST", CHECK, key=key, json=body)
    assert served.read(lambda tx: tx.list_refusals(limit=10)) == []
    posted = served.call("POST", "/v1/cases", key=key, json=body)
    assert (checked.status_code, checked.json()) == (posted.status_code, posted.json())


def test_a_stale_if_match_is_told_and_an_idempotency_key_is_refused(served: Served) -> None:
    key = served.key()
    served.call("POST", "/v1/cases", key=key, json=application())
    stale = served.call("POST", CHECK, key=key, json=application(channel="app"), headers={"If-Match": '"9"'})
    assert (stale.status_code, stale.json()["code"]) == (412, "stale_revision")
    keyed = served.call("POST", CHECK, key=key, json=application(), headers={"Idempotency-Key": "k"})
    assert (keyed.status_code, keyed.json()["code"]) == (422, "invalid_request")


def test_who_may_not_post_may_not_check(served: Served) -> None:
    assert served.call("POST", CHECK, json=application()).status_code == 401
    assert served.call("POST", CHECK, key=served.key("viewer"), json=application()).status_code == 403
    assert served.call("POST", CHECK, key=served.key(), content=b"x").status_code == 415


def test_faults_are_told_by_the_cases_own_titles_and_hold_no_value(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    fault = PayloadFault(field="applicantName", rule="unencodable", path="case.contact.name")
    parked = Expected(
        system="food",
        message="application",
        part="",
        phase=Phase.PARKED,
        is_changed=True,
        reason="unencodable",
        actor="source",
        faults=(fault,),
    )

    async def checking(*_: Any) -> CheckedCase:
        return CheckedCase(
            case_id=UUID(int=7),
            case_no="X",
            revision=2,
            is_unchanged=False,
            is_joining=True,
            deliveries=(parked,),
            warnings=(FieldError("/applicant/id_no", "resident_id_check_digit"),),
        )

    with serving(sqlite_store, keyring, clock, flows=Flows(check_case=checking)) as served:
        headers = {"X-Source": "window", "Accept-Language": "zh"}
        told = served.call("POST", CHECK, key=LOCAL_TOKEN, json=application(), headers=headers).json()
    assert (told["case_id"], told["joins"]) == (str(UUID(int=7)), True)
    (slot,) = told["deliveries"]
    assert (slot["phase"], slot["reason"], slot["actor"], slot["changes"]) == ("parked", "unencodable", "source", True)
    (said,) = slot["faults"]
    assert (said["pointer"], said["title"], said["rule"]) == ("/contact/name", "联系人姓名", "unencodable")
    assert NAME not in json.dumps(told, ensure_ascii=False) and MOBILE not in json.dumps(told)
