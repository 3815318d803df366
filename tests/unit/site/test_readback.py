"""How a system is read back: what an adapter declares, compiled."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest

from syncgate.domain.reconciliation.kinds import Action, Kind, Level
from syncgate.domain.reconciliation.masks import Mask
from syncgate.ports import Paging, Query
from syncgate.site.readback import ReadListing
from syncgate.site.record_keys import parse_our_key, record_key
from tests.unit.site.conftest import FILES, compiled

A = "adapters/archive/adapter.yaml"
OPERATIONS = """\
    list: {method: GET, path: /records, query: {page: "{page}", size: "{size}"}}
    events: {method: GET, path: /events, query: {since: "{from:date}", cursor: "{cursor}"}}
    count: {method: GET, path: /records/count, query: {low: "{low}", high: "{high}"}}
"""
SECTION = """\
reconciliation:
  every: 1d
  at: "02:30"
  window: 35d
  grace: 5m
  mends: true
  cap: 20
  missing_at_most: 2.5%
  listings:
    - name: records
      messages: [record]
      level: fields
      list: {operation: list, records: /items, total: /total, next: {by: page, first: 0, size: 200}}
      read: {operation: read, record: /data, absent: {status: [404]}}
      count: {operation: count, count: /count}
      key: [/number]
      ours: "{case_no}"
      remote_ref: /id
      scope: {body: {/origin: [syncgate, gate]}}
      retracted: removed
      default: {same: [trimmed]}
      fields:
        who: {at: /applicant/name, masked: true}
        area: {same: [{number: "㎡"}], owner: system, repair: accept}
        type: {compared: false}
      repair: {missing: ask}
      accept: {record: record_in}
      adopt: {key: [/number, /type], ours: "{/number}|{/type}"}
    - name: events
      messages: [event]
      level: ids
      list: {operation: events, next: {by: cursor, at: /next}}
      key: [/number, /seq]
      ours: "{case_ref|case_id}|{slot_key:hex}"
"""
RECORD_IN = """\
mapping: archive/record_in
direction: in
reads: record
payload:
  form: {object: {经营面积: record.area}}
examples:
  - name: an area
    record: {area: 120㎡}
    gives: {form: {经营面积: 120㎡}}
"""


def with_section(section: str = SECTION, operations: str = OPERATIONS) -> dict[str, str]:
    """The files of the small system, which is read back."""
    before = "  operations:\n"
    adapter = FILES[A].replace(before, before + operations, 1) + section
    return {**FILES, A: adapter, "mappings/archive/record_in.yaml": RECORD_IN}


def listing(message: str, files: Mapping[str, str] | None = None) -> ReadListing:
    """Where the records of a message are listed."""
    readback = compiled(files or with_section()).readback
    assert readback is not None
    found = readback.listing_of(message)
    assert found is not None
    return found


def test_a_system_without_a_section_is_not_read_back() -> None:
    assert compiled().readback is None


def test_what_holds_for_every_listing_is_kept_as_it_was_declared() -> None:
    readback = compiled(with_section()).readback
    assert readback is not None
    assert (readback.every, readback.at) == (timedelta(days=1), "02:30")
    assert (readback.window, readback.grace) == (timedelta(days=35), timedelta(minutes=5))
    assert (readback.mends, readback.cap, readback.missing_at_most) == (True, 20, 0.025)
    assert [one.name for one in readback.listings] == ["records", "events"]
    assert readback.listing_of("nothing") is None


def test_a_listing_says_how_it_is_asked() -> None:
    records, events = listing("record"), listing("event")
    paging = Paging(by="page", first=0, size=200)
    assert records.query == Query(operation="list", records_at="/items", total_at="/total", paging=paging)
    assert records.count == Query(operation="count", count_at="/count")
    assert records.read is not None
    assert (records.read.operation, records.read.record_at) == ("read", "/data")
    assert records.read.absent == {"status": [404]}
    assert events.query == Query(operation="events", paging=Paging(by="cursor", at="/next"))
    assert (records.has_window, events.has_window) == (False, True)
    assert (events.count, events.read, events.export, events.adoption) == (None, None, None, None)


def test_a_record_is_known_by_its_key_and_ours_by_the_same() -> None:
    records, events = listing("record"), listing("event")
    assert records.key_of_record({"number": "A1"}) == "A1"
    assert records.key_of_ours({"case_no": "A1"}, {}) == "A1"
    assert events.key_of_record({"number": "7", "seq": 12}) == "7|12"
    keys = {"case_id": "c-1", "slot_key": "aa-bb"}
    assert events.key_of_ours(keys, None) == "c-1|aabb"
    assert events.key_of_ours({**keys, "case_ref": "R9"}, None) == "R9|aabb"
    assert records.remote_ref_of({"id": 17}) == "17"
    assert (records.is_removed, events.is_removed) == (True, False)


@pytest.mark.parametrize("record", [{}, {"number": ""}, {"number": None}, {"number": True}, {"number": 1.5}, [], "A1"])
def test_a_record_without_a_key_has_none(record: Any) -> None:
    assert listing("record").key_of_record(record) is None
    assert listing("event").key_of_record(record) is None


def test_ours_without_a_value_has_no_key() -> None:
    assert listing("record").key_of_ours({}, {}) is None
    assert listing("event").key_of_ours({"case_id": "c-1"}, {}) is None


def test_a_key_of_several_values_wants_all_of_them() -> None:
    key = record_key(["/a/b", "/c"])
    assert key({"a": {"b": "1"}, "c": "2"}) == "1|2"
    assert key({"a": {"b": "1"}, "c": ""}) is None
    assert record_key(["/a/0"])({"a": ["x"]}) == "x"


def test_a_key_of_ours_reads_the_payload_too() -> None:
    key = parse_our_key("P-{/head/no}-{case_id}")
    assert key.of({"case_id": "c"}, {"head": {"no": 5}}) == "P-5-c"
    assert key.of({"case_id": "c"}, {"head": {}}) is None
    assert key.fields == {"head"}


def test_scope_tells_what_is_ours_and_without_it_the_key_does() -> None:
    records, events = listing("record"), listing("event")
    assert records.is_ours({"origin": "gate"})
    assert not records.is_ours({"origin": "hall", "number": "A1"})
    assert events.is_ours({"number": "1", "seq": "2"})
    assert not events.is_ours({"number": "1"})


def test_a_record_that_is_read_by_itself_is_out_of_scope_only_where_a_scope_is_declared() -> None:
    """It was asked for by its key, which it may not repeat."""
    records, events = listing("record"), listing("event")
    assert records.is_in_scope({"origin": "gate"})
    assert not records.is_in_scope({"origin": "hall", "number": "A1"})
    assert events.is_in_scope({})


def test_compared_is_what_the_mapping_compares_less_what_is_taken_out() -> None:
    fields = listing("record").comparisons["record"].fields
    assert [(one.name, one.at, one.owner, one.rules, one.mask) for one in fields] == [
        ("number", ("number",), "ours", ("trimmed",), None),
        ("who", ("applicant", "name"), "ours", ("trimmed",), Mask(3, 4)),
        ("area", ("area",), "system", ("number: ㎡",), None),
    ]
    assert listing("event").comparisons == {}


def test_a_policy_is_the_default_less_what_is_declared() -> None:
    records = listing("record")
    assert records.policy[Kind.MISSING] is Action.ASK
    assert records.policy[Kind.STALE] is Action.RESEND
    assert set(records.policy) == set(Kind)
    assert records.field_policy == {("record", "area"): Action.ACCEPT}
    assert records.accept["record"].name == "archive/record_in"


def test_what_was_typed_there_is_known_by_keys_of_its_own() -> None:
    adoption = listing("record").adoption
    assert adoption is not None
    assert adoption.key_of_record({"number": "A1", "type": "1"}) == "A1|1"
    assert adoption.key_of_ours({}, {"number": "A1", "type": "1"}) == "A1|1"


def profile(old: str, new: str) -> str:
    """The profile of the records' listing after an edit of the section."""
    assert old in SECTION
    return listing("record", with_section(SECTION.replace(old, new, 1))).profile


