"""What every operation gives, and what it says where it cannot."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given as hypothesis_given
from hypothesis import strategies as st

from syncgate.mapping import (
    Context,
    Fault,
    Function,
    Functions,
    Inputs,
    Mapped,
    Refs,
    Unmappable,
    WaitsFor,
)
from tests.support.properties import examples
from tests.unit.mapping.one_field import apply, fault, faults, given, load

CASE: dict[str, Any] = {
    "case_no": "990100-1",
    "applicant": {"type": "natural_person", "name": "张示例", "empty": "", "nothing": None},
    "applied_at": "2026-04-30T15:58:42Z",
    "accept_org": {"uscc": "A"},
    "materials": [{"name": "申请表", "count": 1}, {"name": "健康证明", "licence_ref": {}}],
    "form": {"经营面积": "120.00", "是否网络经营": True, "经营项目": ["热食类", "冷食类"], "人数": 7},
}


# --- paths, absence, constants -------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("case.case_no", "990100-1"),
        ("case.applicant.name", "张示例"),
        ("case.form.经营面积", "120.00"),
        ("{path: [case, form, 经营面积]}", "120.00"),
        ("case.applicant.empty", ""),
        ("case.form.经营项目", ["热食类", "冷食类"]),
        ("case.form.是否网络经营", True),
        ('{const: "1"}', "1"),
        ("{const: 1}", 1),
        ("{const: null}", None),
        ("{const: {a: [1, true, x]}}", {"a": [1, True, "x"]}),
        ("{path: case.agent.name, optional: true}", "LEFT_OUT"),
        ("{path: case.applicant.nothing, optional: true}", "LEFT_OUT"),
        ("{path: case.agent.name, when_absent: {const: 无}}", "无"),
        ("{path: case.agent.name, when_absent: {const: null}}", None),
        ("{path: case.agent.name, when_absent: case.applicant.name}", "张示例"),
        ("{path: case.agent.name, when_absent: {path: case.agent.x, optional: true}}", "LEFT_OUT"),
        ('{path: case.agent.name, empty_as: ""}', ""),
        ('{path: case.applicant.empty, empty_as: ""}', ""),
        ("{path: case.applicant.empty, empty_as: absent, optional: true}", "LEFT_OUT"),
        ("{path: case.applicant.empty, empty_as: keep, optional: true}", ""),
        ("{first: [case.agent.name, case.applicant.nothing, case.applicant.name]}", "张示例"),
        ("{first: [case.agent.name, {const: null}]}", None),
        ("{first: [{path: case.applicant.empty, empty_as: absent}, case.case_no]}", "990100-1"),
        ("{first: [case.agent.name, case.agent.x], optional: true}", "LEFT_OUT"),
    ],
)
def test_a_value_or_its_declared_absence(expression: str, value: Any) -> None:
    assert given(expression, CASE) == value


def test_what_is_absent_without_a_word_is_a_fault_with_field_and_path() -> None:
    assert fault("case.agent.name", CASE) == Fault("f", "missing", "case.agent.name", "expected a value, got none")
    assert fault("case.applicant.nothing", CASE).rule == "missing"
    assert fault("{text: case.agent.name}", CASE).path == "case.agent.name"


def test_a_path_through_something_that_is_no_object_is_a_fault_even_where_absence_is_allowed() -> None:
    found = fault("{path: case.form.经营面积.大.小, optional: true}", CASE)
    assert (found.rule, found.path) == ("wrong_type", "case.form.经营面积")


def test_every_fault_is_reported_at_once() -> None:
    payload = "a: case.x\nb/c: case.y\nd: {object: {e: case.z, f: {number: case.case_no, as: integer}}}"
    assert [(found.field, found.rule) for found in faults(payload, CASE)] == [
        ("a", "missing"),
        ("b~1c", "missing"),
        ("d/e", "missing"),
        ("d/f", "not_a_number"),
    ]


def test_fields_keep_the_order_and_the_names_of_the_target() -> None:
    result = apply('"ZZ b.c[0]": case.case_no\nnot: {const: 1}\n0: {const: 2}', CASE)
    assert isinstance(result, Mapped)
    assert list(result.payload.items()) == [("ZZ b.c[0]", "990100-1"), ("not", 1), ("0", 2)]


def test_applying_changes_nothing_of_the_case() -> None:
    before = json.dumps(CASE)
    apply("a: {each: case.materials, do: {object: {n: it.name}}}\nb: case.form", CASE)
    assert json.dumps(CASE) == before


IN: dict[str, Any] = {"direction": "in", "reads": "record"}


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{path: record.a, absent_as: [N/A, Unspecified, '-', 无], optional: true}", "LEFT_OUT"),
        ("{path: record.b, absent_as: [N/A], optional: true}", "n/a"),
        ("{text: record.c, steps: [trim], absent_as: [无], when_absent: {const: x}}", "x"),
        ("{first: [{path: record.a, absent_as: [N/A]}, record.b]}", "n/a"),
        ("{path: record.n, absent_as: [0], optional: true}", "LEFT_OUT"),
        ("{path: record.f, absent_as: [0], optional: true}", False),
        ("{path: record.e, absent_as: [N/A], empty_as: absent, optional: true}", "LEFT_OUT"),
        ("{path: record.a, absent_as: [N/A], empty_as: ''}", ""),
        (
            "{choose: [{when: {present: {path: record.a, absent_as: [N/A]}}, then: {const: 1}}],"
            " otherwise: {const: 2}}",
            2,
        ),
    ],
)
def test_only_the_values_listed_mean_nothing(expression: str, value: Any) -> None:
    record = {"a": "N/A", "b": "n/a", "c": " 无 ", "n": 0, "f": False, "e": ""}
    assert given(expression, record, **IN) == value


def test_a_value_that_means_nothing_is_missing_where_nothing_may_be() -> None:
    assert fault("{path: record.a, absent_as: [N/A]}", {"a": "N/A"}, **IN).rule == "missing"


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("record.X Coordinate (State Plane)", 1),
        ("record.Blue/Black: Box", 2),
        ("{path: [record, a.b, c.d]}", 3),
        ('{path: [record, "2014"]}', 4),
        ("record.查報 地點", 5),
        ("record.@id", 6),
        ("record.#text", 7),
        ("{choose: [{when: {equals: [{path: [record, x.y]}, {const: 8}]}, then: {const: yes}}]}", "yes"),
    ],
)
def test_a_column_is_read_whatever_it_is_called(expression: str, value: Any) -> None:
    record = {
        "X Coordinate (State Plane)": 1,
        "Blue/Black: Box": 2,
        "a.b": {"c.d": 3},
        "2014": 4,
        "查報 地點": 5,
        "@id": 6,
        "#text": 7,
        "x.y": 8,
    }
    assert given(f'"{expression}"' if ": Box" in expression else expression, record, **IN) == value


def test_one_that_stands_alone_is_a_list_of_one_where_the_mapping_says_so() -> None:
    expression = "{each: record.photo, do: it.name, one_as: list}"
    assert given(expression, {"photo": {"name": "a"}}, **IN) == ["a"]
    assert given(expression, {"photo": [{"name": "a"}, {"name": "b"}]}, **IN) == ["a", "b"]
    assert fault("{each: record.photo, do: it.name}", {"photo": {"name": "a"}}, **IN).rule == "wrong_type"
    assert fault(expression, {}, **IN).rule == "missing"
    assert fault("{each: {const: null}, do: it, one_as: list}", {}, **IN).rule == "wrong_type"


def test_a_record_without_an_id_is_numbered_by_its_reader() -> None:
    payload = "case_no: {context: record_no}\nbatch: {context: batch, optional: true}"
    context = Context(record_no="ABC-2", batch="jan.csv")
    assert apply(payload, {}, context=context, **IN) == Mapped({"case_no": "ABC-2", "batch": "jan.csv"})
    (found,) = faults(payload, {}, **IN)
    assert (found.field, found.rule, found.path) == ("case_no", "missing", "context.record_no")
    assert found.detail == "expected context.record_no from whoever reads the records, got none"


# --- tables ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{table: applicant_type, of: case.applicant.type}", "1"),
        ("{table: applicant_type, of: case.form.是否网络经营}", "yes"),
        ("{table: applicant_type, of: case.form.人数}", "seven"),
        ("{table: applicant_type, of: case.case_no, otherwise: {const: 9}}", 9),
        ("{table: applicant_type, of: case.case_no, otherwise: {const: null}}", None),
        ("{table: applicant_type, of: case.case_no, otherwise: keep}", "990100-1"),
        ("{table: applicant_type, of: case.agent.type, optional: true}", "LEFT_OUT"),
        ('{table: applicant_type, of: {const: "2"}, reverse: true}', "enterprise"),
        ("{table: own, of: {const: a}}", "food"),
        ("{table: short, of: {const: b}}", "1"),
        ("{table: unsaid, of: {const: b}, lossy: true}", "1"),
        ("{row: organisations, key: case.accept_org.uscc, at: case.applied_at, column: code}", "new"),
        ("{row: items, key: {const: T}, column: no}", "N1"),
    ],
)
def test_a_table_gives_its_code(expression: str, value: Any) -> None:
    assert given(expression, CASE) == value


def test_an_unmapped_code_is_a_fault_that_names_the_table_and_not_the_code() -> None:
    found = fault("{table: applicant_type, of: case.case_no}", CASE)
    assert (found.rule, found.path, dict(found.facts)) == (
        "unmapped_code",
        "case.case_no",
        {"table": "applicant_type"},
    )
    assert fault("{table: applicant_type, of: case.case_no, otherwise: error}", CASE) == found
    assert fault("{table: applicant_type, of: case.applicant, otherwise: keep}", CASE).rule == "wrong_type"


@pytest.mark.parametrize(
    ("at", "code"),
    [
        ("2024-12-31T15:59:59Z", "old"),
        ("2024-12-31T16:00:00Z", "new"),
        ("2024-12-31T23:59:59+08:00", "old"),
        ("2025-01-01", "new"),
        ("1999-01-01", "old"),
    ],
)
def test_a_row_holds_from_its_first_day_in_the_zone_until_before_its_last(at: str, code: str) -> None:
    expression = "{row: organisations, key: case.accept_org.uscc, at: case.applied_at, column: code}"
    assert given(expression, {**CASE, "applied_at": at}) == code


@pytest.mark.parametrize(
    ("key", "at", "rule"),
    [
        ("C", "2025-01-01", "no_row"),
        ("B", "2024-12-31", "no_row"),
        ("B", "2026-01-01", "no_row"),
        ("B", "soon", "not_a_time"),
        (7, "2025-01-01", "wrong_type"),
        (None, "2025-01-01", "missing"),
        ("B", None, "missing"),
    ],
)
def test_a_row_that_is_not_there_or_not_in_force_is_a_fault(key: Any, at: Any, rule: str) -> None:
    expression = "{row: organisations, key: case.key, at: case.at, column: code}"
    assert fault(expression, {"key": key, "at": at}).rule == rule


def test_a_column_that_a_row_leaves_empty_is_absence() -> None:
    expression = "{row: organisations, key: case.key, at: case.at, column: area%s}"
    case = {"key": "B", "at": "2025-06-01"}
    assert fault(expression % "", case).rule == "missing"
    assert given(expression % ", optional: true", case) == "LEFT_OUT"


# --- text ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("steps", "text", "value"),
    [
        ("[trim]", "  a b  ", "a b"),
        ("[upper]", "11010519491231002x", "11010519491231002X"),
        ("[lower]", "ABC", "abc"),
        ("[squeeze]", "a \n\t b", "a b"),
        ("[nfkc]", "ＡＢ１", "AB1"),
        ("[dots]", "阿依古丽\u2022示例", "阿依古丽·示例"),
        ("[digits]", "010-0000 ０5转8", "0100000058"),
        ("[{replace: [a, b]}]", "aac", "bbc"),
        ('[{replace: [a, ""]}]', "aac", "c"),
        ('[{prefix: "37"}]', "1", "371"),
        ("[{suffix: ㎡}]", "1", "1㎡"),
        ('[{pad_left: [6, "0"]}]', "5842", "005842"),
        ('[{pad_right: [12, "0"]}]', "990101", "990101000000"),
        ('[{pad_right: [12, "0"]}]', "990101000001", "990101000001"),
        ("[{slice: [0, 6]}]", "990101000001", "990101"),
        ("[{slice: [6]}]", "990101000001", "000001"),
        ("[trim, upper, {prefix: x}]", " a ", "xA"),
    ],
)
def test_steps_work_in_the_order_written(steps: str, text: str, value: str) -> None:
    assert given(f"{{text: case.t, steps: {steps}}}", {"t": text}) == value


def test_a_text_that_is_none_is_a_fault() -> None:
    assert fault("{text: case.t}", {"t": 1}).detail == "expected a text, got a number"
    assert fault("{text: case.t}", {"t": True}).rule == "wrong_type"


def test_a_limit_is_measured_in_the_targets_charset() -> None:
    name = "张" * 50
    assert given("{text: case.t, limit: {bytes: 100, charset: gbk, beyond: error}}", {"t": name}) == name
    found = fault("{text: case.t, limit: {bytes: 100, charset: utf-8, beyond: error}}", {"t": name})
    assert found.rule == "too_long"
    assert found.detail == "expected at most 100 bytes in utf-8, got 150"
    assert dict(found.facts) == {"limit": 100, "unit": "bytes", "charset": "utf-8", "length": 150}
    assert dict(fault("{text: case.t, limit: {chars: 49, beyond: error}}", {"t": name}).facts)["length"] == 50


def test_an_unencodable_character_is_named_by_code_point_alone() -> None:
    for expression in (
        "{text: case.t, charset: gbk}",
        "{text: case.t, limit: {bytes: 9, charset: gbk, beyond: cut}}",
    ):
        found = fault(expression, {"t": "李䶮四"})
        assert (found.rule, dict(found.facts)) == ("unencodable", {"code_point": "U+4DAE", "charset": "gbk"})
        assert "李" not in repr(found) and "䶮" not in repr(found)


@pytest.mark.parametrize(
    ("charset", "lacks"),
    [("gbk", "€"), ("big5", "们"), ("ascii", "é"), ("latin-1", "€"), ("utf-8", "\ud800"), ("gbk", "😀")],
)
def test_each_charset_lacks_what_it_lacks(charset: str, lacks: str) -> None:
    found = fault(f"{{text: case.t, charset: {charset}}}", {"t": f"a{lacks}"})
    assert dict(found.facts)["code_point"] == f"U+{ord(lacks):04X}"


def test_a_table_replaces_only_what_the_charset_lacks() -> None:
    expression = "{text: case.t, charset: gbk, unencodable: {table: rare}}"
    assert given(expression, {"t": "李䶮"}) == "李龑"
    assert given(expression.replace("gbk", "utf-8"), {"t": "李䶮"}) == "李䶮"
    assert dict(fault(expression, {"t": "李䶮㛃"}).facts)["code_point"] == "U+36C3"


@pytest.mark.parametrize(
    ("limit", "value"),
    [
        ("{bytes: 5, charset: gbk, beyond: cut}", "张示"),
        ("{bytes: 5, charset: utf-8, beyond: cut}", "张"),
        ("{bytes: 6, charset: gbk, beyond: cut}", "张示例"),
        ("{bytes: 5, charset: gbk, beyond: cut, marker: …}", "张…"),
        ("{chars: 2, beyond: cut}", "张示"),
        ("{chars: 2, beyond: cut, marker: …}", "张…"),
        ("{bytes: 0, charset: gbk, beyond: cut}", ""),
    ],
)
def test_a_cut_keeps_the_head_on_a_character_boundary(limit: str, value: str) -> None:
    assert given(f"{{text: case.t, limit: {limit}}}", {"t": "张示例"}) == value


@pytest.mark.parametrize("charset", ["gbk", "gb18030", "big5", "utf-8"])
def test_a_torn_character_never_becomes_another_one(charset: str) -> None:
    for point in (*range(0x80, 0xD800, 7), *range(0xE000, 0x30000, 97)):
        encoded = chr(point).encode(charset, "ignore")
        assert all(encoded[:end].decode(charset, "ignore") == "" for end in range(1, len(encoded)))


@examples(300)
@hypothesis_given(
    text=st.text(st.characters(codec="utf-8"), max_size=40),
    most=st.integers(0, 30),
    charset=st.sampled_from(["utf-8", "gbk", "gb18030", "big5", "ascii", "latin-1"]),
    marker=st.sampled_from(["", ".", "..."]),
    unit=st.sampled_from(["bytes", "chars"]),
)
def test_a_cut_never_exceeds_its_limit_and_is_a_head_with_its_marker(
    text: str, most: int, charset: str, marker: str, unit: str
) -> None:
    marker = marker[:most]
    limit = f'{{{unit}: {most}, charset: {charset}, beyond: cut, marker: "{marker}"}}'
    limit = limit if marker else limit.replace(', marker: ""', "")
    result = apply(f"f: {{text: case.t, limit: {limit}}}", {"t": text})
    if isinstance(result, Unmappable):
        assert [found.rule for found in result.faults] == ["unencodable"]
        with pytest.raises(UnicodeEncodeError):
            text.encode(charset)
        return
    assert isinstance(result, Mapped)
    cut = result.payload["f"]
    measure = (lambda one: len(one.encode(charset))) if unit == "bytes" else len
    assert measure(cut) <= most
    if measure(text) <= most:
        assert cut == text
    else:
        head = cut.removesuffix(marker) if marker else cut
        assert text.startswith(head)
        assert measure(text[: len(head) + 1]) + measure(marker) > most


# --- numbers ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "number", "value"),
    [
        ("as: text", "120.00", "120.00"),
        ("as: text, unit: ㎡", "120.00", "120.00㎡"),
        ("as: text, decimals: 2", 120, "120.00"),
        ("as: text, decimals: 2", 0.1, "0.10"),
        ("as: text, decimals: 2", "19.99", "19.99"),
        ("as: text, decimals: 1, rounding: half_up", "0.25", "0.3"),
        ("as: text, decimals: 1, rounding: half_up", "-0.25", "-0.3"),
        ("as: text, decimals: 0", "7.0", "7"),
        ("as: text", 1e21, "1000000000000000000000"),
        ("as: integer", "5", 5),
        ("as: integer", 5.0, 5),
        ("as: integer, rounding: half_up", "2.5", 3),
        ("as: number", "12.5", 12.5),
        ("as: number", "120.00", 120),
        ("as: number", 0.1, 0.1),
        ("as: number, decimals: 1, rounding: half_up", "0.25", 0.3),
    ],
)
def test_a_number_is_written_without_noise(options: str, number: Any, value: Any) -> None:
    got = given(f"{{number: case.n, {options}}}", {"n": number})
    assert got == value
    assert type(got) is type(value)


@pytest.mark.parametrize(
    ("options", "number", "rule"),
    [
        ("as: integer", "5.5", "not_an_integer"),
        ("as: integer", 2**70, "not_an_integer"),
        ("as: text, decimals: 2", "0.001", "too_precise"),
        ("as: number", "0.12345678901234567890", "too_precise"),
        ("as: text", "1,000", "not_a_number"),
        ("as: text", " 1", "not_a_number"),
        ("as: text", "1e3", "not_a_number"),
        ("as: text", "１", "not_a_number"),
        ("as: text", "", "not_a_number"),
        ("as: text", "9" * 50, "not_a_number"),
        ("as: text", True, "wrong_type"),
        ("as: text", [1], "wrong_type"),
        ("as: text", None, "missing"),
    ],
)
def test_a_number_that_would_lose_something_is_a_fault(options: str, number: Any, rule: str) -> None:
    assert fault(f"{{number: case.n, {options}}}", {"n": number}).rule == rule


@hypothesis_given(st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-(10**9), max_value=10**9))
@examples(100)
def test_numbers_round_trip(number: Any) -> None:
    written = format(number, "f")
    assert given("{number: case.n, as: text}", {"n": written}) == written
    parsed = given(
        "{parse_number: record.n, as: text, unit: 元}", {"n": f"{written}元"}, direction="in", reads="record"
    )
    assert parsed == written


@pytest.mark.parametrize(
    ("options", "text", "value"),
    [
        ("as: number, unit: ㎡", "120.50㎡", 120.5),
        ("as: integer", "12", 12),
        ('as: integer, thousands: ","', "1,234", 1234),
        ("as: text, unit: ㎡", "120.00㎡", "120.00"),
    ],
)
def test_a_number_is_parsed_from_a_text(options: str, text: str, value: Any) -> None:
    got = given(f"{{parse_number: record.n, {options}}}", {"n": text}, direction="in", reads="record")
    assert (got, type(got)) == (value, type(value))


@pytest.mark.parametrize("text", ["1,2", "12,34", "1234,567", ",123", "1,234,", "1,23.4", "1.234,567", "-,123"])
def test_separators_that_do_not_part_thousands_make_no_number(text: str) -> None:
    expression = '{parse_number: record.n, as: number, thousands: ","}'
    assert fault(expression, {"n": text}, direction="in", reads="record").rule == "not_a_number"


@pytest.mark.parametrize("text", ["120.50", "㎡", "12㎡㎡", " 1㎡"])
def test_a_number_without_its_unit_is_no_number(text: str) -> None:
    expression = "{parse_number: record.n, as: number, unit: ㎡}"
    assert fault(expression, {"n": text}, direction="in", reads="record").rule == "not_a_number"


# --- times -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("options", "at", "value"),
    [
        ('format: "%Y-%m-%d %H:%M:%S", zone: Asia/Shanghai', "2026-04-30T15:58:42Z", "2026-04-30 23:58:42"),
        ('format: "%Y-%m-%d %H:%M:%S"', "2026-04-30T23:58:42.999+08:00", "2026-04-30 23:58:42"),
        ('format: "%Y%m%d"', "2026-04-30T16:00:00Z", "20260501"),
        ('format: "%Y年%m月%d日 100%%"', "2026-04-30T00:00:00Z", "2026年04月30日 100%"),
        ("zone: UTC", "2026-04-30T08:00:00+08:00", "2026-04-30T00:00:00+00:00"),
        ("zone: Europe/Berlin", "2026-07-01T00:00:00Z", "2026-07-01T02:00:00+02:00"),
    ],
)
def test_a_time_is_written_in_its_format_and_zone(options: str, at: str, value: str) -> None:
    assert given(f"{{time: case.at, {options}}}", {"at": at}) == value


@pytest.mark.parametrize(
    ("at", "rule"),
    [
        ("2026-04-30 23:58:42", "not_a_time"),
        ("2026-04-30", "not_a_time"),
        ("2026-02-30T00:00:00Z", "not_a_time"),
        ("2026-04-30T23:59:60Z", "not_a_time"),
        ("20260430T000000Z", "not_a_time"),
        ("2026-W18-4T10:00:00Z", "not_a_time"),
        ("2026-04-30T10:00:00+0800", "not_a_time"),
        ("2026-04-30T10:00:00.5+08:00 ", "not_a_time"),
        ("0001-01-01T00:00:00+14:00", "not_a_time"),
        ("9999-12-31T23:59:59-08:00", "not_a_time"),
        (1777564722, "wrong_type"),
    ],
)
def test_a_time_without_offset_or_off_the_calendar_is_a_fault(at: Any, rule: str) -> None:
    assert fault('{time: case.at, format: "%Y-%m-%d"}', {"at": at}).rule == rule


NEW_YORK = 'format: "%m/%d/%Y %I:%M:%S %p", zone: America/New_York'


@pytest.mark.parametrize(
    ("options", "text", "value"),
    [
        ('format: "%Y%m%d%H%M%S", zone: Asia/Taipei', "20260430235842", "2026-04-30T23:58:42+08:00"),
        ('formats: ["%Y-%m-%d", "%Y/%m/%d"], zone: Asia/Shanghai', "2026/04/30", "2026-04-30T00:00:00+08:00"),
        ('format: "%d.%m.%Y %H:%M", zone: Europe/Berlin', "01.07.2026 12:00", "2026-07-01T12:00:00+02:00"),
        ('format: "%Y-%b-%d %H:%M:%S", zone: America/Toronto', "2014-Jan-14 13:48:01", "2014-01-14T13:48:01-05:00"),
        ('format: "%d %B %Y", zone: UTC', "07 SEPTEMBER 2026", "2026-09-07T00:00:00+00:00"),
        (NEW_YORK, "02/28/2023 11:44:53 PM", "2023-02-28T23:44:53-05:00"),
        (NEW_YORK, "03/01/2023 12:00:00 am", "2023-03-01T00:00:00-05:00"),
        (NEW_YORK, "03/01/2023 12:00:00 PM", "2023-03-01T12:00:00-05:00"),
        ('format: "%Y/%-m/%-d %p %I:%M:%S"', "2026/4/30 下午 03:20:00", "2026-04-30T15:20:00+08:00"),
        ('format: "%-d.%-m.%Y %-H:%M", zone: UTC', "7.12.2026 9:05", "2026-12-07T09:05:00+00:00"),
        ('format: "%-m/%-d/%Y %-I:%M %p", zone: UTC', "12/7/2026 9:05 PM", "2026-12-07T21:05:00+00:00"),
        ('format: "%Y-%m-%dT%H:%M:%S.%f"', "2026-04-30T23:58:42.5", "2026-04-30T23:58:42.500000+08:00"),
        ('format: "%Y-%m-%dT%H:%M:%S.%f"', "2026-04-30T23:58:42.123456000", "2026-04-30T23:58:42.123456+08:00"),
        ('format: "%Y-%m-%dT%H:%M:%S%z"', "2026-04-30T23:58:42-05:00", "2026-05-01T12:58:42+08:00"),
        ('format: "%Y-%m-%dT%H:%M:%S%z"', "2026-04-30T15:58:42Z", "2026-04-30T23:58:42+08:00"),
        ('format: "%Y-%m-%dT%H:%M:%S%z"', "2026-04-30T23:58:42+0800", "2026-04-30T23:58:42+08:00"),
    ],
)
def test_a_local_time_is_read_with_its_zone(options: str, text: str, value: str) -> None:
    expression = f"{{parse_time: record.t, {options}}}"
    assert given(expression, {"t": text}, direction="in", reads="record") == value


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("%Y%m%d%H%M%S", "2026043023584"),
        ("%Y%m%d%H%M%S", "20260431000000"),
        ("%Y%m%d", "２0260430"),
        ("%Y-%m-%d", "2026-4-30"),
        ("%Y-%m-%d", "2026-04-30\n"),
        ("%Y-%m-%d %H:%M", "2026-03-29 02:30"),
        ("%Y-%m-%d %H:%M", "2026-10-25 02:30"),
        ("%Y-%b-%d", "2026-Mai-01"),
        ("%Y-%b-%d", "2026-May-1"),
        ("%Y-%b-%d", "2026-Sept-01"),
        ("%Y-%B-%d", "2026-Augu\u017ft-01"),
        ("%Y-%b-%d", "2026-May-32"),
        ("%d/%m/%Y %I:%M %p", "01/02/2026 00:30 AM"),
        ("%d/%m/%Y %I:%M %p", "01/02/2026 13:30 PM"),
        ("%d/%m/%Y %I:%M %p", "01/02/2026 01:30 P.M."),
        ("%d/%m/%Y %I:%M %p", "01/02/2026 01:30"),
        ("%d/%m/%Y", "01/02/2026 "),
        ("%d/%m/%Y", "01/02/2026x"),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-01-01 00:00:00.1234567"),
        ("%Y-%m-%d %H:%M:%S.%f", "2026-01-01 00:00:00."),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-01-01T00:00:00"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-01-01T00:00:00+08"),
        ("%Y-%m-%dT%H:%M:%S%z", "2026-01-01T00:00:00+25:00"),
        ("%Y-%m-%dT%H:%M:%S%z", "0001-01-01T00:00:00+14:00"),
    ],
)
def test_a_local_time_that_could_be_two_or_none_is_a_fault(form: str, text: str) -> None:
    expression = f'{{parse_time: record.t, format: "{form}", zone: Europe/Berlin}}'
    assert fault(expression, {"t": text}, direction="in", reads="record").rule == "not_a_time"


BERLIN = '{parse_time: record.t, format: "%Y-%m-%d %H:%M", zone: Europe/Berlin'


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("2026-13-01 00:00", "one that does not exist"),
        ("2026-03-29 02:30", "one that the zone skips"),
        ("2026-10-25 02:30", "one that the zone has twice"),
        ("x", "another"),
    ],
)
def test_a_text_that_is_no_time_is_told_why(text: str, reason: str) -> None:
    found = fault(f"{BERLIN}}}", {"t": text}, direction="in", reads="record")
    assert found.detail == f"expected a time as %Y-%m-%d %H:%M in Europe/Berlin, got {reason}"


def test_a_time_that_happens_twice_is_the_one_that_fold_says() -> None:
    given_in = {"direction": "in", "reads": "record"}
    for fold, offset in (("earlier", "+02:00"), ("later", "+01:00")):
        expression = f"{BERLIN}, fold: {fold}}}"
        assert given(expression, {"t": "2026-10-25 02:30"}, **given_in) == f"2026-10-25T02:30:00{offset}"
        assert given(expression, {"t": "2026-07-01 02:30"}, **given_in) == "2026-07-01T02:30:00+02:00"
        assert fault(expression, {"t": "2026-03-29 02:30"}, **given_in).rule == "not_a_time"


def test_a_time_of_several_formats_is_told_about_the_one_whose_shape_it_has() -> None:
    expression = '{parse_time: record.t, formats: ["%Y-%m-%d", "%Y%m%d"], zone: UTC}'
    assert "does not exist" in fault(expression, {"t": "20260431"}, direction="in", reads="record").detail


@hypothesis_given(st.datetimes(min_value=datetime(1995, 1, 1), max_value=datetime(2100, 1, 1)))
@examples(100)
def test_a_time_written_and_read_back_is_the_same_moment(moment: datetime) -> None:
    at = moment.replace(microsecond=0, tzinfo=UTC).isoformat()
    written = given('{time: case.at, format: "%Y%m%d%H%M%S"}', {"at": at})
    expression = '{parse_time: record.t, format: "%Y%m%d%H%M%S"}'
    read = given(expression, {"t": written}, direction="in", reads="record")
    assert datetime.fromisoformat(read) == datetime.fromisoformat(at)


# --- lists, objects, choices -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("expression", "value"),
    [
        ("{join: case.form.经营项目, with: ；}", "热食类；冷食类"),
        ("{join: {each: case.form.经营项目, do: it}, with: ；}", "热食类；冷食类"),
        ("{join: [case.case_no, {path: case.agent.x, optional: true}, {const: a}], with: '-'}", "990100-1-a"),
        ("{join: [case.case_no, case.agent.x], with: '-', optional: true}", "LEFT_OUT"),
        ("{join: [case.case_no, case.applicant.name]}", "990100-1张示例"),
        ("{split: case.case_no, on: '-'}", ["990100", "1"]),
        ("{split: case.applicant.empty, on: '-'}", []),
        ("{list: [case.case_no, {const: 1}, {path: case.x, optional: true}]}", ["990100-1", 1]),
        ("{list: []}", []),
        ("{each: case.materials, do: {object: {name: it.name}}}", [{"name": "申请表"}, {"name": "健康证明"}]),
        ("{each: case.materials, where: {present: it.licence_ref}, do: it.name}", ["健康证明"]),
        ("{each: case.materials, do: {path: it.count, optional: true}}", [1]),
        ("{each: case.none, do: it, when_absent: {list: []}}", []),
        ("{each: {split: case.case_no, on: '-'}, do: {text: it, steps: [{prefix: n}]}}", ["n990100", "n1"]),
        ("{object: {a: {path: case.x, optional: true}}, empty_as: absent, optional: true}", "LEFT_OUT"),
        ("{object: {a: {object: {b: case.case_no}}}}", {"a": {"b": "990100-1"}}),
        (
            "{choose: [{when: {equals: [case.form.是否网络经营, {const: true}]}, then: {const: 是}}],"
            " otherwise: {const: 否}}",
            "是",
        ),
        ("{choose: [{when: {present: case.agent}, then: case.agent.name}], optional: true}", "LEFT_OUT"),
        (
            "{choose: [{when: {present: case.case_no}, then: {path: case.x, optional: true}}], otherwise: {const: 1}}",
            "LEFT_OUT",
        ),
        ("{choose: [{when: {present: case.case_no}, then: {const: null}}]}", None),
    ],
)
def test_structures_are_built_as_written(expression: str, value: Any) -> None:
    assert given(expression, CASE) == value


def test_the_first_branch_that_holds_is_taken() -> None:
    branches = ", ".join(
        f"{{when: {{equals: [case.form.人数, {{const: {number}}}]}}, then: {{const: b{number}}}}}"
        for number in range(60)
    )
    assert given(f"{{choose: [{branches}]}}", CASE) == "b7"


def test_the_faults_of_items_say_which_one() -> None:
    payload = "m: {each: case.materials, do: {object: {l: {list: [it.count, it.name]}}}}"
    (found,) = faults(payload, CASE)
    assert (found.field, found.rule, found.path) == ("m/1/l/0", "missing", "case.materials.*.count")


def test_an_item_that_is_no_object_is_a_fault_of_its_list() -> None:
    (found,) = faults("m: {each: case.l, do: {object: {n: it.name}}}", {"l": [1]})
    assert (found.field, found.rule, found.path) == ("m/0/n", "wrong_type", "case.l.*")


def test_what_is_no_list_is_not_walked() -> None:
    assert fault("{each: case.case_no, do: it}", CASE).rule == "wrong_type"
    assert fault("{join: case.case_no}", CASE).rule == "wrong_type"
    assert fault("{join: case.materials}", CASE).rule == "wrong_type"


def test_a_nested_each_has_its_own_item() -> None:
    expression = "{each: case.a, do: {each: it.b, do: it.c}}"
    assert given(expression, {"a": [{"b": [{"c": 1}, {"c": 2}]}, {"b": []}]}) == [[1, 2], []]


@pytest.mark.parametrize(
    ("condition", "holds"),
    [
        ("{present: case.case_no}", True),
        ("{present: case.applicant.empty}", True),
        ("{present: {path: case.applicant.empty, empty_as: absent}}", False),
        ("{present: case.applicant.nothing}", False),
        ("{present: case.case_no.deeper}", False),
        ("{not: {present: case.x}}", True),
        ("{equals: [case.applicant.type, {const: natural_person}]}", True),
        ("{equals: [case.form.人数, {const: 7}]}", True),
        ("{equals: [case.form.人数, {const: 7.0}]}", True),
        ('{equals: [case.form.人数, {const: "7"}]}', False),
        ("{equals: [case.form.是否网络经营, {const: 1}]}", False),
        ("{equals: [case.x, case.y]}", False),
        ("{equals: [case.case_no, case.case_no]}", True),
        ("{in: [case.applicant.type, {const: [a, natural_person]}]}", True),
        ("{in: [case.applicant.type, {list: [{const: a}, case.applicant.type]}]}", True),
        ("{in: [case.form.是否网络经营, {const: [1]}]}", False),
        ("{in: [case.x, {const: [a]}]}", False),
        ("{at_least: [case.form.人数, {const: 7}]}", True),
        ("{at_least: [case.form.经营面积, {const: 120.5}]}", False),
        ("{at_most: [case.form.经营面积, {const: 120}]}", True),
        ("{at_most: [case.case_no, {const: 120}]}", False),
        ("{at_least: [case.x, {const: 0}]}", False),
        ("{all: [{present: case.case_no}, {present: case.x}]}", False),
        ("{any: [{present: case.case_no}, {present: case.x}]}", True),
    ],
)
def test_a_condition_holds_or_not(condition: str, holds: bool) -> None:
    expression = f"{{choose: [{{when: {condition}, then: {{const: true}}}}], otherwise: {{const: false}}}}"
    assert given(expression, CASE) is holds


# --- references, context, functions ----------------------------------------------------------------------


def test_another_systems_id_is_waited_for() -> None:
    payload = "r: {remote_ref: food, message: application}\nc: {case_ref: hotline}"
    assert apply(payload, CASE) == WaitsFor("food")
    refs = Refs({("food", "application"): "SPJY1"})
    assert apply(payload, CASE, refs=refs) == WaitsFor("hotline")
    refs = Refs({("food", "application"): "SPJY1"}, {"hotline": "H1"})
    assert apply(payload, CASE, refs=refs) == Mapped({"r": "SPJY1", "c": "H1"})
    assert apply("r: {text: {remote_ref: food}}", CASE, refs=refs) == WaitsFor("food")
    assert given("{remote_ref: food, optional: true}", CASE) == "LEFT_OUT"
    assert given('{remote_ref: food, when_absent: {const: ""}}', CASE) == ""


def test_faults_come_before_waiting() -> None:
    result = apply("r: {remote_ref: food}\nx: case.x", CASE)
    assert isinstance(result, Unmappable)
    assert [found.field for found in result.faults] == ["x"]


def test_context_values_are_as_given() -> None:
    context = Context(case_id="c", slot_key="s", ordinal=3, sent_at=datetime(2026, 1, 1, tzinfo=UTC))
    payload = (
        'a: {context: case_id}\nb: {context: ordinal}\nc: {context: sent_at, format: "%Y-%m-%d %H:%M:%S"}\n'
        "d: {context: sent_at, zone: UTC}\ne: {number: {context: ordinal}, as: text}"
    )
    assert apply(payload, CASE, context=context) == Mapped(
        {"a": "c", "b": 3, "c": "2026-01-01 08:00:00", "d": "2026-01-01T00:00:00+00:00", "e": "3"}
    )


def _functions() -> Functions:
    def fail(value: str) -> str:
        raise ValueError(f"no {value}")

    return Functions().with_(
        (
            Function("initial", {"name": "text", "count": "integer"}, "text", lambda name, count: name[:count]),
            Function("fail", {"value": "text"}, "text", fail),
            Function("lie", {}, "text", lambda: 1),
            Function("nothing", {}, "text", lambda: None),
        )
    )


def test_a_registered_function_is_called_with_checked_types() -> None:
    more = {"functions": _functions()}
    expression = "{function: initial, args: {name: case.applicant.name, count: {const: 1}}}"
    assert given(expression, CASE, **more) == "张"
    wrong = fault(expression.replace("{const: 1}", "{const: true}"), CASE, **more)
    assert (wrong.rule, wrong.detail) == ("wrong_type", "expected integer as count of initial, got true or false")
    assert fault(expression.replace("applicant", "agent"), CASE, **more).rule == "missing"
    assert given("{function: nothing, optional: true}", CASE, **more) == "LEFT_OUT"


def test_a_function_that_fails_is_a_fault_without_its_words() -> None:
    found = fault("{function: fail, args: {value: case.applicant.name}}", CASE, functions=_functions())
    assert found.rule == "function_failed"
    assert found.detail == "the function fail failed: ValueError"
    assert fault("{function: lie}", CASE, functions=_functions()).rule == "function_failed"


def test_a_part_is_read_beside_its_case() -> None:
    payload = "k: stage.kind\nn: case.case_no\nh: {path: stage.handler.name, optional: true}"
    assert apply(payload, CASE, part={"kind": "step"}, reads="stage") == Mapped({"k": "step", "n": "990100-1"})
    (found,) = faults("k: stage.kind", CASE, reads="stage")
    assert (found.rule, found.path) == ("missing", "stage.kind")


# --- the whole -------------------------------------------------------------------------------------------

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(max_size=6),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["a", "b", "name", "type"]), inner, max_size=3)
    ),
    max_leaves=10,
)

EVERYTHING = """\
a: {path: case.a, optional: true}
b: {text: case.b, limit: {bytes: 4, charset: gbk, beyond: error}}
c: {table: applicant_type, of: case.a.type}
d: {time: case.b, format: "%Y"}
e: {number: case.a, as: number}
f: {each: case.a, where: {present: it.name}, do: {object: {n: it.name, t: {table: own, of: it.type}}}}
g: {join: {each: case.b, do: it}, with: x}
h: {choose: [{when: {at_least: [case.a, case.b]}, then: case.a.b}], otherwise: {split: case.b, on: a}}
i: {first: [case.a.a.a, case.b.name], empty_as: absent, when_absent: {const: null}}
j: {row: organisations, key: case.a, at: case.b, column: code}
k: {parse_number: case.b, as: integer}
l: {parse_time: case.b, format: "%Y%m%d"}
m: {list: [case.a, {remote_ref: food}]}
"""


EVERYTHING_LOADED = load(EVERYTHING)


@examples(300)
@hypothesis_given(st.dictionaries(st.sampled_from(["a", "b"]), VALUES) | VALUES)
def test_a_mapping_is_total_and_shows_nothing_in_its_faults(case: Any) -> None:
    result = EVERYTHING_LOADED.apply(Inputs(case))
    assert isinstance(result, Unmappable | Mapped | WaitsFor)
    if isinstance(result, Mapped):
        assert result.payload["c"] in ("1", "2", "yes", "seven")


@hypothesis_given(st.text(min_size=4, max_size=12))
@examples(100)
def test_a_fault_never_holds_the_value(secret: str) -> None:
    secret = f"«{secret}»"
    case = {"a": {"type": secret, "name": secret}, "b": secret}
    result = EVERYTHING_LOADED.apply(Inputs(case))
    assert isinstance(result, Unmappable)
    assert secret not in repr(result) and "«" not in repr(result)


@hypothesis_given(st.sampled_from(["natural_person", "enterprise"]) | st.text(max_size=5))
@examples(100)
def test_a_mapping_without_faults_never_gives_what_its_table_lacks(code: str) -> None:
    result = apply("f: {table: applicant_type, of: case.c}", {"c": code})
    if isinstance(result, Mapped):
        assert result.payload["f"] in ("1", "2", "yes", "seven")
        assert code in ("natural_person", "enterprise", "true", "7")
    else:
        assert isinstance(result, Unmappable)


NAMES = st.sampled_from(["a", "b", "name", "type"])
PATHS = st.lists(NAMES, min_size=1, max_size=3).map(lambda keys: ".".join(("case", *keys)))
TREES = st.recursive(
    PATHS | st.fixed_dictionaries({"const": st.booleans() | st.integers(0, 9) | st.text("xy", max_size=3)}),
    lambda inner: (
        st.fixed_dictionaries({"object": st.dictionaries(NAMES, inner, max_size=3)})
        | st.fixed_dictionaries({"list": st.lists(inner, max_size=3)})
    ),
    max_leaves=8,
)


def walk(tree: Any, case: Any, missing: list[str]) -> Any:
    """A mapping of paths, constants, objects and lists, read in the plainest way."""
    if isinstance(tree, str):
        for key in tree.split(".")[1:]:
            if case is not None and not isinstance(case, dict):
                missing.append(tree)
            case = case.get(key) if isinstance(case, dict) else None
        if case is None:
            missing.append(tree)
        return case
    if "const" in tree:
        return tree["const"]
    if "object" in tree:
        return {key: walk(below, case, missing) for key, below in tree["object"].items()}
    return [walk(below, case, missing) for below in tree["list"]]


@examples(200)
@hypothesis_given(st.dictionaries(NAMES, TREES, min_size=1, max_size=4), st.dictionaries(NAMES, VALUES, max_size=4))
def test_the_compiled_function_gives_what_a_plain_walk_gives(tree: Any, case: Any) -> None:
    missing: list[str] = []
    expected = walk({"object": tree}, case, missing)
    payload = "\n".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in tree.items())
    result = apply(payload, case)
    if missing:
        assert isinstance(result, Unmappable)
    else:
        assert result == Mapped(expected)
