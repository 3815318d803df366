"""Urban and ecology: a task per turn, told apart by our key, and a closing per task."""

from __future__ import annotations

from typing import Any

import pytest

TASKS: dict[str, tuple[str, str, dict[str, str], dict[str, Any]]] = {
    "urban": ("/cityadmin/api/tasks", "closing", {"x_api_key": "urban-key"}, {
        "taskKey": "t-1", "sourceNo": "12345-1", "round": 1, "title": "占道经营", "address": "示例路1号",
        "content": "第一行\n第二行😀", "appealType": "3", "urgent": "0", "caller": "保密", "phone": "保密",
        "dispatchedAt": "2026-04-02 08:00:00",
    }),
    "ecology": ("/petitions/v1/items", "conclusion", {"authorization": "Bearer ecology-key"}, {
        "itemKey": "t-1", "hotlineNo": "12345-1", "turn": 1, "matter": "夜间施工噪声", "place": "示例路1号",
        "text": "吵", "kind": "TS", "petitioner": "张示例", "telephone": "15400000001",
        "receivedAt": "2026-04-02 08:00:00",
    }),
}  # fmt: skip
CLOSINGS = {
    "urban": {"round": 1, "result": "TD", "closedAt": "2026-04-03 09:00:00", "reason": "职责不符"},
    "ecology": {"turn": 1, "conclusion": "reopened", "at": "2026-04-03 09:00:00"},
}
NUMBERS = {"urban": ("taskNo", "CG2026000001"), "ecology": ("itemNo", "XF00000001")}
BOTH = pytest.mark.parametrize("name", ["urban", "ecology"])


def hand_in(system: Any, path: str, value: Any, key: str) -> Any:
    base, _, headers, _ = TASKS[system.name]
    return system.ask("POST", base + path, value, x_request_id=key, **headers)


def look_up(system: Any, path: str) -> Any:
    base, _, headers, _ = TASKS[system.name]
    return system.ask("GET", base + path, **headers)


@BOTH
def test_wrong_credentials_are_denied(talk, name):
    base, _, _, task = TASKS[name]
    system = talk(name)
    for headers in ({}, {"x_api_key": "other", "authorization": "Bearer other"}):
        assert system.ask("POST", base, task, x_request_id="k", **headers).status == 401
    assert system.effects() == []


@BOTH
def test_a_task_is_numbered_and_found_by_our_key_and_by_its_number(talk, name):
    system, task = talk(name), TASKS[name][3]
    field, number = NUMBERS[name]
    made = hand_in(system, "", task, "k1")
    assert (made.status, made.body) == (201, {field: number})
    for asked in ("/t-1", f"/{number}"):
        assert look_up(system, asked).body == {"record": task, field: number}
    assert look_up(system, "/t-2").status == 404
    assert [(row["operation"], row["key"], row["part"]) for row in system.effects()] == [("create", "12345-1", "t-1")]


@BOTH
def test_the_same_request_again_makes_no_second_task_and_another_one_for_it_is_a_duplicate(talk, name):
    system, task = talk(name), TASKS[name][3]
    first = hand_in(system, "", task, "k1")
    again = hand_in(system, "", task, "k1")
    assert (again.status, again.body) == (200, first.body)
    assert hand_in(system, "", task, "k2").status == 409
    assert len(system.effects()) == 1


@BOTH
def test_a_second_turn_at_the_same_call_is_a_task_of_its_own(talk, name):
    system, task = talk(name), TASKS[name][3]
    key, round_no = ("taskKey", "round") if name == "urban" else ("itemKey", "turn")
    hand_in(system, "", task, "k1")
    assert hand_in(system, "", {**task, key: "t-2", round_no: 2}, "k2").status == 201
    assert len(system.effects()) == 2


@BOTH
def test_a_closing_stands_below_its_task_once(talk, name):
    system, (_, word, _, task) = talk(name), TASKS[name]
    field, number = NUMBERS[name]
    assert hand_in(system, f"/{number}/{word}", CLOSINGS[name], "k0").body == {"error": "no such task"}
    hand_in(system, "", task, "k1")
    assert look_up(system, f"/{number}/{word}").status == 404
    made = hand_in(system, f"/{number}/{word}", CLOSINGS[name], "k2")
    assert (made.status, made.body) == (201, {field: number})
    assert look_up(system, f"/{number}/{word}").body == {"record": CLOSINGS[name], field: number}
    assert hand_in(system, f"/{number}/{word}", CLOSINGS[name], "k3").status == 409
    assert [(row["operation"], row["part"]) for row in system.effects()] == [("create", "t-1"), ("close", "t-1")]


@BOTH
def test_what_is_missing_malformed_or_unknown_is_named(talk, name):
    system, (_, _, _, task) = talk(name), TASKS[name]
    code = "appealType" if name == "urban" else "kind"
    broken = {key: value for key, value in task.items() if key not in ("content", "text")} | {code: "9", "more": 1}
    answer = hand_in(system, "", broken, "k1")
    assert answer.status == 422 and sorted(answer.body["fields"]) == sorted(
        [code, "more", "content" if name == "urban" else "text"]
    )


@BOTH
def test_what_it_holds_outlives_a_restart(talk, name):
    system, (_, word, _, task) = talk(name), TASKS[name]
    _, number = NUMBERS[name]
    hand_in(system, "", task, "k1")
    hand_in(system, f"/{number}/{word}", CLOSINGS[name], "k2")
    again = system.restarted()
    assert look_up(again, "/t-1").body["record"] == task
    assert look_up(again, f"/t-1/{word}").body["record"] == CLOSINGS[name]
    again.ledger.close()


def listed(system: Any, path: str) -> Any:
    base = TASKS[system.name][0].rpartition("/")[0]
    return system.ask("GET", f"{base}/{path}", **TASKS[system.name][2]).body


@BOTH
def test_tasks_are_listed_page_by_page_and_closings_by_the_numbers_of_theirs(talk, name):
    system, (base, closing, _, task) = talk(name), TASKS[name]
    key, field = next(iter(task)), NUMBERS[name][0]
    for no in (1, 2, 3):
        assert hand_in(system, "", {**task, key: f"t-{no}"}, f"k{no}").status == 201
    for no in (3, 1):
        assert hand_in(system, f"/t-{no}/{closing}", CLOSINGS[name], f"c{no}").status == 201
    tasks = base.rpartition("/")[2]
    assert [one[key] for one in listed(system, f"{tasks}?page=1&size=2")["items"]] == ["t-1", "t-2"]
    rest = listed(system, f"{tasks}?page=2&size=2")
    assert (rest["total"], [one[key] for one in rest["items"]]) == (3, ["t-3"])
    third = rest["items"][0][field]
    closed = listed(system, f"{closing}s?page=1&size=9")
    assert (closed["total"], closed["items"][0]) == (2, {**CLOSINGS[name], field: third})


@BOTH
def test_a_closing_that_is_removed_behind_our_back_is_not_listed_any_more(talk, name):
    system, (_, closing, _, task) = talk(name), TASKS[name]
    assert hand_in(system, "", task, "k1").status == 201
    assert hand_in(system, f"/t-1/{closing}", CLOSINGS[name], "c1").status == 201
    assert listed(system, f"{closing}s")["total"] == 1
    deed = {"do": "remove", "operation": "close", "key": "12345-1", "part": "t-1"}
    assert system.ask("POST", "/_sandbox/alterations", {"alterations": [deed]}).body["altered"] == 1
    assert listed(system, f"{closing}s")["total"] == 0
    assert look_up(system, f"/t-1/{closing}").status == 404 and look_up(system, "/t-1").status == 200
