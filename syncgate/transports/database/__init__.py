"""Rows in a system's own database, such as a front database (前置库)."""

from __future__ import annotations

from syncgate.transports.database.address import check_address
from syncgate.transports.database.options import DatabaseOptions, asks, poll_names, secret_names
from syncgate.transports.database.transport import DatabaseTransport, build
from syncgate.transports.kind import TransportKind

__all__ = ["KIND", "DatabaseOptions", "DatabaseTransport", "build"]

KIND = TransportKind(
    name="database",
    options_model=DatabaseOptions,
    build=build,
    secret_names=secret_names,
    check_address=check_address,
    poll_names=poll_names,
    asks=asks,
    lists=True,
)
