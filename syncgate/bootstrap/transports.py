"""The transports of this process, one a bundle, made when first needed."""

from __future__ import annotations

import asyncio

from syncgate.bootstrap.machine import SystemClock, SystemEntropy
from syncgate.config import SiteSecrets
from syncgate.ports import Transport
from syncgate.site.bundle import Bundle
from syncgate.transports import kinds


class Transports:
    """The transports by bundle; a deploy that changes an address, limits or secrets makes new ones."""

    def __init__(self, bundles: dict[str, Bundle], secrets: SiteSecrets) -> None:
        """Args: bundles: by digest, as the gate keeps them; secrets: of the systems that are sent to."""
        self._bundles = bundles
        self._secrets = secrets
        self._made: dict[str, tuple[Bundle, Transport]] = {}
        self._outdated: list[Transport] = []

    def of(self, digest: str) -> Transport:
        """The transport of a bundle."""
        bundle = self._bundles[digest]
        made, transport = self._made.get(digest, (None, None))
        if transport is None or made is not bundle:
            if transport is not None:
                self._outdated.append(transport)
            transport = self._build(bundle)
            self._made[digest] = (bundle, transport)
        return transport

    def renew(self, secrets: SiteSecrets) -> None:
        """Uses other secrets from now on; what is under way ends with the old ones."""
        if secrets == self._secrets:
            return
        self._secrets = secrets
        self._outdated += [transport for _, transport in self._made.values()]
        self._made.clear()

    async def aclose(self) -> None:
        """Closes them all."""
        made = [*self._outdated, *(transport for _, transport in self._made.values())]
        await asyncio.gather(*(transport.aclose() for transport in made), return_exceptions=True)

    def _build(self, bundle: Bundle) -> Transport:
        return kinds()[bundle.transport].build(
            bundle.options,
            bundle.answers,
            limits=bundle.limits,
            secrets=self._secrets,
            clock=SystemClock(),
            entropy=SystemEntropy(),
            address=bundle.address,
            quirks=bundle.quirks,
        )
