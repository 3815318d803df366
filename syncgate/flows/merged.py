"""Which case stands for one that was merged: every name of the merged one leads to it."""

from __future__ import annotations

from syncgate.domain.rows import Case
from syncgate.ports import Tx


def surviving(tx: Tx, case: Case, *, lock: bool = False) -> Case:
    """The case that stands for this one by now; the case itself where it was not merged."""
    while case.merged_into is not None:
        into = tx.case(case.merged_into, lock=lock)
        if into is None:
            return case
        case = into
    return case


def merged_names(tx: Tx, case: Case) -> list[Case]:
    """All cases that were merged into this one, also by way of others, the oldest merged of each first."""
    found: list[Case] = []
    for merged in tx.merged_into(case.case_id):
        found += [merged, *merged_names(tx, merged)]
    return found
