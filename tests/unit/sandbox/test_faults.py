"""What each mode does to a request, and what the ledger then says."""

from __future__ import annotations

import json

import pytest

from syncgate.sandbox.server import Cut, Hold, Send
from syncgate.sandbox.wire import Request

BASIC = "receiveBasicInfo"


def last(system):
    row = system.rows()[-1]
    return row["fault"], row["effect"], row["status"], row["is_answered"]


def deliver(system, record):
    return system.report(BASIC, record)


@pytest.fixture
def record(province_records):
    return province_records[BASIC]


def test_drop_before_resets_and_does_nothing(talk, record):
    province = talk("province")
    province.switch_on("drop_before")
    assert deliver(province, record).deed == Cut(is_reset=True)
    assert last(province) == ("drop_before", "none", None, 0)
    assert province.effects() == []


def test_commit_then_drop_does_it_and_withholds_the_answer(talk, record):
    province = talk("province")
    province.switch_on("commit_then_drop")
    assert deliver(province, record).deed == Cut()
    assert last(province) == ("commit_then_drop", "created", None, 0)
    assert len(province.effects()) == 1


def test_hang_does_it_and_says_nothing(talk, record):
    province = talk("province")
    province.switch_on("hang")
    assert deliver(province, record).deed == Hold()
    assert last(province) == ("hang", "created", None, 0)


def test_hang_can_be_told_not_to_act(talk, record):
    province = talk("province")
    province.switch_on("hang", acts=False)
    assert deliver(province, record).deed == Hold()
    assert last(province) == ("hang", "none", None, 0)
    assert province.effects() == []


def test_unavailable_does_nothing_and_says_so(talk, record):
    province = talk("province")
    province.switch_on("unavailable")
    assert deliver(province, record).status == 503
    assert last(province) == ("unavailable", "none", 503, 1)


def test_throttle_does_nothing_and_names_a_time(talk, record):
    province = talk("province")
    province.switch_on("throttle")
    answer = deliver(province, record)
    assert (answer.status, answer.headers["retry-after"]) == (429, "1")
    assert last(province) == ("throttle", "none", 429, 1)


def test_slow_does_it_and_answers_truly_later(talk, record):
    province = talk("province")
    province.switch_on("slow", delay=0.5)
    answer = deliver(province, record)
    assert isinstance(answer.deed, Send)
    assert answer.deed.after == 0.5
    assert answer.body["code"] == "200"
    assert last(province) == ("slow", "created", 200, 1)


def test_garbage_does_it_and_shows_each_of_its_kinds(talk, record):
    province = talk("province")
    province.switch_on("garbage")
    answers = [deliver(province, {**record, "orgbusno": f"c{n}"}) for n in range(30)]
    rows = province.rows()
    assert {(row["fault"], row["effect"], row["is_answered"]) for row in rows} == {("garbage", "created", 0)}
    pages = [a for a in answers if a.headers.get("content-type", "").startswith("text/html")]
    halves = [a for a in answers if a.status and len(a.body) < int(a.headers["content-length"])]
    noise = [a for a in answers if a.status is None]
    assert pages
    assert halves
    assert noise
    assert len(pages) + len(halves) + len(noise) == 30
    assert all(a.deed.is_last and a.deed.entry is None for a in answers)


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("province", 500, {"code": 400001, "msg": "鉴权失败，鉴权信息有误。"}),
        ("food", 401, {"error": "unauthorized"}),
        ("workorders", 401, {"error": "unauthorized"}),
    ],
)
def test_deny_speaks_as_the_system_does(talk, record, application, order, name, status, body):
    system = talk(name)
    system.switch_on("deny")
    answer = _write(system, record, application, order)
    assert (answer.status, answer.body) == (status, body)
    assert last(system) == ("deny", "denied", status, 1)
    assert system.effects() == []


@pytest.mark.parametrize(
    ("name", "status", "body"),
    [
        ("province", 200, {"code": "0", "text": "regionid字段为空！"}),
        ("food", 422, {"error": "invalid", "fields": ["premises"]}),
        ("workorders", 422, {"error": "invalid", "fields": ["address"]}),
    ],
)
def test_refuse_speaks_as_the_system_does_and_leaves_the_key_free(talk, record, application, order, name, status, body):
    system = talk(name)
    system.switch_on("refuse", count=1)
    answer = _write(system, record, application, order)
    assert (answer.status, answer.body) == (status, body)
    assert last(system) == ("refuse", "refused", status, 1)
    assert _write(system, record, application, order).status in (200, 201)
    assert last(system)[0] is None


