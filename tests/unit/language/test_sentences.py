"""Sentences are said in Chinese by their template, by their form, or not at all."""

from __future__ import annotations

import pickle

from syncgate.domain.errors import Conflict, FieldError, StaleRevision
from syncgate.language import Said, in_chinese, in_language
from syncgate.language.said import filled, names


def test_an_error_says_its_template_with_its_facts() -> None:
    error = StaleRevision("expected revision {expected} in If-Match, got {got}", expected=3, got=2)
    assert error.message == str(error) == "expected revision 3 in If-Match, got 2"
    assert in_language(error.said, "zh") == "If-Match 中的版本应为第 3 版，收到第 2 版"
    assert in_language(error.said, "en") == error.message


def test_an_error_keeps_its_fields_beside_its_facts() -> None:
    broken = FieldError("/stages/0", "known_with_other_content")
    error = Conflict("expected {parts} that are new or as first given, got others", parts="stages", errors=[broken])
    assert error.errors == (broken,)
    assert in_chinese(error.said) == "办理环节只能新增，已有的不得更改内容"


def test_an_error_said_again_keeps_its_facts() -> None:
    first = StaleRevision("expected revision {expected} in If-Match, got {got}", expected=3, got=2)
    assert Conflict(first.said).said.facts == {"expected": 3, "got": 2}


def test_an_error_survives_another_process() -> None:
    error = StaleRevision("expected revision {expected} in If-Match, got {got}", expected=3, got=2)
    assert pickle.loads(pickle.dumps(error)).message == error.message


def test_a_sentence_that_lost_its_facts_is_known_by_its_form() -> None:
    assert in_chinese("expected revision 3 in If-Match, got 2") == "If-Match 中的版本应为第 3 版，收到第 2 版"


def test_the_template_with_most_words_of_its_own_counts() -> None:
    """`expected at most {limit} bytes, got more` would fit neither, and a shorter one could fit both."""
    assert in_chinese("expected at most 5 bytes, got more") == "请求内容不得超过 5 字节"
    assert in_chinese("expected at most 5 bytes, got 9 announced") == "请求内容不得超过 5 字节，声明为 9 字节"


def test_braces_within_a_fact_are_not_filled_again() -> None:
    said = Said("expected {a}, got {b}", a="{b}", b="x")
    assert said == "expected {b}, got x"
    assert filled("{a} {unknown} {const: [...]}", {"a": 1}) == "1 {unknown} {const: [...]}"
    assert filled("{a!r}", {"a": "x"}) == "'x'"
    assert names("{a} {b!r} {const: x}") == {"a", "b"}


def test_what_a_sentence_is_about_may_stand_before_it() -> None:
    assert in_chinese("/query/x: expected one key, got two") == "/query/x：只能提供一个密钥，收到两个不同的密钥"
    assert in_chinese("a: nobody knows this") == "a: nobody knows this"


def test_several_sentences_are_said_one_by_one() -> None:
    two = "a: expected one key, got two; b: something else entirely"
    assert in_chinese(two) == "a：只能提供一个密钥，收到两个不同的密钥；b: something else entirely"
    assert in_chinese("  expected one key, got two\nunknown") == "  只能提供一个密钥，收到两个不同的密钥\nunknown"


def test_what_is_no_sentence_of_ours_stays_as_it_is() -> None:
    for text in ["", " ", "办件", "x" * 100_000, "; ; ;", ": : :", "a\n\n b ", "{", "{}"]:
        assert in_chinese(text) == text
