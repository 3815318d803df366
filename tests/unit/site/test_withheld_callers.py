"""What is taken out of a confidential case before anything is mapped for a system that may not know who called."""

from __future__ import annotations

from syncgate.site.recipients import without_the_caller
from tests.integration.flows.worksite import example_site
from tests.support.cases import a_hotline_case

CALLER = {"name": "张示例", "mobile": "15400000001"}


def test_what_says_who_called_is_gone() -> None:
    """Promise 10."""
    case = a_hotline_case(contact=CALLER, form={"监护人或代办人": {"姓名": "张示例", "关系": "1"}})
    told = without_the_caller(case, example_site().schema)
    assert "张示例" not in str(told) and CALLER["mobile"] not in str(told)


def test_what_the_call_is_about_stays() -> None:
    form = {"诉求类型": "3", "紧急程度": "2", "分类": "城市管理/噪声污染/夜间施工"}
    case = a_hotline_case(contact=CALLER, form=form)
    told = without_the_caller(case, example_site().schema)
    assert told["form"] == form and told["item"] == case["item"]
