"""The canonical schema says what it should: titles, personal classes, what each kind of case requires."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import jsonschema
import jsonschema_rs
import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.support.properties import examples

Json = Any
ROOT = Path(__file__).parents[2]
SCHEMA: dict[str, Json] = json.loads((ROOT / "schemas/case.schema.json").read_text("utf-8"))
EXPLAINING = jsonschema.Draft202012Validator(SCHEMA, format_checker=jsonschema.Draft202012Validator.FORMAT_CHECKER)
FAST = jsonschema_rs.Draft202012Validator(SCHEMA, validate_formats=True)

PERSONAL = {"name", "identity", "contact", "address", "content", "sensitive"}
APPLICANT_TYPES = SCHEMA["properties"]["applicant"]["properties"]["type"]["enum"]
COMMON_KINDS = [
    "applied",
    "preaccepted",
    "accepted",
    "declined",
    "step",
    "supplement_requested",
    "supplement_received",
    "special_started",
    "special_ended",
    "decided",
    "finished",
    "picked_up",
    "evaluated",
    "withdrawn",
    "corrected",
]
HOTLINE_KINDS = [
    "assigned",
    "signed",
    "return_requested",
    "return_agreed",
    "reassigned",
    "urged",
    "extension_requested",
    "extension_agreed",
    "replied",
    "called_back",
    "reopened",
    "supervised",
]

HANDLER = {"name": "王样本", "staff_no": "S001"}
APPLICATION: dict[str, Json] = {
    "kind": "application",
    "case_no": "990100202601150001",
    "source_version": 3,
    "references": {"food": "SPJY2026000001"},
    "case_class": "promised",
    "title": "关于示例市好味道餐饮管理有限公司的食品经营许可",
    "query_password": "482913",
    "item": {
        "catalog_code": "000131901001",
        "task_code": "11990100MB0000001T3000131901001",
        "name": "食品经营许可（餐饮服务）新办",
        "version": 1,
        "type": "01",
    },
    "applicant": {
        "type": "enterprise",
        "name": "示例市好味道餐饮管理有限公司",
        "id_type": "001",
        "id_no": "91990100MA0000001G",
        "legal_rep": "张示例",
    },
    "agent": {"name": "张示例", "id_type": "111", "id_no": "99010119780213002X", "relation": "员工"},
    "contact": {
        "name": "赵示例",
        "mobile": "010-00000005转8",
        "email": "a@example.invalid",
        "postcode": "990100",
    },
    "accept_org": {"name": "示例市市场监督管理局", "uscc": "11990100MB0000001T"},
    "region_code": "990100",
    "channel": "window",
    "applied_at": "2026-01-15T09:30:00+08:00",
    "promised_at": "2026-01-22T09:30:00.250Z",
    "limits": {"promise": {"value": 5, "unit": "working_day"}},
    "form": {"主体业态": "2", "经营项目": ["热食类食品制售"], "食品安全管理员": {"姓名": "王样本"}},
    "stages": [
        {"id": "S01", "kind": "applied", "at": "2026-01-15T09:30:00+08:00"},
        {"id": "S02", "kind": "accepted", "at": "2026-01-15T10:00:00+08:00", "handler": HANDLER},
        {
            "id": "S03",
            "kind": "special_started",
            "at": "2026-01-16T10:00:00+08:00",
            "special": {"type": "2", "name": "专家论证", "limit": {"value": 5, "unit": "working_day"}},
        },
        {
            "id": "S04",
            "kind": "finished",
            "at": "2026-01-21T10:00:00+08:00",
            "corrects": "S02",
            "decision": {
                "result_code": "6",
                "licence": {"name": "食品经营许可证", "no": "JY29901000000001", "valid_to": "2031-01-20"},
                "fee": {"amount": "120.00", "currency": "CNY"},
                "is_delivered": True,
            },
        },
        {"id": "S05", "kind": "picked_up", "at": "2026-01-22T10:00:00+08:00", "pickup": {"way": "window"}},
        {
            "id": "S06",
            "kind": "evaluated",
            "at": "2026-01-23T10:00:00+08:00",
            "evaluation": {"satisfaction": "satisfied"},
        },
    ],
    "materials": [
        {
            "id": "M01",
            "name": "食品经营许可申请书",
            "get_type": "2",
            "sha256": "0" * 64,
            "size": 1,
            "count": 1,
        },
        {
            "id": "M02",
            "name": "营业执照",
            "get_type": "3",
            "licence_ref": {"cert_type": "营业执照", "cert_no": "1"},
        },
    ],
}
HOTLINE: dict[str, Json] = {
    "kind": "hotline",
    "case_no": "9901043010405",
    "item": {"name": "路燈不亮或損壞"},
    "location": {"text": " 示例路３段19號 ", "lon": 121.5, "lat": 25, "crs": "WGS84"},
    "applied_at": "2026-04-30T23:58:42+08:00",
    "is_confidential": True,
    "stages": [{"id": "1", "kind": "assigned", "at": "2026-05-01T00:00:00+08:00"}],
}
GOOD = {"application": APPLICATION, "hotline": HOTLINE}


def is_valid(case: Json) -> bool:
    """Whether the case is valid; both validators must say the same."""
    slow, fast = EXPLAINING.is_valid(case), FAST.is_valid(case)
    assert slow == fast, f"jsonschema says {slow}, jsonschema-rs says {fast}"
    return fast


def problems(case: Json) -> list[str]:
    """JSON Pointers of what is wrong."""
    return sorted("/" + "/".join(map(str, error.absolute_path)) for error in EXPLAINING.iter_errors(case))


def without(case: Json, *path: str) -> Json:
    """The case without one field."""
    found = copy.deepcopy(case)
    inner = found
    for name in path[:-1]:
        inner = inner[name]
    del inner[path[-1]]
    return found


def with_(case: Json, value: Json, *path: str | int) -> Json:
    """The case with one field set."""
    found = copy.deepcopy(case)
    inner = found
    for name in path[:-1]:
        inner = inner[name]
    inner[path[-1]] = value
    return found


def schemas_in(schema: Json, at: str = "") -> Iterator[tuple[str, dict[str, Json]]]:
    """Every described field: what `properties`, `items`, `$defs` and free keys hold, conditions left out."""
    for keyword in ("properties", "$defs"):
        for name, inner in schema.get(keyword, {}).items():
            yield f"{at}/{keyword}/{name}", inner
            yield from schemas_in(inner, f"{at}/{keyword}/{name}")
    for keyword in ("items", "additionalProperties"):
        inner = schema.get(keyword)
        if isinstance(inner, dict):
            yield f"{at}/{keyword}", inner
            yield from schemas_in(inner, f"{at}/{keyword}")


FIELDS = dict(schemas_in(SCHEMA))


def resolved(schema: dict[str, Json]) -> dict[str, Json]:
    """The schema united with what it refers to; its own words come first."""
    ref = schema.get("$ref")
    return schema if ref is None else {**resolved(SCHEMA["$defs"][ref.removeprefix("#/$defs/")]), **schema}


def personal_paths(schema: dict[str, Json], at: str, inherited: str | None = None) -> Iterator[tuple[str, str]]:
    """Every path that ends in a value and is personal, with its class."""
    whole = resolved(schema)
    own = whole.get("x-personal", inherited)
    items = whole.get("items")
    if own and (at == "case.form" or not (whole.get("properties") or items)):
        yield at, own
    if items:
        yield from personal_paths(items, f"{at}.*", own)
    for name, inner in whole.get("properties", {}).items():
        yield from personal_paths(inner, f"{at}.{name}", own)


def test_the_schema_is_valid_2020_12_and_needs_no_network() -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMA)
    assert SCHEMA["$schema"] == "https://json-schema.org/draft/2020-12/schema"
    assert SCHEMA["$id"] == "urn:syncgate:case:1"
    text = json.dumps(SCHEMA)
    refs = [inner["$ref"] for inner in FIELDS.values() if "$ref" in inner]
    assert all(ref.startswith("#/$defs/") for ref in refs)
    assert text.count("http") == 1


def test_every_field_has_a_chinese_and_an_english_title() -> None:
    referring = {name for name, inner in FIELDS.items() if set(inner) == {"$ref"}}
    untitled = [
        name
        for name, inner in FIELDS.items()
        if name not in referring and not (inner.get("title") and inner.get("x-title-en"))
    ]
    assert untitled == []
    assert all(resolved(FIELDS[name]).get("title") for name in referring)


def test_every_code_has_a_label_in_both_languages() -> None:
    for name, inner in FIELDS.items():
        if "enum" in inner:
            assert inner["enum"] == list(inner["x-labels"]), name
            assert all(set(label) == {"zh", "en"} for label in inner["x-labels"].values()), name


def test_every_personal_field_is_marked_with_its_class() -> None:
    marked = dict(personal_paths(SCHEMA, "case"))
    assert set(marked.values()) == PERSONAL
    assert marked == {
        "case.title": "name",
        "case.description": "content",
        "case.query_password": "identity",
        "case.applicant.name": "name",
        "case.applicant.id_type": "identity",
        "case.applicant.id_no": "identity",
        "case.applicant.legal_rep": "name",
        "case.agent.name": "name",
        "case.agent.id_type": "identity",
        "case.agent.id_no": "identity",
        "case.agent.mobile": "contact",
        "case.agent.relation": "identity",
        "case.contact.name": "name",
        "case.contact.id_type": "identity",
        "case.contact.id_no": "identity",
        "case.contact.mobile": "contact",
        "case.contact.email": "contact",
        "case.contact.address": "address",
        "case.contact.postcode": "address",
        "case.location.text": "address",
        "case.location.lon": "address",
        "case.location.lat": "address",
        "case.form": "content",
        "case.form.食品安全管理员.姓名": "name",
        "case.form.食品安全管理员.证件号码": "identity",
        "case.form.经营场所": "address",
        "case.form.仓库地址": "address",
        "case.form.残疾人证号": "sensitive",
        "case.form.残疾类别": "sensitive",
        "case.form.残疾等级": "sensitive",
        "case.form.补贴类型": "sensitive",
        "case.form.低保证号": "sensitive",
        "case.form.监护人或代办人.姓名": "name",
        "case.form.监护人或代办人.证件号码": "identity",
        "case.form.开户银行": "sensitive",
        "case.form.银行账号": "sensitive",
        "case.stages.*.reason": "content",
        "case.stages.*.opinion": "content",
        "case.stages.*.handler.name": "name",
        "case.stages.*.decision.description": "content",
        "case.stages.*.decision.void_reason": "content",
        "case.stages.*.decision.licence.no": "identity",
        "case.stages.*.evaluation.detail": "content",
        "case.stages.*.evaluation.text": "content",
        "case.stages.*.pickup.name": "name",
        "case.stages.*.pickup.id_type": "identity",
        "case.stages.*.pickup.id_no": "identity",
        "case.materials.*.file_name": "content",
        "case.materials.*.licence_ref.cert_no": "identity",
        "case.materials.*.licence_ref.holder": "name",
    }


def test_every_text_has_a_length_and_it_comes_before_its_pattern() -> None:
    for name, inner in FIELDS.items():
        keys = list(inner)
        if inner.get("type") == "string" and "enum" not in inner:
            assert "maxLength" in inner, name
        if "pattern" in inner:
            assert keys.index("maxLength") < keys.index("pattern"), name


def test_every_list_and_free_object_is_bounded() -> None:
    for name, inner in FIELDS.items():
        if inner.get("type") == "array":
            assert "maxItems" in inner, name
        if inner.get("type") == "object":
            assert inner["additionalProperties"] is False if "maxProperties" not in inner else True, name


@pytest.mark.parametrize("case", GOOD.values(), ids=GOOD)
def test_a_full_case_is_valid(case: Json) -> None:
    assert problems(case) == []
    assert is_valid(case)


@pytest.mark.parametrize(
    "path",
    [
        "kind",
        "case_no",
        "case_class",
        "title",
        "item",
        "item.name",
        "item.task_code",
        "item.catalog_code",
        "item.version",
        "applicant",
        "applicant.type",
        "applicant.name",
        "applicant.id_type",
        "applicant.id_no",
        "applicant.legal_rep",
        "contact",
        "contact.name",
        "contact.mobile",
        "accept_org",
        "accept_org.name",
        "accept_org.uscc",
        "region_code",
        "channel",
        "applied_at",
    ],
)
def test_an_application_needs(path: str) -> None:
    assert not is_valid(without(APPLICATION, *path.split(".")))


@pytest.mark.parametrize("path", ["kind", "case_no", "item", "item.name", "location", "location.text", "applied_at"])
def test_a_hotline_case_needs(path: str) -> None:
    assert not is_valid(without(HOTLINE, *path.split(".")))


def test_a_hotline_case_needs_nothing_more() -> None:
    needed = ("kind", "case_no", "item", "location", "applied_at")
    assert is_valid({name: HOTLINE[name] for name in needed} | {"location": {"text": "x"}})


@pytest.mark.parametrize("kind", APPLICANT_TYPES)
def test_only_a_natural_person_has_no_legal_representative(kind: str) -> None:
    case = without(with_(APPLICATION, kind, "applicant", "type"), "applicant", "legal_rep")
    assert is_valid(case) == (kind == "natural_person")


@pytest.mark.parametrize("kind", COMMON_KINDS + HOTLINE_KINDS)
def test_hotline_stages_are_for_hotline_cases_only(kind: str) -> None:
    stages = [{"id": "s", "kind": kind, "at": "2026-01-15T09:30:00+08:00"}]
    assert is_valid(HOTLINE | {"stages": stages})
    assert is_valid(APPLICATION | {"stages": stages}) == (kind in (*COMMON_KINDS, "reopened"))


def test_the_stage_kinds_are_the_closed_list() -> None:
    assert SCHEMA["$defs"]["stage"]["properties"]["kind"]["enum"] == COMMON_KINDS + HOTLINE_KINDS


@pytest.mark.parametrize("at", [(), ("item",), ("applicant",), ("stages", 0), ("materials", 0), ("location",)])
def test_unknown_keys_are_refused_everywhere_but_in_the_form(at: tuple[str | int, ...]) -> None:
    base = HOTLINE if at == ("location",) else APPLICATION
    assert not is_valid(with_(base, 1, *at, "unheard_of"))
    assert is_valid(with_(base | {"form": {}}, {"any": [None, 1.5, {"deep": "x"}]}, "form", "unheard_of"))


@pytest.mark.parametrize("key", ["", "键" * 61])
def test_keys_of_the_form_are_bounded(key: str) -> None:
    assert not is_valid(APPLICATION | {"form": {key: 1}})
    assert is_valid(APPLICATION | {"form": {"键" * 60: 1}})


BAD_VALUES: list[tuple[Json, tuple[str | int, ...]]] = [
    ("990100\n", ("case_no",)),
    ("案1", ("case_no",)),
    ("a" * 51, ("case_no",)),
    ("2026-02-30T09:30:00+08:00", ("applied_at",)),
    ("2026-01-15T09:30:00", ("applied_at",)),
    ("2026-01-15 09:30:00+08:00", ("applied_at",)),
    ("2026-01-15T24:00:00Z", ("applied_at",)),
    ("2026-01-15T09:30:60Z", ("applied_at",)),
    ("2026-01-15T09:30:00+24:00", ("applied_at",)),
    ("2026-01-15T09:30:00+08:00\n", ("applied_at",)),
    ("٢٠26-01-15T09:30:00Z", ("applied_at",)),
    ("9901", ("region_code",)),
    ("990100\n", ("region_code",)),
    ("11990100mb0000001t", ("accept_org", "uscc")),
    ("1199010OMB0000001T", ("accept_org", "uscc")),
    ("222", ("applicant", "id_type")),
    ("", ("applicant", "name")),
    (None, ("applicant", "name")),
    (1.5, ("item", "version")),
    (True, ("item", "version")),
    (-1, ("source_version",)),
    ("", ("source_version",)),
    (1.5, ("source_version",)),
    ("x", ("references", "Food")),
    (7, ("references", "food")),
    ("window ", ("channel",)),
    ("12345", ("query_password",)),
    ("9", ("stages", 3, "decision", "result_code")),
    ("1.234", ("stages", 3, "decision", "fee", "amount")),
    (0, ("materials", 0, "count")),
    ("5", ("materials", 0, "get_type")),
    ("0" * 63, ("materials", 0, "sha256")),
]


@pytest.mark.parametrize(("value", "path"), BAD_VALUES, ids=lambda value: str(value)[:40])
def test_a_bad_value_is_refused_where_it_stands(value: Json, path: tuple[str | int, ...]) -> None:
    case = with_(APPLICATION, value, *path)
    assert not is_valid(case)
    assert any(pointer in ("/" + "/".join(map(str, path)), "/references") for pointer in problems(case))


def test_a_telephone_number_is_taken_as_people_write_it() -> None:
    assert is_valid(with_(APPLICATION, "010-00000005转8", "contact", "mobile"))


def test_the_rules_beyond_json_schema_are_named_once_with_severity_pointer_and_titles() -> None:
    rules = SCHEMA["x-rules"]
    assert len({rule["rule"] for rule in rules}) == len(rules)
    for rule in rules:
        assert set(rule) == {"rule", "severity", "pointer", "title", "x-title-en"}
        assert rule["severity"] in ("error", "warning")
        assert all(rule.values())


def test_check_digits_only_warn() -> None:
    severity_by_rule = {rule["rule"]: rule["severity"] for rule in SCHEMA["x-rules"]}
    assert severity_by_rule["resident_id_check_digit"] == "warning"
    assert severity_by_rule["uscc_check_digit"] == "warning"
    assert is_valid(with_(APPLICATION, "11990100MB00000019", "accept_org", "uscc"))


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(-(2**53), 2**53),
    st.floats(allow_nan=False, allow_infinity=False, width=32),
    st.text(st.characters(exclude_categories=["Cs"]), max_size=60),
    st.sampled_from(
        [
            "",
            "\n",
            "2026-02-29T00:00:00Z",
            "2028-02-29T23:59:59-00:00",
            "0000-01-01T00:00:00Z",
            "990100",
            "001",
            "hotline",
            "application",
            "natural_person",
            "assigned",
            "a\n",
            "１２３４５６",
            [],
            {},
            [{}],
            ["x"],
            1.0,
            -0.0,
        ]
    ),
)


def places_in(value: Json, at: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """Every path below a value."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, inner in items:
        yield (*at, key)
        yield from places_in(inner, (*at, key))


PLACES = {name: list(places_in(case)) for name, case in GOOD.items()}


def change(draw: Callable[..., Json], case: Json, places: list[tuple[str | int, ...]]) -> None:
    """One place is set, removed or given an extra key; a place that is gone stays gone."""
    *path, last = draw(st.sampled_from(places))
    inner = case
    try:
        for name in path:
            inner = inner[name]
        if draw(st.booleans()):
            inner[last] = draw(SCALARS)
        elif draw(st.booleans()):
            del inner[last]
        else:
            inner[last][draw(st.sampled_from(["x", "kind", "name"]))] = draw(SCALARS)
    except (KeyError, IndexError, TypeError):
        return


@examples(300)
@given(st.data())
def test_both_validators_agree_on_changed_cases(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(GOOD)))
    case = copy.deepcopy(GOOD[name])
    for _ in range(data.draw(st.integers(1, 3))):
        change(data.draw, case, PLACES[name])
    is_valid(case)
