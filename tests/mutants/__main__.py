"""`python -m tests.mutants [NAME …]`: tries every mutant, lists what caught it, and ends with 0 only if all are."""

from __future__ import annotations

import sys
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.mutant import PROMISES, Mutant, mutants
from tests.mutants.trial import ROOT, Fate, Trial, outcomes, try_out

AT_A_TIME = 2


def main(names: list[str]) -> int:
    """Exit code: 0 where every mutant is caught and every promise has one."""
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    if not names and (bare := set(PROMISES) - {mutant.promise for mutant in chosen}):
        print(f"promises without a mutant: {sorted(bare)}")
        return 1
    if not _holds_without(chosen):
        return 1
    with ThreadPoolExecutor(AT_A_TIME) as pool:
        trials = list(pool.map(_shown, chosen))
    caught = sum(trial.fate is Fate.CAUGHT for trial in trials)
    print(f"{caught} of {len(trials)} mutants caught")
    return 0 if trials and caught == len(trials) else 1


def _holds_without(chosen: list[Mutant]) -> bool:
    """Whether the tests pass on the code as it is: one that fails anyway catches nothing."""
    tests = sorted({test for mutant in chosen for test in mutant.caught_by})
    told = outcomes(tests, ROOT)
    failing = told if isinstance(told, str) else ", ".join(name for name, fate in told.items() if fate == "failed")
    if failing:
        print(f"expected tests that pass without a mutant, got: {failing}")
    return not failing


def _shown(mutant: Mutant) -> Trial:
    trial = try_out(mutant)
    print(
        f"promise {mutant.promise:>2}  {trial.fate:<8}  {mutant.name}: {mutant.breaks}\n    {trial.detail}", flush=True
    )
    return trial


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
