"""A gate at work in one process: the folder deployed, dispatch and periodic work under way."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

import structlog

from syncgate.bootstrap.machine import SystemClock, SystemEntropy, process_name
from syncgate.bootstrap.opening import OpenStore
from syncgate.bootstrap.place import SitePlace
from syncgate.bootstrap.transports import Transports
from syncgate.config import Config, SiteSecrets
from syncgate.documents import ProblemSet
from syncgate.domain.errors import SyncgateError
from syncgate.flows.deploy import Deployed, deploy, stored_bundles
from syncgate.flows.dispatch import Dispatcher, DispatchSettings
from syncgate.flows.gate import Gate
from syncgate.flows.hand_over import HandOver
from syncgate.flows.rescue import rescue_all
from syncgate.ports import Keyring
from syncgate.schedule import Job, scheduler
from syncgate.site.bundle import Bundle, Mac
from syncgate.site.folder import Site, recompiled
from syncgate.site.packing import pack, unpack
from syncgate.storage.migrations import migrate
from syncgate.storage.writer import GroupWriter

log = structlog.get_logger("syncgate.bootstrap")
RESCUED_EVERY = timedelta(seconds=1)
PARTITIONED_EVERY = timedelta(days=1)
NO_SECRETS = SiteSecrets({})


@dataclass(slots=True)
class Running:
    """A gate at work in this process."""

    place: SitePlace
    site: Site
    gate: Gate
    dispatcher: Dispatcher | None
    transports: Transports

    async def deploy(self, by: str) -> Deployed:
        """Reads the site's folder anew, checks it whole and activates it. Raises ProblemSet, SiteInvalid."""
        site = await asyncio.to_thread(self.place.load, mac=_inputs_mac(self.gate.keyring))
        self.transports.renew(self.place.secrets(site))
        deployed = await _deploy(self.gate, site, by=by)
        self.site = site
        if self.dispatcher is not None:
            self.dispatcher.start()
        return deployed


@asynccontextmanager
async def running_gate(place: SitePlace, opened: OpenStore, *, is_dispatching: bool = True) -> AsyncIterator[Running]:
    """A gate at work, stopped gracefully at the end.

    A gate that dispatches deploys the site's folder at its start. One that does not takes what is active as the
    store has it, so that a command never changes what another process sends by; a new store is deployed to.

    Raises:
        ProblemSet: everything that is wrong in the site's files.
        SiteInvalid: missing secrets, by name.
    """
    site = place.load(mac=_inputs_mac(opened.keyring))
    bundles = _stored(opened, site)
    transports = Transports(bundles, place.secrets(site) if is_dispatching else NO_SECRETS)
    listeners: list[Dispatcher] = []

    def on_due(systems: Iterable[str]) -> None:
        for listener in listeners:
            listener.on_due(systems)

    gate = Gate(
        writer=GroupWriter(opened.store),
        keyring=opened.keyring,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        schema=site.schema,
        bundles=bundles,
        active={},
        hand_over=HandOver(process_name()),
        sources=frozenset(site.sources),
        on_due=on_due,
    )
    periodic = scheduler(_jobs(gate, opened))
    try:
        await _activate(gate, site, is_dispatching=is_dispatching)
        dispatcher = Dispatcher(gate, transports.of, _settings(site.config)) if is_dispatching else None
        if dispatcher is not None:
            if opened.is_alone:
                await gate.writer.write(lambda tx: tx.expire_leases())
                await rescue_all(gate)
            listeners.append(dispatcher)
            dispatcher.start()
            periodic.start()
        yield Running(place, site, gate, dispatcher, transports)
    finally:
        if periodic.running:
            periodic.shutdown(wait=False)
        for listener in listeners:
            await listener.stop()
        await transports.aclose()
        await gate.writer.aclose()


async def _activate(gate: Gate, site: Site, *, is_dispatching: bool) -> None:
    rows = await gate.writer.read(lambda tx: tx.systems())
    active = {row.system: row.active_bundle for row in rows if row.active_bundle in gate.bundles}
    if is_dispatching or not active:
        await _deploy(gate, site, by="serve")
    else:
        gate.active.update({system: digest for system, digest in active.items() if digest is not None})


async def _deploy(gate: Gate, site: Site, *, by: str) -> Deployed:
    """Activates every bundle of a site."""
    packed = {bundle.digest: pack(bundle.files) for bundle in site.bundles.values()}
    return await deploy(gate, site.bundles.values(), packed=packed, sources=frozenset(site.sources), by=by)


def _stored(opened: OpenStore, site: Site) -> dict[str, Bundle]:
    """Every stored bundle, compiled: the site's own as they are, the others again, if this version can."""
    found = {bundle.digest: bundle for bundle in site.bundles.values()}
    for digest, packed in opened.store.read(stored_bundles).items():
        if digest in found:
            continue
        try:
            found[digest] = recompiled(site, unpack(packed), mac=_inputs_mac(opened.keyring))
        except (SyncgateError, ProblemSet) as error:
            log.warning("old_bundle_unreadable", bundle=digest[7:19], error=type(error).__name__)
    return found


def _inputs_mac(keyring: Keyring) -> Mac:
    """The keyed digest of mapping inputs."""
    return lambda content: keyring.mac("inputs", content)


def _jobs(gate: Gate, opened: OpenStore) -> list[Job]:
    """What this process does every so often beside dispatching."""
    jobs = [Job("rescue", RESCUED_EVERY, lambda: rescue_all(gate))]
    if not opened.is_alone:
        jobs.append(Job("partitions", PARTITIONED_EVERY, lambda: asyncio.to_thread(migrate, opened.url)))
    return jobs


def _settings(config: Config) -> DispatchSettings:
    chosen = config.dispatch
    return DispatchSettings(
        owner=process_name(),
        poll_interval=chosen.poll_interval,
        batch=chosen.batch,
        grace=chosen.stop_within,
    )
