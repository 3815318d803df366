"""The running gate, broken from outside: signals, a frozen process, a full disk, a broken deployment, rubbish."""

from __future__ import annotations

import base64
import json
import signal
import socket
import sqlite3
import subprocess
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from pathlib import Path
from random import Random

import httpx
import pytest

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import ENV, KEY, eventually, orders
from tests.integration.gate.conftest import LEASE, Gate, blind_resends, creates, requests_count
from tests.support.cases import a_hotline_case, a_stage, an_application
from tests.support.disks import NoSmallDisk, SmallDisk, small_disk

NAUGHTY = (
    "𠮷示例·买买提",
    "a\u0301 á \u202etxt\u200b",
    "第一行\r\n\t第二行\u2028 ",
    "'; DROP TABLE cases; --",
    '<script>alert("1")</script> &amp; %00 %s ${case.case_no} {{7*7}}',
    "\ufeff\x7f\u0085\U0010ffff示",
    "=HYPERLINK(示例)\\u0000\\",
)


def _is_all_there(system: Running, numbers: set[str], *, within: float = 12) -> bool:
    return eventually(lambda: orders(system).keys() >= numbers, within=within)


def _post_beside(gate: Gate, key: str, count: int) -> tuple[threading.Thread, set[str]]:
    """Posts in a thread until the gate is gone; gives the numbers answered 2xx so far."""
    accepted: set[str] = set()

    def post() -> None:
        for n in range(count):
            try:
                if gate.post(key, a_hotline_case(f"HL{n}")).is_success:
                    accepted.add(f"HL{n}")
            except httpx.HTTPError:
                return

    thread = threading.Thread(target=post, daemon=True)
    thread.start()
    return thread, accepted


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_gate_ended_under_load_loses_and_doubles_nothing(
    gate: Gate, workorders: Running, number: signal.Signals
) -> None:
    """Ended while posts arrive and sends hang at the system, which acts on them: promises 1, 3 and 4."""
    first = gate.serve()
    key = gate.key()
    workorders.switch_on("slow", delay=0.5, operations=["create"])
    posting, accepted = _post_beside(gate, key, 200)
    assert eventually(lambda: len(accepted) > 40 and requests_count(workorders) > 5)
    first.send_signal(number)
    assert first.wait(timeout=15) == (0 if number is signal.SIGTERM else -signal.SIGKILL)
    posting.join(timeout=10)
    workorders.switch_off()
    gate.serve()
    assert _is_all_there(workorders, accepted)
    assert set(orders(workorders).values()) == {1}
    assert blind_resends(workorders) == []


@pytest.mark.parametrize("delay", [0.05, 0.7])
def test_a_gate_frozen_beyond_its_leases_sends_nothing_twice(gate: Gate, workorders: Running, delay: float) -> None:
    """SIGSTOP between claim and settle while posts arrive, SIGCONT after the leases ended: promises 1 and 4."""
    process = gate.serve()
    key = gate.key()
    workorders.switch_on("slow", delay=delay, operations=["create"])
    posting, accepted = _post_beside(gate, key, 40)
    assert eventually(lambda: requests_count(workorders) > 10)
    process.send_signal(signal.SIGSTOP)
    time.sleep(LEASE + 0.5)
    process.send_signal(signal.SIGCONT)
    posting.join(timeout=10)
    workorders.switch_off()
    assert len(accepted) == 40
    assert _is_all_there(workorders, accepted)
    assert eventually(lambda: not _open(gate), within=8)
    assert set(orders(workorders).values()) == {1}
    assert blind_resends(workorders) == []


def _open(gate: Gate) -> list[object]:
    found: list[object] = []
    for phase in ("pending", "in_flight", "unconfirmed", "parked"):
        found += gate.ask("deliveries", "list", "--phase", phase)["deliveries"]
    return found


@pytest.fixture
def disk(gate: Gate, tmp_path: Path) -> Iterator[SmallDisk]:
    """A disk of 12 MB of its own, on which the gate keeps its store."""
    try:
        with small_disk(tmp_path / "disk", megabytes=12) as made:
            gate.edit("config.yaml", "sqlite:///data/syncgate.sqlite", f"sqlite:///{made.path}/syncgate.sqlite")
            yield made
    except NoSmallDisk as error:
        pytest.skip(str(error))


