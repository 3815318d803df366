"""Following: what plans does so under the bundles that the store names active, whichever process deployed them."""

from __future__ import annotations

from typing import TypeVar

from syncgate.domain.errors import StoreUnavailable
from syncgate.flows.gate import Gate
from syncgate.ports import Step, Tx

T = TypeVar("T")


class BundlesBehind(StoreUnavailable):
    """This process does not work under what the store names active, so nothing was planned."""


async def write_following(gate: Gate, step: Step[T]) -> T:
    """The step's result, planned under the bundles that are active; raises what the step raised.

    A process that another one deployed past takes the new bundles over first (promise 13: an event planned under an
    older bundle would retract what only the newer one knows).

    Raises:
        BundlesBehind: an active bundle cannot be compiled here; nothing was stored.
    """
    if gate.follow is None:
        return await gate.writer.write(step)

    def following(tx: Tx) -> T:
        _refuse_behind(gate, tx)
        return step(tx)

    try:
        return await gate.writer.write(following)
    except BundlesBehind:
        await gate.follow()
    return await gate.writer.write(following)


def _refuse_behind(gate: Gate, tx: Tx) -> None:
    behind = [row.system for row in tx.systems() if gate.is_behind(row)]
    if behind:
        raise BundlesBehind(
            "expected to plan under the active bundles, got a process that has none of {systems}",
            systems=", ".join(behind),
        )
