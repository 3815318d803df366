"""`python -m tests.mutants [NAME …]`: tries every mutant, lists what caught it, and ends with 0 only if all are.

`python -m tests.mutants --by-simulation [NAME …]`: lets the simulation look for them instead, and keeps after how many
seeds it saw each; ends with 0 where it came to an end with all of them.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor

from tests.mutants.mutant import AT_LEAST, Mutant, bare_promises, mutants
from tests.mutants.simulated import SEEDS_AT_MOST, Unplayed, read_record, seeds_of, write_record
from tests.mutants.trial import ROOT, SECONDS_AT_MOST, Fate, Trial, outcomes, try_out

AT_A_TIME = 2
SECONDS_A_MUTANT = 30
"""So much longer may the tests of all mutants together take, on the code as it is, for each of them."""
BY_SIMULATION = "--by-simulation"


def main(arguments: list[str]) -> int:
    """Exit code: 0 where every mutant is caught and every promise has enough of them."""
    names = [one for one in arguments if one != BY_SIMULATION]
    chosen = [mutant for mutant in mutants() if not names or mutant.name in names]
    if unknown := sorted(set(names) - {mutant.name for mutant in chosen}):
        print(f"expected names of mutants, got {', '.join(unknown)}")
        return 1
    if BY_SIMULATION in arguments:
        return _simulated(chosen)
    if not names and (bare := bare_promises(chosen)):
        print(f"promises with fewer than {AT_LEAST} mutants: {bare}")
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
    told = outcomes(tests, ROOT, within=SECONDS_AT_MOST + SECONDS_A_MUTANT * len(chosen))
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


def _simulated(chosen: Sequence[Mutant]) -> int:
    record, unplayed = read_record(), 0
    for mutant in chosen:
        try:
            seeds = seeds_of(mutant)
        except Unplayed as error:
            unplayed += 1
            record.pop(mutant.name, None)
            print(f"promise {mutant.promise:>2}  {mutant.name}: not played to its end: {error}", flush=True)
            continue
        record[mutant.name] = seeds
        told = f"not within {SEEDS_AT_MOST} seeds" if seeds is None else f"after {seeds} seeds"
        print(f"promise {mutant.promise:>2}  {mutant.name}: {told}", flush=True)
        write_record(record)
    return 1 if unplayed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
