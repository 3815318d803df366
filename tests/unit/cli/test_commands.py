"""Every command explains itself, and ends with the exit code that it should."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest
from typer.main import get_command

from syncgate.cli.app import app
from syncgate.cli.endings import defect, end
from syncgate.cli.reference import commands, page
from syncgate.cli.templates import write_site
from syncgate.domain.errors import SiteInvalid
from tests.support.commands import said_by

ROOT = Path(__file__).parents[3]
EVERY = dict(commands(get_command(app)))
WORDS = {
    "init",
    "check",
    "deploy",
    "serve",
    "demo",
    "replan",
    "reconcile",
    "alerts",
    "arrivals",
    "meter",
    "submit",
    "where",
    "cases",
    "duplicates",
    "map",
} | {
    "deliveries",
    "returns",
    "worklist",
    "letter",
    "proof",
    "systems",
    "mapping",
    "keys",
    "db",
}


@pytest.fixture
def site(tmp_path: Path) -> Path:
    write_site(tmp_path / "site")
    return tmp_path / "site"


def test_every_promised_command_is_there() -> None:
    assert {path.split()[1] for path in EVERY} == WORDS


@pytest.mark.parametrize("path", EVERY)
def test_every_command_has_an_example_that_calls_it(path: str) -> None:
    help_text = EVERY[path].help
    assert "Example:" in help_text
    assert help_text.partition("Example:")[2].strip().startswith(path)
    assert said_by(*path.split()[1:], "--help").code == 0


@pytest.mark.parametrize("path", EVERY)
def test_every_command_speaks_json(path: str) -> None:
    assert any("--json" in param.opts for param in EVERY[path].params)


@pytest.mark.parametrize("path", EVERY)
def test_every_parameter_is_explained(path: str) -> None:
    assert [param.name for param in EVERY[path].params if param.name != "help" and not param.help] == []


def test_the_reference_page_is_up_to_date() -> None:
    stored = (ROOT / "docs/reference/command-line.md").read_text("utf-8")
    assert stored == page(), "run: python -m syncgate.cli.reference > docs/reference/command-line.md"


def test_help_loads_nothing_heavy() -> None:
    done = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "syncgate", "--help"], capture_output=True, text=True, check=True
    )
    loaded = {line.rpartition("|")[2].strip().partition(".")[0] for line in done.stderr.splitlines()}
    assert not loaded & {"sqlalchemy", "fastapi", "httpx", "pydantic", "uvicorn", "alembic", "rich", "yaml", "orjson"}
    assert "Example" not in done.stderr and "submit" in done.stdout


@pytest.mark.parametrize("line", ["nothing", "check --what", "keys create", "serve --port 99999", "deliveries show x"])
def test_a_wrong_command_line_ends_with_2(line: str) -> None:
    told = said_by(*line.split())
    assert (told.code, told.out) == (2, "") and told.err


def test_a_site_with_problems_ends_with_1_and_names_each_with_its_place(site: Path) -> None:
    config = site / "config.yaml"
    config.write_text(config.read_text("utf-8").replace("time_zone:", "time_zon:"), "utf-8")
    told = said_by("--site", site, "check")
    assert told.code == 1 and told.out == ""
    assert "config.yaml:6:3: " in told.err and "time_zone" in told.err
    machine = said_by("--site", site, "check", "--json")
    assert machine.code == 1 and machine.json()["ok"] is False
    assert machine.json()["problems"][0]["line"] == 6


@pytest.mark.parametrize("line", ["deploy", "where x", "serve", "submit x.csv --source desk", "mapping test"])
def test_no_command_goes_on_with_a_site_that_has_problems(site: Path, line: str) -> None:
    (site / "config.yaml").write_text("site: [", "utf-8")
    told = said_by("--site", site, *line.split())
    assert told.code == 1 and "config.yaml:" in told.err and "Traceback" not in told.err


def test_an_unknown_system_or_mapping_or_source_is_named_with_the_nearest(site: Path) -> None:
    case = site / "examples/case.json"
    assert "'example'" in said_by("--site", site, "map", case, "--system", "exampel").err
    assert "'example/record'" in said_by("--site", site, "mapping", "test", "example/recrod").err
    assert "'desk'" in said_by("--site", site, "submit", case, "--source", "dest").err


def test_an_invalid_case_is_not_mapped_and_every_field_is_named(site: Path) -> None:
    case = site / "case.json"
    case.write_text('{"kind": "hotline", "nonsense": 1, "applied_at": "soon"}', "utf-8")
    told = said_by("--site", site, "map", case)
    assert told.code == 1 and told.out == ""
    assert all(name in told.err for name in ("case_no", "nonsense", "applied_at", "location"))
    assert "soon" not in told.err


def test_a_case_that_would_park_ends_with_1_and_says_why(site: Path) -> None:
    case = site / "examples/case.json"
    case.write_text(case.read_text("utf-8").replace('"phone"', '"window"'), "utf-8")
    told = said_by("--site", site, "map", case)
    assert told.code == 1 and "would park" in told.out and "channel" in told.out


def test_an_example_that_fails_ends_with_1_and_shows_the_difference(site: Path) -> None:
    mapping = site / "mappings/example/record.yaml"
    mapping.write_text(mapping.read_text("utf-8").replace('channel: "2"', 'channel: "1"'), "utf-8")
    told = said_by("--site", site, "mapping", "test", "example/record", "--json")
    assert told.code == 1
    assert [row["ok"] for row in told.json()] == [False, True]


def _broken() -> Exception:
    try:
        said = {"who": "张三"}
        raise KeyError(said["who"])
    except KeyError as error:
        return error


def test_an_error_that_nobody_expected_says_type_and_id_and_nothing_else(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SYNCGATE_DEBUG", raising=False)
    assert end(_broken()) == 70
    told = capsys.readouterr().err
    assert told.count("\n") == 1 and "KeyError" in told and "张三" not in told and "Traceback" not in told


def test_the_same_defect_has_the_same_id() -> None:
    assert defect(_broken()) == defect(_broken())


def test_the_traceback_is_shown_to_who_asks(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SYNCGATE_DEBUG", "1")
    assert end(_broken()) == 70
    assert "Traceback" in capsys.readouterr().err


def test_an_error_of_ours_is_one_line_with_its_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert end(SiteInvalid("expected x, got y")) == 1
    assert capsys.readouterr().err == "site_invalid: expected x, got y\n"


def test_a_reader_that_goes_away_ends_a_command_quietly(site: Path) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    command = [sys.executable, "-m", "syncgate", "--site", str(site), "mapping", "test"]
    done = subprocess.run(command, stdout=writing, stderr=subprocess.PIPE, text=True, check=False)
    os.close(writing)
    assert done.returncode != 0 and done.stderr == ""
