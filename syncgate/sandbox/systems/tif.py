"""The signature filter of a TIF gateway, from the side of the gateway.

Source: `x-tif-*` headers; the signature covers timestamp, token and nonce, not the body.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Mapping

from syncgate.sandbox.systems.fields import as_integer

WINDOW_SECONDS = 180
HEADERS = ("x-tif-paasid", "x-tif-timestamp", "x-tif-nonce", "x-tif-signature")

INCOMPLETE = "鉴权参数不完整，请求不合法。"
WRONG = "鉴权失败，鉴权信息有误。"


def signature(timestamp: str, token: str, nonce: str) -> str:
    """The signature that the gateway expects, in upper-case hexadecimal digits."""
    text = f"{timestamp}{token}{nonce}{timestamp}"
    return hashlib.sha256(text.encode("utf-8", "replace")).hexdigest().upper()


def fault_in(headers: Mapping[str, str], token: str, *, at: float) -> str | None:
    """What the gateway objects to in the headers of a request, None when it lets it pass."""
    paas_id, timestamp, nonce, given = (headers.get(name, "") for name in HEADERS)
    if not (paas_id and timestamp and nonce and given):
        return INCOMPLETE
    seconds = as_integer(timestamp)
    if seconds is None or abs(at - seconds) > WINDOW_SECONDS:
        return WRONG
    wanted = signature(timestamp, token, nonce)
    # The gateway does not mind the case of the digits.
    return None if hmac.compare_digest(given.upper().encode(), wanted.encode()) else WRONG
