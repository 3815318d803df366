"""Everything that an adapter can say wrongly of reading its system back is named with its place."""

from __future__ import annotations

import pytest

from tests.unit.site.conftest import compiled as compiled_files
from tests.unit.site.conftest import edited, place_of, problems
from tests.unit.site.test_readback import A, with_section

M = "mappings/archive/record_in.yaml"

CASES = {
    # name: (old text, new text, text at the place, message)
    "an unknown key": (
        "cap: 20",
        "capp: 20",
        "capp",
        "unknown key 'capp'; the nearest known is 'cap'",
    ),
    "an unknown key of a listing": (
        "remote_ref: /id\n      scope",
        "remoteref: /id\n      scope",
        "remoteref",
        "unknown key 'remoteref'; the nearest known is 'remote_ref'",
    ),
    "a share without its sign": (
        "2.5%",
        "2.5",
        "2.5\n",
        "reconciliation.missing_at_most: expected a share such as 5%, got something else",
    ),
    "a time of day that there is not": (
        '"02:30"',
        '"24:30"',
        '"24:30"',
        "reconciliation.at: expected a time of the day such as 02:30, quoted, got another text",
    ),
    "a time of day for what comes more often": (
        "every: 1d",
        "every: 6h",
        '"02:30"',
        "expected 'every' of whole days beside 'at', got another or none",
    ),
    "a level that there is not": (
        "level: ids",
        "level: idss",
        "idss",
        "reconciliation.listings.1.level: unknown level 'idss'; the nearest known is 'ids'",
    ),
    "a class that there is not": (
        "{missing: ask}",
        "{mising: ask}",
        "ask}\n      accept",
        "reconciliation.listings.0.repair.mising.[key]: unknown class 'mising'; the nearest known is 'missing'",
    ),
    "an action that there is not": (
        "{missing: ask}",
        "{missing: resent}",
        "resent",
        "reconciliation.listings.0.repair.missing: unknown action 'resent'; the nearest known is 'resend'",
    ),
    "a listing's name twice": (
        "name: events\n      messages",
        "name: records\n      messages",
        "records\n      messages: [event]",
        "expected a listing name of its own, got 'records' again",
    ),
    "a message that there is not": (
        "messages: [event]",
        "messages: [evnt]",
        "evnt",
        "unknown message 'evnt'; the nearest known is 'event'",
    ),
    "a message in two listings": (
        "messages: [event]",
        "messages: [event, record]",
        "record]\n      level: ids",
        "expected every message in one listing only, got 'record' again",
    ),
    "a window without a listing that has one": (
        "{operation: events, next",
        "{operation: list, next",
        "35d",
        "expected a listing that is asked with {from} or {until} beside 'window', got none",
    ),
    "an operation that there is not": (
        "list: {operation: list,",
        "list: {operation: lst,",
        "lst",
        "records: unknown operation 'lst'; the nearest known is 'list'",
    ),
    "a reading operation that sends": (
        "read: {operation: read,",
        "read: {operation: replace,",
        "replace, record",
        "records: expected an operation that sends nothing, got 'replace', which does",
    ),
    "a look-up with a placeholder of a listing": (
        "read: {operation: read,",
        "read: {operation: count,",
        "{method: GET, path: /records/count",
        "expected placeholders that one record has in operation 'count', got {high} of a listing",
    ),
    "pages by a number that nobody asks for": (
        "{operation: events, next: {by: cursor, at: /next}}",
        "{operation: read_all, next: {by: page}}",
        "{by: page}}",
        "events: expected {page} in its operation with by: page, got none",
    ),
    "pages that nobody turns": (
        "next: {by: page, first: 0, size: 200}",
        "next: {by: none}",
        "{by: none}",
        "records: expected no {page} in its operation with by: none, got it",
    ),
    "pages of no size": (
        "first: 0, size: 200",
        "first: 0",
        "{by: page, first: 0}",
        "records: expected 'size' under 'next' for {size}, got none",
    ),
    "a keyset without its place": (
        "{operation: events, next: {by: cursor, at: /next}}",
        "{operation: after, next: {by: keyset}}",
        "{by: keyset}",
        "events: expected the key 'at' with by: keyset, got none",
    ),
    "a count without its range": (
        "count: {operation: count,",
        "count: {operation: count_all,",
        "count_all,",
        "records: expected {high} in its operation, got none",
    ),
    "a count by a key of several values": (
        "key: [/number]",
        "key: [/number, /type]",
        "[/number, /type]\n      ours",
        "records: expected a key of one value with 'count', whose ranges are of one, got several",
    ),
    "records that cannot be read": (
        "list: {operation: events, next: {by: cursor, at: /next}}",
        "retracted: kept",
        "ids\n",
        "events: expected at least one of list, read, export with level: ids, got none",
    ),
    "a level of fields without a key": (
        "      key: [/number]\n",
        "",
        "name: records",
        "records: expected the key 'key' with level: fields, got none",
    ),
    "fields where only ids are seen": (
        "level: ids",
        "level: ids\n      default: {owner: system}",
        "{owner: system}",
        "events: expected no 'default' with level: ids, got one",
    ),
    "counts without a count": (
        "level: ids",
        "level: counts",
        "counts\n",
        "events: expected the key 'count' with level: counts, got none",
    ),
    "a key of ours without a placeholder": (
        'ours: "{case_no}"\n',
        'ours: "case_no"\n',
        '"case_no"',
        "records: expected a placeholder such as {case_id}, got 'case_no'",
    ),
    "a key of ours by a name that there is not": (
        'ours: "{case_no}"\n',
        'ours: "{caseno}"\n',
        '"{caseno}"',
        "records: unknown placeholder 'caseno'; the nearest known is 'case_no'",
    ),
    "a key of ours that has fewer values": (
        'ours: "{case_ref|case_id}|{slot_key:hex}"',
        'ours: "{slot_key:hex}"',
        '"{slot_key:hex}"',
        "events: expected as many values as 'key' has (2), joined with |, got 1",
    ),
    "a key of ours by a field that no payload has": (
        'ours: "{/number}|{/type}"',
        'ours: "{/number}|{/tpe}"',
        '"{/number}|{/tpe}"',
        "records: record: unknown field 'tpe'; the nearest known is 'type'",
    ),
    "a rule that there is not": (
        "same: [trimmed]",
        "same: [trimed]",
        "[trimed]",
        "trimed",
    ),
    "a field that there is not": (
        "        who: {at",
        "        whoo: {at",
        "{at: /applicant/name",
        "records: unknown field 'whoo'; the nearest known is 'who'",
    ),
    "a field that says more beside not being compared": (
        "type: {compared: false}",
        "type: {compared: false, owner: system}",
        "{compared: false",
        "reconciliation.listings.0.fields.type: expected nothing else beside compared: false, got more",
    ),
    "a field both masked and inexact": (
        "masked: true",
        "masked: true, tolerance: 1.0",
        "{at: /applicant/name",
        "reconciliation.listings.0.fields.who: expected one of masked, tolerance, got both",
    ),
    "a class that the level cannot find": (
        "level: ids",
        "level: ids\n      repair: {stale: ask}",
        "ask}\n      list",
        "events: expected a class that level: ids can find, got 'stale'",
    ),
    "an action that does not fit its class": (
        "{missing: ask}",
        "{missing: accept}",
        "accept}\n      accept",
        "records: expected one of ask, ignore, resend for missing, got 'accept'",
    ),
    "accepting what is ours to say": (
        "owner: system, repair: accept",
        "repair: accept",
        "accept}\n        type",
        "records: accept goes against the owner of 'area': expected owner: system, got ours",
    ),
    "sending what is theirs to say": (
        "owner: system, repair: accept",
        "owner: system, repair: resend",
        "resend}\n        type",
        "records: resend goes against the owner of 'area': expected owner: ours, got system",
    ),
    "accepting without a mapping": (
        "      accept: {record: record_in}\n",
        "",
        "accept}\n        type",
        "records: expected an inbound mapping of record under 'accept', got none",
    ),
    "accepting by a mapping that there is not": (
        "{record: record_in}",
        "{record: recordin}",
        "recordin",
        "expected the mapping mappings/archive/recordin.yaml, got no such file; the nearest known is 'record_in'",
    ),
    "accepting by a mapping outward": (
        "{record: record_in}",
        "{record: record}",
        "record}\n      adopt",
        "records: expected a mapping with 'direction: in', got 'out'",
    ),
    "accepting what the mapping does not read": (
        "who: {at: /applicant/name, masked: true}",
        "who: {at: /applicant/name, owner: system, repair: accept}",
        "accept}\n        area",
        "records: expected an inbound mapping that reads 'who', got archive/record_in, which does not",
    ),
    "accepting for a message of another listing": (
        "{record: record_in}",
        "{record: record_in, event: record_in}",
        "record_in}",
        "records: unknown message 'event'; expected one of record",
    ),
}
MORE = """\
    read_all: {method: GET, path: /all}
    after: {method: GET, path: /events, query: {after: "{after}", since: "{from}"}}
    count_all: {method: GET, path: /count}
"""


