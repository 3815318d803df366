"""Discrepancies as a run records them, for tests of what is done about them."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import orjson

from syncgate.domain.reconciliation.kinds import DEFAULT_POLICY, Action, Kind
from syncgate.domain.rows import Blob, Delivery, Discrepancy
from syncgate.flows.reconciling.mending import Mended, Require, mend
from syncgate.ports import Tx
from tests.integration.flows.worksite import KEYRING, Worksite
from tests.support.rows import new_id

RUN = "20260430T183000Z"


def found(
    site: Worksite,
    judged: Delivery,
    kind: Kind,
    *,
    action: Action | None = None,
    record: Any = None,
    actual: dict[str, Any] | None = None,
    slot: tuple[str, str] | None = None,
    **detail: Any,
) -> UUID:
    """Records what a run would have found of a delivery. slot: the slot's name, where it is another than its own."""
    message, part = slot or (judged.message, judged.part)
    seen = {"expected": {}, "actual": actual or {}, "record": record}

    def step(tx: Tx) -> UUID:
        row = Discrepancy(
            discrepancy_id=new_id(),
            system=judged.system,
            message=message,
            subject=f"{judged.case_id}:{part}",
            kind=kind.value,
            case_id=judged.case_id,
            part=part,
            run_slot=RUN,
            action=(action or DEFAULT_POLICY[kind]).value,
            found_at=tx.now,
            seen_at=tx.now,
            observed_mac=_sealed(tx, judged.case_id, orjson.dumps(seen)),
            detail={
                "listing": "applications",
                "level": "fields",
                "delivery_id": str(judged.delivery_id),
                "revision": judged.revision,
                "bundle": judged.bundle,
                "records": 1,
                "fields": [{"name": name, "owner": "ours", "like": ""} for name in actual or {}],
                **detail,
            },
        )
        tx.insert_discrepancy(row)
        return row.discrepancy_id

    return site.write(step)


def _sealed(tx: Tx, case_id: UUID, content: bytes) -> bytes:
    case = tx.case(case_id)
    assert case is not None
    mac = KEYRING.mac("blob", case_id.bytes, content)
    sealed = KEYRING.seal(case.wrapped_key, content, bound_to=f"blob:{case_id}:{mac.hex()}")
    tx.put_blobs([Blob(scope=str(case_id), mac=mac, sealed=sealed, created_at=tx.now)])
    return mac


def mended(site: Worksite, *ids: UUID, cap: int = 100, system: str = "food", require: Require | None = None) -> Mended:
    """Mends them as the run that found them."""
    return site.run(mend(site.gate, system, RUN, ids, cap=cap, by="schedule", require=require))


def row_of(site: Worksite, discrepancy_id: UUID) -> Discrepancy:
    row = site.store.read(lambda tx: tx.discrepancy(discrepancy_id))
    assert row is not None
    return row
