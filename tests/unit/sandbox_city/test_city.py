"""The city is what the demo needs, the same every time, and harms nobody."""

from __future__ import annotations

import ast
import json
import re
from collections import Counter
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from syncgate.sandbox.city import City, Life, build_city
from syncgate.sandbox.city.identities import credit_code, resident_id
from syncgate.sandbox.city.script import WITHDRAW
from syncgate.sandbox.expected.words import local_time

ROOT = Path(__file__).parents[3]
SANDBOX = ROOT / "syncgate" / "sandbox"


def test_the_same_seed_gives_the_same_city(city: City) -> None:
    assert build_city() == city


def test_another_seed_gives_another_city(city: City) -> None:
    assert build_city(7) != city


TASK_CODES = {
    "B": "11990100MB000000314000531902001",
    "A": "11990100MB0000001T3000131901001",
    "C": "11990100MB000000443002031903001",
    "D": "11990100MB000000573000131904001",
}


def of_item(city: City, item: str) -> list[Life]:
    lives = [life for life in city.mix if life.calls[0].body["kind"] == "application"]
    return [life for life in lives if life.calls[0].body["item"]["task_code"] == TASK_CODES[item]]


def test_an_immediate_case_is_applied_for_accepted_and_finished_within_one_second(city: City) -> None:
    registrations = of_item(city, "C")
    assert len(registrations) == 152
    for life in registrations:
        stages = [stage for call in life.calls for stage in call.body["stages"]]
        assert [stage["kind"] for stage in stages] == ["applied", "accepted", "finished"]
        assert len({local_time(stage["at"]) for stage in stages}) == 1
    assert any(local_time(life.calls[0].body["applied_at"]).endswith("-30 23:58:07") for life in registrations)


def test_what_the_app_posts_comes_at_the_weekend_and_nothing_else_does(city: City) -> None:
    assert len(city.weekend) / len(of_item(city, "C")) == pytest.approx(0.3, abs=0.01)
    for life in city.weekend:
        assert {call.source for call in life.calls} == {"app"}
        assert "2026-04-10 18:00" <= local_time(life.calls[0].body["applied_at"]) <= "2026-04-13 08:00"


def test_subsidies_are_sent_back_refused_and_corrected_in_the_wanted_shares(city: City) -> None:
    subsidies = of_item(city, "B")
    traits = Counter(trait for life in subsidies for trait in life.traits)
    assert len(subsidies) == 18
    assert 0.1 <= traits["supplement"] / len(subsidies) <= 0.2
    assert 0.05 <= traits["refused_licence"] / len(subsidies) <= 0.12
    assert traits["account_corrected"] >= 2


def test_a_disability_card_begins_with_the_number_of_who_holds_it(city: City) -> None:
    for life in of_item(city, "B"):
        case = life.calls[0].body
        card = case["form"]["残疾人证号"]
        assert card == case["applicant"]["id_no"] + case["form"]["残疾类别"] + case["form"]["残疾等级"]
        assert len(card) == 20


def test_permissions_to_dig_have_the_wanted_mix(city: City) -> None:
    traits = Counter(trait for life in of_item(city, "D") for trait in life.traits)
    count = len(of_item(city, "D"))
    assert 60 <= count <= 65
    assert 0.08 <= traits["withdrawn"] / count <= 0.14
    assert 0.03 <= traits["refused_licence"] / count <= 0.07
    assert 0.02 <= traits["corrected_after_end"] / count <= 0.04
    assert traits["special"] / count > 0.5


def test_cases_are_withdrawn_before_after_and_while_something_is_under_way(city: City) -> None:
    for lives, unreached in ((city.withdrawn.before, ("province",)), (city.withdrawn.after, ())):
        assert {life.calls[-1].unreached for life in lives} == {unreached}
    for life in city.withdrawn.after:
        assert {gate.system for gate in life.calls[-1].after} >= {"province"}
    assert {life.calls[-1].after for life in city.withdrawn.in_flight} == {()}
    for life in city.withdrawn.every_life:
        assert (life.calls[-1].path, sum(call.path == WITHDRAW for call in life.calls)) == (WITHDRAW, 1)
    items = {life.calls[0].body["item"]["name"] for life in city.withdrawn.every_life}
    assert items == {"食品经营许可（餐饮服务）新办", "占用、挖掘城市道路审批"}


def test_the_city_has_the_wanted_mix(city: City) -> None:
    traits = Counter(trait for life in of_item(city, "A") for trait in life.traits)
    licences = len(of_item(city, "A"))
    assert 0.16 <= traits["supplement"] / licences <= 0.22
    assert 0.07 <= traits["refused_licence"] / licences <= 0.09
    assert 0.015 <= traits["withdrawn"] / licences <= 0.025
    assert len(city.mix) - licences - sum(len(of_item(city, item)) for item in "BCD") == 20
    for trait in ("golden", "special", "agent", "correction", "rare_character", "unmapped", "declined", "open"):
        assert traits[trait] >= 3, trait


