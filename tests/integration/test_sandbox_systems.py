"""The simulated systems over real sockets: what a client sees, and what the ledger then says."""

from __future__ import annotations

import contextlib
import hashlib
import http.client
import json
import os
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest

import syncgate.sandbox
from syncgate.sandbox.running import Running, running

ORDER = {
    "sourceNo": "W-1",
    "item": "路燈不亮",
    "address": "東示區示例路３段19號",
    "filedDate": "20260430",
    "filedTime": "235842",
}


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Running]]:
    with contextlib.ExitStack() as stack:
        yield lambda name, **more: stack.enter_context(running(name, folder=tmp_path, **more))


def connect(system: Running, timeout: float = 10) -> http.client.HTTPConnection:
    return http.client.HTTPConnection("127.0.0.1", system.port, timeout=timeout)


def post(connection: http.client.HTTPConnection, number: str, key: str, **more: Any) -> tuple[int, dict[str, Any]]:
    headers = {"X-Api-Key": "workorders-key", "X-Request-Id": key}
    body = json.dumps({**ORDER, "sourceNo": number, **more}, ensure_ascii=False).encode()
    connection.request("POST", "/workorders/v1/orders", body, headers)
    answer = connection.getresponse()
    return answer.status, json.loads(answer.read())


def rows(path: Path, query: str) -> list[tuple[Any, ...]]:
    with contextlib.closing(sqlite3.connect(f"file:{path}?mode=ro", uri=True)) as connection:
        return connection.execute(query).fetchall()


def faults(path: Path) -> list[tuple[Any, ...]]:
    return rows(path, "SELECT fault, effect, status, is_answered FROM requests ORDER BY seq")


def eventually(claim: Callable[[], bool]) -> bool:
    until = time.monotonic() + 10
    while time.monotonic() < until:
        if claim():
            return True
        time.sleep(0.01)
    return False


def test_one_connection_carries_many_requests(start: Callable[..., Running]) -> None:
    system = start("workorders")
    connection = connect(system)
    assert [post(connection, f"W-{n}", f"k{n}")[0] for n in range(50)] == [201] * 50
    assert len(rows(system.ledger, "SELECT * FROM effects")) == 50


def test_pipelined_requests_are_answered_in_order(start: Callable[..., Running]) -> None:
    system = start("food")
    ask = b"GET /_sandbox/%s HTTP/1.1\r\nHost: x\r\n\r\n"
    with socket.create_connection(("127.0.0.1", system.port)) as peer:
        last = b"GET /_sandbox/health HTTP/1.1\r\nConnection: close\r\n\r\n"
        peer.sendall(ask % b"health" + ask % b"none" + last)
        data = b"".join(iter(lambda: peer.recv(65536), b""))
    assert [part[:3] for part in data.split(b"HTTP/1.1 ")[1:]] == [b"200", b"404", b"200"]


def test_a_chunked_body_is_taken(start: Callable[..., Running]) -> None:
    system = start("workorders")
    connection = connect(system)
    body = json.dumps(ORDER).encode()
    headers = {"X-Api-Key": "workorders-key", "X-Request-Id": "k", "Transfer-Encoding": "chunked"}
    connection.request("POST", "/workorders/v1/orders", iter([body[:9], body[9:]]), headers, encode_chunked=True)
    assert connection.getresponse().status == 201


def test_what_is_no_http_is_told_so_and_harms_nobody(start: Callable[..., Running]) -> None:
    system = start("workorders")
    with socket.create_connection(("127.0.0.1", system.port)) as peer:
        peer.sendall(b"\x16\x03\x01 hello\r\n\r\n")
        assert peer.recv(65536).startswith(b"HTTP/1.1 400 ")
        assert b"".join(iter(lambda: peer.recv(65536), b"")) is not None
    assert post(connect(system), "W-1", "k")[0] == 201


def test_concurrent_posts_of_one_record_have_one_effect(start: Callable[..., Running]) -> None:
    system = start("workorders")
    gate = threading.Barrier(16)

    def one(n: int) -> tuple[int, dict[str, Any]]:
        connection = connect(system)
        connection.connect()
        gate.wait()
        return post(connection, "W-1", "same" if n % 2 else f"other-{n}")

    with ThreadPoolExecutor(16) as pool:
        answers = list(pool.map(one, range(16)))
    statuses = Counter(status for status, _ in answers)
    assert statuses[201] == 1
    assert sum(statuses.values()) == statuses[201] + statuses[200] + statuses[409]
    assert {body["orderNo"] for _, body in answers} == {"WO-00000001"}
    assert len(rows(system.ledger, "SELECT * FROM effects")) == 1


def test_drop_before_is_a_reset_and_leaves_nothing(start: Callable[..., Running]) -> None:
    system = start("workorders")
    system.switch_on("drop_before", count=1)
    with pytest.raises(ConnectionError):
        post(connect(system), "W-1", "k")
    assert faults(system.ledger) == [("drop_before", "none", None, 0)]
    assert post(connect(system), "W-1", "k")[0] == 201