def files() -> dict[str, str]:
    """The small system with a few operations more."""
    return edited(A, "    read: {method", MORE + "    read: {method", with_section())


@pytest.mark.parametrize("name", CASES)
def test_a_problem_is_named_with_its_place(name: str) -> None:
    old, new, at, message = CASES[name]
    broken = edited(A, old, new, files())
    found = problems(lambda: compiled_files(broken))
    place = place_of(A, at, broken) if at != "name: records" else ""
    assert any(line.startswith(place) and message in line for line in found), "\n".join(found)


def test_the_small_system_is_right_before_it_is_broken() -> None:
    assert compiled_files(files()).readback is not None


def test_everything_wrong_is_told_at_once() -> None:
    broken = files()
    for old, new in (("same: [trimmed]", "same: [trimed]"), ("who: {at", "whoo: {at"), ("[event]", "[evnt]")):
        broken = edited(A, old, new, broken)
    found = "\n".join(problems(lambda: compiled_files(broken)))
    assert all(word in found for word in ("trimed", "'whoo'", "'evnt'"))


def test_accepting_reads_only_what_a_record_shows() -> None:
    broken = edited(M, "record.area", "record.aera", with_section())
    assert any(
        "records: archive/record_in: unknown field of the record 'aera'" in line
        for line in problems(lambda: compiled_files(broken))
    )


def test_a_message_in_no_listing_is_told() -> None:
    adapter = with_section()[A]
    without = adapter[: adapter.index("    - name: events\n      messages")].replace("  window: 35d\n", "")
    warned = [str(one) for one in compiled_files({**with_section(), A: without}).warnings]
    place = place_of(A, "every: 1d", {A: without})
    assert (
        f"{place}: archive: event: no listing has their records: what is lost or altered there is not noticed "
        "(reconciliation)" in warned
    )


def test_an_inbound_mapping_that_is_named_counts_as_used() -> None:
    assert not [one for one in compiled_files(with_section()).warnings if one.code == "unused"]
