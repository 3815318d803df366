"""Identifiers: ours for cases and deliveries, and the stable keys that systems see."""

from __future__ import annotations

import hashlib
from datetime import UTC, datetime, timedelta
from uuid import UUID

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_NAMESPACE_SLOT = b"syncgate:slot:"
_NAMESPACE_SEND = b"syncgate:send:"


def uuid7(now: datetime, random: bytes) -> UUID:
    """A UUIDv7: 48 bits of milliseconds since 1970, then randomness.

    Args:
        now: an aware time.
        random: 10 unpredictable bytes.

    Source: RFC 9562 §5.7.
    """
    milliseconds = (now - _EPOCH) // timedelta(milliseconds=1)
    return _versioned((milliseconds << 80) | int.from_bytes(random[:10], "big"), 7)


def slot_key(case_id: UUID, system: str, message: str, part: str) -> str:
    """Our stable key for a slot at its system: the same for every delivery that fills it."""
    return str(_named(_NAMESPACE_SLOT, case_id.bytes, system, message, part))


def send_key(delivery_id: UUID, revision: int, bundle: str, given_back_no: int | None = None) -> str:
    """The idempotency key of one content: the same for every re-send of it, another for any other content.

    given_back_no: the version that the system gave back; what follows is another sending, also of the same content.
    """
    again = () if given_back_no is None else (str(given_back_no),)
    return str(_named(_NAMESPACE_SEND, delivery_id.bytes, str(revision), bundle, *again))


def _named(namespace: bytes, owner: bytes, *names: str) -> UUID:
    framed = b"".join(len(raw := name.encode()).to_bytes(4, "big") + raw for name in names)
    digest = hashlib.sha256(namespace + owner + framed).digest()
    return _versioned(int.from_bytes(digest[:16], "big"), 8)


def _versioned(value: int, version: int) -> UUID:
    """A UUID of these 128 bits with the version and the variant of RFC 9562 written over them."""
    value = (value & ~(0xF << 76)) | (version << 76)
    return UUID(int=(value & ~(0x3 << 62)) | (0x2 << 62))
