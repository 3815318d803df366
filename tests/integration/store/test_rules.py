"""Illegal states cannot be written, even by hand: the database says no in CHECKs and unique indexes."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import Connection, NullPool, create_engine, make_url, update
from sqlalchemy.exc import DBAPIError

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import IllegalMove
from syncgate.storage import SqlStore
from syncgate.storage.tables import cases, deliveries, lanes, submissions
from tests.support.rows import START, TOKEN, a_delivery, a_submission, stored_case

LEGAL_BY_PHASE: dict[Phase, dict[str, Any]] = {
    Phase.PENDING: {},
    Phase.IN_FLIGHT: {"lease_token": TOKEN},
    Phase.AWAITING: {},
    Phase.UNCONFIRMED: {},
    Phase.DELIVERED: {},
    Phase.PARKED: {"reason": "field_refused"},
    Phase.CANCELLED: {},
}


@pytest.fixture
def case_id(store: SqlStore) -> UUID:
    """A stored case with one lane, one submission and one pending delivery."""
    case_id, step = stored_case("food")
    results = store.write(
        [
            step,
            lambda tx: tx.insert_submission(a_submission(case_id)),
            lambda tx: tx.insert_deliveries([a_delivery(case_id)]),
        ]
    )
    assert results == [None, None, None]
    return case_id


@pytest.fixture
def raw(store_url: str, case_id: UUID) -> Iterator[Connection]:
    """A connection that goes past the store."""
    address = make_url(store_url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = create_engine(address, poolclass=NullPool)
    with engine.connect() as connection:
        yield connection
    engine.dispose()


def test_every_phase_can_be_written_as_it_should_be(raw: Connection) -> None:
    assert set(LEGAL_BY_PHASE) == set(Phase)
    for phase, values in LEGAL_BY_PHASE.items():
        raw.execute(update(deliveries).values(phase=phase, **{"lease_token": None, "reason": None} | values))


@pytest.mark.parametrize(
    ("table", "values"),
    [
        (deliveries, {"phase": Phase.IN_FLIGHT}),
        (deliveries, {"lease_token": TOKEN}),
        (deliveries, {"phase": Phase.PARKED}),
        (deliveries, {"phase": Phase.PARKED, "reason": ""}),
        (deliveries, {"part_no": 0}),
        (deliveries, {"revision": 0}),
        (deliveries, {"version_no": 0}),
        (deliveries, {"tries_count": -1}),
        (lanes, {"lease_token": TOKEN}),
        (lanes, {"lease_until": START}),
        (lanes, {"lease_token": TOKEN, "lease_until": START}),
        (lanes, {"lease_owner": "worker-1"}),
        (cases, {"revision": 0}),
        (cases, {"revision": 2, "submission_no": 1}),
        (submissions, {"sealed_document": None}),
        (submissions, {"revision": 5}),
    ],
)
def test_an_illegal_row_is_refused(raw: Connection, table: Any, values: dict[str, Any]) -> None:
    with pytest.raises(DBAPIError, match=r"constraint|CHECK|violates"):
        raw.execute(update(table).values(**values))


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE deliveries SET phase = 'lost'",
        "UPDATE deliveries SET change = 'replace'",
        "UPDATE cases SET state = 'gone'",
        "INSERT INTO counters VALUES ('food', 'lost', '', 1)",
        "INSERT INTO counters VALUES ('food', 'pending', 'x', -1)",
        "INSERT INTO grants VALUES ('food', 'serve', 0, NULL)",
    ],
)
def test_a_word_outside_its_list_is_refused(raw: Connection, statement: str) -> None:
    with pytest.raises(DBAPIError, match=r"constraint|CHECK|violates"):
        raw.exec_driver_sql(statement)


def test_a_delivery_without_its_lane_is_refused(store: SqlStore, case_id: UUID) -> None:
    (result,) = store.write([lambda tx: tx.insert_deliveries([a_delivery(case_id, "nowhere")])])
    assert isinstance(result, IllegalMove)
