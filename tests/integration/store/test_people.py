"""Systems, grants, evidence, principals, refusals and the audit's chains."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import NullPool, create_engine, make_url

from syncgate.domain.errors import Conflict, IllegalMove
from syncgate.domain.rows import AuditEntry, Blob, BreakerState, Principal, Refusal, SystemRow
from syncgate.storage import AuditCheck, SiteKeyring, SqlStore
from tests.conftest import OpenStore
from tests.support.rows import START, SetClock, a_delivery, a_grant, an_attempt, new_id, stored_case

PRINCIPAL = Principal(
    principal_id=new_id(),
    name="window",
    role="source",
    sources=("window", "窗口"),
    systems=(),
    regions=("9901",),
    key_hash=b"h" * 16,
    key_hint="sg_…a1",
    created_at=START,
    expires_at=START + timedelta(days=1),
)


def test_a_system_is_inserted_then_replaced(store: SqlStore) -> None:
    bare = SystemRow(system="province")
    full = SystemRow(
        system="food",
        mode="shadow",
        is_source=True,
        active_bundle="b" * 64,
        is_paused=True,
        paused_by="op",
        pause_reason="maintenance",
        paused_at=START,
        breaker=BreakerState.OPEN,
        failures_count=3,
        breaker_until=START,
        breaker_reason="unavailable",
        is_probing=True,
        last_taken_at=START,
        rate_tokens=0.1 + 0.2,
        rate_at=START,
    )
    store.write([lambda tx: tx.save_system(bare), lambda tx: tx.save_system(full)])
    assert store.read(lambda tx: tx.systems()) == [full, bare]
    changed = replace(full, is_paused=False, rate_tokens=7.5)
    store.write([lambda tx: tx.save_system(changed)])
    assert store.write([lambda tx: tx.system("food", lock=True)]) == [changed]
    assert store.read(lambda tx: tx.system("nowhere")) is None


def test_grants_count_until_their_time_is_up(store: SqlStore, clock: SetClock) -> None:
    first, second = a_grant(process="b"), a_grant(process="a", until=START + timedelta(seconds=60))
    store.write([lambda tx: tx.save_grant(first), lambda tx: tx.save_grant(second)])
    store.write([lambda tx: tx.save_grant(a_grant(system="province"))])
    assert store.read(lambda tx: tx.grants("food")) == [second, first]
    spent = replace(second, sends_count=1)
    store.write([lambda tx: tx.save_grant(spent), lambda tx: tx.save_grant(replace(first, sends_count=0))])
    assert store.read(lambda tx: tx.grants("food")) == [spent]
    clock.move(seconds=60)
    assert store.read(lambda tx: tx.grants("food")) == []


def test_attempts_come_in_the_order_of_their_entries_and_are_never_replaced(store: SqlStore) -> None:
    case_id, step = stored_case("food")
    delivery = a_delivery(case_id)
    first = an_attempt(delivery.delivery_id, detail={"status": 503, "rule": "busy", "is_late": False, "note": None})
    second = an_attempt(delivery.delivery_id, entry_no=2, started_at=None, sent_blob=b"m", bundle="b")
    store.write([step, lambda tx: tx.insert_deliveries([delivery])])
    results = store.write(
        [lambda tx: tx.insert_attempts([second, first]), lambda tx: tx.insert_attempts([replace(first, outcome="x")])]
    )
    assert results[0] is None
    assert isinstance(results[1], IllegalMove)
    assert store.read(lambda tx: tx.attempts(delivery.delivery_id)) == [first, second]


def test_blobs_are_stored_once(store: SqlStore) -> None:
    first = Blob(scope="site", mac=b"1" * 16, sealed=b"\x00bytes", created_at=START)
    again = replace(first, sealed=b"other")
    other = Blob(scope="site", mac=b"0" * 16, sealed=b"", created_at=START + timedelta(seconds=1))
    elsewhere = replace(first, scope="case")
    assert store.write([lambda tx: tx.put_blobs([first, again, other]), lambda tx: tx.put_blobs([elsewhere])]) == [
        None,
        None,
    ]
    assert store.read(lambda tx: tx.blob("site", b"1" * 16)) == first
    assert store.read(lambda tx: tx.blob("site", b"2" * 16)) is None
    assert store.read(lambda tx: tx.blob_macs("site")) == [first.mac, other.mac]


def test_a_principal_is_found_by_its_keys_hash(store: SqlStore) -> None:
    revoked = replace(PRINCIPAL, revoked_at=START)
    store.write([lambda tx: tx.save_principal(PRINCIPAL)])
    assert store.read(lambda tx: tx.principal_by_hash(b"h" * 16)) == PRINCIPAL
    store.write([lambda tx: tx.save_principal(revoked)])
    assert store.read(lambda tx: tx.principals()) == [revoked]
    assert store.read(lambda tx: tx.principal_by_hash(b"x" * 16)) is None
    (result,) = store.write([lambda tx: tx.save_principal(replace(PRINCIPAL, principal_id=new_id()))])
    assert isinstance(result, Conflict)


def test_refusals_are_listed_newest_first(store: SqlStore) -> None:
    older = Refusal(
        refusal_id=new_id(),
        at=START,
        source="window",
        principal="window",
        method="POST",
        path="/v1/cases",
        code="invalid_case",
        status=422,
        body_size=2048,
        body_mac=b"m" * 16,
        errors=({"pointer": "/item/name", "rule": "required"},),
    )
    newer = replace(older, refusal_id=new_id(), at=START + timedelta(seconds=1), errors=())
    store.write([lambda tx: tx.insert_refusal(older), lambda tx: tx.insert_refusal(newer)])
    assert store.read(lambda tx: tx.list_refusals(limit=10)) == [newer, older]
    assert store.read(lambda tx: tx.list_refusals(limit=1)) == [newer]


def entry(no: int) -> AuditEntry:
    return AuditEntry(
        at=START + timedelta(seconds=no), actor="op", action="pause", object="food", reason="维护", detail={"no": no}
    )


def check(store: SqlStore, keyring: SiteKeyring) -> AuditCheck:
    return store.read(lambda tx: tx.verify_audit(keyring))  # type: ignore[attr-defined,no-any-return]


def test_the_audit_is_a_whole_chain_for_each_writer(
    store: SqlStore, store_url: str, open_store: OpenStore, keyring: SiteKeyring
) -> None:
    second = open_store(store_url, writer="worker-2")
    assert check(store, keyring) == AuditCheck(entries_count=0, broken=(), heads={})
    store.write([lambda tx: tx.append_audit(entry(1)), lambda tx: 1 / 0, lambda tx: tx.append_audit(entry(2))])
    second.write([lambda tx: tx.append_audit(entry(3))])
    found = check(store, keyring)
    assert found.is_whole
    assert {name: head[0] for name, head in found.heads.items()} == {"serve": 2, "worker-2": 1}
    newest = store.read(lambda tx: tx.list_audit(limit=2))
    assert [(row["writer"], row["entry_no"], row["detail"]) for row in newest] == [
        ("worker-2", 1, {"no": 3}),
        ("serve", 2, {"no": 2}),
    ]


@pytest.mark.parametrize(
    "tampering",
    [
        "UPDATE audit SET actor = 'someone' WHERE entry_no = 2",
        "UPDATE audit SET reason = '' WHERE entry_no = 2",
        "DELETE FROM audit WHERE entry_no = 2",
        "UPDATE audit SET mac = (SELECT mac FROM audit WHERE entry_no = 1) WHERE entry_no = 2",
    ],
)
def test_tampering_breaks_the_chain_where_it_was_done(
    store: SqlStore, store_url: str, keyring: SiteKeyring, tampering: str
) -> None:
    store.write([lambda tx, no=no: tx.append_audit(entry(no)) for no in range(1, 5)])  # type: ignore[misc]
    address = make_url(store_url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = create_engine(address, poolclass=NullPool)
    with engine.begin() as connection:
        connection.exec_driver_sql(tampering)
    found = check(store, keyring)
    assert found.broken
    assert found.broken[0][1] in (2, 3)


def test_the_chain_is_whole_only_under_the_sites_key(store: SqlStore) -> None:
    store.write([lambda tx: tx.append_audit(entry(1))])
    assert not check(store, SiteKeyring(b"another master key of 32 bytes!!")).is_whole
