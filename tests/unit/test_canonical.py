"""The canonical schema in use."""

from __future__ import annotations

import json
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from syncgate.documents import ProblemSet
from syncgate.site.canonical import CanonicalSchema, is_instant
from syncgate.site.explanation import pointer, tokens
from tests.unit.web.sample import MOBILE, NAME, SCHEMA_FILE, application, hotline, resident, schema, uscc

SCHEMA = schema()


def found(case: Any) -> dict[str, str]:
    return {error.pointer: error.rule for error in SCHEMA.check(case).errors}


@pytest.mark.parametrize("case", [application(), hotline()])
def test_a_sound_case_has_neither_errors_nor_warnings(case: dict[str, Any]) -> None:
    checked = SCHEMA.check(case)
    assert (checked.errors, checked.warnings) == ((), ())


BAD: list[tuple[dict[str, Any], str, str]] = [
    ({"case_no": 7}, "/case_no", "type"),
    ({"case_no": "a b"}, "/case_no", "pattern"),
    ({"case_no": "a\n"}, "/case_no", "pattern"),
    ({"case_no": "x" * 51}, "/case_no", "max_length"),
    ({"case_no": ""}, "/case_no", "min_length"),
    ({"kind": "complaint"}, "/kind", "enum"),
    ({"applied_at": "2026-02-30T09:00:00+08:00"}, "/applied_at", "format"),
    ({"applied_at": "2026-04-30T24:00:00+08:00"}, "/applied_at", "format"),
    ({"applied_at": "2026-04-30T09:00:60+08:00"}, "/applied_at", "format"),
    ({"applied_at": "2026-04-30T09:00:00"}, "/applied_at", "format"),
    ({"applied_at": "2026-04-30 09:00:00+08:00"}, "/applied_at", "pattern"),
    ({"item": {"name": "x", "version": True, "catalog_code": "0" * 12, "task_code": "1"}}, "/item/version", "type"),
    ({"limits": {"promise": {"value": -1, "unit": "hour"}}}, "/limits/promise/value", "minimum"),
    ({"limits": {"promise": {"value": 10**6, "unit": "hour"}}}, "/limits/promise/value", "maximum"),
    ({"references": {"Bad Name": "1"}}, "/references/Bad Name", "field_name"),
    ({"references": {"food": 1}}, "/references/food", "type"),
    ({"form": []}, "/form", "type"),
    ({"stages": [None]}, "/stages/0", "type"),
    ({"stages": [{"id": "a", "kind": "assigned", "at": "2026-05-01T00:00:00+08:00"}]}, "/stages/0/kind", "enum"),
    ({"contact": {"name": "x"}}, "/contact/mobile", "required"),
    ({"aplicant": {}}, "/aplicant", "unknown_field"),
    ({"a/b~c": 1}, "/a~1b~0c", "unknown_field"),
]


@pytest.mark.parametrize(("change", "at", "rule"), BAD, ids=[f"{row[1]} {row[2]}" for row in BAD])
def test_a_broken_field_is_named_by_pointer_and_rule(change: dict[str, Any], at: str, rule: str) -> None:
    assert found(application(**change)) == {at: rule}


def test_every_broken_field_is_named_at_once() -> None:
    case = application(case_no="", channel="fax", item={"name": 1}, accepted_at="2020-01-01T00:00:00Z", xyz=1)
    del case["title"]
    assert found(case) == {
        "/case_no": "min_length",
        "/channel": "enum",
        "/item/name": "type",
        "/item/catalog_code": "required",
        "/item/task_code": "required",
        "/item/version": "required",
        "/title": "required",
        "/xyz": "unknown_field",
        "/accepted_at": "accepted_not_before_applied",
    }


def test_a_missing_field_is_pointed_at_itself_with_its_titles() -> None:
    (error,) = SCHEMA.check({key: value for key, value in application().items() if key != "channel"}).errors
    assert (error.pointer, error.expected) == ("/channel", "string")
    assert error.titles == {"zh": "申请渠道", "en": "channel"}


def test_an_unknown_field_comes_with_the_nearest_known_name() -> None:
    (error,) = SCHEMA.check(application(aplicant={})).errors
    assert error.expected == "applicant"


def test_a_legal_person_needs_a_representative() -> None:
    applicant = {"type": "enterprise", "name": "示例有限公司", "id_type": "001", "id_no": uscc()}
    assert found(application(applicant=applicant)) == {"/applicant/legal_rep": "required"}


def test_a_wrong_check_digit_only_warns() -> None:
    wrong = resident()[:17] + ("1" if resident()[17] != "1" else "2")
    applicant = {"type": "natural_person", "name": NAME, "id_type": "111", "id_no": wrong}
    checked = SCHEMA.check(application(applicant=applicant))
    assert checked.errors == ()
    assert [(w.pointer, w.rule) for w in checked.warnings] == [("/applicant/id_no", "resident_id_check_digit")]


@pytest.mark.parametrize("document", [None, 1, "x", [], True])
def test_anything_but_an_object_is_of_the_wrong_type(document: Any) -> None:
    assert found(document) == {"": "type"}


