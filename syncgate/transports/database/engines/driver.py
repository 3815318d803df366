"""What the client needs to know of an engine."""

from __future__ import annotations

import os
import socket
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Protocol

from sqlalchemy.engine import URL

from syncgate.transports.database.faults import Said


@dataclass(frozen=True, slots=True)
class Times:
    """Seconds to get a connection, and for the whole request."""

    connect: float
    total: float

    @property
    def engine(self) -> float:
        """How long the engine itself may work: it gives up a little before we do, and then says so."""
        return self.total * 0.8


@dataclass(frozen=True, slots=True)
class Reach:
    """How SQLAlchemy reaches a database."""

    url: URL
    arguments: Mapping[str, Any]


class Driver(Protocol):
    """One engine with its Python driver."""

    def reach(self, url: URL, times: Times) -> Reach:
        """How to connect; the password comes later."""
        ...

    def set_up(self, connection: Any, times: Times) -> None:
        """Makes a new connection strict: nothing is cut, replaced or filled in without an error."""
        ...

    def begin(self, connection: Any, *, is_write: bool) -> None:
        """Begins a transaction where the driver does not do so by itself."""
        ...

    def cut(self, connection: Any) -> None:
        """Ends what a connection is doing, called from another thread."""
        ...

    def read(self, error: BaseException) -> Said | None:
        """What an exception of this driver says; None for what is none of its own."""
        ...


def shut(number: int) -> None:
    """Ends both directions of a socket, whoever waits for it."""
    with suppress(OSError), socket.socket(fileno=os.dup(number)) as copy:
        copy.shutdown(socket.SHUT_RDWR)
