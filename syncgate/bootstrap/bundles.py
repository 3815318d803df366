"""The bundles of one process: what the store names active is taken over, whichever process deployed it."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Final, Protocol

import structlog

from syncgate.bootstrap.looking import look_live
from syncgate.bootstrap.place import SitePlace
from syncgate.bootstrap.transports import Transports
from syncgate.config import Config, SiteSecrets
from syncgate.documents import ProblemSet
from syncgate.domain.errors import StoreUnavailable, SyncgateError
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.gate import Gate
from syncgate.flows.operating.deploy import Deployed, deploy, deploy_first, stored_bundles
from syncgate.flows.operating.probing import Seen
from syncgate.ports import Keyring
from syncgate.site.bundle import Bundle, Mac
from syncgate.site.folder import Site, recompiled
from syncgate.site.packing import pack, unpack

log = structlog.get_logger("syncgate.bundles")
NO_SECRETS = SiteSecrets({})
RETRIED_AFTER: Final = timedelta(seconds=30)
"""How long a bundle that cannot be used here is left alone, unless a deploy or the configuration is told anew."""


class Deploy(Protocol):
    """One of the two ways to deploy."""

    async def __call__(
        self, gate: Gate, bundles: Iterable[Bundle], *, packed: Mapping[str, bytes], sources: Collection[str], by: str
    ) -> Deployed: ...


def inputs_mac(keyring: Keyring) -> Mac:
    """The keyed digest of mapping inputs."""
    return lambda content: keyring.mac("inputs", content)


class Bundles:
    """Keeps the gate's bundles: deploys the folder, follows the store, and lets old ones have today's addresses."""

    def __init__(self, gate: Gate, place: SitePlace, site: Site, transports: Transports | None) -> None:
        """Args: gate: its `bundles` and `active` are replaced in place; site: as read at start; transports: None in
        a process that sends nothing, and needs no secrets for it."""
        self.site = site
        self.on_followed: Callable[[], None] = lambda: None
        self._gate = gate
        self._place = place
        self._transports = transports
        self._mac = inputs_mac(gate.keyring)
        self._turn = asyncio.Lock()
        self._behind: dict[str, str] = {}
        self._unreadable: set[str] = set()
        self._given_up: dict[str, datetime] = {}

    def check(self) -> None:
        """Raises StoreUnavailable naming the systems whose active bundle this process cannot compile."""
        if self._behind:
            raise StoreUnavailable(
                "expected to work under every active bundle, got some that this process cannot compile: {systems}",
                systems=", ".join(sorted(self._behind)),
            )

    async def deploy(self, *, by: str) -> Deployed:
        """Reads the site's folder anew, checks it whole and activates it. Raises ProblemSet, SiteInvalid."""
        async with self._turn:
            site = await asyncio.to_thread(self._place.load, mac=self._mac)
            await self._use(site, self._place.secrets(site, wished=self._secret_names()))
            deployed = await self._deployed(deploy, by)
            activated = site.bundles.keys() - deployed.refused.keys()
            self._behind = {s: digest for s, digest in self._behind.items() if s not in activated}
            return deployed

    async def start(self, *, by: str) -> None:
        """Follows the store; where nothing is active there, the folder as it was read is deployed."""
        await self._load_stored()
        await self.follow()
        if not self._gate.active and not self._behind:
            await self._deployed(deploy_first, by)
            await self.follow()
        self._let_send()
        differing = [s for s, bundle in self.site.bundles.items() if self._gate.active.get(s) != bundle.digest]
        if differing:
            log.warning("folder_not_deployed", system=", ".join(sorted(differing)), reason="see syncgate deploy")

    async def deploy_now(self, *, by: str) -> None:
        """Deploys the folder as it was read; what it may not activate goes on as the store has it."""
        await self._load_stored()
        deployed = await self._deployed(deploy, by)
        if deployed.refused:
            await self.follow()
        self._let_send()

    async def follow(self) -> None:
        """Takes over what the store names active; compiles what this process lacks outside the event loop."""
        async with self._turn:
            rows = await self._gate.writer.read(lambda tx: tx.systems())
            active = {row.system: row.active_bundle for row in rows if row.active_bundle is not None}
            if any(self._is_worth_trying(digest) for digest in active.values()):
                await self._load_stored()
            self._give_up(digest for digest in active.values() if digest not in self._gate.bundles)
            changed = {system for system, digest in active.items() if self._gate.active.get(system) != digest}
            self._behind = {s: active[s] for s in changed if active[s] not in self._gate.bundles}
            for system in sorted(changed - self._behind.keys()):
                self._gate.active[system] = active[system]
                log.info("bundle_followed", system=system, bundle=active[system][7:19])
        if changed:
            self.on_followed()

    async def refresh(self) -> None:
        """What `follow` does, under the addresses, limits and secrets of the configuration as it is now.

        Bundles that others had active for a moment only are loaded too: something may have been sent under them.
        """
        async with self._turn:
            try:
                config = await asyncio.to_thread(self._place.config)
                site = replace(self.site, config=config)
                await self._use(site, self._secrets(site))
            except (SyncgateError, ProblemSet) as error:
                log.warning("configuration_unreadable", error=type(error).__name__)
            self._given_up.clear()
            await self._load_stored()
        await self.follow()

    async def _use(self, site: Site, secrets: SiteSecrets) -> None:
        """From now on this configuration: bundles of the folder as read, stored ones compiled under it."""
        stale = self._stale(site)
        self.site = site
        self._gate.inbound.update(site.sources)
        compiled = await asyncio.to_thread(self._compiled, stale, lambda digest: stale[digest].files)
        self._gate.bundles.update(compiled)
        if self._transports is not None:
            self._transports.renew(secrets)

    def _stale(self, site: Site) -> Mapping[str, Bundle]:
        """Bundles beside the folder's own that another configuration makes different."""
        own = {bundle.digest for bundle in site.bundles.values()} if site.bundles is not self.site.bundles else set()
        return {
            digest: bundle
            for digest, bundle in self._gate.bundles.items()
            if digest not in own and _settings(self.site.config, bundle) != _settings(site.config, bundle)
        }

    async def _load_stored(self) -> None:
        """Compiles what is stored and lacking here: what was ever sent is confirmed under what sent it."""
        known = {*self._gate.bundles, *(digest for digest in self._given_up if not self._is_worth_trying(digest))}
        lacking = await self._gate.writer.read(lambda tx: stored_bundles(tx, known=known))
        if lacking:
            found = await asyncio.to_thread(self._compiled, lacking, lambda digest: unpack(lacking[digest]))
            self._gate.bundles.update(found)
            self._give_up(lacking.keys() - found.keys())

    def _is_worth_trying(self, digest: str) -> bool:
        """Whether it is lacking here and was not tried in vain a moment ago: every call of a source would try again."""
        tried_at = self._given_up.get(digest)
        is_fresh = tried_at is not None and self._gate.clock.now() - tried_at < RETRIED_AFTER
        return digest not in self._gate.bundles and not is_fresh

    def _give_up(self, digests: Iterable[str]) -> None:
        now = self._gate.clock.now()
        self._given_up |= {digest: now for digest in digests if self._is_worth_trying(digest)}

    def _compiled(self, digests: Iterable[str], files_of: Callable[[str], Mapping[str, bytes]]) -> dict[str, Bundle]:
        """Each bundle that this version can compile; another, which may be damaged, is reported once."""
        found: dict[str, Bundle] = {}
        for digest in digests:
            try:
                found[digest] = recompiled(self.site, files_of(digest), mac=self._mac)
            except Exception as error:
                if digest not in self._unreadable:
                    at = place_of(error)
                    log.error("bundle_unreadable", bundle=digest[7:19], error=type(error).__name__, at=at)
                self._unreadable.add(digest)
        return found

    def _let_send(self) -> None:
        """Gives the transports the secrets of stored bundles too."""
        if self._transports is not None:
            self._transports.renew(self._secrets(self.site))

    def _secrets(self, site: Site) -> SiteSecrets:
        return self._place.secrets(site, wished=self._secret_names()) if self._transports is not None else NO_SECRETS

    async def _deployed(self, how: Deploy, by: str) -> Deployed:
        """Deploys all but what contradicts its adapter now; an outage keeps nothing from being activated."""
        seen = await self._looked_at()
        refused = {one.system: one.differences for one in seen if one.differences}
        unseen = {one.system: one.failure for one in seen if one.failure}
        for system, differences in refused.items():
            log.error("system_not_activated", system=system, reason="; ".join(map(str, differences)))
        for system, failure in unseen.items():
            log.warning("system_not_seen", system=system, reason=failure)
        bundles = [bundle for bundle in self.site.bundles.values() if bundle.system not in refused]
        packed = {bundle.digest: pack(bundle.files) for bundle in bundles}
        deployed = await how(self._gate, bundles, packed=packed, sources=frozenset(self.site.sources), by=by)
        return replace(deployed, refused=refused, unseen=unseen)

    async def _looked_at(self) -> tuple[Seen, ...]:
        """What can be seen of the systems that are sent to and whose bundle is not the active one yet."""
        rows = await self._gate.writer.read(lambda tx: tx.systems())
        active = {row.active_bundle for row in rows}
        return await look_live(
            self._place, self.site, (b for b in self.site.bundles.values() if b.digest not in active)
        )

    def _secret_names(self) -> frozenset[str]:
        return frozenset(name for bundle in self._gate.bundles.values() for name in bundle.secret_names)


def _settings(config: Config, bundle: Bundle) -> object:
    """All that a configuration says to a stored bundle."""
    return config.system(bundle.system), config.dispatch.lease_margin, config.site.time_zone
