"""Deploy: a checked bundle is stored by digest and made the active one. It queues and sends nothing (promise 13)."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace

from syncgate.domain.modes import LIVE
from syncgate.domain.rows import AuditEntry, Blob, SystemRow
from syncgate.flows.gate import Gate
from syncgate.flows.operating.modes import set_aside_rest, set_aside_waiting
from syncgate.ports import Difference, Tx
from syncgate.site.bundle import Bundle

SITE_SCOPE = "site"


@dataclass(frozen=True, slots=True)
class Deployed:
    """What a deploy changed.

    Attributes:
        changed: the systems whose active bundle is another one now, with both digests.
        refused: systems that stay as they were, and where what is there contradicts their adapter.
        unseen: systems that were activated although nothing could be seen of them now, and why.
    """

    changed: Mapping[str, tuple[str | None, str]]
    refused: Mapping[str, tuple[Difference, ...]] = field(default_factory=dict)
    unseen: Mapping[str, str] = field(default_factory=dict)


async def deploy(
    gate: Gate, bundles: Iterable[Bundle], *, packed: Mapping[str, bytes], sources: Collection[str], by: str
) -> Deployed:
    """Stores the bundles and activates them, all in one commit, then in this process; the others are told.

    Args:
        gate: the running gate; its `bundles` and `active` are replaced in place.
        bundles: compiled and checked, one a system.
        packed: each bundle's files as stored, by digest.
        sources: systems that post; each gets its row.
        by: who deploys.
    """
    return await _deployed(gate, _Folder({b.system: b for b in bundles}, packed, sources, by))


async def deploy_first(
    gate: Gate, bundles: Iterable[Bundle], *, packed: Mapping[str, bytes], sources: Collection[str], by: str
) -> Deployed:
    """The same into a store where nothing is active; else nothing: which of several folders holds, a person says."""
    return await _deployed(gate, _Folder({b.system: b for b in bundles}, packed, sources, by), is_first=True)


@dataclass(frozen=True, slots=True)
class _Folder:
    """A deploy as it was asked for."""

    bundles: Mapping[str, Bundle]
    packed: Mapping[str, bytes]
    sources: Collection[str]
    by: str


async def _deployed(gate: Gate, folder: _Folder, *, is_first: bool = False) -> Deployed:
    gate.bundles.update({bundle.digest: bundle for bundle in folder.bundles.values()})

    def step(tx: Tx) -> Deployed | None:
        return None if is_first and not _is_first(tx, folder.by) else _activate(gate, tx, folder)

    await set_aside_waiting(gate, folder.bundles)
    deployed = await gate.writer.write(step)
    if deployed is None:
        return Deployed({})
    gate.active.update({bundle.system: bundle.digest for bundle in folder.bundles.values()})
    await set_aside_waiting(gate, folder.bundles)
    gate.on_due(folder.bundles)
    return deployed


def _is_first(tx: Tx, by: str) -> bool:
    """Whether nothing is active; of two processes that start at once the second waits here for the first."""
    tx.claim_run("deploy", "first", by=by, until=tx.now)
    return not any(row.active_bundle for row in tx.systems())


def stored_bundles(tx: Tx, *, known: Collection[str]) -> dict[str, bytes]:
    """Every bundle ever stored but the known ones, packed, by digest.

    What was sent is confirmed under the bundle that sent it.
    """
    macs = [mac for mac in tx.blob_macs(SITE_SCOPE) if "sha256:" + mac.hex() not in known]
    found = [blob for mac in macs if (blob := tx.blob(SITE_SCOPE, mac)) is not None]
    return {"sha256:" + blob.mac.hex(): blob.sealed for blob in found}


def _activate(gate: Gate, tx: Tx, folder: _Folder) -> Deployed:
    changed: dict[str, tuple[str | None, str]] = {}
    going_live: list[SystemRow] = []
    for system in sorted({*folder.bundles, *folder.sources}):
        row = tx.system(system, lock=True) or SystemRow(system=system)
        bundle = folder.bundles.get(system)
        after = replace(row, is_source=system in folder.sources)
        if bundle is not None:
            if row.active_bundle is not None and row.mode != LIVE == bundle.mode:
                going_live.append(row)
            after = replace(after, mode=bundle.mode, active_bundle=bundle.digest)
            if row.active_bundle != bundle.digest:
                changed[system] = (row.active_bundle, bundle.digest)
                tx.append_audit(_entry(tx, folder.by, bundle))
        if after != row or tx.system(system) is None:
            tx.save_system(after)
        tx.announce(system)
    for row in going_live:
        set_aside_rest(gate, tx, row)
    tx.put_blobs(_blob(tx, bundle, folder.packed) for bundle in folder.bundles.values())
    return Deployed(changed)


def _entry(tx: Tx, by: str, bundle: Bundle) -> AuditEntry:
    return AuditEntry(at=tx.now, actor=by, action="deploy", object=f"system:{bundle.system}", reason=bundle.digest)


def _blob(tx: Tx, bundle: Bundle, packed: Mapping[str, bytes]) -> Blob:
    mac = bytes.fromhex(bundle.digest.removeprefix("sha256:"))
    return Blob(scope=SITE_SCOPE, mac=mac, sealed=packed[bundle.digest], created_at=tx.now)
