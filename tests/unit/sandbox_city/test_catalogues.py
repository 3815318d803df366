"""The simulated systems know every item that the city applies for: nothing of it may be refused as unknown."""

from __future__ import annotations

from syncgate.sandbox.city import City
from syncgate.sandbox.expected import frontdb
from syncgate.sandbox.systems.frontdb_rules import ITEMS
from syncgate.sandbox.systems.province import CATALOGUE
from tests.unit.test_example_site import bundle


def task_codes(city: City) -> set[str]:
    items = (life.calls[0].body["item"] for life in city.every_life)
    return {item["task_code"] for item in items if "task_code" in item}


def test_province_and_the_front_database_know_every_item_of_the_city(city: City) -> None:
    assert len(task_codes(city)) == 4
    assert task_codes(city) <= set(CATALOGUE)
    assert task_codes(city) <= set(ITEMS) == set(frontdb.ITEMS)


def test_the_adapter_of_the_front_database_applies_to_every_item_that_it_knows(city: City) -> None:
    cases = ({"kind": "application", "item": {"task_code": code}} for code in ITEMS)
    assert all(bundle("frontdb").applies(case) for case in cases)
