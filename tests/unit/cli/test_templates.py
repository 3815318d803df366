"""`syncgate init` writes a site that works as it is."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncgate.cli.templates import write_site
from syncgate.domain.errors import SiteInvalid
from tests.support.commands import said_by

ROOT = Path(__file__).parents[3]


def test_a_new_site_checks_tests_and_maps_its_example(tmp_path: Path) -> None:
    folder = tmp_path / "deep" / "my-city"
    told = said_by("init", folder)
    assert told.code == 0 and str(folder) in told.out
    checked = said_by("--site", folder, "check", "--json")
    assert checked.code == 0 and checked.json()["systems"] == ["example"]
    assert said_by("--site", folder, "mapping", "test").code == 0
    mapped = said_by("--site", folder, "map", folder / "examples/case.json", "--json")
    assert mapped.code == 0
    assert [row["payload"]["number"] for row in mapped.json()] == ["HL-0001"]


def test_a_new_site_has_the_canonical_schema_and_ignores_what_must_stay_secret(tmp_path: Path) -> None:
    written = {path.relative_to(tmp_path).as_posix() for path in write_site(tmp_path)}
    assert {"config.yaml", ".gitignore", "schemas/case.schema.json", "mappings/tables/channel.yaml"} <= written
    assert (tmp_path / "schemas/case.schema.json").read_bytes() == (ROOT / "schemas/case.schema.json").read_bytes()
    assert {"data/", "secrets/"} <= set((tmp_path / ".gitignore").read_text().splitlines())


def test_a_new_site_holds_every_command_that_needs_a_store(tmp_path: Path) -> None:
    write_site(tmp_path)
    told = said_by("--site", tmp_path, "submit", tmp_path / "examples/case.json", "--source", "desk", "--json")
    assert told.code == 0 and told.json()["new"] == 1
    assert said_by("--site", tmp_path, "where", "desk:HL-0001").code == 0


def test_a_folder_that_holds_something_is_refused_and_what_is_there_is_named(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    with pytest.raises(SiteInvalid, match=r"got notes\.txt"):
        write_site(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["notes.txt"]


def test_a_file_in_the_folders_place_is_refused(tmp_path: Path) -> None:
    (tmp_path / "site").write_text("")
    with pytest.raises(SiteInvalid, match="got a file"):
        write_site(tmp_path / "site")