def test_a_full_disk_refuses_cases_and_loses_none(gate: Gate, workorders: Running, disk: SmallDisk) -> None:
    """The store's disk fills up in mid-load and is freed: 503 meanwhile, then it goes on; promises 1, 3 and 4."""
    gate.serve()
    key = gate.key()
    workorders.switch_on("slow", delay=0.3, operations=["create"])
    accepted = gate.post_many(key, range(40))
    disk.fill()
    answers = [gate.post(key, a_hotline_case(f"FULL{n}")) for n in range(40)]
    refused = [answer for answer in answers if not answer.is_success]
    assert refused, "the disk was not full"
    assert {answer.status_code for answer in refused} == {503}
    assert {answer.json()["code"] for answer in refused} <= {"store_unavailable", "commit_unknown"}
    assert all("retry-after" in answer.headers for answer in refused)
    accepted |= {answer.json()["case_no"] for answer in answers if answer.is_success}
    time.sleep(1)
    disk.empty()
    workorders.switch_off()
    assert eventually(lambda: gate.post(key, a_hotline_case("AFTER")).is_success, within=5)
    assert _is_all_there(workorders, accepted | {"AFTER"})
    assert set(orders(workorders).values()) == {1}
    assert blind_resends(workorders) == []


def test_a_disk_that_fills_up_again_and_again_loses_nothing_that_was_accepted(
    gate: Gate, workorders: Running, disk: SmallDisk
) -> None:
    """Full at random instants under load; judged by the client's own list. Promises 1, 3 and 4."""
    process = gate.serve()
    key, draw = gate.key(), Random(20260501)
    workorders.switch_on("slow", delay=0.05, operations=["create"])
    accepted: set[str] = set()
    answers: list[httpx.Response] = []
    for turn in range(6):
        posting = threading.Thread(target=_post_all, args=(gate, key, turn, accepted, answers), daemon=True)
        posting.start()
        time.sleep(draw.uniform(0.0, 0.4))
        disk.fill()
        posting.join(timeout=60)
        if turn % 2:
            assert httpx.get(f"{gate.address}/livez", trust_env=False, timeout=10).status_code == 200
        disk.empty()
    assert process.poll() is None, gate.log(process)
    assert {answer.status_code for answer in answers} <= {202, 503}
    refused = [answer for answer in answers if answer.status_code == 503]
    assert refused, "the disk was never full"
    assert all("retry-after" in answer.headers and answer.json()["code"] for answer in refused)
    workorders.switch_off()
    assert eventually(lambda: gate.post(key, a_hotline_case("AFTER")).is_success, within=10)
    assert _is_all_there(workorders, accepted | {"AFTER"}, within=30)
    assert set(orders(workorders).values()) == {1}
    assert blind_resends(workorders) == []
    assert eventually(
        lambda: httpx.get(f"{gate.address}/readyz", trust_env=False, timeout=10).status_code == 200, within=10
    )


def _post_all(gate: Gate, key: str, turn: int, accepted: set[str], answers: list[httpx.Response]) -> None:
    for no in range(30):
        number = f"HL{turn}{no:02}"
        answer = gate.post(key, a_hotline_case(number))
        answers.append(answer)
        if answer.is_success:
            accepted.add(number)


def test_a_gate_does_not_start_on_a_full_disk_and_says_why(gate: Gate, disk: SmallDisk) -> None:
    """Nothing is left behind that keeps it from starting once there is room."""
    disk.fill()
    told = gate.run_apart("serve", "--port", "0")
    assert (told.code, "internal_error" in told.err) == (1, False), told.err
    assert "full" in told.err.lower() or "No space" in told.err, told.err
    disk.empty()
    gate.serve()
    assert gate.post(gate.key(), a_hotline_case("AFTER")).is_success


def test_a_gate_whose_store_exists_starts_again_once_a_full_disk_has_room(
    gate: Gate, workorders: Running, disk: SmallDisk
) -> None:
    """Killed while its disk is full: what it had accepted is there, also what lies in the journal alone."""
    first = gate.serve()
    key = gate.key()
    workorders.switch_on("unavailable")
    accepted = gate.post_many(key, range(20))
    disk.fill()
    gate.post(key, a_hotline_case("FULL"))
    first.kill()
    first.wait(timeout=10)
    told = gate.start("serve", "--port", "0", "--json")
    eventually(lambda: told.poll() is not None, within=6)
    told.kill()
    told.wait(timeout=10)
    disk.empty()
    workorders.switch_off()
    gate.serve()
    assert _is_all_there(workorders, accepted)
    assert set(orders(workorders).values()) == {1}


