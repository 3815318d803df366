"""A gate that is told to stop in the middle of a batch: what it answered 202 for is there, and nothing else."""

from __future__ import annotations

import json
import re
import signal
import socket
import threading
import time
from contextlib import closing
from typing import Any

import httpx

from tests.integration.cli.conftest import Site

CASE = {"kind": "hotline", "item": {"name": "x"}, "location": {"text": "y"}, "applied_at": "2026-04-01T10:00:00+08:00"}
HEAD = (
    "POST /v1/cases:batch HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nX-Source: window\r\n"
    "Content-Type: application/x-ndjson\r\nTransfer-Encoding: chunked\r\n\r\n"
)
MANY = 4_000


def _heard(connection: socket.socket, pieces: list[bytes], enough: threading.Event) -> None:
    """Keeps what comes until the gate closes; `enough` once a hundred results are there."""
    count = 0
    try:
        while piece := connection.recv(65536):
            pieces.append(piece)
            count += piece.count(b'{"line":')
            if count > 100:
                enough.set()
    except ConnectionError:
        return


def _numbers(address: str, token: str) -> set[str]:
    found, cursor = set(), ""
    with httpx.Client(base_url=address, headers={"Authorization": f"Bearer {token}"}, trust_env=False) as client:
        while True:
            page = client.get(f"/v1/cases?limit=200{cursor}").json()
            found |= {case["case_no"] for case in page["cases"]}
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"


def test_every_line_that_a_stopping_gate_answered_202_for_is_there_and_no_other(site: Site) -> None:
    """SIGTERM while lines of a batch come, are taken and are answered: promise 1, and nothing claimed beside."""
    gate = site.serve()
    serving = json.loads(site.serve_file.read_text())
    pieces: list[bytes] = []
    enough = threading.Event()
    port = int(serving["address"].rpartition(":")[2])
    with closing(socket.create_connection(("127.0.0.1", port), timeout=60)) as connection:
        connection.sendall(HEAD.format(token=serving["token"]).encode())
        hearing = threading.Thread(target=_heard, args=(connection, pieces, enough))
        hearing.start()
        is_told = False
        for no in range(1, MANY):
            line = json.dumps({**CASE, "case_no": f"T{no}"}).encode() + b"\n"
            try:
                connection.sendall(b"%x\r\n%s\r\n" % (len(line), line))
            except ConnectionError:
                break
            time.sleep(0.001)
            if enough.is_set() and not is_told:
                is_told = True
                gate.send_signal(signal.SIGTERM)
        hearing.join(60)
    assert gate.wait(60) == 0
    results: list[Any] = [json.loads(each) for each in re.findall(rb'\{"line":.*\}(?=\n)', b"".join(pieces))]
    assert {result["status"] for result in results} == {202, 503}
    assert [result["line"] for result in results] == list(range(1, len(results) + 1))
    site.serve()
    serving = json.loads(site.serve_file.read_text())
    taken = {result["case_no"] for result in results if result["status"] == 202}
    told_off = {f"T{result['line']}" for result in results if result["status"] == 503}
    held = _numbers(serving["address"], serving["token"])
    assert len(taken) > 100 and taken <= held
    assert not told_off & held
