"""Puts one gate together from a site's folder: store, keys, bundles, transports, dispatch. Decides nothing."""

from __future__ import annotations

import asyncio
import os
import random
import socket
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import ExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path

import structlog

from syncgate.config import Config, SiteSecrets, load_config
from syncgate.documents import ProblemSet
from syncgate.domain.errors import SyncgateError
from syncgate.flows.deploy import Deployed, deploy, stored_bundles
from syncgate.flows.dispatch import Dispatcher, DispatchSettings
from syncgate.flows.gate import Gate
from syncgate.flows.hand_over import HandOver
from syncgate.flows.rescue import rescue_all
from syncgate.ports import Keyring, Transport
from syncgate.schedule import Job, scheduler
from syncgate.site.bundle import Bundle, Mac
from syncgate.site.folder import Site, load_site, recompiled
from syncgate.site.packing import pack, unpack
from syncgate.storage.lock import store_lock
from syncgate.storage.migrations import migrate
from syncgate.storage.sealing import SiteKeyring, create_master, load_master
from syncgate.storage.store import SqlStore
from syncgate.storage.writer import GroupWriter
from syncgate.transports import kinds

log = structlog.get_logger("syncgate.bootstrap")
SQLITE = "sqlite:///"
RESCUED_EVERY = timedelta(seconds=1)


class SystemClock:
    """The machine's time, in UTC."""

    def now(self) -> datetime:
        """The time now."""
        return datetime.now(UTC)


class SystemEntropy:
    """The machine's randomness."""

    def token(self, size: int) -> bytes:
        """Unpredictable bytes."""
        return os.urandom(size)

    def draw(self) -> float:
        """A number in [0, 1); good enough for jitter."""
        return random.random()  # noqa: S311


@dataclass(frozen=True, slots=True)
class OpenStore:
    """A site's store and keys, open in this process alone where the store is SQLite."""

    store: SqlStore
    keyring: SiteKeyring
    config: Config
    url: str = field(repr=False)
    is_alone: bool


@contextmanager
def open_store(root: Path, config: Config, *, writer: str = "serve") -> Iterator[OpenStore]:
    """Opens the site's store, migrated to this version.

    Args:
        root: the site's folder.
        config: its configuration.
        writer: name of this process in the audit's chain.

    Raises:
        StoreUnavailable: another process holds the SQLite file.
        SiteInvalid: the master key is missing or unusable.
    """
    url, file = store_url(root, config)
    keyring = SiteKeyring(master_key(root, config, may_create=file is not None and not file.exists()))
    with ExitStack() as stack:
        if file is not None:
            file.parent.mkdir(parents=True, exist_ok=True)
            stack.enter_context(store_lock(file))
        migrate(url)
        store = SqlStore(url, keyring=keyring, writer=writer)
        stack.callback(store.close)
        yield OpenStore(store, keyring, config, url, is_alone=file is not None)


def store_url(root: Path, config: Config) -> tuple[str, Path | None]:
    """The store's absolute URL, and its file where it is SQLite. Raises SiteInvalid on a missing password."""
    url = config.store.url
    if url.startswith(SQLITE):
        file = root / url.removeprefix(SQLITE)
        return f"{SQLITE}{file.resolve()}", file
    if config.store.password is None:
        return url, None
    name = config.store.password
    secret = SiteSecrets.load(config.secret_refs, root=root, needed=[name]).get(name)
    from sqlalchemy.engine import make_url

    return make_url(url).set(password=secret).render_as_string(hide_password=False), None


def master_key(root: Path, config: Config, *, may_create: bool) -> bytes:
    """The site's master key; a new site without a store yet gets a new one. Raises SiteInvalid."""
    ref = config.master_key
    if ref.env is not None:
        return load_master(env=ref.env)
    file = root / str(ref.file)
    if may_create and not file.exists():
        file.parent.mkdir(parents=True, exist_ok=True)
        return create_master(file)
    return load_master(file=file)


@dataclass(slots=True)
class Transports:
    """The transports of this process by bundle, made when first needed."""

    bundles: dict[str, Bundle]
    secrets: SiteSecrets
    _made: dict[str, tuple[Bundle, Transport]] = field(default_factory=dict)
    _outdated: list[Transport] = field(default_factory=list)

    def of(self, digest: str) -> Transport:
        """The transport of a bundle; another one once a deploy changed its address, limits or secrets."""
        bundle = self.bundles[digest]
        made, transport = self._made.get(digest, (None, None))
        if transport is None or made is not bundle:
            if transport is not None:
                self._outdated.append(transport)
            transport = self._build(bundle)
            self._made[digest] = (bundle, transport)
        return transport

    def _build(self, bundle: Bundle) -> Transport:
        return kinds()[bundle.transport].build(
            bundle.options,
            bundle.answers,
            limits=bundle.limits,
            secrets=self.secrets,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            address=bundle.address,
            quirks=bundle.quirks,
        )

    async def aclose(self) -> None:
        """Closes them all."""
        made = [*self._outdated, *(transport for _, transport in self._made.values())]
        await asyncio.gather(*(transport.aclose() for transport in made), return_exceptions=True)


