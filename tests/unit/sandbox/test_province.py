from __future__ import annotations

import pytest

from syncgate.sandbox.systems import tif
from syncgate.sandbox.systems.province_records import REQUIRED

OPERATIONS = tuple(REQUIRED)
LATER = OPERATIONS[1:]
INCOMPLETE = {"code": 400001, "msg": "鉴权参数不完整，请求不合法。"}
WRONG = {"code": 400001, "msg": "鉴权失败，鉴权信息有误。"}
FAILED = {"code": "0", "text": "办件数据接收失败！"}
TAKEN = {"code": "200", "text": "办件数据接收成功！"}


def test_the_signature_matches_the_published_vector():
    expected = "FB385EE1DDCE6308CE318F7712A993A8239E9A479EB365FD0F1BE622DE86DFCB"
    assert tif.signature("1700000000", "TESTTOKEN", "123456789abcdefg") == expected


def test_the_digits_of_a_signature_may_be_lower_case(talk, province_records, signature):
    headers = signature()
    headers["x_tif_signature"] = headers["x_tif_signature"].lower()
    assert talk("province").report("receiveBasicInfo", province_records["receiveBasicInfo"], **headers).body == TAKEN


@pytest.mark.parametrize("name", ["x_tif_paasid", "x_tif_timestamp", "x_tif_nonce", "x_tif_signature"])
def test_a_missing_signature_header_is_an_incomplete_call_behind_500(talk, province_records, name):
    province = talk("province")
    answer = province.report("receiveBasicInfo", province_records["receiveBasicInfo"], **{name: ""})
    assert (answer.status, answer.body) == (500, INCOMPLETE)
    assert province.rows()[0]["effect"] == "denied"
    assert province.effects() == []


@pytest.mark.parametrize("offset", [-181, 181])
def test_a_time_outside_the_window_is_denied_behind_500(talk, province_records, signature, offset):
    headers = signature(1_700_000_000 + offset)
    answer = talk("province").report("receiveBasicInfo", province_records["receiveBasicInfo"], **headers)
    assert (answer.status, answer.body) == (500, WRONG)


@pytest.mark.parametrize("offset", [-180, 180])
def test_a_time_at_the_edge_of_the_window_passes(talk, province_records, signature, offset):
    headers = signature(1_700_000_000 + offset)
    assert talk("province").report("receiveBasicInfo", province_records["receiveBasicInfo"], **headers).body == TAKEN


@pytest.mark.parametrize("stamp", ["soon", "1700000000.0", "1700000000000"])
def test_a_timestamp_that_is_no_second_is_denied(talk, province_records, stamp):
    answer = talk("province").report("receiveBasicInfo", province_records["receiveBasicInfo"], x_tif_timestamp=stamp)
    assert (answer.status, answer.body) == (500, WRONG)


def test_a_signature_with_another_token_is_denied(talk, province_records, signature):
    headers = signature(tif_token="other")
    answer = talk("province").report("receiveBasicInfo", province_records["receiveBasicInfo"], **headers)
    assert (answer.status, answer.body) == (500, WRONG)


def test_a_wrong_library_token_is_denied_inside_a_200(talk, province_records):
    province = talk("province")
    answer = province.report("receiveBasicInfo", province_records["receiveBasicInfo"], token="other")
    assert (answer.status, answer.body) == (200, {"code": "0", "text": "token验证失败！"})
    assert province.rows()[0]["effect"] == "denied"


def test_each_operation_takes_a_whole_record_once(talk, province_records):
    province = talk("province")
    assert [province.report(name, record).body for name, record in province_records.items()] == [TAKEN] * 5
    kept = [(e["operation"], e["key"], e["part"], e["kind"]) for e in province.effects()]
    parts = ["", "1", "1", "file-1", ""]
    assert kept == [(name, "case-1", part, "created") for name, part in zip(OPERATIONS, parts, strict=True)]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_second_delivery_is_answered_as_a_failure_and_has_no_effect(talk, province_records, operation):
    province = talk("province")
    for name, record in province_records.items():
        province.report(name, record)
    answer = province.report(operation, {**province_records[operation], "memo": "changed"})
    assert answer.body == {"code": "0", "text": "rowguid（orgbusno）为case-1的数据已存在！"}
    assert province.rows()[-1]["effect"] == "duplicate"
    assert len(province.effects()) == 5


def test_steps_and_special_procedures_count_their_own_numbers(talk, province_records):
    province = talk("province")
    for name, record in province_records.items():
        province.report(name, record)
    assert province.report("receiveProc", {**province_records["receiveProc"], "sn": 2}).body == TAKEN
    assert province.report("receiveSpecialnode", {**province_records["receiveSpecialnode"], "sn": "2"}).body == TAKEN
    assert "已存在" in province.report("receiveProc", {**province_records["receiveProc"], "sn": "2"}).body["text"]


@pytest.mark.parametrize("operation", LATER)
def test_nothing_is_taken_before_its_basic_record(talk, province_records, operation):
    province = talk("province")
    answer = province.report(operation, province_records[operation])
    assert answer.body == {"code": "0", "text": "orgbusno为case-1的办件不存在！"}
    assert province.effects() == []


