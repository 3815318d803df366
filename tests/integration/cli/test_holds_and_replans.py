"""Holding back and replanning from the command line, against a real gate process and a simulated system."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from syncgate.sandbox.running import Running
from tests.integration.cli.conftest import Site, eventually, orders

WHY = ("--reason", "why not")
NEW = "item: {text: case.item.name, steps: [{prefix: 新}]}"


def copied(site: Site) -> Path:
    """A copy of the example site's folder, to be changed."""
    root = site.folder / "copy"
    for name in ("adapters", "mappings", "schemas"):
        shutil.copytree(site.root / name, root / name)
    return root


def test_what_is_held_reaches_the_system_only_after_it_is_lifted(site: Site, workorders: Running, calls: Path) -> None:
    """Promise 9, over processes: the hold is placed before the cases come."""
    site.serve()
    hold = site.ask("systems", "hold", "--system", "workorders", *WHY)
    assert (hold["in_flight"], hold["hold"]["is_active"]) == (0, True)
    assert site.ask("submit", calls, "--source", "taipei1999")["new"] == 40
    listed = site.ask("deliveries", "list", "--reason", "held", "--system", "workorders", "--limit", "100")
    assert len(listed["deliveries"]) == 40 and listed["deliveries"][0]["detail"] == "why not"
    assert "why not" in site.run("systems", "show", "workorders").out
    assert orders(workorders) == {}
    hold_id = hold["hold"]["hold_id"]
    assert hold_id in site.run("systems", "holds").out
    assert site.ask("systems", "release", hold_id)["lifted_by"] == "local"
    assert eventually(lambda: len(orders(workorders)) == 40)
    assert hold_id not in site.run("systems", "holds").out and hold_id in site.run("systems", "holds", "--all").out


def test_a_replan_that_finds_nothing_says_so_and_one_without_bounds_is_refused(
    site: Site, workorders: Running, calls: Path
) -> None:
    site.serve()
    assert site.ask("submit", calls, "--source", "taipei1999")["new"] == 40
    assert eventually(lambda: len(orders(workorders)) == 40)
    done = site.ask("replan", "workorders", "--source", "taipei1999", "--dry-run", *WHY)
    assert (done["cases"], done["differing"], done["stopped"]) == (40, 0, None)
    assert site.run("replan", "workorders", "--since", "2026-01-01", *WHY).code == 0
    unbounded = site.run("replan", "workorders", *WHY)
    assert unbounded.code == 1 and "/filter" in unbounded.err
    assert site.run("replan", "workorders", "--since", "yesterday", *WHY).code == 1


def test_a_person_merges_voids_and_reopens_cases_and_tells_two_apart(
    site: Site, workorders: Running, calls: Path
) -> None:
    site.serve()
    assert site.ask("submit", calls, "--source", "taipei1999")["new"] == 40
    assert "case" in site.run("duplicates", "list").out
    one, other, third = (f"taipei1999:99010400000{no}" for no in (1, 2, 3))
    assert site.ask("cases", "void", one, *WHY, "--by", "测样甲")["revision"] == 2
    assert "so before" in site.run("cases", "void", one, *WHY).out
    assert site.ask("cases", "reopen", one, *WHY)["revision"] == 3
    merged = site.ask("cases", "merge", other, "--into", one, *WHY)
    assert site.run("where", other).out.splitlines()[0] == site.run("where", one).out.splitlines()[0]
    assert merged["case_no"] in one
    assert site.run("cases", "withdraw", other, *WHY).code == 1, "a merged case's name withdraws nothing"
    assert site.run("duplicates", "dismiss", one, third, *WHY).code == 0
    assert site.run("duplicates", "dismiss", one, one, *WHY).code == 1


def test_a_replan_goes_on_once_its_first_few_are_delivered(site: Site, workorders: Running, calls: Path) -> None:
    """Promises 11 and 13, over processes: the deploy sends nothing, five go first, then the other 35."""
    site.root = copied(site)
    mapping = site.root / "mappings/workorders/order.yaml"
    site.serve()
    assert site.ask("submit", calls, "--source", "taipei1999")["new"] == 40
    assert eventually(lambda: len(orders(workorders)) == 40)
    text = mapping.read_text("utf-8").replace("item: case.item.name", NEW, 1)
    mapping.write_text(re.sub(r"^      item: (?!{)", "      item: 新", text, flags=re.M), "utf-8")
    assert site.run("deploy").code == 0
    asked = ("replan", "workorders", "--source", "taipei1999", *WHY)
    dry = site.ask(*asked, "--dry-run")
    assert (dry["differing"], dry["messages"][0]["fields"], dry["queued"]) == (40, {"item": 40}, [])
    shown = site.run(*asked, "--dry-run").out
    assert "  item: " in shown and "新" in shown
    told = site.run(*asked, "--canary", "5")
    assert (told.code, "the first 5 are delivered" in told.err) == (0, True)
    assert site.ask(*asked)["differing"] == 0