@dataclass(slots=True)
class Running:
    """A gate at work in this process."""

    root: Path
    config_path: Path | None
    site: Site
    gate: Gate
    dispatcher: Dispatcher | None
    transports: Transports

    async def deploy(self, by: str) -> Deployed:
        """Reads the site's folder anew, checks it whole and activates it. Raises ProblemSet, SiteInvalid."""
        site = await asyncio.to_thread(load_site, self.root, self.config_path, mac=inputs_mac(self.gate.keyring))
        secrets = load_secrets(self.root, site)
        self.site, self.transports.secrets = site, secrets
        deployed = await deploy_site(self.gate, site, by=by)
        if self.dispatcher is not None:
            self.dispatcher.start()
        return deployed


@asynccontextmanager
async def running_gate(
    root: Path, opened: OpenStore, *, config_path: Path | None = None, is_dispatching: bool = True
) -> AsyncIterator[Running]:
    """A gate at work: the folder deployed, dispatch under way; stopped gracefully at the end.

    Raises:
        ProblemSet: everything that is wrong in the site's files.
        SiteInvalid: missing secrets, by name.
    """
    site = load_site(root, config_path, mac=inputs_mac(opened.keyring))
    secrets = load_secrets(root, site)
    writer = GroupWriter(opened.store)
    bundles = _old_bundles(opened, site)
    transports = Transports(bundles, secrets)
    listeners: list[Dispatcher] = []

    def on_due(systems: Iterable[str]) -> None:
        for listener in listeners:
            listener.on_due(systems)

    gate = Gate(
        writer=writer,
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
        await deploy_site(gate, site, by="serve")
        dispatcher = Dispatcher(gate, transports.of, _settings(site.config)) if is_dispatching else None
        if dispatcher is not None:
            if opened.is_alone:
                await writer.write(lambda tx: tx.expire_leases())
                await rescue_all(gate)
            listeners.append(dispatcher)
            dispatcher.start()
            periodic.start()
        yield Running(root, config_path, site, gate, dispatcher, transports)
    finally:
        if periodic.running:
            periodic.shutdown(wait=False)
        for listener in listeners:
            await listener.stop()
        await transports.aclose()
        await writer.aclose()


async def deploy_site(gate: Gate, site: Site, *, by: str) -> Deployed:
    """Activates every bundle of a site."""
    packed = {bundle.digest: pack(bundle.files) for bundle in site.bundles.values()}
    return await deploy(gate, site.bundles.values(), packed=packed, sources=frozenset(site.sources), by=by)


def load_secrets(root: Path, site: Site) -> SiteSecrets:
    """The secrets that the site's live systems need. Raises SiteInvalid naming every missing one."""
    return SiteSecrets.load(site.config.secret_refs, root=root, needed=site.secret_names)


def inputs_mac(keyring: Keyring) -> Mac:
    """The keyed digest of mapping inputs."""
    return lambda content: keyring.mac("inputs", content)


def site_config(root: Path, config_path: Path | None) -> Config:
    """The site's configuration. Raises ProblemSet."""
    return load_config(root, config_path)


def _old_bundles(opened: OpenStore, site: Site) -> dict[str, Bundle]:
    """Every stored bundle compiled again, but those that this version cannot read any more."""
    active = {bundle.digest for bundle in site.bundles.values()}
    found: dict[str, Bundle] = {}
    for digest, packed in opened.store.read(stored_bundles).items():
        if digest in active:
            continue
        try:
            found[digest] = recompiled(site, unpack(packed), mac=inputs_mac(opened.keyring))
        except (SyncgateError, ProblemSet) as error:
            log.warning("old_bundle_unreadable", digest=digest[7:19], error=type(error).__name__)
    return found


def process_name() -> str:
    """Names this process in leases and grants."""
    return f"{socket.gethostname()}:{os.getpid()}"


def _jobs(gate: Gate, opened: OpenStore) -> list[Job]:
    """What this process does every so often beside dispatching."""
    jobs = [Job("rescue", RESCUED_EVERY, lambda: rescue_all(gate))]
    if not opened.is_alone:
        jobs.append(Job("partitions", timedelta(days=1), lambda: asyncio.to_thread(migrate, opened.url)))
    return jobs


def _settings(config: Config) -> DispatchSettings:
    chosen = config.dispatch
    return DispatchSettings(
        owner=process_name(),
        poll_interval=chosen.poll_interval,
        batch=chosen.batch,
        grace=chosen.stop_within,
    )
