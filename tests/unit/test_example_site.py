"""The example site fits together: adapters, mappings, tables, contracts and the canonical schema."""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator
from functools import cache
from hashlib import sha256
from itertools import product
from pathlib import Path
from typing import Any

import jsonschema
import pytest

from syncgate.domain import rules
from syncgate.domain.plan import parts_of, plan
from syncgate.mapping import Context, Inputs, Mapped, Mapping, Unmappable, WaitsFor, load_mapping, load_tables
from syncgate.sandbox.city.build import build_city
from syncgate.sandbox.city.goldens import golden_documents, golden_life
from syncgate.sandbox.city.script import WITHDRAW, Life
from syncgate.sandbox.systems.food_records import invalid_in_application, invalid_in_event
from syncgate.sandbox.systems.province_records import REQUIRED, malformed_field, missing_field
from syncgate.site.adapter import Adapter, RetractBy
from syncgate.site.bundle import Bundle
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.compiler import compile_bundle
from syncgate.site.reconciling import ReadListingRules
from syncgate.transports.answer_view import AnswerView
from syncgate.transports.answers import AnswerRules

Json = Any
ROOT = Path(__file__).parents[2]
SYSTEMS = ("province", "food", "workorders", "frontdb", "insurance", "hotline", "urban", "ecology", "disability")
SECRETS = (
    "province_token",
    "province_tif_token",
    "food_key",
    "workorders_key",
    "hotline_key",
    "urban_key",
    "ecology_key",
)
MAPPINGS = sorted(
    path.relative_to(ROOT / "mappings").with_suffix("").as_posix()
    for path in (ROOT / "mappings").rglob("*.yaml")
    if path.parent.name != "tables"
)
CONTRACTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "schemas").glob("*/*.schema.json"))
GBK = frozenset(bytes(pair).decode("gbk", "ignore") for pair in product(range(0x81, 0xFF), range(0x40, 0xFF))) | {
    chr(code) for code in range(128)
}
OUR_KEYS = {"orgbusno", "unid", "bizKey", "eventKey"}


def loaded(path: str) -> Json:
    """A JSON file of the site."""
    return json.loads((ROOT / path).read_text("utf-8"))


@cache
def canonical() -> CanonicalSchema:
    """The canonical schema, once."""
    return CanonicalSchema.load(ROOT / "schemas/case.schema.json")


@cache
def mapping(name: str) -> Mapping:
    """A mapping by its name, once."""
    tables = {
        path.relative_to(ROOT).as_posix(): path.read_text("utf-8")
        for path in (ROOT / "mappings").rglob("tables/*.yaml")
    }
    file = f"mappings/{name}.yaml"
    return load_mapping((ROOT / file).read_text("utf-8"), file, tables=load_tables(tables))


@cache
def bundle(system: str) -> Bundle:
    """A system's bundle, compiled with every check."""
    folders = (f"adapters/{system}", f"mappings/{system}", "mappings/tables", f"schemas/{system}")
    paths = [path for folder in folders for path in (ROOT / folder).rglob("*") if path.is_file()]
    files = {path.relative_to(ROOT).as_posix(): path.read_bytes() for path in paths}
    return compile_bundle(
        system,
        files,
        mac=lambda inputs: sha256(inputs).digest(),
        schema=canonical(),
        secrets=SECRETS,
    )


def adapter(system: str) -> Adapter:
    """A system's adapter."""
    return bundle(system).adapter


def contract_problems(system: str, name: str, payload: Json) -> list[str]:
    """What a system's contract says against a payload."""
    validator = jsonschema.Draft202012Validator(loaded(f"schemas/{system}/{name}.schema.json"))
    return [f"{error.json_path}: {error.message}" for error in validator.iter_errors(payload)]


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_compiles_with_every_check(system: str) -> None:
    assert bundle(system).system == system


def retractions(system: str) -> list[RetractBy]:
    """What the messages of a system say of taking back."""
    return [each.on_unplanned for each in adapter(system).messages if isinstance(each.on_unplanned, RetractBy)]


def contract_by_mapping(system: str) -> dict[str, str]:
    """The contracts of a system's messages and retractions by the names of their mappings."""
    found = {message.mapping_name: message.contract_name for message in adapter(system).messages}
    return found | {one.mapping: one.contract_name for one in retractions(system) if one.mapping is not None}


def listings(system: str) -> tuple[ReadListingRules, ...]:
    """How a system's records are read back."""
    declared = adapter(system).reconciliation
    return () if declared is None else declared.listings


