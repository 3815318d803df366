"""The reader finds each kind of defect, and nothing where there is none."""

from __future__ import annotations

import ast
import json
import subprocess
import sys
from collections.abc import Callable
from copy import deepcopy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox import reader
from tests.unit.sandbox_city.fabricated_ledgers import Entry, entries_of, write_ledger

Ledgers = dict[str, list[Entry]]
Write = Callable[[Ledgers], Path]
Find = Callable[..., list[tuple[str, str]]]

KILL = "2026-05-01T00:00:02+00:00"


@pytest.fixture
def find(lines: list[dict[str, Any]], write: Write) -> Find:
    """Writes ledgers and gives (kind, system) of every finding."""
    golden = [line for line in lines if "golden" in line["traits"]]

    def run(ledgers: Ledgers, kills: tuple[str, ...] = ()) -> list[tuple[str, str]]:
        folder = write(ledgers)
        read = [reader.read_ledger(folder / f"{name}.sqlite") for name in ("province", "food")]
        times = [datetime.fromisoformat(kill) for kill in kills]
        return [(found.kind, found.system) for found in reader.compare(golden, read, times, []).findings]

    return run


def place_of(entries: list[Entry], operation: str) -> int:
    return next(place for place, entry in enumerate(entries) if entry.operation == operation)


def test_ledgers_that_hold_what_is_expected_give_no_finding(small_ledgers: Ledgers, find: Find) -> None:
    assert find(small_ledgers) == []


def test_a_record_that_is_not_there_is_missing(small_ledgers: Ledgers, find: Find) -> None:
    small_ledgers["province"].pop(place_of(small_ledgers["province"], "receiveDone"))
    assert find(small_ledgers) == [("missing", "province")]


def test_a_case_that_is_not_there_is_missing_record_by_record(small_ledgers: Ledgers, find: Find) -> None:
    key = small_ledgers["food"][0].key
    gone = [entry for entry in small_ledgers["food"] if entry.key == key]
    small_ledgers["food"] = [entry for entry in small_ledgers["food"] if entry.key != key]
    creations = [entry for entry in gone if entry.effect == "created"]
    assert find(small_ledgers) == [("missing", "food")] * len(creations)


def test_an_update_that_never_came_is_missing(small_ledgers: Ledgers, find: Find) -> None:
    small_ledgers["food"].pop(place_of(small_ledgers["food"], "update"))
    assert find(small_ledgers) == [("altered", "food"), ("missing", "food")]


@pytest.fixture
def under_way(lines: list[dict[str, Any]], write: Write) -> Find:
    """Gives the kinds of findings where province took so many records of a case withdrawn meanwhile."""
    line = next(x for x in lines if "withdrawn_in_flight" in x["traits"] and x["system"] == "province")

    def run(taken: int, *, is_void: bool, is_void_first: bool = False) -> list[str]:
        *entries, void = entries_of(line)
        held = [*entries[:taken], *([void] if is_void else [])]
        folder = write({"province": [held[0], *held[:0:-1]] if is_void_first else held})
        read = [reader.read_ledger(folder / "province.sqlite")]
        return sorted({found.kind for found in reader.compare([line], read, [], []).findings})

    return run  # type: ignore[return-value]


@pytest.mark.parametrize("taken", [1, 2, 3])
def test_what_was_taken_before_a_withdrawal_must_be_taken_back(under_way: Callable[..., list[str]], taken: int) -> None:
    assert under_way(taken, is_void=True) == []
    assert under_way(taken, is_void=False) == ["missing"]


def test_a_withdrawn_case_of_which_nothing_was_taken_leaves_nothing(under_way: Callable[..., list[str]]) -> None:
    assert under_way(0, is_void=False) == []
    assert under_way(0, is_void=True) == ["unexpected"]


def test_what_is_taken_after_the_retraction_is_reordered(under_way: Callable[..., list[str]]) -> None:
    assert under_way(2, is_void=True, is_void_first=True) == ["reordered"]


