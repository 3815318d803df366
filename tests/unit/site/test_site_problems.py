"""Every kind of problem of a system's files is named with its exact place, all at once."""

from __future__ import annotations

from datetime import timedelta

import pytest

from syncgate.config import LimitOverrides, SystemSettings
from tests.unit.site.conftest import ADAPTER, FILES, compiled, contract, edited, place_of, problems

A = "adapters/archive/adapter.yaml"
R = "mappings/archive/record.yaml"
E = "mappings/archive/event.yaml"

CASES = {
    # name: (file, old text, new text, text at the place, message)
    "another system's name": (
        A,
        "system: archive",
        "system: archiv",
        "archiv\n",
        "expected 'system: archive', the name of its folder, got 'archiv'",
    ),
    "an unknown key": (
        A,
        "schedule:",
        "schedul:",
        "schedul:",
        "unknown key 'schedul'; the nearest known is 'schedule'",
    ),
    "an unknown key of a message": (
        A,
        "    operation: add",
        "    opration: add",
        "opration",
        "unknown key 'opration'; the nearest known is 'operation'",
    ),
    "an unknown mode": (
        A,
        "mode: live",
        "mode: on",
        "on\n",
        "mode: expected 'draft', 'shadow', 'live', 'manual' or 'retired', got a text",
    ),
    "an unknown transport": (
        A,
        "transport: rest",
        "transport: resst",
        "resst",
        "unknown transport 'resst'; the nearest known is 'rest'",
    ),
    "a duration without unit": (
        A,
        "probe_after: 2s",
        "probe_after: 2",
        "2}\npersonal",
        "breaker.probe_after: expected a duration with a unit such as 30s or 5m, got 2",
    ),
    "a wait of nothing": (A, "[250ms, 1s", "[0s, 1s", "0s, 1s", "schedule.0: expected a duration above 0, got 0"),
    "a rate without time": (
        A,
        "rate: 600/m",
        "rate: 600",
        "600,",
        "limits.rate: expected a rate such as 100/s or 600/m, got 600",
    ),
    "an option that the transport lacks": (
        A,
        "  headers: {X-Key",
        "  header: {X-Key",
        "header: {X",
        "unknown key 'header'; the nearest known is 'headers'",
    ),
    "an undeclared secret": (
        A,
        "archive_key",
        "archiv_key",
        "archiv_key",
        "unknown secret 'archiv_key'; the nearest known is 'archive_key' (secrets in the configuration)",
    ),
    "an operation that is none": (
        A,
        "operation: create",
        "operation: creat",
        "creat\n",
        "unknown operation 'creat'; the nearest known is 'create'",
    ),
    "an update by no operation": (
        A,
        "{update: replace}",
        "{update: replac}",
        "replac}",
        "unknown operation 'replac'; the nearest known is 'replace'",
    ),
    "a message name twice": (
        A,
        "- name: event",
        "- name: record",
        "record\n    of: stage",
        "expected a message name of its own, got 'record' again",
    ),
    "a predecessor that is none": (
        A,
        "    of: stage",
        "    of: stage\n    after: [recrd]",
        "recrd",
        "unknown message 'recrd'; the nearest known is 'record'",
    ),
    "an order in a circle": (
        A,
        "    of: case",
        "    of: case\n    after: [event]",
        "[event]",
        "expected an order without a circle, got record after event after record",
    ),
    "no mapping": (
        A,
        "    of: stage",
        "    of: stage\n    mapping: evnt",
        "evnt",
        "expected the mapping mappings/archive/evnt.yaml, got no such file; the nearest known is 'event'",
    ),
    "no contract": (
        A,
        "    of: stage",
        "    of: stage\n    contract: evnt",
        "evnt",
        "expected the contract schemas/archive/evnt.schema.json, got no such file; the nearest known is 'event'",
    ),
    "a number of the case from nowhere": (
        A,
        "    remote_ref: {body: /id}\n",
        "",
        "true",
        "expected 'remote_ref' to say where the case's number is, got none",
    ),
    "an answer name twice": (
        A,
        "name: exists",
        "name: taken",
        "taken, when: {status: [409]",
        "expected an answer name of its own, got 'taken' again",
    ),
    "an answer of no operation": (
        A,
        "outcome: duplicate}",
        "outcome: duplicate, operations: [ad]}",
        "ad]}",
        "unknown operation 'ad'; the nearest known is 'add'",
    ),
    "no answer that means taken": (
        A,
        "outcome: taken}",
        "outcome: taken, operations: [create, replace]}",
        "add\n",
        "expected an answer that means taken or queued_there for operation 'add', got none",
    ),
    "a probe without a duplicate": (
        A,
        "outcome: duplicate}",
        "outcome: refused}",
        "duplicate_probe",
        "event: expected an answer that means duplicate for operation 'add', got none",
    ),
    "a key that is not sent": (
        A,
        "{by: duplicate_probe}",
        "{by: idempotency_key}",
        "idempotency_key",
        "event: expected {send_key} in a header, the path or the query of operation 'add', got none",
    ),
    "a look-up by nothing": (
        A,
        "by: look_up, operation: read,",
        "by: look_up,",
        "{by: look_up",
        "expected the key 'operation' for by: look_up, got none",
    ),
    "a look-up by no operation": (
        A,
        "operation: read,",
        "operation: reed,",
        "reed",
        "unknown operation 'reed'; the nearest known is 'read'",
    ),
    "an operation for a probe": (
        A,
        "{by: duplicate_probe}",
        "{by: duplicate_probe, operation: read}",
        "read}\nanswers",
        "expected no 'operation' for by: duplicate_probe, got one",
    ),
    "an end before the beginning": (
        A,
        "final_after: 30m",
        "final_after: 1s",
        "1s, absent",
        "expected 'final_after' not before 'visible_after', got a shorter one",
    ),
    "a question by no operation": (
        A,
        "personal: [",
        "acknowledged: {operation: reed}\npersonal: [",
        "reed}",
        "unknown operation 'reed'; the nearest known is 'read'",
    ),
    "a question that sends": (
        A,
        "personal: [",
        "acknowledged: {operation: add}\npersonal: [",
        "add}\npersonal",
        "expected an operation that sends nothing, got 'add', which does",
    ),
    "a deadline before the first question": (
        A,
        "personal: [",
        "acknowledged: {operation: read, waits: [1m], final_after: 30s}\npersonal: [",
        "30s}\npersonal",
        "expected 'final_after' not before the first wait, got a shorter one",
    ),
    "an unknown class": (
        A,
        "[name, case",
        "[nam, case",
        "nam,",
        "unknown class of personal data 'nam'; the nearest known is 'name'",
    ),
    "a personal path that no case has": (
        A,
        "case.form.经营面积]",
        "case.applicant.nam]",
        "case.applicant.nam",
        "unknown path 'case.applicant.nam'; the nearest known is 'case.applicant.name'",
    ),
    "a condition on what no case has": (
        A,
        "case.kind, {const",
        "case.kin, {const",
        "case.kin,",
        "unknown field of case 'kin'; the nearest known is 'kind'",
    ),
    "a mapping of the wrong part": (
        A,
        "    of: case",
        "    of: case\n    mapping: event\n    contract: event",
        "case\n    mapping",
        "expected a mapping that reads case for message 'record', got one that reads stage",
    ),
    "a path that no case has": (
        R,
        "case.case_no",
        "case.caseno",
        "case.caseno",
        "unknown field of case 'caseno'; the nearest known is 'case_no'",
    ),
    "an unknown table": (R, "table: kind", "table: knd", "knd", "unknown table 'knd'; the nearest known is 'kind'"),
    "a field that the contract lacks": (
        R,
        "  who:",
        "  whom:",
        "whom",
        "unknown field of the contract 'whom'; the nearest known is 'who'",
    ),
    "a field that the contract requires": (
        R,
        "  number: case.case_no\n",
        "",
        "type: {",
        "expected the field 'number', which the contract requires, got none",
    ),
    "a leak": (
        R,
        "case.applicant.name",
        "case.applicant.id_no",
        "case.applicant.id_no",
        "case.applicant.id_no is personal (identity); it may not be received (personal, adapter or config.yaml)",
    ),
    "a leak of a whole object": (
        R,
        "case.applicant.name",
        "{text: case.applicant.legal_rep, when_absent: case.agent.id_no}",
        "case.agent.id_no",
        "case.agent.id_no is personal (identity); it may not be received (personal, adapter or config.yaml)",
    ),
    "a leak of a part": (
        E,
        "event: stage.kind",
        "event: stage.opinion",
        "stage.opinion",
        "stage.opinion is personal (content); it may not be received (personal, adapter or config.yaml)",
    ),
    "a table that says a code twice": (
        "mappings/tables/kind.yaml",
        'hotline: "2"',
        'application: "2"',
        'application: "2"',
        "the key 'application' stands twice, first in line 2",
    ),
    "a torn contract": (
        "schemas/archive/event.schema.json",
        '"type": "object",',
        '"type": ,',
        ',\n "additional',
        "not JSON",
    ),
    "a contract that is none": (
        "schemas/archive/event.schema.json",
        '"maxLength": 40',
        '"maxLength": "x"',
        '"x"',
        "not a JSON Schema 2020-12: type",
    ),
    "a contract of another dialect": (
        "schemas/archive/event.schema.json",
        "2020-12",
        "2019-09",
        '"https',
        "expected the dialect https://json-schema.org/draft/2020-12/schema, got another",
    ),
}