def accepted(system: str) -> set[str]:
    """The inbound mappings by which what a system's own people changed is taken over."""
    return {name for listing in listings(system) for name in listing.accept.values()}


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_mapping_and_contract_is_used_by_a_message(system: str) -> None:
    used = contract_by_mapping(system)
    assert {f"{system}/{name}" for name in {*used, *accepted(system)}} == {
        name for name in MAPPINGS if name.startswith(f"{system}/")
    }
    assert {f"schemas/{system}/{name}.schema.json" for name in used.values()} == {
        path for path in CONTRACTS if path.startswith(f"schemas/{system}/")
    }


@pytest.mark.parametrize("system", SYSTEMS)
def test_every_operation_is_named_by_a_message_or_by_a_question(system: str) -> None:
    spoken = adapter(system)
    used = {message.operation for message in spoken.messages}
    used |= {message.on_change.update for message in spoken.messages if not isinstance(message.on_change, str)}
    used |= {one.retract for one in retractions(system)}
    reads = [spoken.confirm_of(message).operation for message in spoken.messages]
    used |= {operation for operation in reads if operation}
    used |= {polled.operation for polled in bundle(system).acknowledgements.values()}
    ways = [way for one in listings(system) for way in (one.list, one.read, one.count)]
    used |= {way.operation for way in ways if way is not None}
    assert used == set(spoken.options["operations"])


@pytest.mark.parametrize("system", SYSTEMS)
def test_a_system_is_declared_to_receive_what_its_mappings_read_and_no_class_more(system: str) -> None:
    read: set[str] = set()
    for name in contract_by_mapping(system):
        for path in mapping(f"{system}/{name}").paths:
            read |= canonical().personal_classes(path)
    assert read == set(adapter(system).personal)


@pytest.mark.parametrize("path", CONTRACTS)
def test_a_contract_is_closed_bounded_and_its_lengths_come_before_its_patterns(path: str) -> None:
    contract = loaded(path)
    jsonschema.Draft202012Validator.check_schema(contract)
    assert contract["additionalProperties"] is False
    assert set(contract["required"]) <= set(contract["properties"])
    for name, field in contract["properties"].items():
        assert field.get("title"), name
        keys = list(field)
        assert field.get("type") != "string" or "enum" in field or "maxLength" in field, name
        assert "pattern" not in field or keys.index("maxLength") < keys.index("pattern"), name


@pytest.mark.parametrize("name", MAPPINGS)
def test_the_examples_of_a_mapping_hold(name: str) -> None:
    results = mapping(name).run_examples()
    assert [(result.name, result.diff) for result in results if not result.ok] == []
    assert len(results) >= 2


def given_payloads(name: str) -> Iterator[tuple[str, Json]]:
    """What the examples of a mapping give, by their names."""
    for example in mapping(name).document.examples:
        if example.gives is not None:
            yield example.name, example.gives


@pytest.mark.parametrize("name", [name for name in MAPPINGS if mapping(name).direction == "out"])
def test_what_an_example_gives_keeps_the_contract(name: str) -> None:
    system, own = name.split("/")
    contract = contract_by_mapping(system)[own]
    broken = {title: contract_problems(system, contract, given) for title, given in given_payloads(name)}
    assert broken
    assert not any(broken.values()), broken


def test_what_a_source_gives_is_a_canonical_case() -> None:
    for title, given in given_payloads("sources/taipei1999/case"):
        assert canonical().check(given).errors == (), title


def test_every_rule_of_the_schema_is_implemented() -> None:
    named = {rule["rule"] for rule in loaded("schemas/case.schema.json")["x-rules"]}
    assert named == set(rules.NAMES)


# --- whole cases -------------------------------------------------------------------------------------------


def payloads(system: str, case: Json) -> Iterator[tuple[str, Mapped | Unmappable | WaitsFor]]:
    """What a system should hold of a case: operation and outcome of the mapping, in the declared order."""
    found = bundle(system)
    for planned in plan(case, found.messages, applies=found.applies(case), numbers={}):
        message, spec = found.message(planned.message), found.specs[planned.message]
        context = Context(
            case_id="case-1",
            slot_key=f"{planned.message}-{planned.part}",
            ordinal=planned.part_no,
            system=system,
            message=planned.message,
        )
        part = dict(parts_of(case, message.of))[planned.part]
        outcome = spec.mapping.apply(Inputs(case=case, part=part, context=context))
        if isinstance(outcome, Mapped):
            assert spec.contract.violations(outcome.payload) == ()
            assert contract_problems(system, planned.message, outcome.payload) == []
        yield message.operation, outcome