def test_a_material_for_which_there_is_no_room_is_refused_and_taken_whole_later(gate: Gate, disk: SmallDisk) -> None:
    """The store's disk fills up in the middle of an upload of several commits: promises 1 and 3."""
    gate.serve()
    key, content = gate.key(), b"%PDF-1.7\n" + Random(1).randbytes(2_500_000)
    material = {"id": "m1", "name": "平面图", "get_type": "2", "media_type": "application/pdf"}
    told = gate.post(key, an_application("PAPERS", materials=[material]))
    at = f"{gate.address}/v1/cases/{told.json()['case_id']}/materials/m1"
    sent = {"Authorization": f"Bearer {key}"}
    disk.fill(but=1024**2)
    with httpx.Client(headers=sent, trust_env=False, timeout=60) as source:
        refused = source.put(at, content=content)
        assert (refused.status_code, refused.json()["code"]) in (
            (503, "store_unavailable"),
            (503, "commit_unknown"),
        ), refused.text
        disk.empty()
        assert source.get(at).status_code == 404
        assert eventually(lambda: source.put(at, content=content).status_code == 201)
        assert source.get(at).content == content


def test_a_gate_whose_log_lies_on_a_full_disk_serves(gate: Gate, workorders: Running) -> None:
    """Started and worked with while nothing that it prints can be written: promises 1 and 3."""
    with Path("/dev/full").open("wb") as full:
        gate.processes.append(
            subprocess.Popen(gate.command("serve", "--port", "0"), env=ENV, stdout=full, stderr=full, text=True)
        )
    assert eventually(gate.serve_file.exists), gate.processes[0].poll()
    gate.address = json.loads(gate.serve_file.read_text())["address"]
    key = gate.key()
    workorders.switch_on("unavailable")
    accepted = gate.post_many(key, range(20))
    assert len(accepted) == 20
    assert gate.post(key, b"no json").status_code == 400
    workorders.switch_off()
    assert _is_all_there(workorders, accepted, within=60)
    gate.processes[0].send_signal(signal.SIGTERM)
    assert gate.processes[0].wait(timeout=30) == 0


def test_a_broken_folder_activates_nothing_and_names_every_problem(gate: Gate, workorders: Running) -> None:
    """A deployment of two broken files under load: the old bundle goes on, the mended one sends nothing; promise 13."""
    gate.serve()
    key = gate.key()
    accepted = gate.post_many(key, range(3))
    gate.edit("mappings/workorders/order.yaml", "item: case.item.name\n", "item: case.item.nmae\n")
    gate.edit("mappings/workorders/order.yaml", 'format: "%H%M%S", zone: Asia/Taipei', "zone: Asia/Nowhere")
    gate.edit("adapters/food/adapter.yaml", "transport: rest", "transport: rets")
    told = gate.run("deploy")
    assert told.code == 1
    for name in ("nmae", "Asia/Nowhere", "rets", "order.yaml:", "adapter.yaml:"):
        assert name in told.err + told.out, name
    accepted |= gate.post_many(key, range(3, 6))
    assert _is_all_there(workorders, accepted)
    gate.edit(
        "mappings/workorders/order.yaml", "item: case.item.nmae\n", "item: {text: case.item.name, steps: [trim]}\n"
    )
    gate.edit("mappings/workorders/order.yaml", "zone: Asia/Nowhere", 'format: "%H%M%S", zone: Asia/Taipei')
    gate.edit("adapters/food/adapter.yaml", "transport: rets", "transport: rest")
    assert eventually(lambda: not _open(gate), within=5)
    before = requests_count(workorders)
    assert gate.run("deploy").code == 0
    time.sleep(1.5)
    assert requests_count(workorders) == before
    assert _is_all_there(workorders, gate.post_many(key, range(6, 7)))


