"""In what two cases look alike."""

from __future__ import annotations

from typing import Any

import pytest

from syncgate.domain.likeness import Feature, features, normalised


def call(**changes: Any) -> dict[str, Any]:
    told = {
        "kind": "hotline",
        "item": {"name": "道路破损"},
        "title": "样本路",
        "description": "样本路12号前有坑，请修补",
    }
    return told | {"location": {"text": "样本路12号"}} | changes


def alike(one: dict[str, Any], other: dict[str, Any]) -> set[Feature]:
    first, second = features(one), features(other)
    return {feature for feature, text in first.items() if second.get(feature) == text}


def test_width_case_spaces_and_punctuation_do_not_tell_texts_apart() -> None:
    assert normalised("样本路 １２号，ＡＢ！") == normalised("样本路12号ab")


def test_two_calls_of_one_text_are_alike_in_text_and_place() -> None:
    assert alike(call(), call(description="样本路１２号前有坑 请修补。")) == {Feature.TEXT, Feature.LOCATION}


def test_another_item_is_another_matter() -> None:
    assert alike(call(), call(item={"name": "噪声"})) == set()


def test_a_short_text_says_the_same_by_chance() -> None:
    assert alike(call(description="路坏了"), call(description="路坏了", location={"text": "样本路13号"})) == set()


@pytest.mark.parametrize("person", [{"id_no": "990101199001010017"}, {"name": "张示例"}])
def test_an_applicant_is_known_by_a_number_or_by_name_and_telephone(person: dict[str, str]) -> None:
    case = {
        "kind": "application",
        "item": {"task_code": "T"},
        "applicant": person,
        "contact": {"mobile": "15400000001"},
    }
    other = case | {"contact": {"mobile": "15400000002"}}
    is_by_number = "id_no" in person
    assert alike(case, dict(case)) == {Feature.APPLICANT}
    assert alike(case, other) == ({Feature.APPLICANT} if is_by_number else set())


def test_the_title_of_an_application_is_that_of_its_item_and_tells_nothing() -> None:
    case = {"kind": "application", "item": {"task_code": "T"}, "title": "食品经营许可新办申请"}
    assert features(case) == {}


@pytest.mark.parametrize("document", [{}, {"item": None, "location": [], "applicant": 1, "contact": None}])
def test_what_says_nothing_is_like_nothing(document: dict[str, Any]) -> None:
    assert features(document) == {}


PERSON = {"applicant": {"name": "张示例", "id_no": "990101199001010017"}}


@pytest.mark.parametrize(
    "one", [{"task_code": "T1"}, {"local_code": "L1"}, {"name": "甲"}, {"task_code": "", "local_code": 7, "name": "甲"}]
)
def test_an_item_is_known_by_the_first_of_its_names(one: dict[str, Any]) -> None:
    first = PERSON | {"kind": "application", "item": one}
    assert alike(first, PERSON | {"kind": "application", "item": dict(one)}) == {Feature.APPLICANT}
    other = PERSON | {"kind": "application", "item": {name: f"{value}x" for name, value in one.items()}}
    assert alike(first, other) == set()


def test_a_call_and_an_application_are_never_alike() -> None:
    item = {"item": {"name": "甲"}}
    assert alike(PERSON | item | {"kind": "hotline"}, PERSON | item | {"kind": "application"}) == set()


def test_a_call_without_a_description_is_known_by_its_title() -> None:
    told = {"kind": "hotline", "item": {"name": "道路破损"}, "title": "样本路12号前有坑"}
    assert alike(told, told | {"description": " "}) == {Feature.TEXT}
    assert alike(told, told | {"title": "样本路13号前有坑"}) == set()


def test_a_text_of_six_letters_is_long_enough() -> None:
    told = {"kind": "hotline", "item": {"name": "道路破损"}}
    assert alike(told | {"title": "样本路有个坑"}, told | {"title": "样本路 有个坑"}) == {Feature.TEXT}
    assert alike(told | {"title": "样本路有坑"}, told | {"title": "样本路 有坑"}) == set()


@pytest.mark.parametrize("said", [{"applicant": {"name": "张示例"}}, {"contact": {"mobile": "15400000001"}}])
def test_a_name_or_a_telephone_alone_is_nobody(said: dict[str, Any]) -> None:
    assert features({"kind": "application", "item": {"name": "甲"}} | said) == {}