@pytest.mark.parametrize("name", CASES)
def test_what_is_wrong_is_named_at_its_place(name: str) -> None:
    path, old, new, at, message = CASES[name]
    files = edited(path, old, new)
    found = problems(lambda: compiled(files))
    assert any(line.startswith(f"{place_of(path, at, files)}: {message}") for line in found), "\n".join(found)


def test_an_inbound_mapping_sends_nothing() -> None:
    inbound = """\
mapping: archive/event
direction: in
reads: record
payload: {case_no: record.number}
examples:
  - {name: one, record: {number: A1}, gives: {case_no: A1}}
"""
    files = {**FILES, E: inbound}
    assert (
        "expected a mapping with 'direction: out' for message 'event', got 'in'" in problems(lambda: compiled(files))[0]
    )


def test_an_operation_that_asks_has_an_answer_that_means_taken() -> None:
    files = edited(A, "outcome: taken}", "outcome: taken, operations: [create, replace, add]}")
    files = edited(A, "personal: [", "acknowledged: {operation: read}\npersonal: [", files)
    (told,) = problems(lambda: compiled(files))
    assert "expected an answer that means taken for operation 'read', got none" in told


def test_what_is_queued_there_and_never_asked_about_is_told() -> None:
    """Promise 3: what the system rejects would not be noticed."""
    files = edited(A, "outcome: taken}", "outcome: queued_there}")
    assert any("not asked what became of it (acknowledged)" in str(one) for one in compiled(files).warnings)
    asked = "status: {method: GET, path: /status}\n    read: {method: GET"
    files = edited(A, "read: {method: GET", asked, files)
    files = edited(
        A, "answers:\n", "answers:\n  - {name: done, when: {text: {contains: done}}, outcome: taken}\n", files
    )
    files = edited(A, "personal: [", "acknowledged: {operation: status}\npersonal: [", files)
    assert not any("not asked what became of it (acknowledged)" in str(one) for one in compiled(files).warnings)


