"""The page of classes and levels is the engine's own table, and the proof plants every class that can be planted."""

from __future__ import annotations

from pathlib import Path

from syncgate.domain.reconciliation.kinds import FOUND_AT, Kind, Level
from tests.reconcile_proof.matrix import WHOLE, page
from tests.reconcile_proof.plants import BY_FIELDS, LEVELS
from tests.reconcile_proof.shares import COUNTED, WEIGHTS, counts

PAGE = Path(__file__).parents[3] / "docs" / "reference" / "reconciliation-matrix.md"


def test_the_page_is_as_it_is_made() -> None:
    assert PAGE.read_text("utf-8") == page(), (
        "write it anew: python -m tests.reconcile_proof.matrix > docs/reference/reconciliation-matrix.md"
    )


def test_every_class_that_a_level_shows_is_planted_at_a_system_of_that_level() -> None:
    planted = {(LEVELS[message[0]], kind) for message, kind in WEIGHTS}
    for kind in FOUND_AT[Level.FIELDS]:
        assert ("fields", kind.value) in planted
    assert FOUND_AT[Level.COUNTS] == {Kind.COUNT_DIFFERS} and COUNTED > 0
    for kind in FOUND_AT[Level.IDS] - {Kind.NO_LONGER_PLANNED, Kind.MAPPING_CHANGED}:
        assert ("ids", kind.value) in planted


def test_what_only_fields_show_is_what_the_engine_says_too() -> None:
    assert {kind.value for kind in FOUND_AT[Level.FIELDS] - FOUND_AT[Level.IDS]} == BY_FIELDS


def test_as_many_are_planted_as_are_asked_for_and_some_of_each() -> None:
    for total in (60, WHOLE):
        wanted = counts(total)
        assert sum(wanted.values()) == total
        assert set(wanted) == set(WEIGHTS) and min(wanted.values()) >= 1
