"""The mutants' own honesty: each applies, and a trial tells caught from survived from broken."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.mutants.mutant import Mutant, bare_promises, mutants
from tests.mutants.page import PAGE, with_table
from tests.mutants.simulated import Unplayed, read_record, seeds_of, write_record
from tests.mutants.trial import ROOT, Fate, outcomes, try_out

MUTANTS = mutants()
PATCH = """diff --git a/answer.py b/answer.py
--- a/answer.py
+++ b/answer.py
@@ -1 +1 @@
-ANSWER = 42
+ANSWER = 41
"""


@pytest.fixture
def repository(tmp_path: Path) -> Path:
    (tmp_path / "answer.py").write_text("ANSWER = 42\n")
    (tmp_path / "test_it.py").write_text(
        "import pytest\n"
        "from answer import ANSWER\n"
        "@pytest.fixture\ndef broken():\n    assert ANSWER == 42\n"
        "def test_the_answer():\n    assert ANSWER == 42\n"
        "def test_something_else():\n    assert ANSWER\n"
        "def test_whose_fixture_breaks(broken):\n    pass\n"
    )
    return tmp_path


def _mutant(*tests: str, patch: str = PATCH) -> Mutant:
    return Mutant("sample", 1, "the answer", tuple(f"test_it.py::{test}" for test in tests), patch)


def test_a_test_that_fails_has_caught_the_mutant(repository: Path) -> None:
    trial = try_out(_mutant("test_the_answer"), root=repository)
    assert (trial.fate, trial.detail) == (Fate.CAUGHT, "test_the_answer")
    assert (repository / "answer.py").read_text() == "ANSWER = 42\n"


def test_tests_that_take_too_long_show_nothing(repository: Path) -> None:
    assert outcomes(["test_it.py::test_the_answer"], repository, within=0.01) == "its tests took more than 0.01 s"


def test_a_mutant_that_one_of_its_tests_lets_pass_survives(repository: Path) -> None:
    trial = try_out(_mutant("test_the_answer", "test_something_else"), root=repository)
    assert (trial.fate, trial.detail) == (Fate.SURVIVED, "passes: test_something_else")


@pytest.mark.parametrize(
    ("tests", "patch"),
    [
        (("test_the_answer",), PATCH.replace("42", "43")),
        (("test_whose_fixture_breaks",), PATCH),
        (("test_that_is_not_there",), PATCH),
        (("test_the_answer",), PATCH.replace("ANSWER = 41", "ANSWER = )")),
    ],
    ids=["does not apply", "fixture breaks", "no such test", "does not compile"],
)
def test_a_trial_that_shows_nothing_catches_nothing(repository: Path, tests: tuple[str, ...], patch: str) -> None:
    assert try_out(_mutant(*tests, patch=patch), root=repository).fate is Fate.BROKEN


SIMULATION = """import sys
from answer import ANSWER
first, count = int(sys.argv[2]), int(sys.argv[4])
broken = [seed for seed in range(first, first + count) if ANSWER != 42 and seed >= {seed}]
verdict = f"{{len(broken)}} broke a promise: {{', '.join(map(str, broken))}}" if broken else "every promise held"
print(f"{{count}} seeds, 9 deliveries, 1.0 seeds/s: {{verdict}}")
sys.exit(1 if broken else 0)
"""


def simulating(repository: Path, code: str) -> None:
    (repository / "tests").mkdir()
    (repository / "tests" / "__init__.py").touch()
    (repository / "tests" / "simulation.py").write_text(code)


@pytest.mark.parametrize(("seed", "seeds"), [(0, 1), (30, 31), (999, None)])
def test_the_simulation_catches_a_mutant_after_so_many_seeds(repository: Path, seed: int, seeds: int | None) -> None:
    simulating(repository, SIMULATION.format(seed=seed))
    assert seeds_of(_mutant("test_the_answer"), root=repository) == seeds


def test_the_simulation_ends_with_the_words_that_are_looked_for() -> None:
    told = (ROOT / "tests" / "simulation" / "__main__.py").read_text("utf-8")
    assert 'f"{len(broken)} broke a promise: {seeds}"' in told
    assert 'f"{done} seeds, {deliveries} deliveries, {rate:.1f} seeds/s: {verdict}' in told


def test_a_simulation_that_breaks_by_itself_catches_nothing(repository: Path) -> None:
    simulating(repository, "raise ValueError('a defect')")
    with pytest.raises(Unplayed, match="a defect"):
        seeds_of(_mutant("test_the_answer"), root=repository)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_applies_to_the_code_as_it_is_and_names_tests_that_are_there(mutant: Mutant) -> None:
    done = subprocess.run(
        ["git", "apply", "--check", "-"], cwd=ROOT, input=mutant.patch, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    for test in mutant.caught_by:
        file, *_, name = test.split("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text("utf-8")


def test_every_promise_is_broken_at_least_three_times() -> None:
    assert bare_promises(MUTANTS) == []
    assert bare_promises([mutant for mutant in MUTANTS if mutant.promise != 12]) == [12]


SHIPPED = (
    "Hatchet #4494, OpenHIM",
    "eFormidling, pgqueuer",
    "WSO2 #5072",
    "hook0, ReportStream #8912",
    "Svix #2181",
    "FixMyStreet",
    "senders of webhooks",
    "Convoy #2747",
    "Mirth #1441",
    "River #1318",
    "pgqueuer #633, DBOS #805",
    "FixMyStreet #3168",
    "ReportStream #7150",
    "Convoy #2807",
    "a deployed sender",
)
"""Who shipped the bugs of which each is tried here."""


def test_every_bug_that_is_known_to_have_shipped_elsewhere_is_among_the_mutants() -> None:
    assert {mutant.shipped_by for mutant in MUTANTS} - {""} == set(SHIPPED)


def test_the_page_shows_exactly_the_mutants_that_there_are() -> None:
    page = PAGE.read_text("utf-8")
    assert page == with_table(page, MUTANTS, read_record()), "write it anew: python -m tests.mutants.page"
    assert page != with_table(page, MUTANTS[1:], read_record())


def test_what_the_simulation_caught_is_kept_by_mutant(tmp_path: Path) -> None:
    seeds = {MUTANTS[0].name: 17, MUTANTS[1].name: None}
    write_record(seeds, tmp_path / "record.csv")
    assert read_record(tmp_path / "record.csv") == seeds
    page = with_table(PAGE.read_text("utf-8"), MUTANTS[:3], seeds)
    assert [line.split(" | ")[3].strip() for line in page.splitlines() if line.startswith("| 1 ")] == ["17", "–", ""]
    assert set(read_record()) <= {mutant.name for mutant in MUTANTS}


@pytest.mark.parametrize(
    "header", ["Promise: 1", "Promise: 1\nBreaks: it\nCaught-by: t.py::t\nShiped: us", "no header"]
)
def test_a_header_that_is_not_whole_is_refused_by_its_files_name(tmp_path: Path, header: str) -> None:
    (tmp_path / "odd.patch").write_text(f"{header}\n\n{PATCH}")
    with pytest.raises(ValueError, match=r"odd\.patch: expected"):
        mutants(tmp_path)