def test_refuse_never_strikes_a_look_up(talk):
    food = talk("food")
    food.switch_on("refuse")
    assert food.look_up("/applications/case-1").status == 404
    food.switch_on("unavailable")
    assert food.look_up("/applications/case-1").status == 503


def test_a_fault_may_strike_only_some_operations(talk, application):
    food = talk("food")
    food.switch_on("unavailable", operations=("read",))
    assert food.hand_in("POST", "/applications", application, "k1").status == 201
    assert food.look_up("/applications/case-1").status == 503


def test_a_withheld_answer_to_what_was_refused_anyway_says_so(talk, record):
    province = talk("province")
    province.switch_on("commit_then_drop")
    deliver(province, {**record, "projid": ""})
    assert last(province) == ("commit_then_drop", "refused", None, 0)


def test_requests_of_one_turn_see_each_other_and_are_kept_in_order(talk, application):
    food = talk("food")
    body = json.dumps(application).encode()
    requests = [
        Request(
            "POST",
            "/foodlicence/api/applications",
            headers={"authorization": "Bearer food-key", "idempotency-key": key},
            body=body,
        )
        for key in ("k1", "k1", "k2")
    ]
    food.simulator.answer(requests)
    assert [row["effect"] for row in food.rows()] == ["created", "replayed", "duplicate"]
    assert len(food.effects()) == 1


def test_the_control_path_switches_shows_and_counts(talk, application):
    food = talk("food")
    assert food.ask("GET", "/_sandbox/health").body == {"system": "food", "status": "ok"}
    asked = {"mode": "throttle", "share": 1, "count": 2, "operations": ["create"], "seed": 7}
    shown = food.ask("POST", "/_sandbox/modes", asked).body["modes"]
    assert [(m["mode"], m["count"], m["operations"]) for m in shown] == [("throttle", 2, ["create"])]
    for key in ("k1", "k2", "k3"):
        food.hand_in("POST", "/applications", application, key)
    assert food.ask("GET", "/_sandbox/modes").body["modes"] == []
    counts = food.ask("GET", "/_sandbox/counts").body
    assert (counts["requests"], counts["effects"], counts["faults"]) == (3, 1, {"throttle": 2})
    assert counts["faults_by_operation"] == {"throttle": {"create": 2}}


def test_control_requests_are_no_part_of_the_ledger(talk):
    food = talk("food")
    food.ask("GET", "/_sandbox/counts")
    food.ask("GET", "/_sandbox/tamper")
    assert food.rows() == []


def test_modes_are_switched_off_one_by_one_or_all(talk):
    food = talk("food")
    for mode in ("hang", "slow", "deny"):
        food.ask("POST", "/_sandbox/modes", {"mode": mode})
    left = food.ask("DELETE", "/_sandbox/modes/slow").body["modes"]
    assert [m["mode"] for m in left] == ["hang", "deny"]
    assert food.ask("DELETE", "/_sandbox/modes").body["modes"] == []


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"mode": "garbge"}, "did you mean garbage?"),
        ({"mode": "hang", "shares": 1}, "did you mean share?"),
        ({"mode": "hang", "share": 2}, "expected share from 0 to 1, got 2"),
        ({"mode": "hang", "count": -1}, "expected count as a whole number or null, got -1"),
        ({"mode": "hang", "operations": ["creat"]}, "did you mean create?"),
        ({"mode": "hang", "operations": []}, "expected operations as a list of names or null"),
        ({"mode": "hang", "acts": 1}, "expected acts as true or false, got 1"),
        ([], "expected an object with mode, got list"),
    ],
)
def test_a_switch_that_does_not_exist_is_explained(talk, asked, message):
    answer = talk("food").ask("POST", "/_sandbox/modes", asked)
    assert answer.status == 422
    assert message in answer.body["error"]


def _write(system, record, application, order):
    match system.name:
        case "province":
            return deliver(system, record)
        case "food":
            return system.hand_in("POST", "/applications", application, "k1")
        case _:
            return system.hand_in("POST", "/orders", order, "k1")
