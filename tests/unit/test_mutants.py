"""The mutants' own honesty: each applies, and a trial tells caught from survived from broken."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.mutants.mutant import PROMISES, Mutant, mutants
from tests.mutants.trial import ROOT, Fate, try_out

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


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_every_mutant_applies_to_the_code_as_it_is_and_names_tests_that_are_there(mutant: Mutant) -> None:
    done = subprocess.run(
        ["git", "apply", "--check", "-"], cwd=ROOT, input=mutant.patch, text=True, capture_output=True
    )
    assert done.returncode == 0, done.stderr
    for test in mutant.caught_by:
        file, *_, name = test.split("::")
        assert f"def {name.partition('[')[0]}(" in (ROOT / file).read_text("utf-8")


@pytest.mark.parametrize("promise", PROMISES)
def test_every_promise_has_a_mutant(promise: int) -> None:
    assert any(mutant.promise == promise for mutant in MUTANTS)