def merged(case: Json, patch: Json) -> Json:
    """A case after a merge patch (RFC 7396), stages and materials united by id, the number that it had first kept."""
    found = copy.deepcopy(case)
    for name, value in patch.items():
        if name in ("stages", "materials"):
            known = {each["id"] for each in found.get(name, [])}
            found[name] = found.get(name, []) + [each for each in value if each["id"] not in known]
        elif name == "case_no":
            found.setdefault(name, value)
        elif isinstance(value, dict) and isinstance(found.get(name), dict):
            found[name] = merged(found[name], value)
        else:
            found[name] = value
    return found


def golden_cases(document: Json) -> tuple[Json, Json]:
    """The case as first typed with all its stages, and as it stands in the end."""
    made = [call for call in golden_life(document).calls if call.path != WITHDRAW]
    first, *later = [call for call in made if call.answer == "accepted"]
    typed = last = first.body
    for call in later:
        last = merged(last, call.body)
        is_correction = any(gate.system == "province" for gate in call.after)
        if call.method == "POST" and not is_correction:
            typed = merged(typed, call.body)
    return typed, last


def payload_of(outcome: Mapped | Unmappable | WaitsFor) -> Json:
    """The payload, which there must be."""
    assert isinstance(outcome, Mapped), outcome
    return outcome.payload


def without_our_keys(record: Json) -> Json:
    """A record without what only the gate can know."""
    return {name: value for name, value in record.items() if name not in OUR_KEYS}


@pytest.mark.parametrize("name", golden_documents())
def test_the_mappings_give_what_was_typed_by_hand_from_the_published_interface(name: str) -> None:
    document = golden_documents()[name]
    typed, last = golden_cases(document)
    # What province took first stays, what food holds follows the case.
    for system, case in (("province", typed), ("food", last)):
        if system not in document or system in golden_life(document).calls[-1].unreached:
            continue
        found = [
            {"operation": operation, "record": without_our_keys(payload_of(outcome))}
            for operation, outcome in payloads(system, case)
        ]
        wanted = [
            {"operation": each["operation"], "record": without_our_keys(each["record"])} for each in document[system]
        ]
        if "withdrawn" in document["traits"]:
            wanted.pop()
        assert found == wanted


def test_a_row_that_the_front_database_has_yet_to_look_at_is_not_held() -> None:
    """Its queue is in the same table: listed, a row would count as taken before it was."""
    declared = bundle("frontdb").readback
    assert declared is not None
    for listing in declared.listings:
        assert listing.is_ours({"data_source": "999", "is_sync": 1})
        assert not listing.is_ours({"data_source": "999", "is_sync": 0})
        assert not listing.is_in_scope({"data_source": "999", "is_sync": 0}), (
            "nor is it judged when it is read by itself"
        )
        assert not listing.is_ours({"data_source": "001", "is_sync": 1})
        assert listing.query is not None
        operation = adapter("frontdb").options["operations"][listing.query.operation]
        assert operation["where"] == {"data_source": "999", "is_sync": 1}


def objections(system: str, operation: str, record: Json) -> list[str]:
    """What the simulated system itself would refuse the record for."""
    if system == "province":
        found = missing_field(operation, record) or malformed_field(operation, record)
        return [found] if found else []
    if system == "food":
        return invalid_in_event(record) if operation == "event" else invalid_in_application(record)
    return []


@pytest.mark.parametrize("message", ["basic_info", "step", "special", "material", "done"])
def test_the_contract_requires_what_the_simulated_province_demands(message: str) -> None:
    operation = next(each.operation for each in adapter("province").messages if each.name == message)
    required = loaded(f"schemas/province/{message}.schema.json")["required"]
    assert set(REQUIRED[operation]) <= set(required)


