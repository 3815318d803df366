"""Which rules are seen to fit, and which are offered."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.reconciliation.comparison import ComparedField
from syncgate.domain.reconciliation.forms import written
from syncgate.domain.reconciliation.learning import KNOWN, Offer, Offers, explaining, likeness
from syncgate.domain.reconciliation.rules import parse_rules

NAME = ComparedField.of("name", ("name",))


@pytest.mark.parametrize(
    ("expected", "actual", "like"),
    [
        ("王小明", "王小明 ", "trimmed"),
        ("第一行\n第二行", "第一行 第二行", "collapsed"),
        ("（一）Ａ", "(一)A", "width"),
        ("001x", "001X", "case"),
        ("买买提·艾力", "买买提•艾力", "middle_dots"),
        ("（一） Ａ", "(一)  A", "width, collapsed"),
        (None, "", "empty"),
        (None, "无", '{"empty": ["无"]}'),
        (12, "12", "text_of_number"),
        ("01", "1", "number"),
        ("86.5", "86.50㎡", '{"number": "㎡"}'),
        (86.54, 86.5, '{"decimals": 1}'),
        ("2026-04-30T23:58:42+08:00", "2026-04-30 23:58:42", '{"precision": "second"}'),
        ("2026-04-30T23:58:42+08:00", "2026-04-30 23:58", '{"precision": "minute"}'),
        ("2026-04-30T23:58:42+08:00", "2026-04-30", '{"precision": "day"}'),
        (["一", "二"], ["二", "一"], "unordered"),
        (["一", "二"], "一；二", '{"joined": "；"}'),
        (["一", "二"], "二、一", '{"joined": "、"}, unordered'),
        ("一" * 120, "一" * 100, '{"cut": {"chars": 100}}'),
        ("a" + "一" * 120, "a" + "一" * 99, '{"cut": {"chars": 100}}'),
        ("a" + "一" * 400, "a" + "一" * 127, '{"cut": {"chars": 128}}'),
        ("a" + "一" * 400, "a" + "一" * 124, '{"cut": {"bytes": 250, "charset": "gbk"}}'),
    ],
)
def test_another_way_of_writing_is_known_by_its_rule(expected: Any, actual: Any, like: str) -> None:
    assert likeness(NAME, expected, actual) == like


@pytest.mark.parametrize(
    ("expected", "actual"),
    [
        ("王小明", "王晓明"),
        ("王小明", ""),
        (None, "加急"),
        (86.54, 86.46),
        (86.54, 100),
        ("2026-04-30T23:58:42+08:00", "2026-04-30 10:00:00"),
        ("2026-04-30T23:58:42+08:00", "2026-05-01"),
        (["一", "二"], ["一"]),
        ("示例市示例区示例路一号二楼", "示例市示例区"),
        ("一" * 120, "一" * 99),
        (True, 1),
    ],
)
def test_an_edit_is_no_way_of_writing(expected: Any, actual: Any) -> None:
    assert likeness(NAME, expected, actual) == ""


def test_a_rule_is_tried_on_top_of_those_that_the_field_has() -> None:
    field = ComparedField.of("status", ("status",), same=[{"codes": {"1": "甲"}}])
    assert likeness(field, "甲 ", "1") == "trimmed"
    assert likeness(NAME, "甲 ", "1") == ""


@given(st.sampled_from(KNOWN), st.text(max_size=8) | st.integers(0, 99) | st.none(), st.text(max_size=8))
def test_a_rule_that_is_named_makes_the_values_the_same(known: Any, expected: Any, actual: Any) -> None:
    for one in explaining(NAME, expected, actual, [known]):
        assert written(one.rules.ours(expected)) == written(one.rules.theirs(actual))


def test_a_rule_is_named_as_an_adapter_writes_it() -> None:
    """Its text between the brackets of `same: [...]`; JSON is YAML."""
    import yaml

    for known in KNOWN:
        document = yaml.safe_load(f"[{known.text}]")
        assert parse_rules(document).names == known.rules.names


class TestARuleIsOffered:
    def test_once_it_was_seen_to_fit_often_enough(self) -> None:
        offers = Offers()
        for no in range(3):
            assert offers.offered() == ()
            offers.see("application", NAME, (f"示例{no}", f"示例{no} "))
        assert offers.offered() == (Offer("application", "name", "trimmed", 3),)

    def test_by_message_and_field(self) -> None:
        offers = Offers()
        for message in ("b", "a"):
            offers.see(message, NAME, ("一", "一 "))
        assert [one.message for one in offers.offered(at_least=1)] == ["a", "b"]

    def test_in_a_form_that_fits_all_that_was_seen(self) -> None:
        """Some were widened and some were spaced: neither rule alone would do."""
        offers = Offers()
        for values in (("（一）", "(一)"), ("一 二", "一  二"), ("三 ", "三")):
            offers.see("application", NAME, values)
        assert [one.rule for one in offers.offered()] == ["width, collapsed"]

    def test_though_others_were_edited(self) -> None:
        offers = Offers()
        for values in (("一", "一 "), ("二", "三"), ("四", "四 ")):
            offers.see("application", NAME, values)
        assert [(one.rule, one.seen) for one in offers.offered(at_least=2)] == [("trimmed", 2)]

    def test_never_where_another_way_of_writing_contradicts_it(self) -> None:
        offers = Offers()
        for values in ((86.54, 86.5), (86.54, 87), (None, "无")) * 3:
            offers.see("application", NAME, values)
        assert offers.offered(at_least=1) == ()

    def test_as_plain_json(self) -> None:
        offers = Offers()
        offers.see("application", NAME, ("一", "一 "))
        (offer,) = offers.offered(at_least=1)
        assert offer.to_json() == {"message": "application", "field": "name", "rule": "trimmed", "seen": 1}
