"""Processes that share the work: what one is told, all heed."""

from __future__ import annotations

import json
import os
import signal
import time

import psycopg

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import eventually, orders
from tests.integration.gate.conftest import requests_count
from tests.integration.processes.conftest import Fleet

LONGEST = 240.0
"""Seconds after which something is held to be stuck, on however busy a machine."""


def test_what_one_process_takes_in_another_sends(fleet: Fleet, workorders: Running) -> None:
    """While its notices are heard: the poll of the worker is far too slow to have found it."""
    fleet.edit("config.yaml", "poll_interval: 500ms", "poll_interval: 600s")
    fleet.edit("config.yaml", "safety_interval: 5s", "safety_interval: 600s")
    api, worker = fleet.serving_each("api", "worker")
    key = fleet.key()
    time.sleep(1)
    assert fleet.post_to(api, key, "HL1").status_code == 202
    assert eventually(lambda: orders(workorders) == {"HL1": 1}, within=LONGEST), fleet.log(worker)


def test_a_worker_takes_no_cases_and_says_how_it_is(fleet: Fleet) -> None:
    api, worker = fleet.serving_each("api", "worker,scheduler")
    key = fleet.key()
    assert fleet.post_to(worker, key, "HL1").status_code == 404
    assert [fleet.status(worker, path) for path in ("/livez", "/readyz", "/metrics")] == [200, 200, 401]
    assert fleet.status(api, "/readyz") == 200


def test_a_pause_told_to_one_process_stops_the_others(fleet: Fleet, workorders: Running) -> None:
    """Promise 9: within a second elsewhere."""
    api, other = fleet.serving_each("api", "api,worker,scheduler")
    key = fleet.key()
    fleet.post_to(other, key, "BEFORE")
    assert eventually(lambda: orders(workorders)["BEFORE"] == 1, within=LONGEST)
    fleet.ask("systems", "pause", "workorders", "--reason", "their maintenance")
    time.sleep(1)
    before = requests_count(workorders)
    for number in range(10):
        fleet.post_to(api if number % 2 else other, key, f"HL{number}")
    time.sleep(1.5)
    assert requests_count(workorders) == before
    fleet.ask("systems", "resume", "workorders", "--reason", "over")
    assert eventually(lambda: len(orders(workorders)) == 11, within=LONGEST)


def test_a_deploy_is_followed_by_every_process_and_sends_nothing(fleet: Fleet, workorders: Running) -> None:
    """Promise 13, over processes: the old folder is not deployed again by one that starts later, either."""
    api, other, worker = fleet.serving_each("api", "api", "worker,scheduler")
    key = fleet.key()
    for number, process in enumerate((api, other) * 2):
        assert fleet.post_to(process, key, f"HL{number}").status_code == 202
    assert eventually(lambda: len(orders(workorders)) == 4, within=LONGEST)
    before = requests_count(workorders)
    old = (fleet.folder / "mappings/workorders/order.yaml").read_text("utf-8")
    fleet.edit(
        "mappings/workorders/order.yaml", "item: case.item.name\n", "item: {text: case.item.name, steps: [trim]}\n"
    )
    (changed,) = fleet.ask("deploy")["changed"]
    (fleet.folder / "mappings/workorders/order.yaml").write_text(old, "utf-8")
    late = fleet.serving("api")
    for number, process in enumerate((api, other, late)):
        assert fleet.post_to(process, key, f"HL{number}", channel="portal").status_code in (200, 202)
        assert fleet.post_to(process, key, f"NEW{number}").status_code == 202
    assert eventually(lambda: len(orders(workorders)) == 7, within=LONGEST), fleet.log(worker)
    shown = fleet.ask("systems", "show", "workorders")
    assert shown["active_bundle"] == changed["after"]
    assert [fleet.status(process, "/readyz") for process in (api, other, worker, late)] == [200] * 4
    sent_again = requests_count(workorders) - before
    assert sent_again == 3


def test_a_bundle_that_cannot_be_compiled_here_is_said_and_nothing_is_planned_without_it(
    fleet: Fleet, workorders: Running
) -> None:
    """Promises 3 and 13: a case that came in meanwhile would be planned for fewer systems, or under an older bundle."""
    both = fleet.serving_each("api", "worker,scheduler")
    key = fleet.key()
    fleet.post_to(both[0], key, "BEFORE")
    assert eventually(lambda: orders(workorders)["BEFORE"] == 1, within=LONGEST)
    active = fleet.ask("systems", "show", "workorders")["active_bundle"]
    name_active(fleet, "sha256:" + "ab" * 32)
    refused = fleet.post_to(both[0], key, "DURING")
    assert (refused.status_code, refused.json()["code"]) == (503, "store_unavailable")
    assert eventually(lambda: [fleet.status(process, "/readyz") for process in both] == [503, 503], within=LONGEST)
    assert all(process.poll() is None for process in both)
    name_active(fleet, active)
    assert eventually(lambda: [fleet.status(process, "/readyz") for process in both] == [200, 200], within=LONGEST)
    assert fleet.post_to(both[0], key, "AFTER").status_code == 202
    assert eventually(lambda: set(orders(workorders)) == {"BEFORE", "AFTER"}, within=LONGEST)


def name_active(fleet: Fleet, digest: str) -> None:
    """Names a bundle active in the store, as a newer version's deploy would."""
    with psycopg.connect(fleet.database, autocommit=True) as connection:
        connection.execute("UPDATE systems SET active_bundle = %s WHERE system = 'workorders'", (digest,))


def test_the_command_line_reaches_the_newest_that_lives(fleet: Fleet) -> None:
    first, second = fleet.serving("api"), fleet.serving("api")

    def named() -> int:
        return int(json.loads(fleet.serve_file.read_text())["pid"])

    assert named() == second.pid
    os.kill(second.pid, signal.SIGKILL)
    second.wait(timeout=LONGEST)
    assert fleet.ask("systems", "list")
    third = fleet.serving("api")
    assert named() == third.pid
    first.send_signal(signal.SIGTERM)
    assert first.wait(timeout=LONGEST) == 0
    assert named() == third.pid
    third.send_signal(signal.SIGTERM)
    assert third.wait(timeout=LONGEST) == 0
    assert not list(fleet.serve_file.parent.glob("serve*.json"))


def test_sqlite_takes_one_process_and_says_so(fleet: Fleet) -> None:
    fleet.config.write_text(
        "\n".join(
            "  url: sqlite:///data/syncgate.sqlite" if line.startswith("  url: ") else line
            for line in fleet.config.read_text("utf-8").splitlines()
        ),
        "utf-8",
    )
    part = fleet.run_apart("serve", "--port", "0", "--role", "worker")
    assert (part.code, "PostgreSQL" in part.err) == (1, True), part.err
    assert fleet.run_apart("serve", "--role", "workr").code == 1
    holder = fleet.serve()
    second = fleet.run_apart("serve", "--port", "0")
    assert second.code == 1
    assert f"process {holder.pid}" in second.err and "PostgreSQL" in second.err
