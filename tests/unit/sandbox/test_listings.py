"""The systems list and count what they hold, truly, and wrongly in every way that a mode names."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from collections import Counter

import pytest

from syncgate.sandbox.modes import LISTING_MODES, MODES
from syncgate.sandbox.systems.province import EXPORTED

FOOD, EVENTS, ORDERS = "/applications", "/events", "/orders"


def key(no: int) -> str:
    return f"case-{no:03}"


@pytest.fixture
def fill(application, event):
    """Puts records into a system, as if they had been delivered."""

    def put(system, count, *, first=1):
        numbers = range(first, first + count)
        made = [{"do": "insert", "operation": "create", "key": key(no), "record": record(no)} for no in numbers]
        if system.name == "food":
            made += [
                {"do": "insert", "operation": "event", "key": key(no), "part": f"ev-{no:03}", "record": happened(no)}
                for no in numbers
            ]
        assert system.ask("POST", "/_sandbox/alterations", {"alterations": made}).body["altered"] == len(made)
        return system

    def record(no):
        return {**application, "bizKey": key(no), "sourceNo": key(no)}

    def happened(no):
        return {**event, "bizKey": key(no), "eventKey": f"ev-{no:03}"}

    return put


def pages(system, path, *, size=4, most=30):
    """Every page from first to last, as a careful reader asks for them."""
    found, place = [], "cursor=" if path == EVENTS else "page=1"
    while len(found) < most:
        answer = system.look_up(f"{path}?{place}&size={size}")
        found.append(answer)
        if answer.status != 200 or isinstance(answer.body, bytes) or not items(answer):
            break
        if path == EVENTS and not answer.body["next"]:
            break
        place = f"cursor={answer.body['next']}" if path == EVENTS else f"page={len(found) + 1}"
    return found


def items(page):
    return page.body.get("items", page.body.get("orders"))


def keys(found):
    names = set(items(found[0])[0])
    name = next(each for each in ("eventKey", "bizKey", "sourceNo") if each in names)
    return [item[name] for page in found for item in items(page)]


@pytest.mark.parametrize("size", [1, 3, 4, 10, 11])
@pytest.mark.parametrize("path", [FOOD, EVENTS])
def test_food_lists_every_record_once(talk, fill, path, size):
    food = fill(talk("food"), 10)
    found = pages(food, path, size=size)
    assert keys(found) == [key(no) if path == FOOD else f"ev-{no:03}" for no in range(1, 11)]
    assert {page.body["total"] for page in found} == {10}


def test_a_listed_record_is_the_record_with_its_number(talk, fill, application):
    food = fill(talk("food"), 1)
    (item,) = food.look_up(FOOD).body["items"]
    shown = food.look_up(f"{FOOD}/{key(1)}").body
    assert item == {**shown["data"], "id": shown["id"], "version": shown["version"]}
    (event,) = food.look_up(EVENTS).body["items"]
    assert event["id"] == "SPEV2026000001"


def test_work_orders_are_listed_by_page(talk, fill):
    orders = fill(talk("workorders"), 5)
    assert keys(pages(orders, ORDERS)) == [key(no) for no in range(1, 6)]
    assert orders.look_up(ORDERS).body["orders"][0]["orderNo"] == "WO-00000001"


def test_a_page_never_has_more_than_the_system_gives(talk, fill):
    food = fill(talk("food"), 1002)
    assert len(food.look_up(f"{FOOD}?page=1&size=5000").body["items"]) == 1000
    assert len(food.look_up(f"{FOOD}?page=2&size=5000").body["items"]) == 2


@pytest.mark.parametrize("query", ["page=0", "page=x", "size=0", "size=-1", "page=1&size=", "page=99999999999"])
def test_a_page_that_cannot_be_told_is_refused(talk, query):
    assert talk("food").look_up(f"{FOOD}?{query}").status == 400


@pytest.mark.parametrize(("name", "path"), [("food", FOOD), ("food", EVENTS), ("workorders", ORDERS)])
@pytest.mark.parametrize("more", ["", "/count"])
def test_only_who_has_the_key_may_list_and_count(talk, fill, name, path, more):
    system = fill(talk(name), 3)
    base = "/foodlicence/api" if name == "food" else "/workorders/v1"
    if path == EVENTS and more:
        return
    for mode in [None, *LISTING_MODES]:
        if mode is not None:
            system.switch_on(mode)
        assert system.ask("GET", f"{base}{path}{more}", authorization="Bearer other").status == 401


def test_a_count_is_of_keys_from_low_on_and_below_high(talk, fill):
    for name, path in (("food", FOOD), ("workorders", ORDERS)):
        system = fill(talk(name), 10)
        asked = {"": 10, "?low=case-004": 7, "?high=case-004": 3, "?low=case-002&high=case-004": 2, "?low=x": 0}
        asked["?low=case-9&high=case-0"] = 0
        assert {query: system.look_up(f"{path}/count{query}").body["count"] for query in asked} == asked


def test_what_bears_no_key_of_ours_is_listed_and_not_counted(talk, fill, application):
    food = fill(talk("food"), 2)
    own = {name: value for name, value in application.items() if name != "bizKey"}
    food.ask("POST", "/_sandbox/records", {"number": "SPJY2026500001", "record": own})
    assert food.look_up(FOOD).body["total"] == 3
    assert food.look_up(f"{FOOD}/count").body["count"] == 2
    food.hand_in("PUT", "/applications/SPJY2026500001", application, "k1")
    assert food.look_up(f"{FOOD}/count").body["count"] == 3


def test_a_listing_follows_what_happens_to_the_records(talk, fill, application):
    food = fill(talk("food"), 4)
    assert food.look_up(f"{FOOD}/count").body["count"] == 4
    alter = [
        {"do": "edit", "operation": "create", "key": key(2), "set": {"staff": 77}},
        {"do": "remove", "operation": "create", "key": key(3)},
        {"do": "double", "operation": "create", "key": key(1)},
    ]
    food.ask("POST", "/_sandbox/alterations", {"alterations": alter})
    fill(food, 1, first=9)
    food.hand_in("PUT", f"/applications/{key(4)}", {**application, "bizKey": key(4), "staff": 5}, "k1")
    items = food.look_up(FOOD).body["items"]
    assert [(item["bizKey"], item["staff"]) for item in items[:3]] == [
        (key(1), application["staff"]),
        (key(2), 77),
        (key(4), 5),
    ]
    assert Counter(item["bizKey"] for item in items) == {key(1): 2, key(2): 1, key(4): 1, key(9): 1}
    assert len({item["id"] for item in items}) == 5
    assert food.look_up(f"{FOOD}/count").body["count"] == 5


def test_a_record_that_goes_between_two_pages_moves_the_others(talk, fill):
    """What page numbers really do: the record behind the gap is on no page."""
    food = fill(talk("food"), 8)
    first = food.look_up(f"{FOOD}?page=1&size=4").body["items"]
    gone = {"do": "remove", "operation": "create", "key": key(1)}
    food.ask("POST", "/_sandbox/alterations", {"alterations": [gone]})
    second = food.look_up(f"{FOOD}?page=2&size=4").body["items"]
    assert key(5) not in [item["bizKey"] for item in first + second]


def test_a_cursor_stands_fast_while_records_go(talk, fill):
    food = fill(talk("food"), 8)
    first = food.look_up(f"{EVENTS}?size=4").body
    gone = {"do": "remove", "operation": "event", "key": key(1), "part": "ev-001"}
    food.ask("POST", "/_sandbox/alterations", {"alterations": [gone]})
    second = food.look_up(f"{EVENTS}?size=4&cursor={first['next']}").body
    assert [item["eventKey"] for item in second["items"]] == [f"ev-{no:03}" for no in range(5, 9)]


SPOILED = {
    "repeat_page": [1, 2, 3, 4, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10],
    "lose_page": [1, 2, 3, 4, 9, 10],
    "end_early": [1, 2, 3, 4],
    "list_nothing": [],
    "repeat_record": [1, 1, 2, 3, 4, 5, 5, 6, 7, 8, 9, 9, 10],
}


@pytest.mark.parametrize("mode", SPOILED)
def test_what_a_mode_does_to_a_listing_by_page(talk, fill, mode):
    food = fill(talk("food"), 10)
    food.switch_on(mode)
    found = pages(food, FOOD)
    assert [int(item["bizKey"][-3:]) for page in found for item in page.body["items"]] == SPOILED[mode]
    assert {page.body["total"] for page in found} == {0 if mode == "list_nothing" else 10}
    assert {row["fault"] for row in food.rows() if row["operation"] == "list"} >= {mode}


def test_a_listing_that_ends_early_by_cursor_names_no_next_page(talk, fill):
    food = fill(talk("food"), 10)
    food.switch_on("end_early")
    found = pages(food, EVENTS)
    assert [len(page.body["items"]) for page in found] == [4, 0]
    assert found[-1].body["next"] == ""


def test_a_shift_loses_or_repeats_a_record(talk, fill):
    food = fill(talk("food"), 40)
    food.switch_on("shift")
    seen = Counter(keys(pages(food, FOOD)))
    assert len(seen) < 40 or max(seen.values()) > 1


def test_a_total_lies_in_both_directions(talk, fill):
    food = fill(talk("food"), 10)
    food.switch_on("lie_total")
    assert {food.look_up(FOOD).body["total"] for _ in range(20)} == {5, 21}


def test_strangers_bear_keys_that_nobody_sent(talk, fill):
    food = fill(talk("food"), 10)
    food.switch_on("strangers", count=1)
    items = food.look_up(FOOD).body["items"]
    assert len(items) == 13
    assert len({item["bizKey"] for item in items}) == 13
    assert len(food.look_up(FOOD).body["items"]) == 10


def test_a_listing_in_another_charset_is_not_what_it_says(talk, fill):
    food = fill(talk("food"), 3)
    food.switch_on("other_charset")
    kinds = set()
    for _ in range(20):
        answer = food.look_up(FOOD)
        head, body = answer.headers["content-type"], answer.deed.data.partition(b"\r\n\r\n")[2]
        written = "gbk" if "gbk" not in head else "utf-8"
        assert len(json.loads(body.decode(written))["items"]) == 3
        kinds.add(written)
    assert kinds == {"gbk", "utf-8"}


def test_a_listing_breaks_off_after_its_first_page(talk, fill):
    food = fill(talk("food"), 10)
    food.switch_on("break_off")
    assert [page.status for page in pages(food, FOOD)] == [200, 500]


def test_listing_modes_strike_listings_alone(talk, fill):
    food = fill(talk("food"), 10)
    for mode in LISTING_MODES:
        food.switch_on(mode)
    assert food.look_up(f"{FOOD}/{key(1)}").status == 200
    assert food.look_up(f"{FOOD}/count").body == {"count": 10}
    assert not food.ledger.counts.faults


def test_a_system_without_listings_has_no_such_modes(talk):
    mode = {"mode": "lose_page"}
    assert talk("province").ask("POST", "/_sandbox/modes", mode).status == 422
    assert talk("workorders").ask("POST", "/_sandbox/modes", mode).status == 200
    assert not set(MODES) & set(LISTING_MODES)


@pytest.fixture
def reported(talk, province_records):
    """Province with one record of each operation."""
    province = talk("province")
    for operation, record in province_records.items():
        assert province.report(operation, record).body["code"] == "200"
    return province


@pytest.mark.parametrize("charset", ["utf-8-sig", "gb18030"])
def test_province_exports_the_numbers_of_what_it_holds_as_csv(reported, province_records, charset):
    answer = reported.ask("GET", f"/_sandbox/export?charset={charset}")
    header, *rows = csv.reader(io.StringIO(answer.body.decode(charset)))
    assert tuple(header) == EXPORTED
    assert [row[0] for row in rows] == ["办件基本信息", "办理环节", "特别程序", "申请材料", "办结信息"]
    wanted = {record["orgbusno"] for record in province_records.values()}
    assert {row[1] for row in rows} == wanted


def test_province_exports_a_workbook_without_what_the_records_say(reported, province_records):
    answer = reported.ask("GET", "/_sandbox/export?format=xlsx")
    with zipfile.ZipFile(io.BytesIO(answer.body)) as book:
        sheet = book.read("xl/worksheets/sheet1.xml").decode()
    assert sheet.count("<row ") == 1 + len(province_records)
    assert province_records["receiveBasicInfo"]["applicant"] not in sheet


@pytest.mark.parametrize("query", ["format=pdf", "charset=none", "charset=ascii"])
def test_an_export_that_cannot_be_made_is_refused(reported, query):
    assert reported.ask("GET", f"/_sandbox/export?{query}").status == 422