def test_the_small_site_has_no_problem() -> None:
    assert compiled().system == "archive"


def test_problems_of_all_files_come_at_once() -> None:
    files = edited(A, "mode: live", "mode: on")
    files = edited(R, "case.case_no", "case.caseno", files)
    files = edited("mappings/tables/kind.yaml", "codes:", "code:", files)
    named = {line.split(":")[0] for line in problems(lambda: compiled(files))}
    assert named == {A, R, "mappings/tables/kind.yaml"}


def test_a_missing_adapter_is_named() -> None:
    files = {path: text for path, text in FILES.items() if path != A}
    assert f"{A}:1:1: expected this file, got none" in problems(lambda: compiled(files))


def test_a_file_in_another_charset_is_named_with_its_line() -> None:
    from syncgate.site.compiler import compile_bundle

    files = {path: text.encode() for path, text in FILES.items()}
    files[A] = ADAPTER.encode().replace("档案系统".encode(), "档案系统".encode("gbk"))
    assert problems(lambda: compile_bundle("archive", files)) == [f"{A}:2:1: expected UTF-8, got other bytes"]


def test_a_contract_that_refers_outside_is_refused() -> None:
    path = "schemas/archive/event.schema.json"
    files = edited(path, '"maxLength": 40', '"$ref": "https://example.invalid/x.json"')
    assert any(line.startswith(path) for line in problems(lambda: compiled(files)))


