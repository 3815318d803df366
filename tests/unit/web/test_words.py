"""What callers read."""

from __future__ import annotations

import json

import pytest

from syncgate.domain.errors import SyncgateError
from syncgate.flows.showing.shape import shape_of
from syncgate.site.explanation import _RULES
from syncgate.web.refs import case_ref
from syncgate.web.words import PROBLEMS, RULES, chosen, sentence


def _tree(root: type[SyncgateError]) -> set[type[SyncgateError]]:
    return {root}.union(*(_tree(below) for below in root.__subclasses__()))


def test_every_error_that_a_caller_may_get_has_words_in_both_languages() -> None:
    """Errors of status 500 are answered as internal_error, whatever they are."""
    told = {error.code for error in _tree(SyncgateError) if error.status != 500}
    assert told <= set(PROBLEMS)


def test_every_rule_of_the_schema_has_words_in_both_languages() -> None:
    assert set(_RULES.values()) <= set(RULES)


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("zh-CN,en;q=0.9", "zh"),
        ("en-GB;q=0.5, zh-TW;q=0.4", "en"),
        ("fr, en;q=0.1", "en"),
        ("fr", "zh"),
        ("en;q=0", "zh"),
        ("en;q=x", "zh"),
        ("," * 500, "zh"),
    ],
)
def test_the_caller_chooses_the_language(header: str | None, language: str) -> None:
    assert chosen(header, "zh") == language


def test_a_pattern_with_braces_is_told_as_it_is() -> None:
    assert sentence("pattern", "^[0-9]{6}$", "en") == "must match ^[0-9]{6}$"


def test_a_path_names_a_case_by_id_or_by_number() -> None:
    assert str(case_ref("01890000-0000-7000-8000-000000000000").case_id).startswith("01890000")
    ref = case_ref("food:A:1\ue0002")
    assert (ref.system, ref.number) == ("food", "A:1/2")


def test_a_shape_shows_keys_and_lengths_and_no_value() -> None:
    payload = {"name": "测样甲", "list": [True, None, "{torn"], "x": 1.5, "deep": {"y": ""}}
    shape = {"name": "text of 3", "list": ["boolean", "null", "text of 5"], "x": "number", "deep": {"y": "text of 0"}}
    assert shape_of(payload) == shape
    assert shape_of({"data": json.dumps(payload)}) == {"data": shape}


def test_a_text_that_happens_to_be_json_is_not_opened() -> None:
    """Its keys are somebody's words."""
    assert shape_of({"memo": '{"测样甲": 1}', "n": 1}) == {"memo": "text of 10", "n": "number"}
    assert shape_of({"data": json.dumps({"memo": '{"测样甲": 1}'})}) == {"data": {"memo": "text of 10"}}


def test_a_deep_value_is_cut_and_never_fails() -> None:
    deep: dict[str, object] = {}
    for _ in range(300):
        deep = {"a": deep, "b": 1}
    assert "deeper" in str(shape_of(deep))