def test_food_accepts_six_of_ten_applications_first(city: City) -> None:
    applications = of_item(city, "A")
    foods = [life for life in applications if life.calls[0].source == "food"]
    assert 0.57 <= len(foods) / len(applications) <= 0.63
    for life in foods:
        assert life.calls[0].typed is not None and life.calls[0].typed.application == "new"
        assert life.case_no == life.calls[0].body["case_no"] == life.calls[0].typed.number


def test_every_way_to_join_is_played(city: City) -> None:
    traits = Counter(trait for life in city.every_life for trait in life.traits)
    wanted = ("window_joins", "window_step", "story_5", "corrected_by_food", "while_paused", "at_once")
    assert all(traits[trait] >= 5 for trait in wanted), traits
    assert city.race is not None


def test_what_is_typed_at_food_has_a_number_of_its_own(city: City) -> None:
    numbers: Counter[str] = Counter()
    for life in city.every_life:
        typed = [call for call in life.calls if call.typed is not None]
        numbers.update({call.typed.number for call in typed if call.typed.application == "new"})
        numbers.update(
            {
                f"SPEV2026{call.typed.event_base + int(stage['id'][1:]):06d}"
                for call in typed
                for stage in call.body.get("stages", ())
            }
        )
    assert numbers and set(numbers.values()) == {1}


def test_case_numbers_are_unique(city: City) -> None:
    assert len({life.case_no for life in city.every_life}) == len(city.every_life)


def test_some_calls_carry_keys_and_some_are_made_twice(city: City) -> None:
    calls = [call for life in city.every_life for call in life.calls]
    assert {call.method for call in calls} == {"POST", "PUT", "PATCH"}
    assert any(call.idempotency_key for call in calls)
    assert any(call.times > 1 and call.idempotency_key is None for call in calls)
    assert any(call.times > 1 and call.idempotency_key for call in calls)
    keys = [call.idempotency_key for call in calls if call.idempotency_key]
    assert len(keys) == len(set(keys))


def test_kind_and_time_tell_the_stages_of_a_case_apart(city: City) -> None:
    for life in city.every_life:
        told = {s["id"]: (s["kind"], s["at"]) for call in life.calls for s in call.body.get("stages", ())}
        assert len(told) == len(set(told.values()))


@pytest.mark.parametrize(
    ("computed", "known"),
    [
        (resident_id("11010519491231002"), "11010519491231002X"),
        (credit_code("91110000600037341"), "91110000600037341L"),
        (credit_code("91990100MA0000001"), "91990100MA0000001G"),
    ],
)
def test_check_digits_follow_the_standards(computed: str, known: str) -> None:
    assert computed == known


def test_identities_belong_to_nobody(city: City) -> None:
    text = json.dumps([call.body for life in city.every_life for call in life.calls], ensure_ascii=False)
    for id_no in re.findall(r'"(?:id_no|证件号码)": "(\d{17}[\dX])"', text):
        assert id_no.startswith("9901")
    for mobile in re.findall(r'"mobile": "(\d+)"', text):
        assert mobile.startswith("154")


@pytest.fixture(scope="module")
def schema() -> Any:
    path = ROOT / "schemas" / "case.schema.json"
    return jsonschema.Draft202012Validator(json.loads(path.read_text("utf-8")))


def test_first_posts_are_valid_cases(city: City, schema: Any) -> None:
    for life in city.every_life:
        errors = [error.message for error in schema.iter_errors(life.calls[0].body)]
        assert errors == [], life.case_no


def test_every_submission_to_be_refused_is_invalid(city: City, schema: Any) -> None:
    assert len(city.refused) >= 5
    for call in city.refused:
        assert not schema.is_valid(call.body), call.refused_at


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
    return found


def test_city_and_projection_use_nothing_of_the_engine() -> None:
    for path in [*(SANDBOX / "city").glob("*.py"), *(SANDBOX / "expected").glob("*.py")]:
        ours = {name for name in _imports(path) if name.startswith("syncgate")}
        assert all(name.startswith(("syncgate.sandbox.city", "syncgate.sandbox.expected")) for name in ours)


def test_the_projection_takes_no_rule_from_the_city() -> None:
    for path in (SANDBOX / "expected").glob("*.py"):
        taken = {name for name in _imports(path) if name.startswith("syncgate.sandbox.city")}
        assert taken <= {"syncgate.sandbox.city.script"}


def test_two_calls_of_a_pair_say_the_same_under_two_numbers(city: City) -> None:
    assert {pair.how for pair in city.alike} == {"delivered", "unsent", "apart"}
    for pair in city.alike:
        one, other = pair.earlier.calls[0].body, pair.later.calls[0].body
        differing = {name for name in one if one[name] != other[name]}
        assert differing == {"case_no", "applied_at"}
        assert {pair.earlier.case_no, pair.later.case_no} == {one["case_no"], other["case_no"]}
