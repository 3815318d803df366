"""Which HTTP client a system is spoken to with."""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from urllib.parse import urlsplit

import structlog

from syncgate.domain.errors import SiteInvalid
from syncgate.transports.rest.http import HttpClient, Timeouts
from syncgate.transports.rest.options import RestOptions
from syncgate.transports.rest.plain import PlainClient

MakeClient = Callable[[RestOptions, str, Timeouts], HttpClient]
"""Makes the HTTP client of one system from its options, its address and its time-outs."""


def make_client(options: RestOptions, base_url: str, timeouts: Timeouts) -> HttpClient:
    """The client that the options ask for; where they ask for none, the fast one if it can be had.

    Raises:
        SiteInvalid: the fast client is asked for and not installed, or the authorities' file cannot be read.
    """
    if options.client == "plain" or options.tls.ca_file is not None:
        return plain_client(options, base_url, timeouts)
    if options.client is None and not has_fast_client():
        return plain_client(options, base_url, timeouts)
    return fast_client(options, base_url, timeouts)


def plain_client(options: RestOptions, base_url: str, timeouts: Timeouts) -> HttpClient:
    """The client on httpx.

    Raises:
        SiteInvalid: the authorities' file cannot be read.
    """
    try:
        is_https = urlsplit(base_url).scheme == "https"
        return PlainClient(timeouts, tls=options.tls, is_https=is_https, connections=options.connections)
    except OSError as error:
        raise SiteInvalid(f"tls.ca_file: expected a PEM file, got {error.strerror or 'something else'}") from None


def fast_client(options: RestOptions, base_url: str, timeouts: Timeouts) -> HttpClient:
    """The client on pyreqwest.

    Raises:
        SiteInvalid: pyreqwest is not installed.
    """
    try:
        from syncgate.transports.rest.fast import FastClient
    except ImportError:
        raise SiteInvalid("client: expected pyreqwest to be installed for fast, got none; plain needs none") from None
    return FastClient(timeouts, connections=options.connections)


@cache
def has_fast_client() -> bool:
    """Whether pyreqwest can be imported; where it cannot, the log says so once."""
    try:
        import syncgate.transports.rest.fast  # noqa: F401
    except ImportError as error:
        log = structlog.get_logger("syncgate.transports")
        log.warning("fast_client_missing", kind="plain", reason=str(error))
        return False
    return True