def test_every_case_of_the_example_city_maps_and_keeps_every_contract() -> None:
    faults: dict[tuple[str, str], set[str]] = {}
    count = 0
    for life in build_city(case_count=150, hotline_count=10).lives:
        case: Json = {}
        for call in (call for call in life.calls if call.answer == "accepted" and call.path != WITHDRAW):
            case = merged(case, call.body) if call.method != "PUT" else call.body
            if call.path == "/v1/cases":
                assert canonical().check(case).errors == ()
        for system in SYSTEMS:
            for operation, outcome in payloads(system, life.calls[0].body):
                count += 1
                if isinstance(outcome, Mapped):
                    assert objections(system, operation, outcome.payload) == []
                else:
                    faults.setdefault((system, life.case_no), set()).add(f"{operation}: {outcome}")
    assert count > 500
    lives = build_city(case_count=150).lives
    unmapped = {("food", life.case_no) for life in lives if life.traits & {"unmapped", "unmapped_mended"}}
    rare = {("frontdb", life.case_no) for life in lives if is_rare(life)}
    long = {("frontdb", life.case_no) for life in lives if has_long_mobile(life)}
    insured = {("insurance", life.case_no) for life in lives if "new_code" in life.traits or is_insurance_of_rare(life)}
    assert insured and set(faults) == unmapped | rare | long | insured
    assert long and all("too_long" in fault for place in long for fault in faults[place])
    assert all("unencodable" in fault for place in rare for fault in faults[place])


def has_long_mobile(life: Life) -> bool:
    """Whether a number has more bytes than the front database's column."""
    case = life.calls[0].body
    return case["kind"] == "application" and len(case["contact"]["mobile"].encode("gbk")) > 11


def is_insurance_of_rare(life: Life) -> bool:
    """Whether insurance is to register somebody whose name GBK cannot write."""
    case = life.calls[0].body
    is_registration = "immediate" in life.traits and case["item"]["name"] == "灵活就业人员参保登记"
    return is_registration and any(character not in GBK for character in case["applicant"]["name"])


def is_rare(life: Life) -> bool:
    """Whether a case has a character that GBK lacks where the front database has a column for it."""
    case = life.calls[0].body
    if case["kind"] != "application":
        return False
    words = [material.get("file_name", "") for material in case.get("materials", [])]
    if any(stage["kind"] == "accepted" for stage in case.get("stages", [])):
        words += [case["applicant"]["name"], case["applicant"].get("legal_rep", "")]
        words += [case["title"], case["contact"]["name"]]
    return any(character not in GBK for character in "".join(words))


def test_another_material_is_no_change_of_what_province_took_first() -> None:
    case = golden_documents()["plain_approval"]["calls"][0]["body"]
    more = merged(case, {"materials": [{"id": "M99", "name": "补充材料", "get_type": "1"}]})
    basic_info, application = bundle("province").message("basic_info"), bundle("food").message("application")
    assert basic_info.inputs(case, None) == basic_info.inputs(more, None)
    assert application.inputs(case, None) != application.inputs(more, None)


# --- answers -----------------------------------------------------------------------------------------------


def verdict(system: str, operation: str, status: int, body: Json) -> tuple[str, str, str]:
    """Outcome, reason and actor that the system's answer rules give."""
    raw = body if isinstance(body, bytes) else json.dumps(body).encode()
    view = AnswerView(status, [("Content-Type", "application/json")], raw)
    found = AnswerRules(adapter(system).answers).judge(view, operation=operation)
    return found.outcome.value, found.reason, found.actor


DENIED = ("denied", "credentials_refused", "operations")
PROVINCE_ANSWERS = [
    (200, {"code": "200", "text": "办件数据接收成功！"}, ("taken", "", "")),
    (200, {"code": "0", "text": "rowguid（orgbusno）为1的数据已存在！"}, ("duplicate", "", "")),
    (200, {"code": "0", "text": "applicant字段为空！"}, ("refused", "field_refused", "source")),
    (200, {"code": "0", "text": "【某事项】事项不存在！"}, ("refused", "item_unknown", "table")),
    (200, {"code": "0", "text": "orgbusno为1的办件不存在！"}, ("refused", "case_unknown_there", "system")),
    (200, {"code": "0", "text": "办件数据接收失败！"}, ("unavailable", "", "")),
    (200, {"code": "0", "text": "token验证失败！"}, DENIED),
    (500, {"code": 400001, "msg": "鉴权失败，鉴权信息有误。"}, DENIED),
    (401, b"", DENIED),
    (429, b"", ("throttled", "", "")),
    (503, b"", ("unavailable", "", "")),
    (502, b"", ("unknown", "", "")),
    (504, b"", ("unknown", "", "")),
    (500, b"", ("unknown", "", "")),
    (500, {"code": "400001"}, ("unknown", "", "")),
    (200, {"code": 200}, ("unknown", "", "")),
    (200, {"code": "0", "text": "你好"}, ("unknown", "", "")),
    (200, b"<html>code 200</html>", ("unknown", "", "")),
]


