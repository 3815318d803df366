"""What people read over a socket is in the language that they ask for; what programs read is not."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.documents import Place, Problem, ProblemSet
from syncgate.domain.delivery import Phase
from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.web.served import Served, serving
from tests.integration.web.test_reading import placed, posted
from tests.support.rows import START, SetClock
from tests.unit.web.sample import application

ZH, EN = {"Accept-Language": "zh-CN"}, {"Accept-Language": "en-GB, zh;q=0.5"}


def _asked(served: Served, path: str, headers: dict[str, str]) -> Any:
    return served.call("GET", path, key=served.key("viewer"), headers=headers)


def test_a_passport_says_where_the_case_stands(served: Served) -> None:
    case_id = posted(served)
    placed(served, case_id, phase=Phase.DELIVERED, delivered_at=START)
    placed(served, case_id, phase=Phase.PARKED, reason="field_refused", actor="source", revision=2)
    zh, en = (_asked(served, f"/v1/cases/{case_id}/passport", one).json()["systems"] for one in (ZH, EN))
    assert {one["system"]: one["sentence"] for one in zh} == {
        "window": "由其提交，持有自己的数据",
        "food": "已持有 1 份，应持有 1 份；application 待人工处理：对方不接受字段内容，由来源系统处理",
    }
    assert {one["system"]: one["sentence"] for one in en} == {
        "window": "posted it, and holds its own record",
        "food": "holds 1 of 1 records; application is parked because of field_refused, source must act",
    }
    assert [{**one, "sentence": ""} for one in zh] == [{**one, "sentence": ""} for one in en]


def test_a_delivery_says_why_it_waits(served: Served) -> None:
    case_id = posted(served)
    told = {"reason": "not_a_time", "detail": "area: expected a date, got an impossible one", "actor": "mapping"}
    delivery = placed(served, case_id, phase=Phase.PARKED, **told)
    for headers, sentence, detail in (
        (ZH, "application 待人工处理：不是有效的时间，由字段映射维护人员处理", "area：日期不存在"),
        (EN, "application is parked because of not_a_time, mapping must act", told["detail"]),
    ):
        one = _asked(served, f"/v1/deliveries/{delivery.delivery_id}", headers).json()["delivery"]
        (listed,) = _asked(served, "/v1/deliveries", headers).json()["deliveries"]
        assert one == listed
        assert (one["sentence"], one["detail"], one["reason"], one["phase"]) == (
            sentence,
            detail,
            "not_a_time",
            "parked",
        )


@pytest.mark.parametrize(
    ("headers", "language"), [(ZH, "zh"), (EN, "en"), ({}, "zh"), ({"Accept-Language": "fr"}, "zh")]
)
def test_what_varies_with_the_language_says_so(served: Served, headers: dict[str, str], language: str) -> None:
    """RFC 9110 §12.5.5: otherwise a cache gives one caller's words to another."""
    case_id = posted(served)
    for answer in (
        _asked(served, f"/v1/cases/{case_id}/passport", headers),
        _asked(served, "/v1/deliveries", headers),
        _asked(served, "/v1/cases/nobody", headers),
        served.call("GET", "/v1/cases", headers=headers),
        served.call("POST", "/v1/cases", key=served.key(), json=application(), headers=headers),
    ):
        assert (answer.headers["Content-Language"], answer.headers["Vary"]) == (language, "Accept-Language")


def test_what_is_the_same_for_all_does_not_vary(served: Served) -> None:
    case_id = posted(served)
    for path in (f"/v1/cases/{case_id}", "/v1/systems", "/livez"):
        assert "Vary" not in _asked(served, path, ZH).headers


def test_a_problem_is_explained_in_the_callers_language(served: Served) -> None:
    for headers, title, detail in (
        (ZH, "未找到", "应为办件标识，或“系统:编号”"),
        (EN, "Not found", "expected a case_id or system:number, got another name"),
    ):
        problem = _asked(served, "/v1/cases/nobody", headers).json()
        assert (problem["title"], problem["detail"], problem["code"]) == (title, detail, "not_found")


def test_a_problem_names_its_facts_in_both_languages(served: Served) -> None:
    case_id = posted(served)
    for headers, detail in (
        (ZH, "If-Match 中的版本应为第 1 版，收到第 7 版"),
        (EN, "expected revision 1 in If-Match, got 7"),
    ):
        answer = served.call(
            "PUT", f"/v1/cases/{case_id}", key=served.key(), json=application(), headers={**headers, "If-Match": '"7"'}
        )
        assert (answer.status_code, answer.json()["detail"]) == (412, detail)


def test_a_field_is_explained_in_the_callers_language(served: Served) -> None:
    broken = application(kind=5, region_code=["990101"])
    for headers, words in ((ZH, "类型应为文本"), (EN, "must be of type string")):
        answer = served.call("POST", "/v1/cases", key=served.key(), json=broken, headers=headers)
        by_pointer = {error["pointer"]: error for error in answer.json()["errors"]}
        assert (by_pointer["/region_code"]["message"], by_pointer["/region_code"]["expected"]) == (words, "string")


def test_a_bad_folder_is_explained_in_the_callers_language(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock
) -> None:
    async def deploy(_by: str) -> Any:
        raise ProblemSet([Problem(Place("config.yaml", 1, 1), "expected the key 'site', got none", "missing_key")])

    with serving(sqlite_store, keyring, clock, deploy=deploy) as served:
        for headers, words in ((ZH, "缺少键 'site'"), (EN, "expected the key 'site', got none")):
            answer = served.call("POST", "/v1/deployments", key=served.key("integrator"), headers=headers)
            (error,) = answer.json()["errors"]
            assert (error["message"], error["pointer"]) == (words, "config.yaml:1:1")
