"""The city, its expected lines, and ledgers that hold exactly these."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.city import City, build_city
from syncgate.sandbox.expected import expected_lines
from tests.unit.sandbox_city.fabricated_ledgers import Entry, entries_of, write_ledger


@pytest.fixture(scope="session")
def city() -> City:
    return build_city()


@pytest.fixture(scope="session")
def lines(city: City) -> list[dict[str, Any]]:
    """Those of the systems that are spoken to; the front databases, and what is typed, have tests of their own."""
    return [
        line for line in expected_lines(city.every_life) if line["system"] not in ("frontdb", "insurance", "disability")
    ]


@pytest.fixture
def ledgers(lines: list[dict[str, Any]]) -> dict[str, list[Entry]]:
    """system -> entries, for every expected line."""
    found: dict[str, list[Entry]] = {"province": [], "food": [], "workorders": []}
    for line in lines:
        found[line["system"]] += entries_of(line)
    return found


@pytest.fixture
def small_ledgers(lines: list[dict[str, Any]]) -> dict[str, list[Entry]]:
    """As `ledgers`, for the golden cases alone."""
    found: dict[str, list[Entry]] = {"province": [], "food": []}
    for line in lines:
        if "golden" in line["traits"]:
            found[line["system"]] += entries_of(line)
    return found


@pytest.fixture
def write(tmp_path: Path) -> Callable[[dict[str, list[Entry]]], Path]:
    """Writes ledgers into a folder and gives the folder."""

    def write_all(ledgers: dict[str, list[Entry]]) -> Path:
        for system, entries in ledgers.items():
            write_ledger(tmp_path / f"{system}.sqlite", entries)
        return tmp_path

    return write_all
