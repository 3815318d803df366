"""Committing a submission: whoever lost a race looks again, and what was leased with it is served."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeVar

from syncgate.domain.errors import CaseFinished, CaseMerged, CaseVoid, CaseWithdrawn, Conflict
from syncgate.flows.accepting.identity import NumberTaken
from syncgate.flows.accepting.submission import Done
from syncgate.flows.gate import Gate
from syncgate.flows.operating.following import write_following
from syncgate.ports import Tx

T = TypeVar("T")
RACES_AT_MOST: Final = 5
"""How often a submission is tried that met another one of the same case, key or number."""


async def committed(gate: Gate, step: Callable[[Tx], T]) -> T:
    """What the step gives, once it is stored and what it leased is on its way."""
    done = await _raced(gate, step)
    if isinstance(done, Done):
        gate.hand_over.deliver(done.handed_over)
        gate.on_due(done.systems_due)
    return done


async def _raced(gate: Gate, step: Callable[[Tx], T]) -> T:
    """Who lost a race finds what the winner stored; another conflict that names its fields is a real one."""
    for _ in range(RACES_AT_MOST - 1):
        try:
            return await write_following(gate, step)
        except (CaseWithdrawn, CaseVoid, CaseMerged, CaseFinished):
            raise
        except Conflict as conflict:
            if conflict.errors and not isinstance(conflict, NumberTaken):
                raise
    return await write_following(gate, step)
