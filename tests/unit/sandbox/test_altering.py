"""Records altered behind everybody's back: what then stands, what the ledger says, and what is refused."""

from __future__ import annotations

import pytest

ALTERATIONS = "/_sandbox/alterations"


@pytest.fixture
def food(talk, application):
    """Food with one application that was delivered and updated once."""
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    food.hand_in("PUT", "/applications/case-1", {**application, "staff": 9}, "k2")
    return food


def altered(talk, do, key="case-1", **more):
    return talk.ask("POST", ALTERATIONS, {"alterations": [{"do": do, "key": key, **more}]}).body


def staff(food):
    return food.look_up("/applications/case-1").body["data"]["staff"]


def test_an_edit_changes_the_fields_that_it_names_and_no_others(food, application):
    assert altered(food, "edit", set={"staff": 7, "legalRep": None}) == {"altered": 1, "refused": {}}
    held = food.look_up("/applications/case-1").body["data"]
    assert held == {name: value for name, value in (application | {"staff": 7}).items() if name != "legalRep"}


def test_a_roll_back_puts_back_what_stood_before_the_newest_update(food, application):
    altered(food, "roll_back")
    assert staff(food) == application["staff"]


def test_what_is_removed_is_gone_and_can_be_created_again(food, application):
    altered(food, "remove")
    assert food.look_up("/applications/case-1").status == 404
    assert food.hand_in("POST", "/applications", application, "k3").status == 201


def test_a_double_has_a_number_of_its_own_and_hides_behind_the_first(food):
    altered(food, "double")
    altered(food, "edit", set={"staff": 3})
    shown = [(key, held.number) for key, _, held in food.simulator._system._holdings.records(has_part=False)]
    assert shown == [("case-1", 1), ("case-1", 2)]
    assert staff(food) == 3


def test_a_record_that_nobody_delivered_stands_like_any_other(food, application):
    altered(food, "insert", key="case-2", record={**application, "bizKey": "case-2"})
    assert food.look_up("/applications/case-2").body["id"] == "SPJY2026000002"


@pytest.mark.parametrize("do", ["edit", "roll_back", "double", "remove", "insert"])
def test_alterations_survive_a_restart(food, application, do):
    more = {"set": {"staff": 7}} if do == "edit" else {"record": application | {"staff": 4}} if do == "insert" else {}
    altered(food, do, **more)
    before = [one[2] for one in food.simulator._system._holdings.records(has_part=False)]
    after = [one[2] for one in food.restarted().simulator._system._holdings.records(has_part=False)]
    assert after == before


def test_the_ledger_tells_alterations_from_deliveries(food):
    for do in ("double", "roll_back", "remove"):
        altered(food, do)
    assert [row["kind"] for row in food.effects()] == ["created", "updated", "doubled", "altered", "removed"]
    assert {row["operation"] for row in food.rows()[-3:]} == {"alter"}


def test_what_cannot_be_altered_is_named_and_the_rest_is_done(food):
    wishes = [{"do": "remove", "key": "case-9"}, {"do": "edit", "key": "case-1", "set": {"staff": 2}}]
    said = food.ask("POST", ALTERATIONS, {"alterations": wishes}).body
    assert said == {"altered": 1, "refused": {"0": "expected a record to remove, got none"}}
    assert staff(food) == 2


@pytest.mark.parametrize(
    "body", [{}, {"alterations": {}}, {"alterations": [{"do": "burn", "key": "k"}]}, {"alterations": [{"do": "edit"}]}]
)
def test_what_is_no_alteration_changes_nothing(food, body):
    assert food.ask("POST", ALTERATIONS, body).status == 422
    assert len(food.effects()) == 2


def test_provinces_records_are_removed_and_doubled_and_put_in_again(talk, province_records):
    basic_info = province_records["receiveBasicInfo"]
    province = talk("province")
    system = province.simulator._system
    key = basic_info["orgbusno"]
    insert = {"operation": "receiveBasicInfo", "record": basic_info}
    altered(province, "insert", key, **insert)
    altered(province, "double", key, operation="receiveBasicInfo")
    assert len(list(system.records())) == 2
    altered(province, "remove", key, operation="receiveBasicInfo")
    assert list(system.records()) == []
