"""Backups of a test's store: taken, and put back in its place, on either engine. Nothing may have it open meanwhile."""

from __future__ import annotations

import sqlite3
import uuid
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

import psycopg
from sqlalchemy.engine import make_url


@dataclass(frozen=True)
class Backup:
    """A copy of the store at this address."""

    url: str
    place: str

    @classmethod
    def of(cls, url: str) -> Backup:
        """The store as it is now."""
        address = make_url(url)
        if address.get_backend_name() == "sqlite":
            place = f"{address.database}.backup"
            _copied(Path(str(address.database)), Path(place))
            return cls(url, place)
        place = f"backup_{uuid.uuid4().hex}"
        _run(url, f"CREATE DATABASE {place} TEMPLATE {address.database}")
        return cls(url, place)

    def put_back(self) -> None:
        """The store is again as it was then; what came after is lost."""
        address = make_url(self.url)
        if address.get_backend_name() == "sqlite":
            for suffix in ("", "-wal", "-shm"):
                Path(f"{address.database}{suffix}").unlink(missing_ok=True)
            _copied(Path(self.place), Path(str(address.database)))
            return
        _run(self.url, f"DROP DATABASE {address.database} WITH (FORCE)")
        _run(self.url, f"CREATE DATABASE {address.database} TEMPLATE {self.place}")

    def drop(self) -> None:
        if make_url(self.url).get_backend_name() != "sqlite":
            _run(self.url, f"DROP DATABASE IF EXISTS {self.place} WITH (FORCE)")


def _copied(source: Path, target: Path) -> None:
    with closing(sqlite3.connect(source)) as one, closing(sqlite3.connect(target)) as other:
        one.backup(other)


def _run(url: str, statement: str) -> None:
    beside = make_url(url).set(database="postgres").render_as_string(hide_password=False)
    with psycopg.connect(beside, autocommit=True) as connection:
        connection.execute(statement)
