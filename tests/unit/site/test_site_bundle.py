"""A bundle plans, maps, checks and is found again by its digest."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError

from syncgate.config import LimitOverrides, SystemSettings
from syncgate.domain.breaker import BreakerPolicy
from syncgate.domain.plan import NextAfter, OnChange, OnUnplanned, PartOf, plan
from syncgate.mapping import Context, Inputs, Mapped
from syncgate.site.contract import ContractError, compile_contract
from syncgate.site.packing import digest_of, pack, unpack
from syncgate.values import Duration, Rate, Size
from tests.unit.site.conftest import ADAPTER, FILES, compiled, edited, problems

A = "adapters/archive/adapter.yaml"
CASE = {
    "kind": "application",
    "case_no": "A1",
    "applicant": {"name": "张示例"},
    "stages": [
        {"id": "s1", "kind": "applied", "at": "2026-01-15T09:00:00+08:00"},
        {"id": "s2", "kind": "accepted", "at": "2026-01-15T10:00:00+08:00"},
    ],
}


def test_a_bundle_plans_what_the_adapter_declares() -> None:
    bundle = compiled()
    found = plan(CASE, bundle.messages, applies=bundle.applies(CASE), numbers={})
    assert [(one.message, one.part, one.part_no) for one in found] == [("record", "", 1), ("event", "s2", 1)]


def test_messages_follow_all_that_are_listed_earlier_by_default() -> None:
    record, event = compiled().messages
    assert (record.after, event.after) == ((), ("record",))
    assert (record.of, event.of) == (PartOf.CASE, PartOf.STAGE)
    assert (record.on_change, record.update_operation) == (OnChange.UPDATE, "replace")
    assert (event.on_change, event.update_operation) == (OnChange.HOLD, None)
    assert (event.on_unplanned, event.next_after) == (OnUnplanned.HOLD, NextAfter.ACKNOWLEDGED)


def test_a_message_may_follow_nothing() -> None:
    files = edited(A, "    of: stage", "    of: stage\n    after: []")
    assert compiled(files).message("event").after == ()


def test_a_retraction_names_its_operation() -> None:
    files = edited(A, "    is_case_ref: true", "    is_case_ref: true\n    on_unplanned: {retract: replace}")
    record = compiled(files).message("record")
    assert (record.on_unplanned, record.retract_operation) == (OnUnplanned.RETRACT, "replace")


def with_retractions(record: str, event: str, **files: str) -> dict[str, str]:
    """The small site whose two messages say this under `on_unplanned`."""
    first = edited(A, "    is_case_ref: true", f"    is_case_ref: true\n    on_unplanned: {record}")
    return edited(A, "    operation: add", f"    operation: add\n    on_unplanned: {event}", first) | files


VOIDED = "{retract: add, mapping: voided, contract: event, confirm: {by: duplicate_probe}}"
VOIDED_MAPPING = """\
mapping: archive/voided
direction: out
reads: stage
payload:
  number: case.case_no
  event: {const: voided}
  at: {time: stage.at, format: "%Y-%m-%d %H:%M:%S"}
examples:
  - name: a withdrawal
    case: {case_no: "A1", stages: [{id: w, kind: withdrawn, at: "2026-01-16T10:00:00+08:00"}]}
    part: w
    gives: {number: "A1", event: voided, at: "2026-01-16 10:00:00"}