def test_broken_quirks_are_named_with_their_line() -> None:
    quirks = {"adapters/archive/quirks.py": "x = 1\n\ny = 1 / 0\n"}
    assert problems(lambda: compiled({**FILES, **quirks})) == [
        "adapters/archive/quirks.py:3:1: expected a module that loads, got ZeroDivisionError"
    ]
    quirks = {"adapters/archive/quirks.py": "x = 1\ndef (:\n"}
    assert problems(lambda: compiled({**FILES, **quirks}))[0].startswith("adapters/archive/quirks.py:2:1: not Python")


def test_a_message_never_shows_a_secret_written_in_place() -> None:
    files = edited(A, "{secret: archive_key}", "{secrt: TOP-SECRET-VALUE}")
    assert "TOP-SECRET-VALUE" not in "\n".join(problems(lambda: compiled(files)))


def test_an_open_contract_takes_other_fields() -> None:
    path = "schemas/archive/record.schema.json"
    text = contract("number", "type").replace('"additionalProperties": false', '"additionalProperties": true')
    assert compiled({**FILES, path: text}).specs["record"].contract.is_closed is False


def test_many_messages_are_ordered_at_once() -> None:
    more = "".join(
        f"  - {{name: m{no}, of: stage, mapping: event, contract: event, operation: add, confirm: {{by: hold}}}}\n"
        for no in range(60)
    )
    bundle = compiled(edited(A, "answers:\n", f"{more}answers:\n"))
    assert len(bundle.messages) == 62 and len(bundle.message("m59").after) == 61


def test_a_message_that_waits_for_itself_is_a_circle() -> None:
    files = edited(A, "    of: stage", "    of: stage\n    after: [record, event]")
    assert any("got event after event" in line for line in problems(lambda: compiled(files)))


def test_absence_is_not_believed_while_the_request_may_still_run() -> None:
    """Promise 4: a record that is looked for too early seems absent, is sent again, and is there twice."""
    files = edited(A, "visible_after: 3s", "visible_after: 2s")
    message = "expected 'visible_after' not shorter than the time-out of 2.5s, got 2s"
    assert problems(lambda: compiled(files)) == [f"{place_of(A, '2s, final', files)}: {message}"]
    settings = SystemSettings(limits=LimitOverrides(timeout=timedelta(seconds=60)))
    assert "time-out of 60s, got 3s" in problems(lambda: compiled(settings=settings))[0]


def test_a_key_twice_in_a_contract_is_named_at_its_place() -> None:
    path = "schemas/archive/event.schema.json"
    files = edited(path, '"type": "object",', '"type": "object",\n "type": "object",')
    assert problems(lambda: compiled(files)) == [f"{path}:4:2: the key 'type' stands twice, first in line 3"]


