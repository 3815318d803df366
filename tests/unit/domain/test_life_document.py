"""The documents about a delivery's life say what the code says."""

from __future__ import annotations

import re
import runpy
import sys
from pathlib import Path

import pytest

from syncgate.domain.delivery import MOVES, Beginning, Event, Phase
from syncgate.domain.diagram import BEGIN, END, mermaid, renewed

DOCS = Path(__file__).parents[3] / "docs"
LIFE = DOCS / "explanation" / "life-of-a-delivery.md"
GLOSSARY = DOCS / "glossary.md"

CONSOLE = {
    "pending": "待推送",
    "in_flight": "推送中",
    "awaiting": "待对方确认",
    "unconfirmed": "结果待核实",
    "delivered": "推送成功",
    "parked": "待人工处理",
    "cancelled": "不再推送",
}


def test_the_document_shows_the_diagram_of_now() -> None:
    """Renew it with `python -m syncgate.domain.diagram docs/explanation/life-of-a-delivery.md`."""
    document = LIFE.read_text("utf-8")
    assert renewed(document) == document


def test_the_diagram_draws_every_move_once_and_no_other() -> None:
    drawn = [
        (Phase(before), Event(event), Phase(after))
        for before, after, events in re.findall(r"^    (\w+) --> (\w+): (.+)$", mermaid(), re.M)
        for event in events.split(", ")
    ]
    assert sorted(drawn) == sorted((phase, *move) for phase in MOVES for move in MOVES[phase].items())


def test_the_diagram_begins_with_every_beginning_and_ends_at_cancelled() -> None:
    lines = mermaid().splitlines()
    assert (lines[0], lines[-1]) == ("stateDiagram-v2", "    cancelled --> [*]")
    assert lines[1:3] == [
        "    [*] --> pending: planned",
        "    [*] --> delivered: held_by_source, known_by_number, adopted",
    ]


def test_renewing_touches_nothing_outside_the_markers() -> None:
    document = f"before\n{BEGIN}\nold\n{END}\nafter\n"
    assert renewed(document) == f"before\n{BEGIN}\n```mermaid\n{mermaid()}```\n{END}\nafter\n"


@pytest.mark.parametrize(
    "document",
    ["", BEGIN, END, f"{END}{BEGIN}", f"{BEGIN}{END}{END}", f"{BEGIN}{BEGIN}{END}", f"{END}{BEGIN}{END}"],
)
def test_a_document_without_its_two_markers_is_refused(document: str) -> None:
    with pytest.raises(ValueError, match="expected one"):
        renewed(document)


def test_the_command_renews_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "life.md"
    path.write_text(f"{BEGIN}\n{END}\n推送\n", "utf-8")
    monkeypatch.setattr(sys, "argv", ["diagram", str(path)])
    monkeypatch.delitem(sys.modules, "syncgate.domain.diagram")
    runpy.run_module("syncgate.domain.diagram", run_name="__main__")
    assert path.read_text("utf-8") == f"{BEGIN}\n```mermaid\n{mermaid()}```\n{END}\n推送\n"


@pytest.mark.parametrize("word", [*Phase, *Event, *Beginning])
def test_every_phase_and_event_is_explained_in_words(word: str) -> None:
    """Outside the diagram, which names them anyhow."""
    life = LIFE.read_text("utf-8")
    prose = life.partition(BEGIN)[0] + life.partition(END)[2]
    assert f"`{word}`" in prose + GLOSSARY.read_text("utf-8")


@pytest.mark.parametrize("phase", Phase)
def test_each_document_gives_the_consoles_word_for_a_phase(phase: Phase) -> None:
    row = f"| `{phase}` | {CONSOLE[phase]} |"
    assert row in LIFE.read_text("utf-8")
    assert row in GLOSSARY.read_text("utf-8")
