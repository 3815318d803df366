"""One run in a process of its own, told as one line of JSON: `python -m …reconciler FOLDER ADDRESS COUNT`."""

from __future__ import annotations

import asyncio
import json
import resource
import shutil
import sys
import time
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

from syncgate.bootstrap.bundles import inputs_mac
from syncgate.bootstrap.machine import SystemEntropy
from syncgate.domain.reconciliation.run import RunState, RunWish
from syncgate.domain.rows import Run
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.gate import Gate
from syncgate.flows.operating.deploy import deploy
from syncgate.flows.reconciling import turns
from syncgate.flows.reconciling.attending import Attendant
from syncgate.flows.reconciling.run import reconcile
from syncgate.ports import Tx
from syncgate.site.bundle import Bundle
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.packing import pack
from syncgate.storage import SiteKeyring, SqlStore, migrate
from syncgate.storage.writer import GroupWriter
from syncgate.transports import kinds
from tests.bench import machine
from tests.bench.reconciling.filling import fill_as_before, fill_documents, fill_store
from tests.bench.reconciling.records import bundle as bundle_of

SYSTEM = "target"
SCHEMA = Path(__file__).parents[3] / "schemas" / "case.schema.json"


class FixedClock:
    """What is filled in is as old as the benchmark wants it to be."""

    def __init__(self) -> None:
        self.at = datetime.now(UTC) - timedelta(days=1)

    def now(self) -> datetime:
        """The time."""
        return self.at


class NoSecrets:
    """The systems here want none."""

    def get(self, name: str) -> str:
        """Nothing is asked for."""
        raise KeyError(name)


def _gate(store: SqlStore, keyring: SiteKeyring, clock: FixedClock, folder: Path) -> Gate:
    return Gate(
        writer=GroupWriter(store),
        keyring=keyring,
        clock=clock,
        entropy=SystemEntropy(),
        schema=CanonicalSchema.load(SCHEMA),
        bundles={},
        active={},
        hand_over=HandOver("bench"),
        sources=frozenset({"window"}),
        on_due=lambda systems: None,
        data=folder,
    )


async def _run(folder: Path, address: str, *, count: int) -> dict[str, Any]:
    """Fills the store where it is not there yet, then runs."""
    file, filled, clock = folder / "store.sqlite", folder / "filled.sqlite", FixedClock()
    is_new, is_filled = not file.exists(), filled.exists()
    if is_new and is_filled:
        shutil.copy(filled, file)
    url, keyring = f"sqlite:///{file}", SiteKeyring(bytes(range(32)))
    migrate(url)
    store = SqlStore(url, keyring=keyring, clock=clock, writer="bench")
    gate = _gate(store, keyring, clock, folder)
    bundle = bundle_of(SYSTEM, address, mac=inputs_mac(keyring), schema=gate.schema)
    try:
        await deploy(gate, [bundle], packed={bundle.digest: pack(bundle.files)}, sources=gate.sources, by="bench")
        if not is_new:
            clock.at += timedelta(days=1)
            return await _measured(gate, store, bundle)
        if is_filled:
            fill_as_before(file, bundle)
        else:
            fill_store(store, gate, bundle, file=file, count=count)
            fill_documents(store, gate)
    finally:
        await gate.writer.aclose()
        store.close()
    if not is_filled:
        shutil.copy(file, filled)
    return {}


async def _measured(gate: Gate, store: SqlStore, bundle: Bundle) -> dict[str, Any]:
    transport = kinds()[bundle.transport].build(
        bundle.options,
        bundle.answers,
        limits=bundle.limits,
        secrets=NoSecrets(),
        clock=gate.clock,
        entropy=gate.entropy,
        address=bundle.address,
        quirks=bundle.quirks,
    )
    attendant = Attendant(gate, work=reconcile, transport_of=lambda digest: transport)
    begun = await gate.writer.write(partial(_begun, wish=RunWish()))
    began, cpu = time.monotonic(), time.process_time()
    await attendant.take_up()
    await attendant.idle()
    seconds, cpu = time.monotonic() - began, time.process_time() - cpu
    await transport.aclose()
    ended = store.read(lambda tx: tx.run(begun.job, begun.slot))
    assert ended is not None
    (totals,) = RunState.from_json(ended.detail).totals
    return {
        "outcome": ended.outcome,
        "read": totals.read,
        "verified": totals.verified,
        "kinds": dict(totals.kinds),
        "doubts": list(totals.doubts),
        "seconds": seconds,
        "cpu": cpu,
        "peak_mib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024,
        "machine": machine.description(),
    }


def _begun(tx: Tx, *, wish: RunWish) -> Run:
    return turns.begin(tx, SYSTEM, wish, salt="bench")


def main() -> int:
    """0 when it was done."""
    folder, address, count = sys.argv[1:]
    print(json.dumps(asyncio.run(_run(Path(folder), address, count=int(count)))))
    return 0


if __name__ == "__main__":
    sys.exit(main())
