"""A webhook, signed as the Standard Webhooks specification says (https://www.standardwebhooks.com, 1.0.0)."""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass, field
from typing import Final

import httpx
import orjson

from syncgate.telling.message import Message, NotTold

_WITHIN: Final = httpx.Timeout(10.0, connect=5.0)
_PREFIX: Final = "whsec_"
_PASSING: Final = frozenset({408, 425, 429})


@dataclass(frozen=True, slots=True)
class Webhook:
    """Posts a message as JSON.

    Attributes:
        url: where to. secret: `whsec_` with Base64, or any text, which is then taken as UTF-8.
    """

    url: str
    secret: str = field(repr=False)
    name: str = "webhook"

    async def tell(self, message: Message) -> None:
        """Returns once the receiver answered 2xx; a redirection is none. Raises NotTold."""
        body = orjson.dumps({"type": "alert", "timestamp": message.at.isoformat(), "data": dict(message.facts)})
        stamp = str(int(message.at.timestamp()))
        headers = {
            "Content-Type": "application/json",
            "webhook-id": message.message_id,
            "webhook-timestamp": stamp,
            "webhook-signature": signature(self.secret, message.message_id, stamp, body),
        }
        try:
            async with httpx.AsyncClient(trust_env=False, timeout=_WITHIN, follow_redirects=False) as client:
                answer = await client.post(self.url, content=body, headers=headers)
        except httpx.TransportError as error:
            raise NotTold(type(error).__name__) from None
        if not answer.is_success:
            is_passing = answer.status_code >= 500 or answer.status_code in _PASSING
            raise NotTold(f"status_{answer.status_code}", is_passing=is_passing)


def signature(secret: str, message_id: str, stamp: str, body: bytes) -> str:
    """`v1,` and the HMAC-SHA256 of id, time and body in Base64."""
    signed = f"{message_id}.{stamp}.".encode() + body
    return "v1," + base64.b64encode(hmac.new(_key(secret), signed, hashlib.sha256).digest()).decode()


def _key(secret: str) -> bytes:
    if secret.startswith(_PREFIX):
        try:
            return base64.b64decode(secret.removeprefix(_PREFIX), validate=True)
        except binascii.Error:
            pass
    return secret.encode("utf-8")
