"""The page about the architecture names what there is: every path, and the layers as the checker holds them."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs/explanation/architecture.md").read_text("utf-8")
PATHS = sorted(set(re.findall(r"`((?:syncgate|mappings|schemas|adapters|tests)/[^`<* ]*)`", PAGE)))


def test_paths_are_named() -> None:
    assert len(PATHS) >= 15


@pytest.mark.parametrize("path", PATHS)
def test_a_path_that_is_named_exists(path: str) -> None:
    assert (ROOT / path).exists()


def test_the_layers_are_those_that_are_checked_in_their_order() -> None:
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))
    contract = settings["tool"]["importlinter"]["contracts"][0]
    wanted = [part.strip().removeprefix("syncgate.") for layer in contract["layers"] for part in layer.split("|")]
    table = PAGE.partition("| layer | holds |")[2].partition("\n\n")[0]
    rows = [line.split("|")[1] for line in table.splitlines() if line.startswith("| `")]
    told = [name for row in rows for name in re.findall(r"`(\w+)`", row)]
    assert told == wanted
