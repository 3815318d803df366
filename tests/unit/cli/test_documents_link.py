"""The documents lead everywhere and nowhere else; what they type exists."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest
from typer.main import get_command

from syncgate.cli.app import app
from syncgate.cli.reference import commands

ROOT = Path(__file__).parents[3]
PAGES = [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
EVERY = dict(commands(get_command(app)))
OURS = [ROOT / "README.md", ROOT / "docs/tutorial.md", *sorted((ROOT / "docs/how-to").glob("*.md"))]


def _links(page: Path) -> list[Path]:
    found = re.findall(r"\]\((?!https?:|#)([^)#\s]+)", page.read_text("utf-8"))
    return [(page.parent / link).resolve() for link in found]


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_link_leads_somewhere(page: Path) -> None:
    assert [str(link) for link in _links(page) if not link.exists()] == []


def test_the_index_leads_to_every_document() -> None:
    index = ROOT / "docs/index.md"
    linked = set(_links(index)) | {index}
    assert [str(page.relative_to(ROOT)) for page in PAGES if page.resolve() not in linked] == []


@pytest.mark.parametrize("page", OURS, ids=lambda page: page.name)
def test_every_command_and_option_that_is_shown_exists(page: Path) -> None:
    shown = re.findall(r"^\s*\$ (?:\w+=\S+ )*(syncgate .*)$|`(syncgate [a-z][^`\n]*)`", page.read_text("utf-8"), re.M)
    for line in filter(None, (one or other for one, other in shown)):
        words = shlex.split(line.replace("<", "").replace(">", ""))
        path = next((path for path in EVERY if words[: path.count(" ") + 1] == path.split()), None)
        if path is None:
            assert any(known.startswith(" ".join(words[:2])) for known in EVERY), line
            continue
        known = {name for param in EVERY[path].params for name in [*param.opts, *param.secondary_opts]}
        assert {word for word in words if word.startswith("--")} <= known, line