def test_a_number_beyond_all_measure_is_refused(gate: Gate) -> None:
    """Rubbish in a body: never a 500."""
    gate.serve()
    key = gate.key()
    for number in ("1e-99999999999999999999", "0e99999999999999999999"):
        body = f'{{"form": {{"x": {number}}}, "kind": "hotline"}}'.encode()
        assert gate.post(key, body).status_code in (400, 422)


def test_a_number_that_a_double_does_not_keep_is_refused(gate: Gate) -> None:
    """9007199254740993.0 would be stored as …992: promise 7."""
    gate.serve()
    body = b'{"form": {"x": 9007199254740993.0}, "kind": "hotline"}'
    assert gate.post(gate.key(), body).json()["code"] == "malformed_body"


def test_a_case_of_a_thousand_stages_holds_up_nobody(gate: Gate) -> None:
    """The largest case that the schema takes, while another source posts a small one: promise 6."""
    gate.serve()
    key, other = gate.key(), gate.key("taipei1999")
    large = an_application("LARGE", stages=[a_stage(f"s{n}", "step", name="勘验") for n in range(1000)])

    def post_large() -> None:
        with suppress(httpx.HTTPError):
            gate.post(key, large)

    posting = threading.Thread(target=post_large, daemon=True)
    posting.start()
    time.sleep(0.5)
    assert gate.post(other, a_hotline_case("SMALL"), timeout=3).is_success
    posting.join(timeout=5)
    assert not posting.is_alive()


def test_a_store_whose_file_was_taken_away_takes_no_case(gate: Gate) -> None:
    """The store's file is deleted or moved under a running gate: nothing may be answered 2xx; promise 1."""
    gate.serve()
    key = gate.key()
    assert gate.post(key, a_hotline_case("BEFORE")).is_success
    (gate.folder / "data" / "syncgate.sqlite").unlink()
    assert gate.post(key, a_hotline_case("LOST")).status_code == 503


def test_a_gate_with_another_master_key_does_not_start(gate: Gate) -> None:
    """A store restored beside the wrong key: its cases would be parked as defects, new ones sealed apart."""
    first = gate.serve()
    assert gate.post(gate.key(), a_hotline_case("OLD")).is_success
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=15) == 0
    (gate.folder / "data" / "master.key").write_bytes(base64.b64encode(bytes(range(32))))
    second = gate.start("serve", "--port", "0")
    assert eventually(lambda: second.poll() is not None, within=90)
    assert second.returncode == 1 and "master key" in gate.log(second)


def test_a_store_that_is_no_database_is_said_in_one_sentence(gate: Gate) -> None:
    """A torn or foreign file in the store's place: the operator is told which file, not of an internal error."""
    gate.serve().send_signal(signal.SIGTERM)
    assert gate.processes[0].wait(timeout=15) == 0
    (gate.folder / "data" / "syncgate.sqlite").write_bytes(b"no database" * 500)
    told = gate.run_apart("serve", "--port", "0")
    assert told.code == 1
    assert "syncgate.sqlite" in told.err and "internal_error" not in told.err
    assert "store_damaged" in told.err and ".recover" in told.err


def test_a_store_that_is_damaged_while_it_is_open_is_said_and_answers_503(gate: Gate) -> None:
    """Pages of the file turn to rubbish under a running gate: no 500, readiness says it, and a check names it."""
    process = gate.serve()
    key = gate.key()
    assert gate.post_many(key, range(30))
    file = gate.folder / "data" / "syncgate.sqlite"
    with closing(sqlite3.connect(file)) as beside:
        beside.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    with file.open("r+b") as opened:
        opened.seek(4096)
        opened.write(b"\xa5" * (file.stat().st_size - 4096))
    answers: list[httpx.Response] = []

    def ready() -> int:
        answers.append(gate.post(key, a_hotline_case(f"AFTER{len(answers)}")))
        return httpx.get(f"{gate.address}/readyz", trust_env=False, timeout=10).status_code

    assert eventually(lambda: ready() == 503, within=20)
    assert gate.post(key, a_hotline_case("LAST")).status_code == 503
    assert {answer.status_code for answer in answers} <= {202, 503}
    process.kill()
    process.wait(timeout=10)
    told = gate.run_apart("db", "check")
    assert told.code == 1 and ("DAMAGED" in told.out or "store_damaged" in told.err)


