"""The player's parts: configuration, what is settled, what is altered, what is posted."""

from __future__ import annotations

import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from syncgate.sandbox import reader
from syncgate.sandbox.city import Call, City
from syncgate.sandbox.city.goldens import golden_documents, golden_life
from syncgate.sandbox.expected import expected_lines
from syncgate.sandbox.expected.story import State
from syncgate.sandbox.modes import MODES as KNOWN_MODES
from syncgate.sandbox.play import care, timetable
from syncgate.sandbox.play.calls import Calls
from syncgate.sandbox.play.clerks import Clerks, records
from syncgate.sandbox.play.gate import Gate
from syncgate.sandbox.play.posting import Posting
from syncgate.sandbox.play.race import Outcome, defects
from syncgate.sandbox.play.site import BASES, DemoError, Folder, copy_site, write_config
from syncgate.sandbox.play.tamper import copy_altered, copy_echoed
from syncgate.sandbox.play.weekend import Counts
from syncgate.sandbox.systems import BASES as PUBLISHED_BASES
from syncgate.sandbox.systems import frontdb
from tests.unit.sandbox_city.fabricated_ledgers import Entry

ROOT = Path(__file__).parents[3]


def test_the_timetable_switches_every_mode_on_and_off_and_kills_three_times() -> None:
    deeds = timetable.TIMETABLE
    assert {deed.name for deed in deeds if deed.what == "on"} == set(timetable.MODES) == set(KNOWN_MODES)
    counts = Counter(deed.what for deed in deeds)
    assert counts["kill"] == 3 and counts["stop"] == counts["start"] == 1
    assert deeds[-1].what == "off"


def test_the_front_database_has_every_bad_day_of_its_own_and_recovers() -> None:
    deeds = timetable.FRONT_TIMETABLE
    assert {deed.name for deed in deeds if deed.what == "on"} == set(timetable.FRONT_MODES) == set(frontdb.MODES)
    assert {deed.what for deed in deeds} == {"on", "off"} and deeds[-1].what == "off"


def test_those_who_speak_of_calls_lose_answers_and_recover() -> None:
    deeds = timetable.DESK_TIMETABLE
    assert {"commit_then_drop", "unavailable"} <= {deed.name for deed in deeds if deed.what == "on"} <= set(KNOWN_MODES)
    assert {deed.what for deed in deeds} == {"on", "off"} and deeds[-1].what == "off"


def test_the_demo_knows_the_published_paths() -> None:
    assert BASES == PUBLISHED_BASES


def test_the_configuration_is_the_examples_with_this_runs_addresses(tmp_path: Path) -> None:
    folder = Folder(ROOT, tmp_path)
    ports = {"province": 9901, "food": 9902, "workorders": 9903, "frontdb": 9904, "insurance": 9905}
    write_config(folder, ports=ports, listen_port=9900)
    text = folder.config.read_text("utf-8")
    assert f"url: sqlite:///{tmp_path}/syncgate.db" in text
    assert f"file: {tmp_path}/master.key" in text
    assert "port: 9900" in text
    for system, port in (("province", 9901), ("food", 9902), ("workorders", 9903)):
        assert f"address: http://127.0.0.1:{port}{BASES[system]}" in text
    for system in ("frontdb", "insurance"):
        assert f"{system}: {{address: sqlite:///{tmp_path}/systems/{system}.db}}" in text
    assert "https://province.example/gateway/province" in text
    assert (tmp_path / "master.key").stat().st_mode & 0o077 == 0


def test_the_gate_has_a_copy_of_the_example_site_that_a_person_may_change(tmp_path: Path) -> None:
    folder = Folder(ROOT, tmp_path)
    copy_site(folder)
    assert (folder.site / "mappings/insurance/tables/household.yaml").is_file()


def test_a_changed_example_is_told_instead_of_played(tmp_path: Path) -> None:
    (tmp_path / "config.example.yaml").write_text("site: {}\n", "utf-8")
    with pytest.raises(DemoError, match="expected a line like"):
        write_config(Folder(tmp_path, tmp_path), ports={}, listen_port=1)


