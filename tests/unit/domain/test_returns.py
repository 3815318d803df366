"""Texts of systems are counted by what they say, whatever case they say it of."""

from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st

from syncgate.domain.returns import CauseRule, cause_of, without_particulars

TEXTS = st.text(alphabet="张示例受理时间早于申请0123456789０１２ABabz-_./:#*… \t（），。", max_size=60)


@given(TEXTS, st.lists(TEXTS, max_size=3))
def test_leaving_out_particulars_twice_changes_nothing_more(text: str, values: list[str]) -> None:
    once = without_particulars(text, values)
    assert without_particulars(once, values) == once


@given(TEXTS)
def test_no_digit_is_left(text: str) -> None:
    assert not re.search(r"\d", without_particulars(text))


@given(st.integers(min_value=0), st.integers(min_value=0))
def test_texts_that_differ_in_numbers_alone_say_the_same(one: int, other: int) -> None:
    assert without_particulars(f"第 {one} 行：编号 EX-{one} 重复") == without_particulars(
        f"第 {other} 行：编号 EX-{other} 重复"
    )


def test_a_persons_name_and_number_are_left_out_wherever_they_stand() -> None:
    said = without_particulars("申请人张示例（证件 99010119780213002X）未实名", ["张示例", "99010119780213002X"])
    assert said == without_particulars("申请人李䶮（证件 990102198506200135）未实名", ["李䶮", "990102198506200135"])
    assert "张示例" not in said and "李䶮" not in said


def test_a_value_that_holds_another_is_left_out_whole() -> None:
    """Promise 10: of the one that is left out second nothing may stay behind."""
    for values in (["示例路", "示例路1号甲"], ["示例路1号甲", "示例路"], ["样本", "张样本丙"], ["张样本丙", "样本"]):
        whole = max(values, key=len)
        assert without_particulars(f"地址{whole}不存在", values) == "地址**不存在"


def test_a_single_character_names_nobody_and_stays() -> None:
    assert without_particulars("张某未实名", ["张"]) == "张某未实名"
    assert without_particulars("张某未实名", ["张某"]) == "**未实名"


def test_how_a_text_ends_and_is_spaced_says_nothing() -> None:
    assert without_particulars(" 受理 时间 早于；申请时间。") == without_particulars("受理时间早于;申请时间 ！")
    assert without_particulars("not ready") == "not ready"


def test_the_first_rule_that_fits_names_the_cause_whatever_the_width_of_its_signs() -> None:
    rules = (
        CauseRule(name="times", contains=("受理时间早于申请时间",)),
        CauseRule(name="version", pattern=re.compile(r"版本\(\w+\)已停用")),
    )
    found = cause_of("事项版本（V2）已停用", rules)
    assert found is not None and found.name == "version"
    assert cause_of("受理时间早于申请时间；事项版本(V2)已停用", rules) == rules[0]
    assert cause_of("其他", rules) is None
