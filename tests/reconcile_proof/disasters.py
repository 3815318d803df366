"""What must not be made worse: a system that lists nothing all at once, and a store that was restored from long ago."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Collection, Mapping, Sequence
from contextlib import closing
from typing import Any, Final

from syncgate.domain.delivery import Phase
from syncgate.sandbox.wire import Request
from tests.reconcile_proof.cases import documents
from tests.reconcile_proof.place import ProofPlace
from tests.reconcile_proof.runs import discrepancies, run
from tests.reconcile_proof.world import World, world_in

FORGOTTEN: Final = 20
"""Cases that the gate forgets with its restored store."""
_WAITING: Final = (Phase.PENDING, Phase.IN_FLIGHT, Phase.UNCONFIRMED)


async def list_nothing(world: World, system: str) -> list[str]:
    """Has a system list nothing all at once: nothing is sent again, and the run says that it is not believed."""
    _switch(world, system, "POST", {"mode": "list_nothing"})
    before, known = _waiting(world, system), len(discrepancies(world, systems=(system,)))
    ended = await run(world, system, mode="mend", cap=1_000_000)
    _switch(world, system, "DELETE", None)
    wrong = [] if ended.outcome == "implausible" else [f"{system}: expected an implausible run, got {ended.outcome}"]
    if (after := _waiting(world, system)) != before:
        wrong.append(f"{system}: expected {before} deliveries to wait as before, got {after}")
    if (found := len(discrepancies(world, systems=(system,)))) != known:
        wrong.append(f"{system}: expected no discrepancy of what is not believed, got {found - known}")
    return wrong


def _switch(world: World, system: str, method: str, value: Any) -> None:
    body = b"" if value is None else json.dumps(value).encode()
    path = "/_sandbox/modes" + ("" if value is not None else "/list_nothing")
    world.inside.counters[system].simulator.answer([Request(method, path, "", {}, body)])


def _waiting(world: World, system: str) -> int:
    counters = world.store.read(lambda tx: tx.counters())
    return sum(count for (one, phase, _), count in counters.items() if one == system and phase in _WAITING)


async def forget(place: ProofPlace, *, seed: int) -> dict[str, set[str]]:
    """Backs the store up, delivers more cases, and restores the store: what each system calls what was forgotten."""
    backup = place.path / "backup.db"
    _copied(place.store, backup)
    keys: dict[str, set[str]] = {"food": set(), "workorders": set()}
    async with world_in(place) as world:
        for turn, document in _more(seed):
            (accepted,) = await world.post([document])
            if turn == "hotline":
                keys["workorders"].add(document["case_no"])
            elif turn == "food":
                keys["food"].add(str(accepted.case_id))
        await world.deliver()
    for leftover in place.path.glob(place.store.name + "*"):
        leftover.unlink()
    _copied(backup, place.store)
    return keys


def _more(seed: int) -> Sequence[tuple[str, Any]]:
    made = [one for one in documents(400, seed=seed + 1_000) if one[0] in ("hotline", "food")][-FORGOTTEN:]
    for no, (_, document) in enumerate(made):
        document["case_no"] = f"{document['case_no'][:-4]}{9_000 + no}"
    return made


def _copied(source: Any, target: Any) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


async def remembered(world: World, keys: Mapping[str, set[str]], *, others: Collection[str] = ()) -> list[str]:
    """Whether all that the systems hold beyond the store is listed by the reference that its source knows.

    others: keys that are nobody's for another reason.
    """
    wrong = []
    for system, forgotten in keys.items():
        ended = await run(world, system, mode="mend", cap=1_000_000)
        rows = discrepancies(world, systems=(system,), kinds=("unexpected",))
        found = {str(row.detail.get("key")) for row in rows} - set(others)
        if ended.outcome != "complete" or found != forgotten:
            said = f"expected {len(forgotten)} forgotten records to be listed, got {len(found)} ({ended.outcome})"
            wrong.append(f"{system}: {said}")
    return wrong
