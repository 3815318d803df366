"""The command line against a real gate process and a simulated system over a real socket."""

from __future__ import annotations

import csv
import json
import signal
import stat
from pathlib import Path

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import Site, eventually, orders, write_calls


def test_a_file_submitted_twice_reaches_the_system_once(site: Site, workorders: Running, calls: Path) -> None:
    site.serve()
    first = site.ask("submit", calls, "--source", "taipei1999")
    assert (first["new"], first["unchanged"], first["refused"]) == (40, 0, 0)
    assert eventually(lambda: len(orders(workorders)) == 40)
    second = site.ask("submit", calls, "--source", "taipei1999")
    assert (second["new"], second["changed"], second["unchanged"]) == (0, 0, 40)
    assert set(orders(workorders).values()) == {1}


def test_a_gate_killed_while_a_file_is_submitted_gets_every_row_once(
    site: Site, workorders: Running, tmp_path: Path
) -> None:
    """kill -9 of the gate between two commits; promise 2 for the posts, promise 4 for the sends."""
    calls = write_calls(tmp_path / "many.csv", 3000)
    gate = site.serve()
    posting = site.start("submit", calls, "--source", "taipei1999", "--json")
    assert eventually(lambda: len(orders(workorders)) > 20, within=120)
    gate.send_signal(signal.SIGKILL)
    gate.wait(timeout=30)
    assert posting.poll() is None, "the gate was to be killed while rows were left"
    site.serve()
    out, _ = posting.communicate(timeout=90)
    assert posting.returncode == 0, site.log(posting)
    told = json.loads(out)
    assert told["new"] + told["unchanged"] == 3000 and told["refused"] == 0
    again = site.ask("submit", calls, "--source", "taipei1999")
    assert (again["unchanged"], again["new"]) == (3000, 0)
    assert eventually(lambda: len(orders(workorders)) == 3000, within=180)
    assert set(orders(workorders).values()) == {1}


def test_a_submission_killed_halfway_goes_on_where_it_was(site: Site, workorders: Running, tmp_path: Path) -> None:
    """kill -9 of the command line; what was posted is known by source and number."""
    calls = write_calls(tmp_path / "many.csv", 2000)
    site.serve()
    posting = site.start("submit", calls, "--source", "taipei1999")
    assert eventually(lambda: len(orders(workorders)) > 10, within=120)
    posting.send_signal(signal.SIGKILL)
    posting.wait(timeout=30)
    told = site.ask("submit", calls, "--source", "taipei1999")
    assert told["new"] + told["unchanged"] == 2000
    assert eventually(lambda: len(orders(workorders)) == 2000, within=180)
    assert set(orders(workorders).values()) == {1}


def test_refused_rows_are_listed_and_the_others_go_in(site: Site, workorders: Running, calls: Path) -> None:
    lines = calls.read_text("utf-8-sig").splitlines()
    lines[3] = lines[3].replace("202604", "202613")
    lines[5] += ",one cell too many"
    calls.write_text("\n".join([*lines, lines[1].replace("示例路", "另一路")]) + "\n", "utf-8-sig")
    site.serve()
    told = site.run("submit", calls, "--source", "taipei1999", "--json")
    assert told.code == 1
    assert (told.json()["new"], told.json()["refused"]) == (38, 3)
    with Path(told.json()["refused_file"]).open(encoding="utf-8-sig", newline="") as listed:
        assert [(row["file"], row["line"]) for row in csv.DictReader(listed)] == [
            (calls.name, n) for n in ("4", "6", "42")
        ]
    assert eventually(lambda: len(orders(workorders)) == 38)


def test_a_case_can_be_followed_to_its_delivery(site: Site, workorders: Running, calls: Path) -> None:
    site.serve()
    site.ask("submit", calls, "--source", "taipei1999")
    assert eventually(lambda: len(orders(workorders)) == 40)
    assert eventually(lambda: len(site.ask("deliveries", "list", "--phase", "delivered")["deliveries"]) == 40)
    said = site.run("where", "taipei1999:990104000007")
    assert said.code == 0
    assert "workorders: holds 1 of 1 records as WO-" in said.out
    assert "taipei1999: posted it" in said.out
    one = site.ask("deliveries", "list", "--limit", "3", "--system", "workorders")
    assert len(one["deliveries"]) == 3 and one["next"]
    shown = site.run("deliveries", "show", one["deliveries"][0]["delivery_id"])
    assert shown.code == 0 and "taken" in shown.out and "workorders" in shown.out
    missing = site.run("where", "taipei1999:nobody")
    assert missing.code == 1 and missing.err.count("\n") == 1


