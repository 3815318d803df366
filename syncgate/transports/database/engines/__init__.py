"""What differs between the engines: how they are reached and set up, what their errors mean, how they are cut off."""

from __future__ import annotations

from syncgate.transports.database.address import Engine
from syncgate.transports.database.engines.driver import Driver, Reach, Times
from syncgate.transports.database.engines.mysql import MySQL
from syncgate.transports.database.engines.postgresql import PostgreSQL
from syncgate.transports.database.engines.sqlite import SQLite

__all__ = ["Driver", "Reach", "Times", "driver_of"]


def driver_of(engine: Engine) -> Driver:
    """The driver for one engine."""
    match engine:
        case "sqlite":
            return SQLite()
        case "postgresql":
            return PostgreSQL()
        case "mysql":
            return MySQL()