def open_deliveries(lines: list[dict[str, Any]]) -> tuple[list[dict[str, Any]], dict[str, str]]:
    """What the gate lists once only that is left which is expected."""
    found = []
    for line in lines:
        common = {"system": line["system"], "case_id": f"id-{line['case_no']}"}
        for message, reason in line["leftover"]["parked"]:
            found.append(common | {"message": message, "phase": "parked", "reason": reason})
        found += [common | {"message": "event", "phase": "pending", "reason": None}] * line["leftover"]["pending"]
    return found, {f"id-{line['case_no']}": line["case_no"] for line in lines}


def test_only_what_is_expected_to_stay_behind_is_settled(lines: list[dict[str, Any]]) -> None:
    deliveries, numbers = open_deliveries(lines)
    assert deliveries
    assert care.differences(lines, deliveries, numbers) == []
    assert care.wrong_reasons(lines, deliveries, numbers) == []


def test_something_in_flight_is_not_settled(lines: list[dict[str, Any]]) -> None:
    deliveries, numbers = open_deliveries(lines)
    deliveries.append({"system": "food", "case_id": "id-x", "message": "event", "phase": "in_flight"})
    assert care.differences(lines, deliveries, numbers)


def test_a_correction_that_is_not_parked_is_not_settled(lines: list[dict[str, Any]]) -> None:
    deliveries, numbers = open_deliveries(lines)
    gone = next(d for d in deliveries if d["reason"] == "correction_not_taken")
    deliveries.remove(gone)
    assert care.differences(lines, deliveries, numbers)


def test_a_delivery_parked_for_another_reason_is_told(lines: list[dict[str, Any]]) -> None:
    deliveries, numbers = open_deliveries(lines)
    next(d for d in deliveries if d["reason"] == "correction_not_taken")["reason"] = "field_refused"
    assert len(care.wrong_reasons(lines, deliveries, numbers)) == 1


def test_an_alteration_in_a_copy_is_found_and_the_ledger_stays(
    tmp_path: Path,
    lines: list[dict[str, Any]],
    small_ledgers: dict[str, list[Entry]],
    write: Callable[[dict[str, list[Entry]]], Path],
) -> None:
    systems = write(small_ledgers)
    with sqlite3.connect(systems / "food.sqlite") as ledger:
        ledger.execute("CREATE TRIGGER frozen BEFORE UPDATE ON effects BEGIN SELECT RAISE(ABORT, 'append-only'); END")
    golden = [line for line in lines if "golden" in line["traits"] and line["system"] == "food"]
    copy_altered(systems, tmp_path / "altered")
    honest = reader.compare(golden, [reader.read_ledger(systems / "food.sqlite")], [], [])
    altered = reader.compare(golden, [reader.read_ledger(tmp_path / "altered" / "food.sqlite")], [], [])
    assert honest.is_good
    assert [(found.kind, found.detail) for found in altered.findings] == [("altered", "premises differs")]


@pytest.mark.parametrize("operation", ["create", "event"])
def test_an_echo_in_a_copy_is_found(
    tmp_path: Path,
    lines: list[dict[str, Any]],
    small_ledgers: dict[str, list[Entry]],
    write: Callable[[dict[str, list[Entry]]], Path],
    operation: str,
) -> None:
    systems = write(small_ledgers)
    golden = [line for line in lines if "golden" in line["traits"] and line["system"] == "food"]
    copy_echoed(systems, tmp_path / "altered", operation=operation)
    report = reader.compare(golden, [reader.read_ledger(tmp_path / "altered" / "food.sqlite")], [], [])
    assert "echoed" in {found.kind for found in report.findings}
    assert {found.operation for found in report.findings if found.kind == "echoed"} == {operation}


