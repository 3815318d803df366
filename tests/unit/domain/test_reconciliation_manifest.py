"""What a source lists is compared with what it posted, as far as the listing goes."""

from __future__ import annotations

import copy
from typing import Any

import pytest

from syncgate.domain.reconciliation.manifest import Listed, differing

SAID: dict[str, Any] = {
    "case_no": "SP-1",
    "references": {"food": "F-1"},
    "kind": "application",
    "item": {"code": "9901010001", "name": "食品经营许可"},
    "applied_at": "2026-04-30T09:00:00+08:00",
    "source_version": 3,
    "stages": [{"id": "s1", "kind": "applied"}, {"id": "s2", "kind": "accepted"}],
    "details": {"area": 12.0, "is_new": True, "is_old": False, "a/b": "1", "c~d": "2"},
}


def listed(**changes: Any) -> Listed:
    document = copy.deepcopy(SAID)
    document.update(changes)
    return Listed(number="SP-1", document=document)


def test_the_same_words_differ_in_nothing() -> None:
    assert differing(listed(), SAID) == ()


@pytest.mark.parametrize(
    ("changes", "fields"),
    [
        ({"kind": "hotline"}, ("kind",)),
        ({"item": {"code": "9901010002"}}, ("item",)),
        ({"item": {"code": "9901010001"}}, ()),
        ({"item": None}, ("item",)),
        ({"case_no": "SP-2", "references": {}}, ()),
        ({"stages": [{"id": "s2", "kind": "accepted"}]}, ()),
        ({"stages": [{"id": "s2", "kind": "declined"}]}, ("stages",)),
        ({"stages": [{"id": "s3", "kind": "finished"}]}, ("stages",)),
        ({"details": {"is_new": 1}}, ("details",)),
        ({"details": {"area": 12}}, ()),
        ({"remark": "new"}, ("remark",)),
        ({"stages": "s1"}, ("stages",)),
        ({"materials": [{"id": "m1"}]}, ("materials",)),
        ({"tags": ["a"]}, ("tags",)),
    ],
)
def test_what_is_listed_otherwise_is_named_by_its_field(changes: dict[str, Any], fields: tuple[str, ...]) -> None:
    assert differing(listed(**changes), SAID) == fields


@pytest.mark.parametrize(
    ("fields", "version", "found"),
    [
        ({"/item/code": " 9901010001 "}, None, ()),
        ({"/item/code": "9901010002"}, None, ("item",)),
        ({"/details/area": "12", "/details/is_new": "true"}, "3", ()),
        ({"/stages/1/kind": "accepted"}, None, ()),
        ({"/stages/7/kind": "accepted"}, None, ("stages",)),
        ({"/remark": ""}, None, ()),
        ({}, "4", ("source_version",)),
        ({"/details/is_new": "false"}, None, ("details",)),
        ({"/details/is_old": "false"}, None, ()),
        ({"/details/is_old": "true"}, None, ("details",)),
        ({"/details/a~1b": "1", "/details/c~0d": "2"}, None, ()),
        ({"/stages/2/kind": ""}, None, ()),
    ],
)
def test_columns_are_compared_as_texts(fields: dict[str, str], version: str | None, found: tuple[str, ...]) -> None:
    assert differing(Listed(number="SP-1", fields=fields, version=version), SAID) == found


def test_a_number_alone_tells_no_content() -> None:
    assert not Listed(number="SP-1").tells_content
    assert differing(Listed(number="SP-1"), SAID) == ()
    assert "食品" not in repr(listed())
