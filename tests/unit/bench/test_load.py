"""The load is what it says it is, and the bench's site maps it to what its own projection says."""

from __future__ import annotations

import json
import re
from typing import Any

import pytest

from syncgate.bootstrap.place import SitePlace
from syncgate.mapping import Inputs, Mapped
from syncgate.site.folder import Site
from tests.bench import load, projection
from tests.bench.gate import SITE


def leaves(value: Any) -> int:
    if isinstance(value, dict | list):
        return sum(map(leaves, value.values() if isinstance(value, dict) else value))
    return 1


def test_a_case_has_82_leaf_fields_in_some_2100_bytes() -> None:
    assert {leaves(load.case(no)) for no in range(200)} == {82}
    assert all(2050 < len(load.body(no)) < 2200 for no in (0, 7, 99, 123_456))


def test_42_fields_of_it_go_to_each_system() -> None:
    for system in projection.SYSTEMS:
        assert len(projection.payload(load.case(1), system)) == 42


def test_every_case_has_a_number_of_its_own_and_is_synthetic() -> None:
    cases = [load.case(no) for no in range(3000)]
    assert len({case["case_no"] for case in cases}) == 3000
    text = json.dumps(cases)
    assert set(re.findall(r'"mobile": "(\d{3})', text)) == {"154"}
    assert set(re.findall(r'"id_no": "(\d{4})', text)) == {"9901"}


@pytest.fixture(scope="module")
def site() -> Site:
    return SitePlace(SITE).load()


def test_the_site_takes_every_case_without_a_warning(site: Site) -> None:
    for no in range(60):
        checked = site.schema.check(load.case(no))
        assert not checked.errors and not checked.warnings, no


@pytest.mark.parametrize("system", projection.SYSTEMS)
def test_the_mapping_gives_what_the_projection_says(site: Site, system: str) -> None:
    spec = site.bundles[system].specs["application"]
    assert all(result.ok for result in spec.mapping.run_examples())
    for no in range(60):
        mapped = spec.mapping.apply(Inputs(case=load.case(no)))
        assert isinstance(mapped, Mapped)
        assert mapped.payload == projection.payload(load.case(no), system)
        assert spec.contract.holds(mapped.payload)
