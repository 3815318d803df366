"""Brings a database to this version's schema, from inside the installed package."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.util import CommandError
from sqlalchemy import Connection, Engine, NullPool, create_engine, event, make_url, text

from syncgate.domain.errors import SiteInvalid
from syncgate.storage.engine import SqliteEngine, engine_for

MONTHS_AHEAD = 3
_MIGRATING = 7_305_129
"""Key of the advisory lock that lets one process migrate at a time on PostgreSQL."""


def migrate(url: str) -> None:
    """Brings the database to the newest schema, in one transaction; creates it where there is none.

    On PostgreSQL it also prepares the partitions of the coming months.

    Raises:
        SiteInvalid: the database was written by a newer version, or the address names no engine of ours.
    """
    engine = _engine(url)
    try:
        with engine.begin() as connection:
            _upgrade(connection)
    except CommandError:
        raise SiteInvalid("expected a database of this version or older, got one of a newer version") from None
    finally:
        engine.dispose()


def _upgrade(connection: Connection) -> None:
    is_postgres = connection.dialect.name == "postgresql"
    if is_postgres:
        connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": _MIGRATING})
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent).replace("%", "%%"))
    config.attributes["connection"] = connection
    command.upgrade(config, "head")
    if is_postgres:
        connection.execute(
            text("SELECT create_attempts_partitions((clock_timestamp() AT TIME ZONE 'UTC')::date, :count)"),
            {"count": MONTHS_AHEAD},
        )


def _engine(url: str) -> Engine:
    """An engine of SQLAlchemy's over the store's own way to connect."""
    ours = engine_for(url)
    if not isinstance(ours, SqliteEngine):
        address = make_url(url).set(drivername="postgresql+psycopg")
        return create_engine(address, poolclass=NullPool)
    engine = create_engine("sqlite://", creator=lambda: ours.connect(is_reader=False), poolclass=NullPool)
    event.listen(engine, "begin", _begin_immediate)
    return engine


def _begin_immediate(connection: Any) -> None:
    """The driver itself would begin only before it writes rows, and leave the schema's changes outside."""
    connection.exec_driver_sql("BEGIN IMMEDIATE")
