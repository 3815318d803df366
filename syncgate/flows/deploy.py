"""Deploy: a checked bundle is stored by digest and made the active one. It queues nothing (promise 13)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, replace

from syncgate.domain.rows import AuditEntry, Blob, SystemRow
from syncgate.flows.gate import Gate
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle

SITE_SCOPE = "site"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deploy changed: the systems whose active bundle is another one now, with both digests."""

    changed: Mapping[str, tuple[str | None, str]]


async def deploy(
    gate: Gate, bundles: Iterable[Bundle], *, packed: Mapping[str, bytes], sources: Collection[str], by: str
) -> Deployed:
    """Stores the bundles and activates them, all in one commit, then in this process.

    Args:
        gate: the running gate; its `bundles` and `active` are replaced in place.
        bundles: compiled and checked, one a system.
        packed: each bundle's files as stored, by digest.
        sources: systems that post; each gets its row.
        by: who deploys.
    """
    by_system = {bundle.system: bundle for bundle in bundles}
    deployed = await gate.writer.write(lambda tx: _activate(tx, by_system, packed, sources, by))
    for bundle in by_system.values():
        gate.bundles[bundle.digest] = bundle
        gate.active[bundle.system] = bundle.digest
    gate.on_due(by_system)
    return deployed


def stored_bundles(tx: Tx) -> dict[str, bytes]:
    """Every bundle ever stored, packed, by digest; what was sent is confirmed under the one that sent it."""
    return {"sha256:" + blob.mac.hex(): blob.sealed for blob in tx.blobs(SITE_SCOPE)}


def _activate(
    tx: Tx, by_system: Mapping[str, Bundle], packed: Mapping[str, bytes], sources: Collection[str], by: str
) -> Deployed:
    changed: dict[str, tuple[str | None, str]] = {}
    for system in sorted({*by_system, *sources}):
        row = tx.system(system, lock=True) or SystemRow(system=system)
        bundle = by_system.get(system)
        after = replace(row, is_source=system in sources)
        if bundle is not None:
            after = replace(after, mode=bundle.mode, active_bundle=bundle.digest)
            if row.active_bundle != bundle.digest:
                changed[system] = (row.active_bundle, bundle.digest)
                tx.append_audit(
                    AuditEntry(at=tx.now, actor=by, action="deploy", object=f"system:{system}", reason=bundle.digest)
                )
        if after != row or tx.system(system) is None:
            tx.save_system(after)
    tx.put_blobs(
        Blob(
            scope=SITE_SCOPE,
            mac=bytes.fromhex(bundle.digest.removeprefix("sha256:")),
            sealed=packed[bundle.digest],
            created_at=tx.now,
        )
        for bundle in by_system.values()
    )
    return Deployed(changed)