"""
VOIDED_FILE = {"mappings/archive/voided.yaml": VOIDED_MAPPING}


def test_messages_that_name_the_same_retraction_share_one_for_the_case() -> None:
    """It is a message of its own with mapping and contract, after all others, and no plan has it."""
    bundle = compiled(with_retractions(VOIDED, VOIDED) | VOIDED_FILE)
    assert [message.name for message in bundle.messages] == ["record", "event", "voided"]
    assert [message.retraction for message in bundle.messages] == ["voided", "voided", None]
    voided = bundle.message("voided")
    assert (voided.of, voided.operation, voided.after) == (PartOf.STAGE, "add", ())
    assert bundle.retractions["voided"].payload is bundle.specs["voided"]
    assert bundle.retractions["voided"].confirm.by == "duplicate_probe"
    withdrawn = {
        **CASE,
        "stages": [*CASE["stages"], {"id": "w", "kind": "withdrawn", "at": "2026-01-16T10:00:00+08:00"}],
    }
    assert "voided" not in {one.message for one in plan(withdrawn, bundle.messages, applies=True, numbers={})}
    assert bundle.warnings == () or not any("voided" in str(warning) for warning in bundle.warnings)


def test_a_retraction_of_a_slot_has_no_message_of_its_own() -> None:
    slot = "{retract: add, of: slot}"
    bundle = compiled(with_retractions("{retract: replace}", slot))
    assert [message.retraction for message in bundle.messages] == ["replace", None, None]
    assert set(bundle.retractions) == {"replace", "event"}
    assert bundle.retractions["event"].payload is None
    assert bundle.retractions["event"].confirm.by == "duplicate_probe", "as its message is confirmed"
    assert bundle.retractions["replace"].confirm.by == "look_up", "as the adapter says"
    assert "replace" not in bundle.specs, "it has no payload"


def test_inputs_are_digested_in_one_spelling() -> None:
    seen: list[bytes] = []
    bundle = compiled(mac=lambda content: seen.append(content) or b"mac")
    other_order = dict(reversed(CASE.items()))
    assert bundle.message("record").inputs(CASE, None) == b"mac"
    bundle.message("record").inputs(other_order, None)
    assert seen[0] == seen[1] and "张示例".encode() in seen[0]


def test_inputs_that_no_mapping_reads_change_nothing() -> None:
    bundle = compiled()
    before = bundle.message("record").inputs(CASE, None)
    assert bundle.message("record").inputs({**CASE, "title": "other"}, None) == before
    assert bundle.message("record").inputs({**CASE, "case_no": "A2"}, None) != before


def test_a_bundle_without_a_keyed_digest_does_not_plan() -> None:
    with pytest.raises(RuntimeError, match="keyed digest"):
        compiled(mac=None).message("record").inputs(CASE, None)


def test_a_system_takes_the_cases_that_its_condition_names() -> None:
    bundle = compiled()
    assert bundle.applies(CASE)
    assert not bundle.applies({**CASE, "kind": "hotline"})


@pytest.mark.parametrize(("mode", "takes"), [("draft", False), ("shadow", True), ("manual", True), ("retired", False)])
def test_a_draft_and_a_retired_system_take_nothing(mode: str, takes: bool) -> None:
    bundle = compiled(edited(A, "mode: live", f"mode: {mode}"))
    assert (bundle.mode, bundle.applies(CASE)) == (mode, takes)


def test_a_specification_says_how_to_confirm_and_where_the_number_is() -> None:
    record, event = compiled().specs["record"], compiled().specs["event"]
    assert dict(record.remote_ref_at) == {"body": "/id"} and record.is_case_ref
    assert dict(event.remote_ref_at) == {} and not event.is_case_ref
    assert (record.confirm.by, record.confirm.operation, record.confirm.record_at) == ("look_up", "read", "/data")
    assert dict(record.confirm.absent) == {"status": [404]}
    assert record.confirm.visible_after == timedelta(seconds=3)
    assert event.confirm.by == "duplicate_probe" and dict(event.confirm.absent) == {}
    assert record.compared_fields == {"number", "type", "who", "area"}


def test_a_mapping_of_a_bundle_maps() -> None:
    answer = compiled().specs["event"].mapping.apply(Inputs(case=CASE, part=CASE["stages"][1], context=Context()))
    assert answer == Mapped({"number": "A1", "event": "accepted", "at": "2026-01-15 10:00:00"})


def test_a_lease_outlasts_both_time_outs() -> None:
    limits = compiled(lease_margin=timedelta(seconds=3)).limits
    assert (limits.rate, limits.burst, limits.concurrency) == (10.0, 10, 4)
    assert (limits.connect_timeout, limits.timeout) == (1.0, 2.5)
    assert limits.lease == timedelta(seconds=6.5)
    assert limits.retry_after_at_most == timedelta(minutes=1)


def test_schedule_and_breaker_are_as_declared() -> None:
    bundle = compiled()
    assert bundle.schedule == (timedelta(milliseconds=250), timedelta(seconds=1), timedelta(minutes=5))
    assert bundle.breaker == BreakerPolicy(3, timedelta(seconds=2))


def test_a_site_changes_address_mode_and_limits_one_by_one() -> None:
    settings = SystemSettings(
        address="http://127.0.0.1:1/x", mode="shadow", limits=LimitOverrides(timeout=timedelta(seconds=2))
    )
    bundle = compiled(settings=settings)
    assert (bundle.address, bundle.mode) == ("http://127.0.0.1:1/x", "shadow")
    assert (bundle.limits.timeout, bundle.limits.connect_timeout) == (2.0, 1.0)
    assert bundle.limits.lease > timedelta(seconds=3)
    assert bundle.digest == compiled().digest


def test_the_secrets_of_the_options_are_known_by_name() -> None:
    assert compiled().secret_names == {"archive_key"}


def test_quirks_are_loaded_from_the_bundles_own_bytes() -> None:
    bundle = compiled({**FILES, "adapters/archive/quirks.py": "ANSWER = 42\n"})
    assert bundle.quirks is not None and bundle.quirks.ANSWER == 42
    assert compiled().quirks is None


QUIRKS = """
from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from syncgate.transports.rest.signing import SigningOptions, SigningScheme


