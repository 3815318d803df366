"""Whatever stands in a site's files, reading it ends in a site or in problems, never in another error."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from syncgate import documents
from syncgate.config import Config
from syncgate.documents import ProblemSet
from tests.support.properties import examples
from tests.unit.site.conftest import CONFIG, FILES, compiled
from tests.unit.site.test_readback import OPERATIONS, SECTION, A, with_section

SCRAPS = st.sampled_from(
    [
        "",
        "null",
        "[]",
        "{}",
        "0",
        "-1",
        "1e999",
        "true",
        "''",
        "x",
        "张",
        "{a: b}",
        "[1, [2]]",
        "1s",
        "{secret: x}",
        "*",
    ]
)


@st.composite
def broken(draw: st.DrawFn, text: str) -> str:
    """The text with one value, or one whole line, replaced by a scrap."""
    lines = text.splitlines()
    at = draw(st.integers(0, len(lines) - 1))
    line, scrap = lines[at], draw(SCRAPS)
    colons = [position for position, letter in enumerate(line) if letter == ":"]
    if colons and draw(st.booleans()):
        colon = draw(st.sampled_from(colons))
        ends = [end for end in (line.find(mark, colon) for mark in (",", "}", "]")) if end > 0]
        lines[at] = f"{line[:colon]}: {scrap}{line[min(ends) :] if ends else ''}"
    else:
        lines[at] = scrap
    return "\n".join(lines) + "\n"


@examples(100)
@given(st.data())
def test_a_broken_file_of_a_system_is_a_problem(data: st.DataObject) -> None:
    path = data.draw(st.sampled_from(sorted(FILES)))
    files = {**FILES, path: data.draw(broken(FILES[path]))}
    try:
        compiled(files)
    except ProblemSet as refused:
        assert all(problem.place.line >= 1 for problem in refused.problems)


@examples(200)
@given(broken(OPERATIONS), broken(SECTION), st.booleans())
def test_a_broken_reconciliation_is_a_problem(operations: str, section: str, is_section: bool) -> None:
    files = with_section(section) if is_section else with_section(operations=operations)
    try:
        compiled(files)
    except ProblemSet as refused:
        assert {problem.place.file for problem in refused.problems} == {A}


@examples(100)
@given(broken(CONFIG))
def test_a_broken_configuration_is_a_problem(text: str) -> None:
    try:
        documents.validate(Config, documents.read_yaml(text, "config.yaml"))
    except ProblemSet as refused:
        assert refused.problems
