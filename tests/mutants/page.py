"""`python -m tests.mutants.page`: writes the table of the mutants anew into their page."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

from tests.mutants.mutant import Mutant, mutants
from tests.mutants.simulated import read_record
from tests.mutants.trial import ROOT

PAGE = ROOT / "docs" / "reference" / "mutants.md"
BEGIN, END = "<!-- the table: python -m tests.mutants.page -->\n", "<!-- its end -->\n"


def with_table(page: str, found: Sequence[Mutant], seeds: Mapping[str, int | None]) -> str:
    """The page with a table of exactly these mutants. Raises ValueError where it has no place for one.

    seeds: by mutant, after how many the simulation caught it; None: not within those that were played.
    """
    before, begin, rest = page.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"expected {BEGIN.strip()} and {END.strip()}, got a page without")
    return "".join([before, begin, "\n", *_lines(found, seeds), "\n", end, after])


def _lines(found: Sequence[Mutant], seeds: Mapping[str, int | None]) -> Iterator[str]:
    yield "| promise | what is broken | caught by | seeds | shipped elsewhere by |\n"
    yield "| --- | --- | --- | --- | --- |\n"
    for mutant in found:
        tests = "<br>".join(f"`{_name(test)}`" for test in mutant.caught_by)
        yield f"| {mutant.promise} | {mutant.breaks} | {tests} | {_told(mutant, seeds)} | {mutant.shipped_by} |\n"


def _told(mutant: Mutant, seeds: Mapping[str, int | None]) -> str:
    """The number of seeds; a dash for more than were played, nothing where none were."""
    count = seeds.get(mutant.name)
    return "–" if count is None and mutant.name in seeds else str(count or "")


def _name(test: str) -> str:
    """A test's name without its file and its parameters."""
    return test.rpartition("::")[2].partition("[")[0]


if __name__ == "__main__":
    PAGE.write_text(with_table(PAGE.read_text("utf-8"), mutants(), read_record()), "utf-8")
