"""A gate at work in one process: its roles, its bundles, and what other processes tell it."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Collection, Iterable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import timedelta

from syncgate.bootstrap.alerting import alert_jobs
from syncgate.bootstrap.bundles import NO_SECRETS, Bundles, inputs_mac
from syncgate.bootstrap.hearing import Hearing
from syncgate.bootstrap.machine import SystemClock, SystemEntropy, process_name
from syncgate.bootstrap.opening import OpenStore
from syncgate.bootstrap.place import SitePlace
from syncgate.bootstrap.polling import Polling
from syncgate.bootstrap.reconciling import Reconciling
from syncgate.bootstrap.transports import Transports
from syncgate.config import Config, Role
from syncgate.flows.accepting.leftovers import remove_leftovers
from syncgate.flows.accepting.waiting import join_come
from syncgate.flows.delivering.dispatch import Dispatcher, DispatchSettings
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.delivering.rescue import rescue_all
from syncgate.flows.gate import Gate
from syncgate.flows.operating.deploy import Deployed
from syncgate.flows.operating.holds import clear_lifted
from syncgate.flows.operating.requeueing import go_on_with_all
from syncgate.schedule import Job, StoredTicks, scheduler
from syncgate.site.bundle import Bundle
from syncgate.site.folder import Site
from syncgate.storage.migrations import migrate
from syncgate.storage.writer import GroupWriter

RESCUED_EVERY = timedelta(seconds=1)
REQUEUED_EVERY = timedelta(seconds=1)
JOINED_EVERY = timedelta(seconds=1)
CLEARED_EVERY = timedelta(seconds=5)
ATTENDED_EVERY = timedelta(seconds=1)
PARTITIONED_EVERY = timedelta(days=1)
LEFTOVERS_EVERY = timedelta(minutes=10)


@dataclass(slots=True)
class Running:
    """A gate at work in this process."""

    gate: Gate
    bundles: Bundles
    dispatcher: Dispatcher | None

    @property
    def site(self) -> Site:
        """The site as this process knows it now."""
        return self.bundles.site

    async def deploy(self, by: str) -> Deployed:
        """Reads the site's folder anew, checks it whole and activates it. Raises ProblemSet, SiteInvalid."""
        deployed = await self.bundles.deploy(by=by)
        if self.dispatcher is not None:
            self.dispatcher.start()
        return deployed

    def is_ready(self) -> bool:
        """Whether this process can do its work. Raises StoreUnavailable where a bundle keeps it from it."""
        self.bundles.check()
        return self.gate.writer.is_taking


@asynccontextmanager
async def running_gate(
    place: SitePlace,
    opened: OpenStore,
    *,
    is_dispatching: bool = True,
    roles: Collection[Role] = (),
    is_reconciling: bool = False,
) -> AsyncIterator[Running]:
    """A gate at work, stopped gracefully at the end.

    Alone on SQLite, one that dispatches deploys the site's folder at its start. Every other takes what is active as
    the store has it, so that neither a command nor an older folder changes what other processes send by; a store
    where nothing is active is deployed to.

    Args:
        place: where the site is.
        opened: its store.
        is_dispatching: whether anything may be sent or rescued at all.
        roles: what this process does.
        is_reconciling: whether it works on runs that people ask for without being a scheduler.

    Raises:
        ProblemSet: everything that is wrong in the site's files.
        SiteInvalid: missing secrets, by name.
    """
    is_working, is_scheduling = (is_dispatching and role in roles for role in (Role.WORKER, Role.SCHEDULER))
    site = place.load(mac=inputs_mac(opened.keyring))
    compiled = {bundle.digest: bundle for bundle in site.bundles.values()}
    is_speaking = is_working or is_scheduling or is_reconciling
    transports = Transports(compiled, place.secrets(site) if is_speaking else NO_SECRETS)
    async with AsyncExitStack() as stack:
        later = _Later()
        gate = _gate(opened, site, compiled, later)
        stack.push_async_callback(gate.writer.aclose)
        stack.push_async_callback(transports.aclose)
        bundles = later.bundles = Bundles(gate, place, site, transports if is_speaking else None)
        await (bundles.deploy_now(by="serve") if opened.is_alone and is_working else bundles.start(by="serve"))
        hearing = None if opened.is_alone or not roles else Hearing(opened, gate, bundles)
        if is_working:
            later.dispatcher = _dispatcher(gate, transports, site.config, hearing, stack)
            bundles.on_followed = later.dispatcher.start
            if opened.is_alone:
                await gate.writer.write(lambda tx: tx.expire_leases())
                await rescue_all(gate)
                await remove_leftovers(gate, older_than=timedelta(0))
            later.dispatcher.start()
        reconciling = None
        if is_scheduling or is_reconciling:
            reconciling = Reconciling(gate, bundles, transports, is_scheduling=is_scheduling)
            await reconciling.start(opened, stack)
        jobs = _jobs(gate, opened, reconciling, is_working=is_working, is_scheduling=is_scheduling)
        if is_scheduling:
            polling = Polling(gate, bundles, place)
            await polling.start(is_alone=opened.is_alone)
            stack.push_async_callback(polling.stop)
            jobs.append(Job("polls", ATTENDED_EVERY, polling.attend))
            jobs.append(Job("arrivals", LEFTOVERS_EVERY, polling.tidy, is_once=True))
        jobs += alert_jobs(gate, place, site.config) if is_scheduling else []
        if jobs:
            _schedule(jobs, gate, opened, reconciling, stack)
        if hearing is not None:
            await stack.enter_async_context(hearing.under_way(later.dispatcher))
        yield Running(gate, bundles, later.dispatcher)


