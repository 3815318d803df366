"""A few connections for reading, opened when first needed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

from syncgate.domain.errors import StoreUnavailable


class ReadPool:
    """Lends connections; a reader waits while all are out."""

    def __init__(self, connect: Callable[[], Any], is_alive: Callable[[Any], bool], size: int) -> None:
        self._connect = connect
        self._is_alive = is_alive
        self._places = threading.BoundedSemaphore(size)
        self._guard = threading.Lock()
        self._idle: list[Any] = []
        self._is_closed = False

    @contextmanager
    def connection(self) -> Iterator[Any]:
        """A connection of one's own. One that saw the store fail is closed, not lent again."""
        with self._places:
            connection = self._take()
            try:
                yield connection
            except StoreUnavailable:
                _close(connection)
                raise
            except BaseException:
                self._give_back(connection)
                raise
            self._give_back(connection)

    def close(self) -> None:
        """Closes what is idle now, and the rest when it comes back."""
        with self._guard:
            self._is_closed = True
            idle, self._idle = self._idle, []
        for connection in idle:
            _close(connection)

    def _take(self) -> Any:
        with self._guard:
            if self._is_closed:
                raise StoreUnavailable("expected an open store, got one that was closed")
            while self._idle:
                if self._is_alive(connection := self._idle.pop()):
                    return connection
                _close(connection)
        return self._connect()

    def _give_back(self, connection: Any) -> None:
        with self._guard:
            if not self._is_closed:
                self._idle.append(connection)
                return
        _close(connection)


def _close(connection: Any) -> None:
    with suppress(Exception):
        connection.close()