def test_two_effects_for_one_thing_are_doubled(small_ledgers: Ledgers, find: Find) -> None:
    place = place_of(small_ledgers["province"], "receiveProc")
    twice = deepcopy(small_ledgers["province"][place])
    small_ledgers["province"][place].is_answered = False
    small_ledgers["province"].insert(place + 1, twice)
    assert find(small_ledgers) == [("doubled", "province")]


def test_one_event_under_two_keys_is_doubled(small_ledgers: Ledgers, find: Find) -> None:
    place = place_of(small_ledgers["food"], "event")
    twin = deepcopy(small_ledgers["food"][place])
    twin.part = twin.record["eventKey"] = "another-key"
    small_ledgers["food"].insert(place + 1, twin)
    assert find(small_ledgers) == [("doubled", "food")]


def test_one_update_too_many_is_doubled(small_ledgers: Ledgers, find: Find) -> None:
    place = place_of(small_ledgers["food"], "update")
    more = deepcopy(small_ledgers["food"][place])
    more.record["staff"] = 5
    small_ledgers["food"].insert(place, more)
    assert find(small_ledgers) == [("doubled", "food")]


def test_a_resend_after_an_answer_is_doubled_though_it_changed_nothing(small_ledgers: Ledgers, find: Find) -> None:
    place = place_of(small_ledgers["province"], "receiveBasicInfo")
    again = deepcopy(small_ledgers["province"][place])
    again.effect = "duplicate"
    small_ledgers["province"].insert(place + 1, again)
    assert find(small_ledgers) == [("doubled", "province")]


@pytest.mark.parametrize("effect", ["created", "none", "refused", "denied"])
def test_a_resend_after_a_withheld_or_honest_answer_is_no_defect(
    small_ledgers: Ledgers, find: Find, effect: str
) -> None:
    place = place_of(small_ledgers["province"], "receiveBasicInfo")
    first = small_ledgers["province"][place]
    again = deepcopy(first)
    first.effect, first.is_answered = effect, effect != "created"
    again.effect = "duplicate" if effect == "created" else "created"
    small_ledgers["province"].insert(place + 1, again)
    assert find(small_ledgers) == []


def test_an_answer_that_died_with_the_gate_excuses_one_resend(small_ledgers: Ledgers, find: Find) -> None:
    place = place_of(small_ledgers["province"], "receiveBasicInfo")
    again = deepcopy(small_ledgers["province"][place])
    again.effect, again.at = "duplicate", "2026-05-01T00:00:09+00:00"
    small_ledgers["province"].insert(place + 1, again)
    assert find(small_ledgers, (KILL,)) == []
    assert find(small_ledgers, ("2026-05-01T00:00:08+00:00",)) == [("doubled", "province")]


def test_a_step_before_its_basic_info_is_reordered(small_ledgers: Ledgers, find: Find) -> None:
    entries = small_ledgers["province"]
    base, step = place_of(entries, "receiveBasicInfo"), place_of(entries, "receiveProc")
    entries[base], entries[step] = entries[step], entries[base]
    assert ("reordered", "province") in find(small_ledgers)
    assert {kind for kind, _ in find(small_ledgers)} == {"reordered"}


def test_what_came_later_may_be_taken_after_what_is_declared_to_follow_it(
    lines: list[dict[str, Any]], write: Write
) -> None:
    """A step of a second post may come after the materials of the first."""
    line = next(
        line for line in lines if line["system"] == "province" and {"supplement", "golden"} <= set(line["traits"])
    )
    entries = entries_of(line)
    steps = [entry for entry in entries if entry.operation == "receiveProc"]
    files = [entry for entry in entries if entry.operation == "receiveApplyFile"]
    folder = write({"province": [entries[0], *files, *steps, entries[-1]]})
    report = reader.compare([line], [reader.read_ledger(folder / "province.sqlite")], [], [])
    assert report.is_good


