"""An explanation over a socket; what it tells is proved beside the flow."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.flows.worksite import example_site
from tests.integration.web.served import Served, serving
from tests.integration.web.test_reading import posted
from tests.support.rows import SetClock
from tests.unit.web.sample import MOBILE, NAME, resident

ASKED = {"system": "province", "message": "basic_info"}
ZH, EN = {"Accept-Language": "zh-CN"}, {"Accept-Language": "en"}


@pytest.fixture
def running(sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock) -> Iterator[Served]:
    """A served gate that has the example site's bundles."""
    with serving(sqlite_store, keyring, clock) as served:
        for bundle in example_site().bundles.values():
            served.gate.bundles[bundle.digest] = bundle
            served.gate.active[bundle.system] = bundle.digest
        yield served


def asked(served: Served, case: Any, key: str, headers: dict[str, str] = EN, **changes: Any) -> Any:
    return served.call("GET", f"/v1/cases/{case}/explanation", key=key, headers=headers, params=ASKED | changes)


def test_every_field_is_explained_and_no_personal_value_shown_to_any_role(running: Served) -> None:
    """Promise 10: not to the source that posted the case either."""
    case_id = posted(running)
    digest = running.gate.active["province"]
    for role in ("source", "viewer", "operator", "integrator", "admin", "auditor"):
        answer = asked(running, case_id, running.key(role, name=role))
        told = answer.json()
        assert answer.status_code == 200
        assert (told["delivery_id"] is None, told["phase"], told["bundle"]) == (False, "pending", digest)
        by_field = {field["field"]: field for field in told["explanation"]["fields"]}
        assert by_field["projid"]["from"]["value"] == "SP-990101-0001"
        assert by_field["applicant"]["from"]["value"] == "测**"
        for personal in (NAME, MOBILE, resident()):
            assert personal not in answer.text


def test_a_case_is_named_by_a_number_too(running: Served) -> None:
    case_id = posted(running)
    told = asked(running, "window:SP-990101-0001", running.key("viewer")).json()
    assert (told["case"]["case_id"], told["planned"], told["revision"]) == (str(case_id), True, 1)


def test_a_fault_is_explained_in_the_callers_language(running: Served) -> None:
    case_id = posted(running, accept_org={"name": "示例处", "uscc": "91990101MA0000001G"})
    for headers, detail, advice in (
        (ZH, "对照表 organisations 没有该 uscc 的行", "请在对照表中补充当时有效的行，或更正该键"),
        (EN, "the table organisations has no row for this uscc", "add a row to the site table"),
    ):
        answer = asked(running, case_id, running.key("viewer"), headers)
        told = answer.json()["explanation"]
        (field,) = [one for one in told["fields"] if one["field"] == "acceptdeptcode1"]
        assert (told["result"], field["fault"]["rule"], field["fault"]["detail"]) == ("faults", "no_row", detail)
        assert field["fault"]["advice"].startswith(advice)
        assert answer.headers["Vary"] == "Accept-Language"


def test_who_may_not_read_the_case_may_not_have_it_explained(running: Served) -> None:
    case_id = posted(running)
    assert asked(running, case_id, "sgk_nobody").status_code == 401
    assert asked(running, case_id, running.key("security")).status_code == 403
    narrow: tuple[Any, ...] = ({"systems": ("food",)}, {"sources": ("hall",)}, {"regions": ("98",)})
    for scopes in narrow:
        assert asked(running, case_id, running.key("viewer", **scopes)).status_code == 404
    assert asked(running, case_id, running.key(sources=("hall",))).status_code == 404


@pytest.mark.parametrize(
    ("changes", "status", "words"),
    [
        ({"system": "provnice"}, 404, "the nearest known is 'province'"),
        ({"message": "basic"}, 404, "the nearest known is 'basic_info'"),
        ({"part": "s1"}, 404, "expected no part"),
        ({"bundle": "older"}, 422, "/query/bundle"),
        ({"sytem": "food"}, 422, "/query/sytem"),
    ],
)
def test_what_cannot_be_meant_is_refused(running: Served, changes: dict[str, Any], status: int, words: str) -> None:
    answer = asked(running, posted(running), running.key("viewer"), **changes)
    assert answer.status_code == status and words in answer.text


def test_an_erased_case_has_nothing_to_explain(running: Served) -> None:
    case_id = posted(running)

    def erase(tx: Any) -> None:
        tx.save_case(replace(tx.case(case_id), wrapped_key=b""))

    running.write(erase)
    answer = asked(running, case_id, running.key("viewer"))
    assert (answer.status_code, answer.json()["detail"]) == (
        404,
        "expected a case whose content is kept, got one that is erased",
    )
