"""Whose word counts for which fields."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.domain.ownership import overstepped, owners_of, with_others_kept

OWNS = {"window": {"/applicant", "/contact"}, "food": {"/applicant/name", "/form"}, "app": {"/contact"}}
CASE: dict[str, Any] = {
    "case_no": "1",
    "title": "a",
    "applicant": {"name": "n", "id_no": "1"},
    "contact": {"mobile": "15400000001", "address": None},
    "stages": [{"id": "s1"}],
}


def changed(**applicant: Any) -> dict[str, Any]:
    return CASE | {"applicant": CASE["applicant"] | applicant}


@pytest.mark.parametrize(
    ("at", "owners"),
    [
        ("/applicant", {"window"}),
        ("/applicant/id_no", {"window"}),
        ("/applicant/name", {"food"}),
        ("/contact/mobile", {"window", "app"}),
        ("/contacts", set()),
        ("/title", set()),
    ],
)
def test_the_nearest_declaration_counts(at: str, owners: set[str]) -> None:
    assert owners_of(OWNS, at) == owners


def test_every_field_of_others_is_named_with_its_owners() -> None:
    after = changed(name="m", id_no="2") | {"contact": {"mobile": "15400000002"}, "title": "b"}
    found = overstepped(OWNS, "hall", CASE, after)
    assert found == {"/applicant/name": {"food"}, "/applicant/id_no": {"window"}, "/contact/mobile": {"window", "app"}}
    assert overstepped(OWNS, "food", CASE, changed(name="m")) == {}
    assert list(overstepped(OWNS, "window", CASE, changed(name="m"))) == ["/applicant/name"]


def test_what_has_no_value_yet_is_anybodys_to_give() -> None:
    after = changed(id_type="111") | {"contact": {"mobile": "15400000001", "address": "x"}, "form": {"a": 1}}
    assert overstepped(OWNS, "hall", CASE, after) == {}


def test_to_take_a_value_away_is_to_change_it() -> None:
    after = {name: value for name, value in CASE.items() if name != "applicant"}
    assert set(overstepped(OWNS, "hall", CASE, after)) == {"/applicant/name", "/applicant/id_no"}


def test_what_a_whole_post_leaves_out_of_others_fields_stays() -> None:
    after = {"case_no": "1", "applicant": {"name": "m"}}
    kept = with_others_kept(OWNS, "food", CASE, after)
    assert kept == {"case_no": "1", "applicant": {"name": "m", "id_no": "1"}, "contact": {"mobile": "15400000001"}}


def test_a_field_whose_name_has_a_slash_or_a_tilde_is_owned_too() -> None:
    """Source: RFC 6901 §3. A pointer that is not escaped names nothing, so the field would be anybody's."""
    before = {"form": {"a/b": "1", "c~d": "2"}}
    owns = {"food": {"/form/a~1b", "/form/c~0d"}}
    after = {"form": {"a/b": "3", "c~d": "4"}}
    assert overstepped(owns, "hall", before, after) == {"/form/a~1b": {"food"}, "/form/c~0d": {"food"}}
    assert with_others_kept(owns, "hall", before, {"form": {"a/b": "3"}}) == {"form": {"a/b": "3", "c~d": "2"}}


def test_what_a_whole_post_says_of_others_fields_is_not_overlaid() -> None:
    assert with_others_kept(OWNS, "food", CASE, CASE | {"contact": {"mobile": "15400000009"}})["contact"] == {
        "mobile": "15400000009"
    }