@dataclass
class Note:
    text: str


class StampOptions(SigningOptions):
    scheme: Literal["stamp"] = "stamp"
    ink: str


def register(signing: dict[str, object]) -> None:
    signing["stamp"] = SigningScheme(StampOptions, lambda *given, **named: None)
"""


def test_quirks_may_bring_a_signature_with_options_of_its_own() -> None:
    files = edited(A, "options:\n", "options:\n  signing: {scheme: stamp, ink: blue}\n")
    bundle = compiled({**files, "adapters/archive/quirks.py": QUIRKS})
    assert (bundle.options.signing.scheme, bundle.options.signing.ink) == ("stamp", "blue")


def test_a_signature_that_no_quirks_bring_is_named_at_its_place() -> None:
    files = edited(A, "options:\n", "options:\n  signing: {scheme: stamp, ink: blue}\n")
    assert problems(lambda: compiled(files))[0].startswith(f"{A}:7:12: ")


def test_quirks_that_take_a_built_in_name_are_named() -> None:
    quirks = QUIRKS.replace('signing["stamp"]', 'signing["tif"]')
    assert problems(lambda: compiled({**FILES, "adapters/archive/quirks.py": quirks})) == [
        "adapters/archive/quirks.py:1:1: expected a signing name of its own, got the built-in 'tif'"
    ]


def test_a_file_that_no_message_names_is_warned_of() -> None:
    files = {**FILES, "schemas/archive/old.schema.json": "{}"}
    warned = [str(problem) for problem in compiled(files).warnings]
    assert "schemas/archive/old.schema.json:1:1: no message of archive names this file" in warned


@given(st.dictionaries(st.text(st.characters(codec="utf-8")), st.binary()))
def test_what_is_packed_is_unpacked(files: dict[str, bytes]) -> None:
    assert unpack(pack(files)) == files


def test_a_repr_shows_neither_files_nor_options() -> None:
    assert "127.0.0.1" not in repr(compiled())


def test_a_packed_bundle_compiles_to_the_same_digest() -> None:
    bundle = compiled()
    files = unpack(pack(bundle.files))
    assert files == bundle.files
    assert digest_of(files) == bundle.digest
    assert bundle.digest.startswith("sha256:") and len(bundle.short_digest) == 12


def test_packing_does_not_depend_on_the_order_of_files() -> None:
    files = {path: text.encode() for path, text in FILES.items()}
    assert pack(files) == pack(dict(reversed(files.items())))


@pytest.mark.parametrize("end", [-1, -9, 30, 5])
def test_torn_bytes_are_no_bundle(end: int) -> None:
    with pytest.raises(ValueError, match="expected a packed bundle"):
        unpack(pack({"a": b"content", "b": b"more"})[:end])


def test_any_change_of_a_file_changes_the_digest() -> None:
    changed = {**FILES, A: ADAPTER + "# note\n"}
    assert compiled(changed).digest != compiled().digest


def test_a_contract_names_every_broken_rule_and_no_value() -> None:
    contract = compiled().specs["record"].contract
    payload = {"number": "x" * 41, "who": 5, "secret-looking": "张示例"}
    found = contract.violations(payload)
    assert [(one.pointer, one.rule) for one in found] == [
        ("", "additionalProperties"),
        ("", "required"),
        ("/number", "maxLength"),
        ("/who", "type"),
    ]
    assert "张示例" not in str(found) and "x" * 41 not in str(found)
    assert contract.holds({"number": "A1", "type": "1"})
    assert contract.violations({"number": "A1", "type": "1"}) == ()


def test_a_contract_asks_formats() -> None:
    contract = compile_contract({"type": "object", "properties": {"day": {"type": "string", "format": "date"}}})
    assert contract.holds({"day": "2026-02-28"})
    assert [one.rule for one in contract.violations({"day": "2026-02-30"})] == ["format"]


def test_a_contract_names_what_fails_inside_alternatives() -> None:
    contract = compile_contract({"properties": {"n": {"anyOf": [{"type": "integer"}, {"maxLength": 2}]}}})
    assert {one.rule for one in contract.violations({"n": "xxx"})} == {"type", "maxLength"}


@pytest.mark.parametrize(
    "document", [[], "x", {"type": "nothing"}, {"$ref": "http://127.0.0.1:1/x"}, {"$ref": "#/$defs/x"}]
)
def test_what_is_no_usable_schema_is_no_contract(document: object) -> None:
    with pytest.raises(ContractError):
        compile_contract(document)


@pytest.mark.parametrize(
    ("text", "seconds"), [("250ms", 0.25), ("30s", 30), ("1.5m", 90), ("2h", 7200), ("1d", 86400), ("0s", 0)]
)
def test_durations_carry_their_unit(text: str, seconds: float) -> None:
    assert TypeAdapter(Duration).validate_python(text) == timedelta(seconds=seconds)


@pytest.mark.parametrize("text", ["30", 30, "30 s", "-1s", "s", "1w", "1e3s", "", None, "٣s"])
def test_what_is_no_duration_is_refused(text: object) -> None:
    with pytest.raises(ValidationError, match="expected a duration"):
        TypeAdapter(Duration).validate_python(text)


def test_rates_are_per_second() -> None:
    rate = TypeAdapter(Rate)
    assert [rate.validate_python(text) for text in ("100/s", "600/m", "7200/h", "86400/d")] == [100, 10, 2, 1]
    for text in ("100", "0/s", "5/ms", "5/w", 100):
        with pytest.raises(ValidationError, match="expected a rate"):
            rate.validate_python(text)


def test_sizes_carry_their_unit() -> None:
    size = TypeAdapter(Size)
    assert [size.validate_python(text) for text in ("10B", "64KiB", "1MiB", "0.5GiB")] == [10, 65536, 2**20, 2**29]
    for text in ("1MB", "1", 1024):
        with pytest.raises(ValidationError, match="expected a size"):
            size.validate_python(text)
