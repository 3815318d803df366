"""A PostgreSQL of the bench's own, which flushes every commit."""

from __future__ import annotations

import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import psycopg

from syncgate.sandbox.play.postgres import Cluster

DATABASE = "bench"
SETTINGS = ("fsync=on", "synchronous_commit=on", "max_connections=100", "shared_buffers=256MB")


@dataclass(frozen=True, slots=True)
class Server:
    """A running server with an empty database."""

    url: str
    pid: int


@contextmanager
def running() -> Iterator[Server]:
    """A server on an empty cluster, stopped and removed at the end. Raises NoPostgres."""
    folder = Path(tempfile.mkdtemp(prefix="syncgate-bench-pg-", dir="/tmp"))
    try:
        cluster = Cluster.made(folder, owner="bench")
        cluster.start(*SETTINGS)
        try:
            with psycopg.connect(cluster.url(), autocommit=True) as connection:
                connection.execute(f"CREATE DATABASE {DATABASE}")
            pid = int((cluster.data / "postmaster.pid").read_text().splitlines()[0])
            yield Server(cluster.url(DATABASE), pid)
        finally:
            cluster.stop()
    finally:
        shutil.rmtree(folder, ignore_errors=True)
