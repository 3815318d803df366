"""Looking at the systems before they are spoken to: every one at the same time, none longer than the time for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

import structlog

from syncgate.domain.errors import SiteInvalid
from syncgate.flows.delivering.defects import place_of
from syncgate.ports import Difference, Probed, Probing, Transport
from syncgate.site.bundle import Bundle

log = structlog.get_logger("syncgate.probing")
PROBED_WITHIN: Final = 10.0
"""Seconds for one system, whatever its own time-outs are."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Seen:
    """What the live check of one system showed.

    Attributes:
        differences: where what is there contradicts the adapter.
        failure: why nothing could be seen, without a secret; empty: it could.
        is_asked: False where its transport cannot look.
        seconds: how long it took.
    """

    system: str
    differences: tuple[Difference, ...] = ()
    failure: str = ""
    is_asked: bool = True
    seconds: float = 0.0


async def look_at(
    bundles: Iterable[Bundle], transport_of: Callable[[str], Transport], *, within: float = PROBED_WITHIN
) -> tuple[Seen, ...]:
    """What can be seen of these systems now, by name; nothing is changed there.

    Args:
        bundles: of systems that are sent to.
        transport_of: a bundle's transport, by digest; may raise SiteInvalid.
        within: seconds for each.
    """
    return tuple(await asyncio.gather(*(_look(bundle, transport_of, within) for bundle in _by_name(bundles))))


def _by_name(bundles: Iterable[Bundle]) -> list[Bundle]:
    return sorted(bundles, key=lambda bundle: bundle.system)


async def _look(bundle: Bundle, transport_of: Callable[[str], Transport], within: float) -> Seen:
    begun = time.monotonic()
    probed = await _probed(bundle, transport_of, within)
    if probed is None:
        return Seen(system=bundle.system, is_asked=False)
    taken = time.monotonic() - begun
    return Seen(system=bundle.system, differences=probed.differences, failure=probed.failure, seconds=round(taken, 3))


async def _probed(bundle: Bundle, transport_of: Callable[[str], Transport], within: float) -> Probed | None:
    try:
        transport = transport_of(bundle.digest)
        if not isinstance(transport, Probing):
            return None
        async with asyncio.timeout(within):
            return await transport.probe()
    except TimeoutError:
        return Probed(failure=f"time-out: no end within {within:g} s")
    except SiteInvalid as error:
        return Probed(failure=error.message.replace("\n", "; "))
    except Exception as error:
        log.error("probe_broke", system=bundle.system, error=type(error).__name__, at=place_of(error))
        return Probed(failure=f"the check itself broke ({type(error).__name__})")
