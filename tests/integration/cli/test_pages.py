"""The pages that show how are true: their files are written, their commands run, and what they say is what is shown."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.support.page_reader import Reader, free_port

DOCS = Path(__file__).parents[3] / "docs"
STEPS = {"tutorial.md": 12, "how-to/connect-a-source.md": 12, "how-to/understand-a-value.md": 6}
"""The pages that are run, and how many steps each has at least."""
PORTS = ("9003", "8080")


@pytest.fixture
def reader(tmp_path: Path) -> Iterator[Reader]:
    somebody = Reader(tmp_path)
    yield somebody
    somebody.leave()


@pytest.mark.slow
@pytest.mark.parametrize("page", STEPS)
def test_the_page_is_true_from_its_first_step_to_its_last(reader: Reader, page: str) -> None:
    text = (DOCS / page).read_text("utf-8")
    for port in PORTS:
        text = text.replace(port, free_port())
    assert reader.do_all(text) >= STEPS[page]


def test_the_index_marks_the_pages_that_are_run() -> None:
    index = (DOCS / "index.md").read_text("utf-8")
    assert set(re.findall(r"\]\(([^)]+)\) ▸", index)) == set(STEPS)