def test_a_paused_system_gets_nothing_until_it_is_resumed(site: Site, workorders: Running, calls: Path) -> None:
    site.serve()
    site.ask("systems", "pause", "workorders", "--reason", "their maintenance")
    site.ask("submit", calls, "--source", "taipei1999")
    row = next(one for one in site.ask("systems", "list") if one["system"] == "workorders")
    assert row["pause"]["is_paused"] and row["backlog"]["pending"] == 40
    assert not orders(workorders)
    assert "their maintenance" in site.run("systems", "show", "workorders").out
    site.ask("systems", "resume", "workorders", "--reason", "it is over")
    assert eventually(lambda: len(orders(workorders)) == 40)


def test_a_key_is_shown_once_opens_what_it_may_and_is_revoked(site: Site) -> None:
    import httpx

    site.serve()
    made = site.ask("keys", "create", "--name", "window", "--role", "source", "--source", "window")
    listed = site.run("keys", "list")
    assert listed.code == 0 and "window" in listed.out and made["key"] not in listed.out
    address = json.loads(site.serve_file.read_text())["address"]
    headers = {"Authorization": f"Bearer {made['key']}"}
    assert httpx.get(f"{address}/v1/cases/window:none", headers=headers, trust_env=False).status_code == 404
    site.ask("keys", "revoke", made["principal"]["principal_id"])
    assert httpx.get(f"{address}/v1/cases/window:none", headers=headers, trust_env=False).status_code == 401


def test_a_second_gate_is_refused_with_the_pid_of_the_first(site: Site) -> None:
    gate = site.serve()
    told = site.run_apart("serve", "--port", "0")
    assert told.code == 1 and str(gate.pid) in told.err and told.err.count("\n") == 1


def test_a_port_in_use_is_said_in_one_line(site: Site, workorders: Running) -> None:
    told = site.run_apart("serve", "--port", str(workorders.port))
    assert told.code == 1 and f"port {workorders.port}" in told.err and told.err.count("\n") == 1


def test_serve_ends_on_sigterm_and_takes_its_announcement_away(site: Site) -> None:
    gate = site.serve()
    assert stat.S_IMODE(site.serve_file.stat().st_mode) == 0o600
    gate.send_signal(signal.SIGTERM)
    assert gate.wait(timeout=30) == 0
    assert not site.serve_file.exists()


def test_without_a_gate_the_command_line_opens_the_store_itself(site: Site, workorders: Running, calls: Path) -> None:
    assert site.ask_apart("submit", calls, "--source", "taipei1999")["new"] == 40
    assert len(site.ask_apart("deliveries", "list", "--phase", "pending")["deliveries"]) == 40
    checked = site.ask_apart("db", "check")
    assert (checked["counters_wrong"], checked["audit_broken"]) == ([], [])
    assert checked["audit_entries"] > 0
    assert not orders(workorders)
    site.serve()
    assert eventually(lambda: len(orders(workorders)) == 40)


def test_what_a_killed_gate_left_behind_stops_no_command(site: Site) -> None:
    gate = site.serve()
    gate.send_signal(signal.SIGKILL)
    gate.wait(timeout=30)
    assert site.serve_file.exists()
    assert site.ask_apart("deliveries", "list") == {"deliveries": [], "next": None}


def test_a_deployment_of_the_same_folder_changes_nothing(site: Site) -> None:
    site.serve()
    told = site.run("deploy")
    assert (told.code, told.out) == (0, "nothing to change\n")


def test_the_store_is_not_checked_while_a_gate_holds_it(site: Site) -> None:
    gate = site.serve()
    told = site.run_apart("db", "check")
    assert told.code == 1 and str(gate.pid) in told.err
