"""Cases that food's own people change in food, behind everybody's back, and that nobody posts (story 12)."""

from __future__ import annotations

from random import Random

from syncgate.sandbox.city.applications import draft
from syncgate.sandbox.city.identities import is_in_gbk
from syncgate.sandbox.city.script import BOTH_HOLD_IT, CASES, ONE_CASE, Call, Life, Typed
from syncgate.sandbox.city.stages import Turns, stages

EDITED_COUNT = 3
FIRST_EDITED = 920
EDITED_FIELDS = ("mobile", "area", "warehouse")
"""What they change of a record, as food calls it: what is theirs to say."""


def edited_lives(seed: int) -> tuple[Life, ...]:
    """The lives; the last call of each is not made, it says what the reconciliation must bring home."""
    random = Random(f"edited-{seed}")
    return tuple(_edited(random, serial) for serial in range(FIRST_EDITED, FIRST_EDITED + EDITED_COUNT))


def _edited(random: Random, serial: int) -> Life:
    drafted = draft(random, serial)
    while not is_in_gbk(str(drafted.case)):
        drafted = draft(random, serial)
    happened = stages(random, applied_at=drafted.applied_at, turns=Turns(is_open=True), serial=serial)
    first = Call("POST", CASES, drafted.case | {"stages": happened[:2]})
    change = {
        "contact": {"mobile": f"1548{serial:07d}"},
        "form": {"经营面积": 88.5, "仓库地址": f"西示区更正路{serial}号"},
    }
    typed = Typed(event_base=0, application="corrected")
    edit = Call("PATCH", ONE_CASE, change, after=BOTH_HOLD_IT, source="food", typed=typed)
    return Life(drafted.case["case_no"], frozenset({"edited_there"}), (first, edit))
