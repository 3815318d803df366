"""Which language somebody reads."""

from __future__ import annotations

import pytest

from syncgate.language import of_environment, preferred


@pytest.mark.parametrize(
    ("header", "language"),
    [
        (None, "zh"),
        ("", "zh"),
        ("en", "en"),
        ("en-GB", "en"),
        ("EN-us", "en"),
        ("zh-Hans", "zh"),
        ("zh-Hant-HK, en;q=0.9", "zh"),
        ("zh-CN,en;q=0.9", "zh"),
        ("en-GB;q=0.5, zh-TW;q=0.4", "en"),
        ("en;q=0.5, zh;q=0.8", "zh"),
        ("en, zh", "en"),
        ("fr, en;q=0.1", "en"),
        ("en ; q=0.3 , zh ; q=0.2", "en"),
        ("en;level=1;q=0.3, zh;q=0.2", "en"),
        ("fr", "zh"),
        ("*", "zh"),
        ("fr, *;q=0.5", "zh"),
        ("en, *;q=0.5", "en"),
        ("en;q=0.1, *;q=0.5", "zh"),
        ("zh;q=0, *", "en"),
        ("zh;q=0", "en"),
        ("en;q=0", "zh"),
        ("en;q=0, zh;q=0", "zh"),
        ("en;q=x", "zh"),
        ("en;q=1.5", "zh"),
        ("en;q=inf, zh;q=0.1", "zh"),
        ("," * 500, "zh"),
        ("zhx, enx", "zh"),
    ],
)
def test_a_request_prefers_a_language(header: str | None, language: str) -> None:
    assert preferred(header, "zh") == language


def test_what_nobody_prefers_is_answered_in_the_default() -> None:
    assert (preferred("*", "en"), preferred("fr", "en"), preferred(None, "en")) == ("en", "en", "en")


@pytest.mark.parametrize(
    ("environment", "language"),
    [
        ({}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LANG": "zh"}, "zh"),
        ({"LANG": "zh_TW.Big5"}, "zh"),
        ({"LANG": "C.UTF-8"}, "en"),
        ({"LANG": "de_DE.UTF-8"}, "en"),
        ({"LANG": "zhx_XX"}, "en"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LC_ALL": "", "LC_MESSAGES": "zh_CN.GBK", "LANG": "en_US.UTF-8"}, "zh"),
        ({"LC_MESSAGES": "en_US.UTF-8", "LANG": "zh_CN.UTF-8"}, "en"),
    ],
)
def test_a_terminal_is_set_to_a_language(environment: dict[str, str], language: str) -> None:
    assert of_environment(environment) == language