def test_listings_whose_marks_are_alike_have_the_same_profile() -> None:
    mine = listing("record").profile
    assert mine == listing("record").profile != listing("event").profile
    assert profile("cap: 20", "cap: 21") == mine
    assert profile("missing: ask", "missing: resend") == mine
    assert profile("owner: system, repair: accept", "owner: system") == mine
    assert profile("/applicant/name", "/applicant/title") == mine


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ('ours: "{case_no}"', 'ours: "{case_id}"'),
        ("same: [trimmed]", "same: []"),
        ('{number: "㎡"}', "trimmed"),
        ("masked: true", "tolerance: 0.5"),
        ("masked: true", "masked: {first: 1, last: 1}"),
        ("type: {compared: false}", "type: {}"),
    ],
)
def test_what_changes_the_marks_changes_the_profile(old: str, new: str) -> None:
    assert profile(old, new) != listing("record").profile


def test_an_export_names_the_columns_that_it_must_have() -> None:
    way = "list: {operation: events, next: {by: cursor, at: /next}}"
    export = "export: {format: csv, charset: gbk, file: 'exports/{date}.csv'}\n      remote_ref: /流水号"
    section = SECTION.replace(way, export).replace("window: 35d", "window: 35d").replace("  window: 35d\n", "")
    found = listing("event", with_section(section))
    assert (found.level, found.query) == (Level.IDS, None)
    assert found.export is not None
    assert found.export.settings.charset == "gbk"  # type: ignore[union-attr]
    assert (found.export.file, found.export.columns) == ("exports/{date}.csv", {"number", "seq", "流水号"})


def test_a_listing_says_what_its_level_cannot_find() -> None:
    records, events = listing("record"), listing("event")
    assert (records.ways, records.misses) == (("list", "read", "count"), frozenset())
    assert (events.ways, events.misses) == (("list",), {Kind.STALE, Kind.EDITED_THERE, Kind.NORMALISED_THERE})


def test_whoever_reads_one_known_record_after_the_other_sees_no_unknown_one() -> None:
    way = "list: {operation: list, records: /items, total: /total, next: {by: page, first: 0, size: 200}}\n      "
    assert way in SECTION
    found = listing("record", with_section(SECTION.replace(way, "")))
    assert (found.ways, found.misses) == (("read", "count"), {Kind.DUPLICATE, Kind.UNEXPECTED})


def test_counts_and_nothing_find_no_record() -> None:
    way = "list: {operation: events, next: {by: cursor, at: /next}}\n      key: [/number, /seq]\n"
    counts = SECTION.replace("level: ids", "level: counts").replace(way, "count: {operation: count}\n")
    found = listing("event", with_section(counts.replace("  window: 35d\n", "")))
    assert (found.ways, found.finds) == (("count",), {Kind.COUNT_DIFFERS})
    ours = '      ours: "{case_ref|case_id}|{slot_key:hex}"\n'
    nothing = SECTION.replace("level: ids", "level: none").replace("      " + way, "").replace(ours, "")
    found = listing("event", with_section(nothing.replace("  window: 35d\n", "")))
    assert (found.ways, found.finds) == ((), frozenset())


def test_what_no_listing_has_is_named() -> None:
    readback = compiled(
        with_section(SECTION[: SECTION.index("    - name: events")].replace("  window: 35d\n", ""))
    ).readback
    assert readback is not None
    assert readback.unlisted == ("event",)