def test_commit_then_drop_is_an_end_without_an_answer_and_holds_the_record(
    start: Callable[..., Running],
) -> None:
    system = start("workorders")
    system.switch_on("commit_then_drop", count=1)
    with pytest.raises(http.client.RemoteDisconnected):
        post(connect(system), "W-1", "k")
    assert faults(system.ledger) == [("commit_then_drop", "created", None, 0)]
    assert post(connect(system), "W-1", "k") == (200, {"orderNo": "WO-00000001"})


def test_hang_lasts_until_the_client_gives_up_and_harms_nobody_else(start: Callable[..., Running]) -> None:
    system = start("workorders")
    system.switch_on("hang", count=1)
    with pytest.raises(TimeoutError):
        post(connect(system, timeout=0.3), "W-1", "k1")
    assert faults(system.ledger) == [("hang", "created", None, 0)]
    assert post(connect(system), "W-2", "k2")[0] == 201


@pytest.mark.parametrize(("mode", "status"), [("unavailable", 503), ("throttle", 429), ("deny", 401), ("refuse", 422)])
def test_a_fault_that_answers_leaves_the_connection_open(start: Callable[..., Running], mode: str, status: int) -> None:
    system = start("workorders")
    system.switch_on(mode, count=1)
    connection = connect(system)
    assert post(connection, "W-1", "k1")[0] == status
    assert post(connection, "W-1", "k1")[0] == 201
    assert system.counts()["faults"] == {mode: 1}


def test_slow_answers_truly_after_its_delay(start: Callable[..., Running]) -> None:
    system = start("workorders")
    system.switch_on("slow", count=1, delay=0.2)
    before = time.monotonic()
    assert post(connect(system), "W-1", "k1")[0] == 201
    assert time.monotonic() - before >= 0.2
    assert faults(system.ledger) == [("slow", "created", 201, 1)]
    assert rows(system.ledger, "SELECT * FROM unheard") == []


def test_a_slow_answer_that_nobody_waited_for_is_noted(start: Callable[..., Running]) -> None:
    system = start("workorders")
    system.switch_on("slow", count=1, delay=30)
    connection = connect(system, timeout=0.2)
    with pytest.raises(TimeoutError):
        post(connection, "W-1", "k1")
    connection.close()
    assert eventually(lambda: rows(system.ledger, "SELECT request_seq, why FROM unheard") == [(1, "left")])


def test_an_answer_that_a_killed_client_never_read_is_noted(start: Callable[..., Running]) -> None:
    system = start("workorders")
    body = json.dumps(ORDER).encode()
    head = b"POST /workorders/v1/orders HTTP/1.1\r\nX-Api-Key: workorders-key\r\nX-Request-Id: k\r\n"
    length = b"Content-Length: %d\r\n\r\n" % len(body)
    with socket.create_connection(("127.0.0.1", system.port)) as peer:
        peer.sendall(head + length + body)
        assert eventually(lambda: len(rows(system.ledger, "SELECT * FROM effects")) == 1)
        time.sleep(0.1)
    assert eventually(lambda: rows(system.ledger, "SELECT request_seq, why FROM unheard") == [(1, "reset")])


def test_garbage_is_nothing_that_a_client_could_take_for_an_answer(start: Callable[..., Running]) -> None:
    system = start("workorders")
    system.switch_on("garbage", seed=1)
    seen = set()
    for n in range(20):
        try:
            post(connect(system), f"W-{n}", f"k{n}")
            seen.add("answer")
        except (http.client.HTTPException, ValueError) as error:
            seen.add(type(error).__name__)
    assert seen == {"IncompleteRead", "BadStatusLine", "JSONDecodeError"}
    assert set(faults(system.ledger)) <= {("garbage", "created", s, 0) for s in (None, 200, 201)}
    assert len(rows(system.ledger, "SELECT * FROM effects")) == 20


def test_a_system_comes_back_with_what_it_held(start: Callable[..., Running], tmp_path: Path) -> None:
    with running("workorders", folder=tmp_path) as system:
        post(connect(system), "W-1", "k1")
    again = start("workorders")
    assert post(connect(again), "W-1", "k1") == (200, {"orderNo": "WO-00000001"})
    assert again.counts()["requests"] == 2


def golden_of(system: str) -> list[Path]:
    files = sorted((Path(syncgate.sandbox.__file__).parent / "golden").glob("*.json"))
    return [file for file in files if system in json.loads(file.read_text(encoding="utf-8"))]


@pytest.mark.parametrize("file", golden_of("province"), ids=lambda file: file.stem)
def test_province_takes_the_golden_records_of_the_city(start: Callable[..., Running], file: Path) -> None:
    province = start("province")
    for sn, step in enumerate(json.loads(file.read_text(encoding="utf-8"))["province"], 1):
        record = {"sn": sn, "orgbusno": "case-1", "unid": f"unid-{sn}", **step["record"]}
        assert _report(province, step["operation"], record) == "办件数据接收成功！", step["operation"]


