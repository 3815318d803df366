"""Brings a database to this version's schema."""

from __future__ import annotations

from sqlalchemy import create_engine, make_url

from syncgate.storage.tables import metadata


def migrate(url: str) -> None:
    """Brings the database to the newest schema; creates it where there is none."""
    address = make_url(url)
    if address.get_backend_name() == "postgresql":
        address = address.set(drivername="postgresql+psycopg")
    engine = create_engine(address)
    metadata.create_all(engine)
    engine.dispose()
