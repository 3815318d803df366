"""The hot statements find their rows through the partial indexes, also when most rows are finished."""

from __future__ import annotations

import re
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import NullPool, create_engine, make_url, text
from sqlalchemy.dialects.postgresql import psycopg as postgresql_dialect
from sqlalchemy.dialects.sqlite import pysqlite as sqlite_dialect

from syncgate.domain.delivery import Phase
from syncgate.ports.store import DeliveryFilter
from syncgate.storage import SqlStore
from syncgate.storage.rows import cases, deliveries, lanes
from syncgate.storage.statement import Statement
from tests.support.rows import START, TOKEN, a_case, a_delivery, a_lane, new_id

CASE_ID = new_id()
ROWS = 3_000
EXPECTED: list[tuple[Statement, dict[str, Any], str]] = [
    (lanes.DUE_LANES, {"system": "food", "now": START, "limit": 50}, "ix_lanes_due"),
    (lanes.NEXT_DUE_AT, {"system": "food"}, "ix_lanes_due"),
    (lanes.POLLED_LANES, {"system": "food", "now": START, "limit": 50}, "ix_lanes_polled"),
    (lanes.NEXT_POLL_AT, {"system": "food"}, "ix_lanes_polled"),
    (lanes.EXPIRED_LANES, {"now": START, "limit": 50}, "ix_lanes_leased"),
    (lanes.LEASES_COUNT, {"system": "food", "now": START}, "ix_lanes_leased"),
    (lanes.CASE_ID_BY_REF, {"system": "food", "case_ref": "ref-7"}, "uq_lanes_case_ref"),
    (deliveries.CASES_BY_PART_REF, {"system": "food", "remote_ref": "T-1"}, "ix_deliveries_part_ref"),
    (deliveries.DELIVERIES_OF_LANE, {"case_id": CASE_ID, "system": "food"}, "ix_deliveries_case_id_system"),
    (cases.SUBMISSION_BY_KEY, {"source": "window", "idempotency_key": "k"}, "uq_submissions_idempotency_key"),
    (cases.SUBMISSION_OF_REVISION, {"case_id": CASE_ID, "revision": 1}, "uq_submissions_revision"),
    (
        deliveries.listing(DeliveryFilter(phases=(Phase.PARKED,), systems=("food",)), after=None, limit=20),
        {},
        "(ix_deliveries_open|uq_deliveries_waiting)",
    ),
]


@pytest.fixture
def filled(store: SqlStore) -> SqlStore:
    """Mostly finished lanes and deliveries, as after years; a few that wait."""
    rows = [(no, new_id()) for no in range(ROWS)]

    def lane(no: int, case_id: Any) -> Any:
        changes: dict[str, Any] = {"case_ref": f"ref-{no}"}
        if no % 100 == 0:
            changes["due_at"] = START
        if no % 100 == 2:
            changes["poll_at"] = START
        if no % 100 == 1:
            changes |= {"lease_token": TOKEN, "lease_until": START + timedelta(hours=no), "lease_owner": "w"}
        return a_lane(case_id, **changes)

    def step(tx: Any) -> None:
        for _, case_id in rows:
            tx.insert_case(a_case(case_id))
        tx.insert_lanes([lane(no, case_id) for no, case_id in rows])
        tx.insert_deliveries(
            [a_delivery(case_id, phase=Phase.DELIVERED if no % 100 else Phase.PARKED) for no, case_id in rows]
        )

    assert store.write([step]) == [None]
    return store


def plan_of(url: str, statement: Statement, params: dict[str, Any]) -> str:
    address = make_url(url)
    is_sqlite = address.get_backend_name() == "sqlite"
    dialect: Any = sqlite_dialect.dialect() if is_sqlite else postgresql_dialect.dialect(paramstyle="format")  # type: ignore[no-untyped-call]
    compiled = statement.compiled(dialect)
    engine = create_engine(address if is_sqlite else address.set(drivername="postgresql+psycopg"), poolclass=NullPool)
    with engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        explain = "EXPLAIN QUERY PLAN " if is_sqlite else "EXPLAIN "
        rows = connection.exec_driver_sql(explain + compiled.text, compiled.bind(params)).fetchall()
    return "\n".join(str(row[-1]) for row in rows)


def test_every_hot_statement_uses_its_index(filled: SqlStore, store_url: str) -> None:
    plans = {expected: plan_of(store_url, statement, params) for statement, params, expected in EXPECTED}
    missing = {expected: plan for expected, plan in plans.items() if not re.search(rf"\b{expected}\b", plan)}
    empty_tables = {"uq_submissions_idempotency_key", "uq_submissions_revision"}
    if store_url.startswith("postgresql"):
        missing = {expected: plan for expected, plan in missing.items() if expected not in empty_tables}
    assert missing == {}