@pytest.mark.parametrize(
    ("operation", "change"),
    [
        ("receiveBasicInfo", {"applicant": "别人"}),
        ("receiveBasicInfo", {"promisetimelimit": "5"}),
        ("receiveBasicInfo", {"memo": "多出来的"}),
        ("receiveBasicInfo", {"stdver": None}),
        ("receiveProc", {"nodeadv": "改动"}),
        ("receiveApplyFile", {"attrid": "M99"}),
    ],
)
def test_a_field_that_differs_is_altered(
    small_ledgers: Ledgers, find: Find, operation: str, change: dict[str, Any]
) -> None:
    record = small_ledgers["province"][place_of(small_ledgers["province"], operation)].record
    record.update(change)
    assert find(small_ledgers) == [("altered", "province")]


def test_an_altered_record_is_named_with_its_field_and_without_its_value(
    lines: list[dict[str, Any]], small_ledgers: Ledgers, write: Write
) -> None:
    entry = small_ledgers["food"][place_of(small_ledgers["food"], "create")]
    entry.record["applicantName"] = "别人"
    folder = write(small_ledgers)
    golden = [line for line in lines if "golden" in line["traits"] and line["system"] == "food"]
    report = reader.compare(golden, [reader.read_ledger(folder / "food.sqlite")], [], [])
    text = str(report.findings[0])
    assert "applicantName differs" in text and "别人" not in text


def test_a_record_that_nobody_expects_is_unexpected(small_ledgers: Ledgers, find: Find) -> None:
    small_ledgers["province"].append(Entry("receiveBasicInfo", "stranger", "", {"projid": "9901X"}))
    assert find(small_ledgers) == [("unexpected", "province")]


def test_a_record_under_another_cases_key_is_inconsistent(small_ledgers: Ledgers, find: Find) -> None:
    small_ledgers["province"][place_of(small_ledgers["province"], "receiveProc")].record["orgbusno"] = "x"
    assert find(small_ledgers) == [("inconsistent", "province")]


def test_one_file_key_for_two_files_is_inconsistent(small_ledgers: Ledgers, find: Find) -> None:
    files = [entry for entry in small_ledgers["province"] if entry.operation == "receiveApplyFile"]
    first = files[0]
    other = next(entry for entry in files if entry.key != first.key)
    other.part = other.record["unid"] = first.part
    assert find(small_ledgers) == [("inconsistent", "province")]


def test_a_case_under_two_keys_is_inconsistent(small_ledgers: Ledgers, find: Find) -> None:
    place = place_of(small_ledgers["food"], "create")
    twin = deepcopy(small_ledgers["food"][place])
    twin.key = twin.record["bizKey"] = "another-key"
    small_ledgers["food"].append(twin)
    assert ("inconsistent", "food") in find(small_ledgers)


def own_application(ledgers: Ledgers) -> Entry:
    return next(e for e in ledgers["food"] if e.effect == "typed" and e.operation == "create")


def own_event(ledgers: Ledgers, key: str) -> Entry:
    return next(e for e in ledgers["food"] if (e.effect, e.operation, e.key) == ("typed", "event", key))


def test_a_create_of_what_food_typed_is_echoed(small_ledgers: Ledgers, find: Find) -> None:
    record = own_application(small_ledgers).record | {"bizKey": "echo"}
    small_ledgers["food"].append(Entry("create", "echo", "", record))
    assert find(small_ledgers) == [("echoed", "food")]


def test_a_create_that_food_answered_as_known_is_echoed_as_well(small_ledgers: Ledgers, find: Find) -> None:
    own = own_application(small_ledgers)
    small_ledgers["food"].append(Entry("create", own.key, "", own.record | {"bizKey": "echo"}, effect="duplicate"))
    assert find(small_ledgers) == [("echoed", "food")]