@dataclass(slots=True)
class _Later:
    """What the gate calls and what is put together only after it."""

    dispatcher: Dispatcher | None = None
    bundles: Bundles | None = None

    def on_due(self, systems: Iterable[str]) -> None:
        if self.dispatcher is not None:
            self.dispatcher.on_due(systems)

    async def follow(self) -> None:
        assert self.bundles is not None
        await self.bundles.follow()


def _gate(opened: OpenStore, site: Site, bundles: dict[str, Bundle], later: _Later) -> Gate:
    return Gate(
        writer=GroupWriter(opened.store),
        keyring=opened.keyring,
        clock=SystemClock(),
        entropy=SystemEntropy(),
        schema=site.schema,
        bundles=bundles,
        active={},
        hand_over=HandOver(process_name()),
        sources=frozenset(site.sources),
        on_due=later.on_due,
        follow=None if opened.is_alone else later.follow,
        link_address=site.config.materials.link_address,
        data=opened.folder,
        inbound=dict(site.sources),
    )


def _dispatcher(
    gate: Gate, transports: Transports, config: Config, hearing: Hearing | None, stack: AsyncExitStack
) -> Dispatcher:
    """A dispatcher, not yet started, that is stopped with the stack."""
    is_told = (lambda: hearing.is_listening) if hearing is not None else (lambda: False)
    dispatcher = Dispatcher(gate, transports.of, _settings(config), is_told=is_told)
    stack.push_async_callback(dispatcher.stop)
    return dispatcher


def _schedule(
    jobs: list[Job], gate: Gate, opened: OpenStore, reconciling: Reconciling | None, stack: AsyncExitStack
) -> None:
    """Starts what this process does every so often; ended with the stack."""
    ticks = None if opened.is_alone else StoredTicks(gate.writer, by=process_name())
    periodic = scheduler(jobs, ticks)
    if reconciling is not None:
        reconciling.keep_times(periodic)
    periodic.start()
    stack.callback(periodic.shutdown, wait=False)


def _jobs(
    gate: Gate, opened: OpenStore, reconciling: Reconciling | None, *, is_working: bool, is_scheduling: bool
) -> list[Job]:
    """Workers rescue, and go on with bulk requeues, too: where no scheduler lives, those would wait for ever."""
    jobs = []
    if is_working or is_scheduling:
        jobs += [
            Job("rescue", RESCUED_EVERY, lambda: rescue_all(gate)),
            Job("requeue", REQUEUED_EVERY, lambda: go_on_with_all(gate)),
            Job("holds", CLEARED_EVERY, lambda: clear_lifted(gate)),
            Job("waiting", JOINED_EVERY, lambda: join_come(gate)),
        ]
    if reconciling is not None:
        jobs.append(Job("reconcile", ATTENDED_EVERY, reconciling.attend))
        jobs.append(Job("exports", LEFTOVERS_EVERY, reconciling.tidy))
    if is_scheduling:
        jobs.append(Job("leftovers", LEFTOVERS_EVERY, lambda: remove_leftovers(gate), is_once=True))
    if is_scheduling and not opened.is_alone:
        partition = lambda: asyncio.to_thread(migrate, opened.url)  # noqa: E731
        jobs.append(Job("partitions", PARTITIONED_EVERY, partition, is_once=True))
    return jobs


def _settings(config: Config) -> DispatchSettings:
    chosen = config.dispatch
    return DispatchSettings(
        owner=process_name(),
        poll_interval=chosen.poll_interval,
        safety_interval=chosen.safety_interval,
        batch=chosen.batch,
        grace=chosen.stop_within,
    )
