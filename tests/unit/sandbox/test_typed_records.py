"""Food's clerks type records in themselves; food's number and bizKey then name the same application."""

from __future__ import annotations

import pytest

NUMBER, EVENT = "SPJY2026500001", "SPEV2026500001"
RECORDS = "/_sandbox/records"


@pytest.fixture
def own(application):
    """What a clerk types: an application without our key."""
    return {name: value for name, value in application.items() if name != "bizKey"}


@pytest.fixture
def own_event(event):
    return {name: value for name, value in event.items() if name not in ("bizKey", "eventKey")}


@pytest.fixture
def food(talk, own):
    """Food with one application that a clerk typed in."""
    food = talk("food")
    assert food.ask("POST", RECORDS, {"number": NUMBER, "record": own}).body == {"id": NUMBER}
    return food


def test_a_typed_application_is_held_under_its_own_number_without_a_key_of_ours(food, own):
    held = food.look_up(f"/applications/{NUMBER}")
    assert (held.status, held.body) == (200, {"data": own, "id": NUMBER, "version": 1})
    request, (effect,) = food.rows()[0], food.effects()
    assert (request["operation"], request["effect"], request["fault"]) == ("type", "typed", None)
    assert (effect["operation"], effect["key"], effect["kind"]) == ("create", NUMBER, "typed")


def test_an_update_under_foods_number_gives_the_application_its_key(food, application):
    changed = {**application, "staff": 9}
    answer = food.hand_in("PUT", f"/applications/{NUMBER}", changed, "k1")
    assert (answer.status, answer.body) == (200, {"id": NUMBER, "version": 2})
    for name in (NUMBER, "case-1"):
        assert food.look_up(f"/applications/{name}").body["data"] == changed
    assert food.effects()[-1]["key"] == NUMBER


def test_an_event_under_foods_number_is_found_under_either_name(food, event):
    answer = food.hand_in("POST", f"/applications/{NUMBER}/events", event, "k1")
    assert (answer.status, answer.body) == (201, {"id": "SPEV2026000001"})
    for name in (NUMBER, "case-1"):
        assert food.look_up(f"/applications/{name}/events/ev:1").body["data"] == event


def test_before_anything_is_delivered_to_it_our_key_finds_nothing(food):
    assert food.look_up("/applications/case-1").status == 404


def test_an_application_takes_one_key_and_no_other(food, application):
    food.hand_in("PUT", f"/applications/{NUMBER}", application, "k1")
    other = {**application, "bizKey": "case-2"}
    assert food.hand_in("PUT", f"/applications/{NUMBER}", other, "k2").body["fields"] == ["bizKey"]
    assert food.hand_in("POST", "/applications", application, "k3").status == 409


def test_a_key_of_another_application_is_refused(food, application):
    food.hand_in("POST", "/applications", application, "k1")
    assert food.hand_in("PUT", f"/applications/{NUMBER}", application, "k2").body["fields"] == ["bizKey"]


def test_an_application_that_was_delivered_is_found_under_foods_number(talk, application, event):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    path = "/applications/SPJY2026000001"
    assert food.look_up(path).body["data"] == application
    assert food.hand_in("PUT", path, {**application, "staff": 9}, "k2").body["version"] == 2
    assert food.hand_in("POST", f"{path}/events", event, "k3").status == 201
    assert {effect["key"] for effect in food.effects()} == {"case-1"}


def test_a_clerk_sees_foods_number_of_what_was_delivered(food, application):
    food.hand_in("POST", "/applications", application, "k1")
    assert food.ask("GET", f"{RECORDS}/case-1").body == {"id": "SPJY2026000001"}
    assert food.ask("GET", f"{RECORDS}/{NUMBER}").body == {"id": NUMBER}
    assert food.ask("GET", f"{RECORDS}/case-2").status == 404


def test_a_clerk_corrects_what_was_delivered_and_the_key_stays(talk, application, own):
    food = talk("food")
    food.hand_in("POST", "/applications", application, "k1")
    corrected = {**own, "staff": 10}
    assert food.ask("POST", RECORDS, {"number": "SPJY2026000001", "record": corrected}).status == 200
    assert food.look_up("/applications/case-1").body["data"] == {**corrected, "bizKey": "case-1"}
    assert [effect["kind"] for effect in food.effects()] == ["created", "typed"]


def test_a_typed_event_belongs_to_its_application(food, own_event):
    body = {"of": NUMBER, "number": EVENT, "record": own_event}
    assert food.ask("POST", RECORDS, body).body == {"id": EVENT}
    assert food.look_up(f"/applications/{NUMBER}/events/{EVENT}").body["data"] == own_event


def test_the_same_typed_again_does_nothing(food, own, own_event):
    event = {"of": NUMBER, "number": EVENT, "record": own_event}
    food.ask("POST", RECORDS, event)
    count = len(food.effects())
    assert food.ask("POST", RECORDS, {"number": NUMBER, "record": own}).status == 200
    assert food.ask("POST", RECORDS, event).status == 200
    assert len(food.effects()) == count
    assert food.ask("POST", RECORDS, {**event, "record": {**own_event, "reason": "x"}}).status == 409


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"number": "SPJY2026000009"}, "number"),
        ({"record": None}, ""),
        ({"record": {"bizKey": "case-1"}}, "bizKey"),
    ],
)
def test_what_a_clerk_cannot_type_is_refused_with_the_field(talk, own, change, field):
    food = talk("food")
    answer = food.ask("POST", RECORDS, {"number": NUMBER, "record": own, **change})
    assert (answer.status, answer.body["fields"]) == (422, [field])
    assert food.effects() == []


def test_an_event_of_no_application_cannot_be_typed(talk, own_event):
    answer = talk("food").ask("POST", RECORDS, {"of": NUMBER, "number": EVENT, "record": own_event})
    assert answer.status == 409


def test_numbers_of_what_is_delivered_go_on_as_if_nothing_were_typed(food, application):
    food.hand_in("PUT", f"/applications/{NUMBER}", application, "k1")
    answer = food.hand_in("POST", "/applications", {**application, "bizKey": "case-2"}, "k2")
    assert answer.body["id"] == "SPJY2026000001"


def test_no_fault_strikes_a_clerk(food, own):
    food.switch_on("unavailable")
    assert food.ask("POST", RECORDS, {"number": "SPJY2026500002", "record": own}).status == 201


def test_a_restart_keeps_what_was_typed_and_its_names(food, application, own_event):
    food.ask("POST", RECORDS, {"of": NUMBER, "number": EVENT, "record": own_event})
    food.hand_in("PUT", f"/applications/{NUMBER}", application, "k1")
    again = food.restarted()
    assert again.look_up("/applications/case-1").body == {"data": application, "id": NUMBER, "version": 2}
    assert again.look_up(f"/applications/case-1/events/{EVENT}").body["data"] == own_event
    again.ledger.close()


def test_other_systems_have_no_clerks(talk):
    assert talk("province").ask("POST", RECORDS, {"number": NUMBER}).status == 404


def test_a_body_that_is_no_json_is_refused(talk):
    assert talk("food").ask("POST", RECORDS, b"{").status == 422