class FakeGate(Gate):
    """Takes every call, remembers it, and delivers at once."""

    def __init__(self, *, refusals: bool = True) -> None:
        super().__init__("http://127.0.0.1:1", source_key="s", operator_key="o")
        self.calls: list[tuple[str, Call]] = []
        self._refusals = refusals

    def submit(self, call: Call, *, case_id: str) -> httpx.Response:
        if call.answer == "refused" and self._refusals:
            return httpx.Response(422, json={"errors": [{"pointer": p} for p in call.refused_at]})
        self.calls.append((case_id, call))
        number = case_id or call.body["case_no"]
        receipt = {
            "case_id": number,
            "case_no": number,
            "revision": 1,
            "receipt": "r",
            "unchanged": True,
            "in_flight": 0,
        }
        return httpx.Response(202, json=receipt)

    def deliveries(self, **filters: str | list[str]) -> list[dict[str, Any]]:
        places = [("province", message) for message in ("basic_info", "step", "special", "material")]
        places += [("food", message) for message in ("application", "event")]
        return [{"system": s, "message": m, "phase": "delivered"} for s, m in places]


class FakeClerks(Clerks):
    """Remembers what was typed in; everything that was delivered has one number."""

    def __init__(self) -> None:
        super().__init__(lambda: 1)
        self.typed: list[dict[str, Any]] = []

    def type_in(self, call: Call, state: State, *, number: str) -> None:
        self.typed += records(call, state, number=number)

    def number_of(self, case_id: str) -> str:
        return f"SPJY-of-{case_id}"


def small_city(city: City) -> City:
    lives = [golden_life(document) for document in golden_documents().values()]
    return City(tuple(life for life in lives if "assigned" not in life.traits), city.refused)


def posting_of(gate: FakeGate, city: City, *, spread: float, clerks: FakeClerks | None = None) -> Posting:
    calls = Calls({"window": gate, "food": gate, "app": gate}, clerks or FakeClerks())
    return Posting(gate, calls, city, spread=spread, threads=3)


def test_every_call_is_made_in_its_lifes_order(city: City) -> None:
    gate, small = FakeGate(), small_city(city)
    posting = posting_of(gate, small, spread=0.1)
    posting.run(until=time.monotonic() + 30)
    for life in small.lives:
        made = [call for case_id, call in gate.calls if life.case_no in (case_id, call.body.get("case_no"))]
        said = [call for call in life.calls for _ in range(call.times)]
        assert [(call.method, call.source) for call in made] == [(call.method, call.source) for call in said]
        assert all("{food}" not in json.dumps([call.path, call.body]) for call in made)
    assert posting.open_count == 0


def test_what_food_says_is_typed_in_at_food_before(city: City) -> None:
    life = next(life for life in city.lives if "food_first" in life.traits)
    clerks = FakeClerks()
    posting_of(FakeGate(), City((life,), ()), spread=0, clerks=clerks).run(until=time.monotonic() + 30)
    first, *events = clerks.typed
    stages = {s["id"]: s for call in life.calls if call.typed for s in call.body.get("stages", ())}
    assert (first["number"], first["record"]["caseNo"]) == (life.case_no, life.case_no)
    assert {event["of"] for event in events} == {life.case_no}
    assert [event["record"]["kind"] for event in events] == [
        stage["kind"] for stage in stages.values() if stage["kind"] != "applied"
    ]


def test_a_post_that_makes_a_second_case_stops_the_demo(city: City) -> None:
    life = next(life for life in city.lives if "window_joins" in life.traits)

    class Splitting(FakeGate):
        def submit(self, call: Call, *, case_id: str) -> httpx.Response:
            return super().submit(call, case_id="" if "case_no" in call.body else case_id)

    with pytest.raises(DemoError, match="to join its case, got another case"):
        posting_of(Splitting(), City((life,), ()), spread=0).run(until=time.monotonic() + 30)


def test_a_repeated_word_that_makes_a_revision_stops_the_demo(city: City) -> None:
    life = next(life for life in city.lives if "story_5" in life.traits)

    class Forgetful(FakeGate):
        def submit(self, call: Call, *, case_id: str) -> httpx.Response:
            answer = super().submit(call, case_id=case_id)
            return httpx.Response(202, json={**answer.json(), "unchanged": False})

    with pytest.raises(DemoError, match="to change nothing"):
        posting_of(Forgetful(), City((life,), ()), spread=0).run(until=time.monotonic() + 30)