def test_a_torn_body_leaves_nothing_and_stops_nobody(gate: Gate, workorders: Running) -> None:
    """Callers that stop in the middle of a body, a hundred at a time: promise 6; SIGTERM does not wait for them."""
    process = gate.serve()
    key = gate.key()
    head = (
        "POST /v1/cases HTTP/1.1\r\nHost: gate\r\nContent-Type: application/json\r\n"
        f"Authorization: Bearer {key}\r\nContent-Length: 500\r\n\r\n"
    ).encode()
    host, _, port = gate.address.removeprefix("http://").partition(":")
    with ExitStack() as stack:
        for _ in range(100):
            connection = stack.enter_context(socket.create_connection((host, int(port)), timeout=5))
            connection.sendall(head + b'{"kind": "hot')
        assert gate.post_many(key, range(3)) == {"HL0", "HL1", "HL2"}
    assert _is_all_there(workorders, {"HL0", "HL1", "HL2"})
    found = gate.ask("deliveries", "list")["deliveries"]
    assert len(found) == 3
    process.send_signal(signal.SIGTERM)
    assert process.wait(timeout=15) == 0


def test_naughty_strings_are_delivered_unchanged_and_never_logged(gate: Gate, workorders: Running) -> None:
    """What people type, through name, address and text: promises 7 and 10."""
    process = gate.serve()
    key = gate.key()
    for n, text in enumerate(NAUGHTY):
        case = a_hotline_case(f"N{n}", item={"name": text}, location={"text": text}, description=text)
        assert gate.post(key, case).status_code == 202, n
    numbers = {f"N{n}" for n in range(len(NAUGHTY))}
    assert _is_all_there(workorders, numbers)
    with closing(sqlite3.connect(f"file:{workorders.ledger}?mode=ro", uri=True)) as ledger:
        held = {number: json.loads(record) for number, record in ledger.execute("SELECT key, record FROM effects")}
    for n, text in enumerate(NAUGHTY):
        order = held[f"N{n}"]
        assert (order["item"], order["address"], order["content"]) == (text, text, text)
    local = json.loads(gate.serve_file.read_text())
    asked = {"Authorization": f"Bearer {local['token']}"}
    metrics = httpx.get(f"{gate.address}/metrics", headers=asked, trust_env=False)
    assert metrics.status_code == 200
    for secret in (*NAUGHTY, key, KEY):
        assert secret not in gate.log(process) and secret not in metrics.text


def test_an_older_store_is_put_back_and_nothing_is_sent_twice(gate: Gate, workorders: Running) -> None:
    """Backed up while the system is away, delivered after that, restored: looked up first (promise 4).

    The command refuses while a gate runs, and a gate that starts after it sends what the system lacks alone.
    """
    first = gate.serve()
    key = gate.key()
    workorders.switch_on("unavailable")
    before = gate.post_many(key, range(6))
    file, backup = gate.folder / "data" / "syncgate.sqlite", gate.folder / "backup.sqlite"
    with closing(sqlite3.connect(file)) as one, closing(sqlite3.connect(backup)) as other:
        one.backup(other)
    refused = gate.run_apart("db", "restored", "--reason", "too early")
    assert refused.code == 1 and "one process on SQLite" in refused.err
    workorders.switch_off()
    gate.ask("systems", "resume", "workorders", "--reason", "it is back")
    after = gate.post_many(key, range(3), prefix="NEW")
    assert _is_all_there(workorders, before | after, within=30)
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=15) == 0
    for suffix in ("-wal", "-shm"):
        Path(f"{file}{suffix}").unlink(missing_ok=True)
    file.write_bytes(backup.read_bytes())
    told = gate.run_apart("db", "restored", "--reason", "the backup of this morning", "--json")
    assert told.code == 0, told.err
    assert json.loads(told.out)["systems"]["workorders"]["asked"] == 6
    gate.serve()
    assert gate.post(key, a_hotline_case("LATER")).is_success
    assert _is_all_there(workorders, before | after | {"LATER"}, within=30)
    assert eventually(lambda: not [one for one in _open(gate) if one["system"] == "workorders"], within=30)  # type: ignore[index]
    assert set(orders(workorders).values()) == {1}
    assert blind_resends(workorders) == []
    assert {key for key, _ in creates(workorders)} == before | after | {"LATER"}
