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

from syncgate.sandbox.city import City, build_city
from syncgate.sandbox.city.identities import credit_code, resident_id

ROOT = Path(__file__).parents[3]
SANDBOX = ROOT / "syncgate" / "sandbox"


def test_the_same_seed_gives_the_same_city(city: City) -> None:
    assert build_city() == city


def test_another_seed_gives_another_city(city: City) -> None:
    assert build_city(7) != city


def test_the_city_has_the_wanted_mix(city: City) -> None:
    traits = Counter(trait for life in city.every_life for trait in life.traits)
    applications = len(city.every_life) - traits["hotline"]
    assert applications >= 500
    assert 0.18 <= traits["supplement"] / applications <= 0.22
    assert 0.07 <= traits["refused_licence"] / applications <= 0.09
    assert traits["hotline"] == 20
    for trait in ("golden", "special", "agent", "correction", "rare_character", "unmapped", "declined", "open"):
        assert traits[trait] >= 3, trait


def test_food_accepts_six_of_ten_applications_first(city: City) -> None:
    applications = [life for life in city.every_life if "hotline" not in life.traits]
    foods = [life for life in applications if life.calls[0].source == "food"]
    assert 0.57 <= len(foods) / len(applications) <= 0.63
    for life in foods:
        assert life.calls[0].typed is not None and life.calls[0].typed.application == "new"
        assert life.case_no == life.calls[0].body["case_no"] == life.calls[0].typed.number


def test_every_way_to_join_is_played(city: City) -> None:
    traits = Counter(trait for life in city.every_life for trait in life.traits)
    wanted = ("window_joins", "window_step", "story_5", "corrected_by_food", "while_paused", "at_once")
    assert all(traits[trait] >= 10 for trait in wanted), traits
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