@pytest.mark.parametrize(("status", "body", "wanted"), PROVINCE_ANSWERS)
def test_an_answer_of_province_means(status: int, body: Json, wanted: tuple[str, str, str]) -> None:
    assert verdict("province", "receiveProc", status, body) == wanted


FOOD_ANSWERS = [
    ("create", 201, {"id": "SPJY2026000001", "bizKey": "k"}, ("taken", "", "")),
    ("create", 200, {"id": "SPJY2026000001", "bizKey": "k"}, ("taken", "", "")),
    ("replace", 200, {"id": "SPJY2026000001", "version": 2}, ("taken", "", "")),
    ("event", 201, {"id": "SPEV2026000001"}, ("taken", "", "")),
    ("create", 409, {"error": "exists", "id": "SPJY2026000001"}, ("duplicate", "", "")),
    ("event", 409, {"error": "no such application"}, ("refused", "case_unknown_there", "system")),
    ("replace", 404, {"error": "not found"}, ("refused", "case_unknown_there", "system")),
    ("create", 404, {"error": "no such path"}, ("unknown", "", "")),
    ("create", 422, {"error": "invalid", "fields": ["area"]}, ("refused", "field_refused", "source")),
    ("create", 422, {"error": "key was used"}, ("refused", "request_key_used", "operations")),
    ("create", 400, {"error": "Idempotency-Key required"}, ("refused", "request_malformed", "mapping")),
    ("create", 401, {"error": "unauthorized"}, DENIED),
    ("event", 429, b"", ("throttled", "", "")),
    ("event", 503, b"", ("unavailable", "", "")),
    ("event", 504, b"", ("unknown", "", "")),
    ("create", 201, b"garbage", ("unknown", "", "")),
    ("create", 200, {"ok": True}, ("unknown", "", "")),
]


@pytest.mark.parametrize(("operation", "status", "body", "wanted"), FOOD_ANSWERS)
def test_an_answer_of_food_means(operation: str, status: int, body: Json, wanted: tuple[str, str, str]) -> None:
    assert verdict("food", operation, status, body) == wanted


WORKORDERS_ANSWERS = [
    (201, {"orderNo": "WO-00000001"}, ("taken", "", "")),
    (200, {"orderNo": "WO-00000001"}, ("taken", "", "")),
    (409, {"error": "exists", "orderNo": "WO-00000001"}, ("duplicate", "", "")),
    (422, {"error": "invalid", "fields": ["item"]}, ("refused", "field_refused", "source")),
    (401, {"error": "unauthorized"}, DENIED),
    (429, b"", ("throttled", "", "")),
    (503, b"", ("unavailable", "", "")),
    (201, b"", ("unknown", "", "")),
]


def polled(state: str, reason: str | None = None) -> Json:
    """What a poll of the front database says."""
    return {"result": "poll", "state": state, "flag": None, "reason": reason}


FRONTDB_ANSWERS = [
    ("accept", {"result": "committed", "rows": 1}, ("queued_there", "", "")),
    ("poll_accept", polled("refused", "受理时间早于申请时间"), ("refused", "accepted_before_applied", "source")),
    (
        "poll_accept",
        polled("refused", "质检不通过：受理时间早于申请时间"),
        ("refused", "accepted_before_applied", "source"),
    ),
    ("poll_accept", polled("refused", "质检不通过：事项版本已停用"), ("refused", "item_unknown", "table")),
    ("poll_accept", polled("refused", "【某事项】事项不存在"), ("refused", "item_unknown", "table")),
    ("poll_result", polled("refused", "办件受理信息不存在"), ("refused", "case_unknown_there", "system")),
    # What is no reject is no refusal whatever its words; what no rule names is judged by the transport.
    ("read_accept", {"result": "read", "count": 1, "rows": [{"reason": "事项不存在"}]}, ("unknown", "", "")),
    ("poll_accept", polled("refused", "applyer_type代码不存在"), ("unknown", "", "")),
    ("poll_accept", polled("waiting"), ("unknown", "", "")),
]


@pytest.mark.parametrize(("operation", "body", "wanted"), FRONTDB_ANSWERS)
def test_an_answer_of_frontdb_means(operation: str, body: Json, wanted: tuple[str, str, str]) -> None:
    assert verdict("frontdb", operation, 200, body) == wanted


@pytest.mark.parametrize(("status", "body", "wanted"), WORKORDERS_ANSWERS)
def test_an_answer_of_workorders_means(status: int, body: Json, wanted: tuple[str, str, str]) -> None:
    assert verdict("workorders", "create", status, body) == wanted
