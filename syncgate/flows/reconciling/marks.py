"""Marks: the keyed digests by which reconciliation knows a delivery again in what its system lists."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, Final

import structlog

from syncgate.domain.rows import Delivery
from syncgate.flows.delivering.defects import place_of
from syncgate.flows.delivering.work import Marks
from syncgate.ports import Keyring
from syncgate.site.bundle import Bundle
from syncgate.site.readback import ReadListing

log = structlog.get_logger("syncgate.reconcile")
Json = Any
NOTHING: Final = bytes(16)
"""The digest of a record's content where none of it is compared."""


def key_mac(keyring: Keyring, *, system: str, listing: str, key: str) -> bytes:
    """The digest of a reference under which a listing shows a record."""
    return key_macs(keyring, system=system, listing=listing)(key.encode())


def key_macs(keyring: Keyring, *, system: str, listing: str) -> Callable[[bytes], bytes]:
    """What gives the digests of the references of one listing."""
    return keyring.mac_of_last("held_key", system.encode(), listing.encode())


def content_mac(keyring: Keyring, *, profile: str, content: bytes) -> bytes:
    """The digest of what is compared of a payload or a record."""
    return content_macs(keyring, profile=profile)(content)


def content_macs(keyring: Keyring, *, profile: str) -> Callable[[bytes], bytes]:
    """What gives the digests of what is compared under one profile."""
    return keyring.mac_of_last("held", profile.encode())


def listing_of(bundle: Bundle, delivery: Delivery) -> ReadListing | None:
    """Where the record of a delivery is listed; None where it is not, and for a taking back that leaves none."""
    if bundle.readback is None or bundle.payload_of(delivery) is None:
        return None
    return bundle.readback.listing_of(delivery.message)


def marks_of(
    keyring: Keyring, bundle: Bundle, delivery: Delivery, *, keys: Callable[[], Mapping[str, str]], payload: Json
) -> Marks | None:
    """The marks of a payload under this bundle; None where its system is not read back, or it bears no key yet.

    Args:
        keyring: of the site.
        bundle: that made the payload.
        delivery: whose payload it is.
        keys: gives the request's keys; asked only where they are needed.
        payload: as it leaves.
    """
    listing = listing_of(bundle, delivery)
    if listing is None:
        return None
    try:
        return marks_in(keyring, delivery.system, listing, delivery.message, keys=keys(), payload=payload)
    except Exception as error:
        log.error("marks_broke", system=delivery.system, error=type(error).__name__, at=place_of(error))
        return None


def marks_in(
    keyring: Keyring, system: str, listing: ReadListing, message: str, *, keys: Mapping[str, str], payload: Json
) -> Marks | None:
    """The marks under one listing's rules."""
    key = listing.key_of_ours(keys, payload)
    if key is None:
        return None
    comparison = listing.comparisons.get(message)
    mac = NOTHING
    if comparison is not None and isinstance(payload, Mapping):
        mac = content_mac(keyring, profile=listing.profile, content=comparison.of_payload(payload))
    return Marks(key=key_mac(keyring, system=system, listing=listing.name, key=key), mac=mac)
