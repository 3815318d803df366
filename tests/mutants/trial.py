"""A mutant's trial: a copy of the repository with the patch in it, and the tests that must fail there."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from xml.etree import ElementTree

from tests.mutants.mutant import Mutant

ROOT = Path(__file__).parents[2]
LEFT_OUT = shutil.ignore_patterns(
    ".git", ".venv", ".demo", ".*_cache", "__pycache__", ".hypothesis", "data", "*.egg-info", "dist"
)
SECONDS_AT_MOST = 600
"""How long one mutant's tests may take; one that hangs counts as broken, not as caught."""


class Fate(StrEnum):
    """What became of a mutant."""

    CAUGHT = "caught"
    SURVIVED = "survived"
    """A test that must fail passes: the promise is not guarded."""
    BROKEN = "broken"
    """The trial shows nothing: the patch does not apply, or the tests could not run."""


@dataclass(frozen=True, slots=True)
class Trial:
    """A mutant, its fate, and what there is to say of it: the tests that caught it, or why it shows nothing."""

    mutant: Mutant
    fate: Fate
    detail: str


def try_out(mutant: Mutant, *, root: Path = ROOT) -> Trial:
    """The mutant's fate in a copy of the repository; the repository itself is not touched."""
    try:
        with mutated(mutant, root=root) as copy:
            return _judged(mutant, outcomes(mutant.caught_by, copy))
    except DoesNotApply as error:
        return Trial(mutant, Fate.BROKEN, f"the patch does not apply: {error}")


class DoesNotApply(Exception):
    """A mutant's patch is not of the code as it is; says what git says."""


@contextmanager
def mutated(mutant: Mutant, *, root: Path = ROOT) -> Iterator[Path]:
    """A copy of the repository with the mutant in it, for as long as it is looked at. Raises DoesNotApply."""
    with tempfile.TemporaryDirectory(prefix="mutant-") as folder:
        copy = Path(folder) / "copy"
        shutil.copytree(root, copy, ignore=LEFT_OUT, symlinks=True)
        refused = _applied(mutant.patch, copy)
        if refused is not None:
            raise DoesNotApply(refused)
        yield copy


def run_in(folder: Path, module: str, *arguments: str, within: float) -> subprocess.CompletedProcess[str]:
    """A module run as a process over the code in that folder, and no other. Raises subprocess.TimeoutExpired."""
    return subprocess.run(
        [sys.executable, "-m", module, *arguments],
        cwd=folder,
        env={**os.environ, "PYTHONPATH": str(folder), "PYTHONDONTWRITEBYTECODE": "1"},
        capture_output=True,
        text=True,
        timeout=within,
        check=False,
    )


def outcomes(tests: Sequence[str], folder: Path, *, within: float = SECONDS_AT_MOST) -> dict[str, str] | str:
    """By test `passed` or `failed`, or why there is no such result. within: seconds for all of them together."""
    with tempfile.TemporaryDirectory(prefix="report-") as aside:
        report = Path(aside) / "report.xml"
        try:
            done = run_in(folder, "pytest", *tests, "-n", "0", f"--junitxml={report}", within=within)
        except subprocess.TimeoutExpired:
            return f"its tests took more than {within:g} s"
        if done.returncode not in (0, 1):
            return f"pytest ended with {done.returncode}: {' '.join(done.stdout.strip().splitlines()[-1:])}"
        return _told(ElementTree.parse(report).iter("testcase"))


def _applied(patch: str, folder: Path) -> str | None:
    """None once the patch is in the folder, else what git says."""
    done = subprocess.run(
        ["git", "apply", "--whitespace=nowarn", "-"],
        cwd=folder,
        input=patch,
        capture_output=True,
        text=True,
        check=False,
    )
    return None if done.returncode == 0 else done.stderr.strip()


def _told(cases: Iterable[ElementTree.Element]) -> dict[str, str] | str:
    """An error of a fixture is no failure of a test."""
    by_name: dict[str, str] = {}
    for case in cases:
        name = (case.get("name") or "").partition("[")[0]
        if case.find("error") is not None:
            return f"{name} could not run"
        if case.find("skipped") is not None:
            continue
        failed = case.find("failure") is not None
        by_name[name] = "failed" if failed or by_name.get(name) == "failed" else "passed"
    return by_name


def _judged(mutant: Mutant, told: dict[str, str] | str) -> Trial:
    if isinstance(told, str):
        return Trial(mutant, Fate.BROKEN, told)
    names = [test.rpartition("::")[2].partition("[")[0] for test in mutant.caught_by]
    absent = [name for name in names if name not in told]
    if absent:
        return Trial(mutant, Fate.BROKEN, f"did not run: {', '.join(absent)}")
    passed = [name for name in names if told[name] == "passed"]
    if passed:
        return Trial(mutant, Fate.SURVIVED, f"passes: {', '.join(passed)}")
    return Trial(mutant, Fate.CAUGHT, ", ".join(names))
