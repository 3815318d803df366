"""The live check of a system that speaks HTTP: a connection, and the certificate. Nothing is asked for."""

from __future__ import annotations

import asyncio
import ssl
from contextlib import suppress
from urllib.parse import urlsplit

from syncgate.ports import Probed
from syncgate.transports.rest.options import TlsOptions

_PORTS = {"http": 80, "https": 443}


async def probe(base_url: str, tls: TlsOptions, *, within: float) -> Probed:
    """Whether somebody listens at the address and, with https, has a certificate that is trusted.

    Args:
        base_url: where the system is.
        tls: whom to trust.
        within: seconds.
    """
    at = urlsplit(base_url)
    port = at.port or _PORTS[at.scheme]
    try:
        context = ssl.create_default_context(cafile=tls.ca_file) if at.scheme == "https" else None
        async with asyncio.timeout(within):
            _, writer = await asyncio.open_connection(at.hostname, port, ssl=context)
        writer.close()
        with suppress(OSError, TimeoutError):
            async with asyncio.timeout(within):
                await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        return Probed(failure=_words(error))
    return Probed()


def _words(error: Exception) -> str:
    match error:
        case ssl.SSLCertVerificationError():
            return f"certificate not trusted ({error.verify_message})"
        case ssl.SSLError():
            return "TLS could not be agreed"
        case TimeoutError():
            return "time-out while connecting"
        case OSError() if type(error).__name__ == "gaierror":
            return "name not resolved"
        case _:
            return "connection failed"
