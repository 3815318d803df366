"""What counts as the same under each comparison rule, and what never does."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.reconciliation.forms import canonical, written
from syncgate.domain.reconciliation.rules import RULES, parse_rules
from tests.unit.domain.reconciliation.documents import documents, json_values


def are_same(document: list[Any], ours: Any, theirs: Any) -> bool:
    rules = parse_rules(document)
    return written(rules.ours(ours)) == written(rules.theirs(theirs))


SAME: list[tuple[Any, Any, Any]] = [
    ("trimmed", "王小明", " 王小明\u3000\ufeff"),
    ("trimmed", ["一", "二"], ["一 ", "二"]),
    ("collapsed", "第一行\n第二行", " 第一行  第二行 "),
    ("width", "ＡＢ（一）１２", "AB(一)12"),
    ("width", "㎡", "m2"),
    ("case", "11010119900307001x", "11010119900307001X"),
    ("middle_dots", "阿依古丽·买买提", "阿依古丽•买买提"),
    ("middle_dots", "阿依古丽·买买提", "阿依古丽.买买提"),
    ("empty", None, ""),
    ("empty", "", []),
    ({"empty": ["无", "-"]}, None, "无"),
    ({"empty": ["无", "-"]}, "", "-"),
    ({"empty": [0]}, None, 0.0),
    ("number", 86.5, "86.50"),
    ("number", "1,234", 1234),
    ("number", "０１２", 12),
    ("number", 0, "-0.00"),
    ({"number": "㎡"}, "86.5", "86.50 ㎡"),
    ({"number": ["元", "万元", "￥"]}, 12, "12万元"),
    ({"number": ["元", "万元", "￥"]}, 12, "￥12.00"),
    ({"decimals": 2}, 3.14159, "3.14"),
    ({"decimals": 0}, 2.5, 3),
    ("text_of_number", 12, "12"),
    ("text_of_number", 12.0, "12"),
    ({"precision": "day"}, "2026-04-30T23:58:42+08:00", "2026/4/30"),
    ({"precision": "day"}, "2026-04-30T23:58:42+08:00", "20260430"),
    ({"precision": "day"}, "2026-04-30T23:58:42+08:00", "2026年4月30日"),
    ({"precision": "minute"}, "2026-04-30T23:58:42+08:00", "2026-04-30 23:58"),
    ({"precision": "minute"}, "2026-04-30T15:58:42Z", "2026-04-30 23:58:59"),
    ({"precision": "second"}, "2026-04-30T23:58:42.123+08:00", "20260430235842"),
    ({"precision": "second"}, "2026-04-30T23:58:42+08:00", "2026年04月30日 23时58分42秒"),
    ({"precision": {"to": "second", "zone": "UTC"}}, "2026-04-30T23:58:42+08:00", "2026-04-30 15:58:42"),
    ({"codes": {"1": "01", "2": "02"}}, "01", "1"),
    ({"codes": {"1": "01"}}, "01", 1),
    ({"codes": {"06": "09", "09": "06"}}, "09", "06"),
    ({"codes": {"3": ["03", "04"]}}, "04", "3"),
    ({"codes": {"1": "01", "2": "02"}}, ["01", "02"], ["1", "2"]),
    ({"joined": "；"}, ["一", "二"], "一； 二；"),
    ("unordered", ["二", "一", None], ["一", None, "二"]),
    ({"cut": {"chars": 4}}, "建设工程规划许可", "建设工程"),
    ({"cut": {"bytes": 7, "charset": "gbk"}}, "建设工程规划许可", "建设工"),
    ({"members": ["name"]}, {"name": "一"}, {"name": "一", "id": 7}),
    ({"members": {"name": ["trimmed"]}}, [{"name": "一"}], [{"name": "一 ", "id": 7}]),
]

DIFFERENT: list[tuple[Any, Any, Any]] = [
    ("trimmed", "王 小明", "王小明"),
    ("collapsed", "王 小明", "王小明"),
    ("width", "一", "二"),
    ("case", "ab", "ac"),
    ("empty", None, "无"),
    ("empty", None, 0),
    ("empty", None, False),
    ({"empty": ["1"]}, None, 1),
    ({"empty": [1]}, None, True),
    ("number", "1,2", 12),
    ("number", True, 1),
    ("number", "12㎡", 12),
    ("number", "1e2", 100),
    ({"number": "元"}, 12, "12万元"),
    ({"decimals": 2}, 3.14, 3.15),
    ("text_of_number", 1, "01"),
    ({"precision": "day"}, "2026-04-30", "2026-05-01"),
    ({"precision": "day"}, "2026-04-30T23:58:42+08:00", "2026-04-30T23:58:42Z"),
    ({"precision": "minute"}, "2026-04-30 23:58:42", "2026-04-30 23:59:42"),
    ({"precision": "day"}, "2026-02-30", "2026-02-28"),
    ({"codes": {"06": "09", "09": "06"}}, "06", "06"),
    ({"codes": {"1": "01"}}, "01", "2"),
    ({"codes": {"1": "01"}}, "01", True),
    ({"joined": "；"}, ["一", "二"], "二；一"),
    ("unordered", ["一"], ["一", "一"]),
    ({"cut": {"chars": 4}}, "建设工程", "建设工"),
    ({"cut": {"bytes": 7, "charset": "gbk"}}, "建设工程规划许可", "建设"),
    ({"members": ["name"]}, {"name": "一"}, {"name": "二"}),
]


@pytest.mark.parametrize(("rule", "ours", "theirs"), SAME)
def test_a_rule_takes_these_for_the_same(rule: Any, ours: Any, theirs: Any) -> None:
    assert not are_same([], ours, theirs)
    assert are_same([rule], ours, theirs)


@pytest.mark.parametrize(("rule", "ours", "theirs"), DIFFERENT)
def test_a_rule_keeps_these_apart(rule: Any, ours: Any, theirs: Any) -> None:
    assert not are_same([rule], ours, theirs)


def test_every_rule_has_its_examples() -> None:
    def named(cases: list[tuple[Any, Any, Any]]) -> set[str]:
        return {rule if isinstance(rule, str) else next(iter(rule)) for rule, *_ in cases}

    assert named(SAME) == set(RULES)
    assert set(RULES) - named(DIFFERENT) == {"middle_dots"}


def test_every_rule_is_documented() -> None:
    page = (Path(__file__).parents[4] / "docs/reference/comparison-rules.md").read_text("utf-8")
    assert {name for name in RULES if f"| `{name}`" not in page and f"| `{{{name}:" not in page} == set()


def test_rules_are_applied_in_their_order() -> None:
    assert are_same([{"joined": ","}, "trimmed", "unordered"], ["一", "二"], "二 ,一")
    assert not are_same(["unordered", {"joined": ","}], ["一", "二"], "二,一")


@given(documents(), json_values())
def test_a_form_is_given_to_every_value_and_is_always_the_same(document: list[Any], value: Any) -> None:
    """Whatever a system shows, nothing fails, and comparing twice gives the same digest."""
    rules = parse_rules(document)
    assert written(rules.theirs(value)) == written(rules.theirs(value))
    assert written(rules.ours(value)) == written(rules.ours(value))


@given(st.lists(documents(), min_size=2, max_size=2, unique_by=str))
def test_rules_with_other_names_are_told_apart(both: list[list[Any]]) -> None:
    one, other = map(parse_rules, both)
    assert one.names != other.names


class TestAWrongRule:
    @pytest.mark.parametrize(
        ("document", "words"),
        [
            ("trimmed", "a list of comparison rules, got a text"),
            (["trimed"], "nearest known is 'trimmed'"),
            (["qqqq"], "expected one of trimmed, collapsed"),
            ([7], "got a number"),
            ([{"trimmed": True}], "'trimmed' alone"),
            ([{"trimmed": 1, "width": 2}], "got an object"),
            (["decimals"], "'decimals' with a number of decimals"),
            ([{"decimals": -1}], "from 0 to 12"),
            ([{"decimals": True}], "from 0 to 12"),
            ([{"empty": "无"}], "'empty' with a list"),
            ([{"number": [1]}], "'number' with a unit"),
            ([{"precision": "hour"}], "day, minute or second"),
            ([{"precision": {"to": "day", "zone": "Asia/Nowhere"}}], "a time zone"),
            ([{"precision": {"to": "day", "zone": 8}}], "a time zone"),
            ([{"precision": {"zone": "UTC"}}], "with 'to' and 'zone'"),
            ([{"codes": {}}], "our code by theirs"),
            ([{"codes": {"1": []}}], "one code of ours"),
            ([{"codes": {"1": None}}], "one code of ours"),
            ([{"joined": ""}], "between the parts"),
            ([{"cut": {"bytes": 5}}], "'cut' with"),
            ([{"cut": {"chars": 0}}], "'cut' with"),
            ([{"cut": 5}], "'cut' with"),
            ([{"cut": {"bytes": 5, "charset": "gkb2"}}], "a charset"),
            ([{"cut": {"bytes": 5, "charset": "hex"}}], "a charset"),
            ([{"members": []}], "'members' with"),
            ([{"members": {"name": ["trimed"]}}], "nearest known is 'trimmed'"),
        ],
    )
    def test_is_refused_with_what_was_expected(self, document: Any, words: str) -> None:
        with pytest.raises(ValueError, match=words):
            parse_rules(document)

    def test_is_named_together_with_all_others(self) -> None:
        with pytest.raises(ValueError, match=r"trimmed.*; .*decimals.*"):
            parse_rules(["trimed", "width", {"decimals": "2"}])


class TestACanonicalValue:
    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (1, 1.0),
            (0, -0.0),
            (12.5, Decimal("12.50")),
            (3, Decimal("3.0")),
            ({"a": 1, "b": None}, {"a": 1.0}),
            ({"a": 1, "b": 2}, {"b": 2, "a": 1}),
            ([{"a": None}], [{}]),
            ([1], (1.0,)),
        ],
    )
    def test_is_written_like_its_equals(self, one: Any, other: Any) -> None:
        assert written(one) == written(other)

    @pytest.mark.parametrize(
        ("one", "other"),
        [
            (True, 1),
            (False, 0),
            (None, False),
            ("1", 1),
            ("", None),
            ([], None),
            ([None], []),
            (0.1, Decimal("0.1" + "0" * 40 + "1")),
        ],
    )
    def test_is_written_unlike_others(self, one: Any, other: Any) -> None:
        assert written(one) != written(other)

    @given(json_values())
    def test_is_a_form(self, value: Any) -> None:
        assert canonical(canonical(value)) == canonical(value)

    @given(st.floats(allow_nan=False) | st.decimals(allow_nan=False) | st.text(st.characters()))
    def test_is_written_whatever_it_is(self, value: Any) -> None:
        assert written(value).isascii()

    def test_is_no_object_of_python(self) -> None:
        with pytest.raises(TypeError, match="a JSON value"):
            canonical({"at": object()})
