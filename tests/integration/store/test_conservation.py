"""Promise 3: whatever is moved, refused or rolled back, every delivery is in one phase and counted there once."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from uuid import UUID

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from syncgate.domain.delivery import MAYBE_SENT, MOVES, WAITING, Phase, advance
from syncgate.domain.errors import IllegalMove
from syncgate.domain.rows import Delivery
from syncgate.ports.store import DeliveryFilter, Tx
from syncgate.storage import SqlStore
from tests.support.rows import TOKEN, a_delivery, stored_case

SYSTEMS = ("food", "province")
PARTS = ("", "stage-1")
EVENTS = sorted({event for moves in MOVES.values() for event in moves})


class Abandoned(Exception):
    """The step changes its mind at its end."""


insertion = st.tuples(
    st.just("insert"), st.sampled_from(SYSTEMS), st.sampled_from(PARTS), st.sampled_from(Phase), st.booleans()
)
move = st.tuples(
    st.just("move"), st.integers(0, 40), st.sampled_from(EVENTS), st.sampled_from(["", "busy"]), st.booleans()
)
commits = st.lists(st.lists(st.one_of(insertion, move), min_size=1, max_size=4), max_size=8)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plan=commits)
def test_random_moves_keep_slots_unique_and_counts_conserved(
    store: SqlStore, plan: list[list[tuple[object, ...]]]
) -> None:
    case_id, store_case = stored_case(*SYSTEMS)
    assert store.write([store_case]) == [None]
    for commit in plan:
        results = store.write([lambda tx, act=act: perform(tx, case_id, act) for act in commit])  # type: ignore[misc]
        assert {type(result) for result in results} <= {bool, type(None), IllegalMove, Abandoned}
        counters, everything = store.read(
            lambda tx: (tx.counters(), tx.list_deliveries(DeliveryFilter(), after=None, limit=10_000))
        )
        assert counters == Counter((one.system, one.phase, one.reason or "") for one in everything)
        assert_slots_hold(store.read(lambda tx: tx.deliveries(case_id)))


def perform(tx: Tx, case_id: UUID, act: tuple[object, ...]) -> object:
    match act:
        case ("insert", str(system), str(part), Phase() as phase, bool(is_abandoned)):
            tx.insert_deliveries([a_delivery(case_id, system, part=part, phase=phase)])
            result = None
        case ("move", int(place), event, str(reason), bool(is_abandoned)):
            result = moved(tx, case_id, place, event, reason)
    if is_abandoned:
        raise Abandoned
    return result


def moved(tx: Tx, case_id: UUID, place: int, event: object, reason: str) -> bool | None:
    there = tx.deliveries(case_id)
    if not there:
        return None
    before = there[place % len(there)]
    phase = advance(before.phase, event)  # type: ignore[arg-type]
    after = replace(
        before,
        phase=phase,
        lease_token=TOKEN if phase is Phase.IN_FLIGHT else None,
        reason=reason or ("field_refused" if phase is Phase.PARKED else None),
    )
    return tx.save_delivery(after, before=before)


def assert_slots_hold(deliveries: list[Delivery]) -> None:
    for phases in (WAITING, MAYBE_SENT):
        held = Counter((one.system, one.message, one.part) for one in deliveries if one.phase in phases)
        assert max(held.values(), default=0) <= 1