def test_a_number_that_json_lacks_is_named() -> None:
    path = "schemas/archive/event.schema.json"
    files = edited(path, '"maxLength": 40', '"maxLength": NaN')
    assert problems(lambda: compiled(files)) == [f"{path}:1:1: not JSON: NaN is no number"]


def retracting(record: str, event: str = "hold") -> dict[str, str]:
    """The small site whose two messages say this under `on_unplanned`."""
    files = edited(A, "    is_case_ref: true", f"    is_case_ref: true\n    on_unplanned: {record}")
    return edited(A, "    operation: add", f"    operation: add\n    on_unplanned: {event}", files)


WRONG_RETRACTIONS = {
    "an unknown operation": ("{retract: replac}", "hold", "unknown operation 'replac'; the nearest known is 'replace'"),
    "an unknown mapping": (
        "{retract: replace, mapping: recrd, contract: record}",
        "hold",
        "expected the mapping mappings/archive/recrd.yaml, got no such file; the nearest known is 'record'",
    ),
    "an unknown contract": (
        "{retract: replace, mapping: record, contract: recrd}",
        "hold",
        "expected the contract schemas/archive/recrd.schema.json, got no such file; the nearest known is 'record'",
    ),
    "an unknown key": ("{retract: replace, maping: x}", "hold", "unknown key 'maping'; the nearest known is 'mapping'"),
    "a contract without a mapping": (
        "{retract: replace, contract: record}",
        "hold",
        "expected the key 'mapping' beside 'contract', got none",
    ),
    "the name of a message": (
        "{retract: replace, mapping: event, contract: event}",
        "hold",
        "expected a retraction of the case under a name that no message has, got 'event'",
    ),
    "two declarations under one name": (
        "{retract: read}",
        "{retract: read, confirm: {by: hold}}",
        "expected the retraction 'read' declared alike wherever it is named, got another declaration",
    ),
    "keys of one slot for several": (
        "{retract: replace}",
        "{retract: replace}",
        "expected 'of: slot', because operation 'replace' names one slot by {slot_key}, "
        "got one retraction for several slots",
    ),
    "no answer that means duplicate": (
        "{retract: replace, confirm: {by: idempotency_key, operation: read}}",
        "hold",
        "expected no 'operation' for by: idempotency_key, got one",
    ),
    "an operation without our key": (
        "{retract: add, confirm: {by: idempotency_key}}",
        "hold",
        "add: expected {send_key} in a header, the path or the query of operation 'add', got none",
    ),
}


@pytest.mark.parametrize("wrong", WRONG_RETRACTIONS)
def test_a_wrong_retraction_is_named(wrong: str) -> None:
    record, event, words = WRONG_RETRACTIONS[wrong]
    found = problems(lambda: compiled(retracting(record, event)))
    assert any(problem.endswith(words) for problem in found), found
    assert all(problem.startswith(f"{A}:") for problem in found), found


def test_a_retractions_mapping_is_held_against_what_the_system_may_receive() -> None:
    """Promise 10: also what takes back reaches only a system that may receive it."""
    files = retracting("{retract: replace, mapping: voided, contract: event}")
    files |= {
        "mappings/archive/voided.yaml": (
            "mapping: archive/voided\ndirection: out\nreads: material\npayload:\n  number: case.case_no\n"
            "  event: case.applicant.id_no\n  at: case.applied_at\n  more: case.case_no\n"
            "examples:\n  - {name: one, case: {}, part: m, gives: {}}\n"
        )
    }
    found = problems(lambda: compiled(files))
    told = "\n".join(found)
    assert "case.applicant.id_no is personal (identity)" in told
    assert "unknown field of the contract 'more'" in told
    assert "expected a mapping that reads stage for retraction 'voided', got one that reads material" in told
