"""What an operator does about returns by the command line, over a gate and systems at work."""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.city import City
from syncgate.sandbox.city.given_back import RETIRED, given_back_lives
from syncgate.sandbox.play.given_back import QualityCheck
from syncgate.sandbox.play.processes import run_command, wait_for
from syncgate.sandbox.play.site import DemoError
from tests.integration.stories.town import Town

TIMES = "accepted_before_applied"


def not_taken(here: Town) -> list[dict[str, Any]]:
    parked = here.gate.deliveries(system="province", phase="parked", reason="correction_not_taken")
    return [one for one in parked if one["message"] == "basic_info"]


def test_returns_are_listed_and_sent_back_and_what_came_of_it_is_written_for_paper(
    town: Callable[..., Town], tmp_path: Path
) -> None:
    city = City((), (), given_back=given_back_lives(2026, retired=2, early=1))
    here = town("province", "frontdb", sources=("window", "street"))
    run = partial(run_command, here.folder, here.env)

    def ask(*said: str | Path) -> Any:
        return json.loads(run(*said, "--json"))

    here.expect(city)
    story = QualityCheck(
        here.calls,
        here.gate,
        here.integrators_gate,
        here.systems,
        city.given_back,
        command=run,
        folder=here.folder.path,
        site=here.folder.site,
    )
    story.post()
    here.systems.check_quality("frontdb", RETIRED)
    workbook = tmp_path / "退回.xlsx"
    workbook.write_bytes(here.systems.returns("frontdb"))
    known = workbook, "--system", "frontdb", "--reason", "质检"
    dry = ask("returns", "import", *known, "--dry-run")
    assert dry["dry_run"] and sum(dry["results"].values()) == 3
    with pytest.raises(DemoError, match="exit code"):
        run("returns", "import", workbook, "--system", "province", "--reason", "质检")
    done = ask("returns", "import", *known)
    assert set(done["results"]) <= {"returned", "already_returned"}
    causes = {one["cause"]: one["count"] for one in ask("returns", "list", "--system", "frontdb")["causes"]}
    assert causes == {"item_unknown": 2, TIMES: 1}
    table = run("returns", "list", "--system", "frontdb")
    assert TIMES in table and "item_unknown" in table
    back = ("returns", "send-back", "--system", "frontdb", "--reason", "街道录入", "--cause")
    counts = ask(*back, "item_unknown", "--dry-run")
    assert (counts["sent_back"], counts["already"]) == (2, 0)
    counts = ask(*back, TIMES)
    assert (counts["sent_back"], counts["already"]) == (0, 1)
    (street,) = city.given_back.early
    listed = ask("worklist", "street")["items"]
    assert [(one["kind"], one["case_no"]) for one in listed] == [("given_back", street.case_no)]

    story.correct()
    page, proof = tmp_path / "letter.html", tmp_path / "proof.html"
    wait_for("province to park the correction", lambda: bool(not_taken(here)), within=60)
    (one,) = not_taken(here)
    run("letter", one["delivery_id"], "--out", page)
    first, right = (call.body["applied_at"] for call in street.calls)
    times = [text[:16].replace("T", " ") for text in (first, right)]
    assert street.case_no in page.read_text("utf-8") and not any(at in page.read_text("utf-8") for at in times)
    run("letter", one["delivery_id"], "--reveal", "--reason", "寄省平台", "--out", page)
    assert all(at in page.read_text("utf-8") for at in times)
    run("proof", f"street:{street.case_no}", "--out", proof)
    assert "National front database" in proof.read_text("utf-8") and street.case_no in proof.read_text("utf-8")