def test_an_event_that_food_typed_is_echoed(small_ledgers: Ledgers, find: Find) -> None:
    own = own_event(small_ledgers, own_application(small_ledgers).key)
    keys = {"bizKey": f"id-{own.key.removeprefix('own-')}", "eventKey": "echo"}
    small_ledgers["food"].append(Entry("event", own.key, "echo", own.record | keys))
    assert find(small_ledgers) == [("echoed", "food")]


def test_a_typed_event_on_what_we_brought_may_not_be_echoed_either(small_ledgers: Ledgers, find: Find) -> None:
    ours = {e.key for e in small_ledgers["food"] if (e.effect, e.operation) == ("created", "create")}
    own = next(e for e in small_ledgers["food"] if e.effect == "typed" and e.key in ours)
    small_ledgers["food"].append(Entry("event", own.key, "echo", own.record | {"bizKey": own.key, "eventKey": "echo"}))
    assert find(small_ledgers) == [("echoed", "food")]


def test_an_update_with_what_food_held_already_is_echoed(small_ledgers: Ledgers, find: Find) -> None:
    last = [e for e in small_ledgers["food"] if e.effect == "updated"][-1]
    small_ledgers["food"].append(deepcopy(last))
    last.is_answered = False
    assert ("echoed", "food") in find(small_ledgers)


def test_our_event_in_the_place_of_foods_own_is_echoed(small_ledgers: Ledgers, find: Find) -> None:
    own = own_event(small_ledgers, own_application(small_ledgers).key)
    own.effect = "created"
    assert ("echoed", "food") in find(small_ledgers)


def test_a_case_that_two_systems_know_under_two_keys_of_ours_is_inconsistent(
    small_ledgers: Ledgers, find: Find
) -> None:
    key = next(e.key for e in small_ledgers["food"] if (e.effect, e.operation) == ("created", "create"))
    for entry in small_ledgers["food"]:
        if entry.key == key:
            entry.key = "another"
            entry.record = {**entry.record, **({"bizKey": "another"} if "bizKey" in entry.record else {})}
    assert find(small_ledgers) == [("inconsistent", "food")]


def test_a_clerks_record_that_nobody_expects_is_inconsistent(small_ledgers: Ledgers, find: Find) -> None:
    own = own_application(small_ledgers)
    small_ledgers["food"].insert(0, replace(own, record=own.record | {"staff": 77}))
    assert find(small_ledgers) == [("inconsistent", "food")]


def test_of_two_numbers_a_case_may_bear_either_and_not_both(lines: list[dict[str, Any]], write: Write) -> None:
    both = [line for line in lines if "at_once" in line["traits"] and line["system"] == "province"][:1]
    other = json.loads(json.dumps(both[0]).replace(both[0]["case_no"], both[0]["or_no"]))

    def kinds(entries: list[Entry]) -> list[str]:
        folder = write({"province": entries})
        return [f.kind for f in reader.compare(both, [reader.read_ledger(folder / "province.sqlite")], [], []).findings]

    first, second = entries_of(both[0]), entries_of(other)
    assert kinds(first) == kinds(second) == []
    assert kinds(first + second) == ["unexpected"] * len(first)


def run_reader(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-I", str(Path(reader.__file__).parent), *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_the_whole_city_is_read_by_path_in_isolated_mode(
    tmp_path: Path, lines: list[dict[str, Any]], ledgers: Ledgers, write: Write
) -> None:
    expected = tmp_path / "expected.ndjson"
    expected.write_text("".join(json.dumps(line) + "\n" for line in lines), "utf-8")
    ledgers["food"][0].fault = "slow"
    folder = write(ledgers)
    common = ("--expected", str(expected), "--systems", str(folder))
    good = run_reader(*common, "--faults-required", "slow")
    assert good.returncode == 0, good.stdout + good.stderr
    assert "every system holds exactly what was expected" in good.stdout
    assert "slow 1" in good.stdout
    bad = run_reader(*common, "--faults-required", "slow,hang", "--json")
    assert bad.returncode == 1
    assert [finding["kind"] for finding in json.loads(bad.stdout)["findings"]] == ["fault never struck"]