def test_an_invalid_case_that_is_taken_stops_the_demo(city: City) -> None:
    with pytest.raises(DemoError, match="expected a refusal"):
        posting_of(FakeGate(refusals=False), small_city(city), spread=0).run(until=time.monotonic() + 30)


def test_a_city_that_is_not_posted_in_time_stops_the_demo(city: City) -> None:
    with pytest.raises(DemoError, match=r"in time, got \d+ cases open"):
        posting_of(FakeGate(), small_city(city), spread=5).run(until=time.monotonic())


OUTCOME = Outcome({"202": 2, "200": 998}, frozenset({"c"}), 2, 0, 1.0)
SLOTS = [{"system": "food", "message": "application", "part": "", "phase": "delivered", "reason": None}]
OWN = {**SLOTS[0], "reason": "held_by_source"}


def test_a_race_that_ends_as_one_case_has_no_defect() -> None:
    assert defects(OUTCOME, [*SLOTS, {**SLOTS[0], "phase": "cancelled"}]) == []
    assert defects(OUTCOME, [OWN, {**OWN, "reason": "known_by_number"}]) == []


@pytest.mark.parametrize(
    ("outcome", "deliveries"),
    [
        (replace(OUTCOME, case_ids=frozenset({"c", "d"})), SLOTS),
        (replace(OUTCOME, statuses={"200": 999, "409": 1}), SLOTS),
        (OUTCOME, [*SLOTS, {**SLOTS[0], "phase": "pending"}]),
        (OUTCOME, [*SLOTS, OWN]),
        (OUTCOME, []),
    ],
)
def test_what_a_race_must_not_end_as_is_told(outcome: Outcome, deliveries: list[dict[str, Any]]) -> None:
    assert len(defects(outcome, deliveries)) == 1


def test_what_is_left_over_is_read_from_the_document() -> None:
    lines = list(expected_lines([golden_life(golden_documents()["correction"])]))
    left = care.left_over(json.loads(json.dumps(lines)))
    assert left == {("province", lines[0]["case_no"]): (Counter({"basic_info": 1}), 0)}


QUIET = Counts(
    posted_count=45,
    withdrawn_count=5,
    waited_count=160,
    parked_count=0,
    opened_count=1,
    gone_at="2026-05-01T00:00:00+00:00",
    back_at="2026-05-01T00:00:12+00:00",
    drained_seconds=3.5,
)


def test_a_quiet_weekend_has_no_defect_and_is_written_for_the_reader(tmp_path: Path) -> None:
    assert QUIET.defects() == []
    QUIET.write(tmp_path / "weekend.json")
    assert reader.read_outage(tmp_path / "weekend.json").drained_within.total_seconds() == 3.5


@pytest.mark.parametrize("wrong", [{"parked_count": 1}, {"opened_count": 2}, {"opened_count": 0}, {"waited_count": 39}])
def test_what_a_weekend_must_not_come_to_is_told(wrong: dict[str, int]) -> None:
    assert len(replace(QUIET, **wrong).defects()) == 1


class KeeperGate(Gate):
    """Makes keys, or says why not."""

    def __init__(self, status: int) -> None:
        super().__init__("http://none.invalid", source_key="", operator_key="")
        self._status = status
        self.asked: list[tuple[str, str, str, list[str]]] = []

    def ask(self, method: str, path: str, *, json: Any = None, headers: Any = None) -> httpx.Response:
        self.asked.append((method, path, json["role"], json["sources"]))
        return httpx.Response(self._status, json={"key": "sgk_1"})


def test_a_key_is_made_for_a_source_or_a_person_and_what_is_refused_is_told() -> None:
    gate = KeeperGate(201)
    assert gate.make_key("demo-food", role="source", source="food") == "sgk_1"
    gate.make_key("demo-operator", role="operator")
    assert gate.asked == [("POST", "/v1/keys", "source", ["food"]), ("POST", "/v1/keys", "operator", [])]
    with pytest.raises(DemoError, match="a key for demo-app, got 403"):
        KeeperGate(403).make_key("demo-app", role="source", source="app")