def test_a_hostile_document_is_answered_with_a_bounded_list() -> None:
    """And within a time that no body of 1 MiB can stretch."""
    started = time.process_time()
    assert len(SCHEMA.check(application(stages=[{}] * 300_000)).errors) == 500
    materials = [{"id": "a", "name": "b", "get_type": "1"}] * 20_000
    assert len(SCHEMA.check(application(materials=materials)).errors) == 500
    assert len(SCHEMA.check({f"k{no:06}": 1 for no in range(80_000)}).errors) == 500
    assert time.process_time() - started < 2


_SECRET = "私密值XQ"


@given(st.sampled_from(sorted(application())), st.sampled_from([_SECRET, [_SECRET], {_SECRET[:2]: _SECRET}, 987654321]))
def test_no_finding_ever_says_the_value_that_came(name: str, value: Any) -> None:
    for error in SCHEMA.check(application(**{name: value})).errors:
        told = f"{error.expected}{error.rule}{error.titles}"
        assert _SECRET not in told and "987654321" not in told


@pytest.mark.parametrize(
    ("text", "is_one"),
    [
        ("2026-04-30T09:00:00+08:00", True),
        ("2026-04-30T09:00:00.123456Z", True),
        ("2026-04-31T09:00:00+08:00", False),
        ("2026-04-30T09:00:00", False),
        ("2026-04-30T09:00:00+25:00", False),
        ("", False),
    ],
)
def test_a_time_is_one_that_can_be_computed_with(text: str, is_one: bool) -> None:
    assert is_instant(text) is is_one


def test_both_validators_agree_on_every_table_row() -> None:
    for change, _, _ in BAD:
        assert not SCHEMA._validator.is_valid(application(**change))


def test_personal_values_are_masked_and_the_shape_stays() -> None:
    case = application(
        contact={"name": NAME, "mobile": MOBILE, "email": "a@example.test", "address": "示例市样本区一号路1号"},
        form={
            "经营场所": "示例市样本区一号路1号",
            "食品安全管理员": {"姓名": NAME, "证件号码": resident()},
            "主体业态": 2,
        },
        location={"text": "示例市样本区", "lon": 100.25},
        stages=[{"id": "s", "kind": "step", "at": "2026-05-01T00:00:00Z", "handler": {"name": NAME, "staff_no": "7"}}],
    )
    masked = SCHEMA.mask(case)
    assert masked["applicant"] == {
        "type": "natural_person",
        "name": "测**",
        "id_type": "**",
        "id_no": f"990{'*' * 14}{resident()[-1]}",
    }
    assert masked["contact"] == {"name": "测**", "mobile": "154****0001", "email": "**", "address": "示例市**"}
    assert masked["form"] == {
        "经营场所": "示例市**",
        "食品安全管理员": {"姓名": "测**", "证件号码": masked["applicant"]["id_no"]},
        "主体业态": "**",
    }
    assert masked["location"] == {"text": "**", "lon": "**"}
    assert masked["stages"][0]["handler"] == {"name": "测**", "staff_no": "7"}
    assert masked["item"] == case["item"]
    text = json.dumps(masked, ensure_ascii=False)
    assert not any(value in text for value in (NAME, MOBILE, resident(), "一号路", "example.test"))


def test_what_the_schema_does_not_know_is_hidden_whole() -> None:
    assert SCHEMA.mask({"unknown": {"deep": [NAME, 1]}}) == {"unknown": {"deep": ["**", "**"]}}


def test_every_marked_field_has_its_path_and_class() -> None:
    personal = SCHEMA.personal_paths()
    assert personal["case.applicant.name"] == "name"
    assert personal["case.form.残疾等级"] == "sensitive"
    assert personal["case.stages.*.handler.name"] == personal["stage.handler.name"] == "name"
    assert personal["material.licence_ref.cert_no"] == "identity"
    assert "case.item.name" not in personal


@pytest.mark.parametrize(
    ("path", "classes"),
    [
        ("case.item.name", set()),
        ("case.applicant", {"name", "identity"}),
        ("case.form.主体业态", {"content"}),
        ("case.form.食品安全管理员.姓名", {"name"}),
        ("stage.handler.name", {"name"}),
        ("case.materials.*.name", set()),
    ],
)
def test_reading_a_path_shows_its_class_and_all_below(path: str, classes: set[str]) -> None:
    assert SCHEMA.personal_classes(path) == classes


@given(st.lists(st.text(max_size=4).filter(lambda text: not text.isdigit()) | st.integers(0, 99), max_size=4))
def test_a_pointer_gives_its_path_back(path: list[str | int]) -> None:
    assert list(tokens(pointer(path))) == path


def test_rules_must_be_those_of_the_closed_list() -> None:
    document = json.loads(SCHEMA_FILE.read_text("utf-8"))
    document["x-rules"][0]["rule"] = "made_up"
    with pytest.raises(ProblemSet, match="made_up"):
        CanonicalSchema(document)


def test_a_schema_that_refers_elsewhere_is_refused() -> None:
    document = json.loads(SCHEMA_FILE.read_text("utf-8"))
    document["properties"]["item"] = {"$ref": "http://127.0.0.1:1/item.json"}
    with pytest.raises(ProblemSet):
        CanonicalSchema(document)