def test_the_reader_uses_the_standard_library_and_itself() -> None:
    folder = Path(reader.__file__).parent
    for path in folder.glob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Import):
                assert all(alias.name in sys.stdlib_module_names for alias in node.names), path
            elif isinstance(node, ast.ImportFrom):
                assert node.level == 1 or node.module.partition(".")[0] in sys.stdlib_module_names, path


CSV = (
    "\ufeff案件編號,派工項目,案件地址,立案日期,立案時間\n"
    "1,路燈不亮, 東示路１號　,20260430,235842\n"
    "2,井蓋,西示路,20260430,000001\n"
)


def order(number: str, item: str, address: str, filed_time: str) -> Entry:
    record = {"sourceNo": number, "item": item, "address": address}
    return Entry("create", number, "", record | {"filedDate": "20260430", "filedTime": filed_time})


@pytest.mark.parametrize(("address", "code"), [(" 東示路１號　", 0), ("東示路１號", 1), (" 東示路1號　", 1)])
def test_the_hotline_file_is_compared_column_by_column_with_every_space(
    tmp_path: Path, address: str, code: int
) -> None:
    (tmp_path / "open.csv").write_text(CSV, "utf-8")
    entries = [order("1", "路燈不亮", address, "235842"), order("2", "井蓋", "西示路", "000001")]
    write_ledger(tmp_path / "workorders.sqlite", entries)
    result = run_reader("--workorders-csv", str(tmp_path / "open.csv"), "--systems", str(tmp_path))
    assert result.returncode == code, result.stdout + result.stderr


GONE = {"system": "province", "gone_at": "2026-05-01T00:00:10+00:00", "back_at": "2026-05-01T00:00:30+00:00"}


def drained(write: Write, tmp_path: Path, *times: str) -> tuple[list[str], list[str]]:
    """Details of the findings and the words of an outage, where province took a record at each of these seconds."""
    records = [Entry("receiveBasicInfo", f"k{n}", "", {"projid": f"k{n}"}, at=at) for n, at in enumerate(times)]
    folder = write({"province": records})
    (tmp_path / "weekend.json").write_text(json.dumps({**GONE, "drained_seconds": 5.0}), "utf-8")
    read = [reader.read_ledger(folder / "province.sqlite")]
    lines = [
        {"system": "province", "case_no": e.key, "operations": [
            {"operation": e.operation, "part": "", "submission": 1, "updates": 0, "record": e.record}]}
        for e in records
    ]  # fmt: skip
    report = reader.compare(lines, read, [], [], [reader.read_outage(tmp_path / "weekend.json")])
    return [
        found.detail for found in report.findings if found.kind == "inconsistent" and not found.case_no
    ], report.outages


def test_what_was_taken_after_an_outage_is_counted_with_its_busiest_second(write: Write, tmp_path: Path) -> None:
    seconds = ("05", "31", "31.2", "31.9", "33", "59")
    found, words = drained(write, tmp_path, *(f"2026-05-01T00:00:{second}+00:00" for second in seconds))
    assert found == []
    assert words == [
        "province    gone for 20.0 s: took 0 records meanwhile, 4 in the 5.0 s after, at most 3 in one second"
    ]


def test_a_system_that_takes_something_while_it_is_gone_is_found(write: Write, tmp_path: Path) -> None:
    found, _ = drained(write, tmp_path, "2026-05-01T00:00:20+00:00", "2026-05-01T00:00:31+00:00")
    assert found == ["1 records were taken while it was gone"]


def test_a_system_that_takes_nothing_when_it_is_back_is_found(write: Write, tmp_path: Path) -> None:
    found, _ = drained(write, tmp_path, "2026-05-01T00:00:05+00:00")
    assert found == ["nothing was taken when it was back"]