@pytest.mark.parametrize(("operation", "name"), [(o, n) for o in OPERATIONS for n in REQUIRED[o]])
@pytest.mark.parametrize("blank", [None, "", "  "])
def test_a_required_field_that_says_nothing_is_named(talk, province_records, operation, name, blank):
    answer = talk("province").report(operation, {**province_records[operation], name: blank})
    assert answer.body == {"code": "0", "text": f"{name}字段为空！"}


def test_the_first_missing_field_is_named_in_the_published_order(talk, province_records):
    record = {k: v for k, v in province_records["receiveBasicInfo"].items() if k not in ("taskcode", "projid")}
    assert talk("province").report("receiveBasicInfo", record).body["text"] == "projid字段为空！"


def test_zero_is_a_value(talk, province_records):
    record = {**province_records["receiveBasicInfo"], "promisetimelimit": 0}
    assert talk("province").report("receiveBasicInfo", record).body == TAKEN


def test_an_item_outside_the_catalogue_does_not_exist(talk, province_records):
    record = {**province_records["receiveBasicInfo"], "taskcode": "X1"}
    answer = talk("province").report("receiveBasicInfo", record)
    assert answer.body == {"code": "0", "text": "【示例事项】事项不存在！"}


def test_the_catalogue_can_be_given_more(talk, province_records):
    record = {**province_records["receiveBasicInfo"], "taskcode": "X1"}
    assert talk("province", catalogue=("X1",)).report("receiveBasicInfo", record).body == TAKEN


@pytest.mark.parametrize(
    ("operation", "name", "value"),
    [
        ("receiveBasicInfo", "regionid", "990101"),
        ("receiveBasicInfo", "itemregionid", "99010100000x"),
        ("receiveBasicInfo", "occurtime", "2026-3-9 9:30:00"),
        ("receiveBasicInfo", "occurtime", "2026-02-30 09:30:00"),
        ("receiveBasicInfo", "occurtime", "2026-03-09T09:30:00"),
        ("receiveBasicInfo", "promisetimelimit", "five"),
        ("receiveBasicInfo", "applyertype", "7"),
        ("receiveProc", "sn", 0),
        ("receiveProc", "sn", 1.5),
        ("receiveProc", "sn", True),
        ("receiveProc", "nodetype", "5"),
        ("receiveProc", "noderesult", "1"),
        ("receiveProc", "promisedate", "2026-03-09"),
        ("receiveSpecialnode", "specialnodetype", "2"),
        ("receiveApplyFile", "gettype", "5"),
        ("receiveDone", "doneresult", 8),
        ("receiveDone", "resulttype", "11"),
    ],
)
def test_a_value_that_cannot_be_stored_is_a_bare_failure(talk, province_records, operation, name, value):
    """The library says no more; the header names the field for whoever reads along, never its value."""
    province = talk("province")
    answer = province.report(operation, {**province_records[operation], name: value})
    assert (answer.status, answer.body) == (200, FAILED)
    assert answer.headers["x-sandbox-reason"] == name
    assert province.rows()[0]["effect"] == "refused"


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"data": {}}', b'{"data": "[]"}', b'{"data": "{"}', b"\xff", b"[" * 5000]
)
def test_a_body_that_is_no_record_is_a_bare_failure(talk, signature, body):
    answer = talk("province").ask("POST", "/gateway/province/receiveProc", body, **signature())
    assert (answer.status, answer.body) == (200, FAILED)


def test_a_record_is_kept_as_the_text_that_arrived(talk, province_records):
    province = talk("province")
    province.report("receiveBasicInfo", province_records["receiveBasicInfo"])
    record = province.effects()[0]["record"]
    assert "李䶮" in record
    assert record in province.rows()[0]["body"].replace('\\"', '"')


def test_a_lone_surrogate_in_a_key_does_not_stop_the_system(talk, province_records, signature):
    body = b'{"data": "{\\"orgbusno\\": \\"\\ud800\\\\udfff\\"}"}'
    province = talk("province")
    assert province.ask("POST", "/gateway/province/receiveProc", body, **signature()).status == 200
    assert province.report("receiveBasicInfo", province_records["receiveBasicInfo"]).body == TAKEN


@pytest.mark.parametrize(
    ("method", "path"),
    [("GET", "/gateway/province/receiveProc"), ("POST", "/gateway/province/other"), ("POST", "/elsewhere")],
)
def test_an_unknown_address_is_not_found_and_kept(talk, signature, method, path):
    province = talk("province")
    assert province.ask(method, path, {}, **signature()).status == 404
    assert province.rows()[0]["operation"] == "unknown"
    assert province.rows()[0]["effect"] == "none"


def test_a_restart_keeps_what_was_taken(talk, province_records):
    province = talk("province")
    for name, record in province_records.items():
        province.report(name, record)
    again = province.restarted()
    for name, record in province_records.items():
        assert "已存在" in again.report(name, record).body["text"]
    again.ledger.close()
