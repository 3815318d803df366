"""Bulk requeue by the command line against a real gate process: the canary's rest follows by itself."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import Site, eventually, orders

ASKED = ("deliveries", "requeue", "--system", "workorders", "--message", "order", "--reason", "their form is mended")


def counted(site: Site, phase: str) -> int:
    found = site.ask("deliveries", "list", "--phase", phase, "--group-by", "reason")
    return sum(group["count"] for group in found["groups"])


@pytest.fixture
def refused(site: Site, workorders: Running, calls: Path) -> Any:
    """A gate with forty deliveries that the system refused and would take now."""
    gate = site.serve()
    workorders.switch_on("refuse")
    site.ask("submit", calls, "--source", "taipei1999")
    assert eventually(lambda: counted(site, "parked") == 40, within=60)
    workorders.switch_off()
    return gate


def test_forty_under_one_fault_are_one_line_pass_the_dry_run_and_go_by_canary(
    site: Site, workorders: Running, refused: Any
) -> None:
    """Promise 11."""
    grouped = site.run("deliveries", "list", "--phase", "parked", "--group-by", "fault")
    assert grouped.code == 0 and len(grouped.out.splitlines()) == 2 and grouped.out.splitlines()[1].startswith("40")
    dry = site.run(*ASKED, "--dry-run")
    assert (dry.code, dry.out) == (0, "40 parked deliveries match\n40 of 40 pass the dry run\n")
    capped = site.run(*ASKED, "--cap", "39")
    assert capped.code == 1 and "more match than the cap of 39" in capped.out
    assert not orders(workorders)
    told = site.run(*ASKED, "--canary", "3", "--wait", "--json")
    assert (told.code, told.json()["state"], told.json()["queued"]) == (0, "done", 40)
    assert eventually(lambda: len(orders(workorders)) == 40)
    assert set(orders(workorders).values()) == {1}
    again = site.ask("deliveries", "requeues", told.json()["requeue_id"])
    assert again["canary_phases"] == {"delivered": 3}


def test_a_canary_that_is_refused_again_leaves_the_rest_and_ends_with_1(
    site: Site, workorders: Running, refused: Any
) -> None:
    workorders.switch_on("refuse")
    told = site.run(*ASKED, "--canary", "3", "--wait")
    assert told.code == 1 and "3 of 40 requeued" in told.out
    assert told.out.count("syncgate deliveries show ") == 3
    assert counted(site, "parked") == 40
    assert "canary_failed" in site.run("deliveries", "requeues").out


def test_a_gate_killed_while_a_canary_is_out_goes_on_with_the_rest_once(
    site: Site, workorders: Running, refused: Any
) -> None:
    """kill -9 between the canary and the rest; promises 2 and 3: none forgotten, none doubled."""
    workorders.switch_on("slow", delay=1.5)
    told = site.ask(*ASKED, "--canary", "2")
    assert (told["state"], told["queued"]) == ("canary", 2)
    refused.send_signal(signal.SIGKILL)
    refused.wait(timeout=30)
    workorders.switch_off()
    site.serve()
    assert eventually(lambda: len(orders(workorders)) == 40, within=60)
    assert site.ask("deliveries", "requeues", told["requeue_id"])["queued"] == 40
    assert set(orders(workorders).values()) == {1}


def test_an_unbounded_requeue_is_refused_in_words(site: Site, refused: Any) -> None:
    told = site.run("deliveries", "requeue", "--system", "workorders", "--reason", "all")
    assert told.code == 1 and "reason, cause, rule, field, item" in told.err
    assert counted(site, "parked") == 40