@pytest.mark.parametrize("file", golden_of("food"), ids=lambda file: file.stem)
def test_food_takes_the_golden_records_of_the_city(start: Callable[..., Running], file: Path) -> None:
    food = start("food")
    for n, step in enumerate(json.loads(file.read_text(encoding="utf-8"))["food"]):
        record = {"bizKey": "case-1", **step["record"]}
        path = "/applications"
        if step["operation"] == "event":
            record, path = {"eventKey": f"event-{n}", **record}, "/applications/case-1/events"
        headers = {"Authorization": "Bearer food-key", "Idempotency-Key": f"k{n}"}
        connection = connect(food)
        connection.request("POST", f"/foodlicence/api{path}", json.dumps(record).encode(), headers)
        answer = connection.getresponse()
        assert (answer.status, answer.read()[:6]) == (201, b'{"id":')


def _report(system: Running, operation: str, record: dict[str, Any]) -> str:
    stamp, nonce = str(int(time.time())), "n"
    digest = hashlib.sha256(f"{stamp}province-tif-token{nonce}{stamp}".encode()).hexdigest().upper()
    headers = {
        "token": "province-token",
        "x-tif-paasid": "syncgate",
        "x-tif-timestamp": stamp,
        "x-tif-nonce": nonce,
        "x-tif-signature": digest,
    }
    connection = connect(system)
    body = json.dumps({"data": json.dumps(record, ensure_ascii=False)}, ensure_ascii=False).encode()
    connection.request("POST", f"/gateway/province/{operation}", body, headers)
    return str(json.loads(connection.getresponse().read())["text"])


def spawn(folder: Path, name: str = "workorders", port: int = 0, **env: str) -> tuple[subprocess.Popen[str], Running]:
    command = [sys.executable, "-m", "syncgate.sandbox", "serve", "--system", name]
    command += ["--folder", str(folder), "--ports-file", str(folder / "ports.json"), "--port", str(port)]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env={**os.environ, **env})
    assert process.stdout is not None
    said = process.stdout.readline().split()
    assert said[0] == f"{name}"
    port = json.loads((folder / "ports.json").read_text())[name]
    system = Running(name, port, folder / f"{name}.sqlite")
    assert said[1] == system.base_url
    return process, system


def test_a_killed_process_comes_back_with_everything_that_it_answered(tmp_path: Path) -> None:
    """Killed between two answers while eight clients write; promise: answered means held."""
    process, system = spawn(tmp_path)
    answered: list[str] = []

    def write(worker: int) -> None:
        connection = connect(system)
        with contextlib.suppress(OSError, http.client.HTTPException):
            for n in range(10_000):
                status, _ = post(connection, f"W-{worker}-{n}", f"k-{worker}-{n}")
                assert status == 201
                answered.append(f"W-{worker}-{n}")

    with ThreadPoolExecutor(8) as pool:
        writers = [pool.submit(write, worker) for worker in range(8)]
        assert eventually(lambda: len(answered) > 200)
        os.kill(process.pid, signal.SIGKILL)
        for writer in writers:
            writer.result(timeout=30)
    process.wait(timeout=10)

    again, system = spawn(tmp_path, port=system.port)
    held = {key for (key,) in rows(system.ledger, "SELECT key FROM effects")}
    assert set(answered) <= held
    connection = connect(system)
    for number in answered[-20:]:
        assert post(connection, number, "k" + number[1:])[0] == 200
    again.terminate()
    assert again.wait(timeout=10) == 0


def test_a_process_ends_cleanly_while_a_client_hangs(tmp_path: Path) -> None:
    process, system = spawn(tmp_path)
    system.switch_on("hang")
    with socket.create_connection(("127.0.0.1", system.port)) as peer:
        body = json.dumps(ORDER).encode()
        peer.sendall(
            b"POST /workorders/v1/orders HTTP/1.1\r\nX-Api-Key: workorders-key\r\nX-Request-Id: k\r\n"
            b"Content-Length: %d\r\n\r\n" % len(body) + body
        )
        assert eventually(lambda: len(rows(system.ledger, "SELECT * FROM effects")) == 1)
        process.terminate()
        assert process.wait(timeout=10) == 0
    assert not Path(f"{system.ledger}-wal").exists()


def test_a_process_takes_its_secrets_from_the_environment(tmp_path: Path) -> None:
    process, system = spawn(tmp_path, SANDBOX_WORKORDERS_KEY="another")
    assert post(connect(system), "W-1", "k")[0] == 401
    process.terminate()
    assert process.wait(timeout=10) == 0


def test_a_second_process_on_the_same_ledger_does_not_start(tmp_path: Path) -> None:
    process, _ = spawn(tmp_path)
    command = [sys.executable, "-m", "syncgate.sandbox", "serve", "--system", "workorders"]
    second = subprocess.run(
        [*command, "--folder", str(tmp_path)], capture_output=True, text=True, timeout=30, check=False
    )
    assert second.returncode == 1
    assert "another simulator" in second.stdout
    process.terminate()
    assert process.wait(timeout=10) == 0
