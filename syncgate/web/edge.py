"""The edge of the web server: an end, in bytes and in time, to what a connection sends before it says anything."""

from __future__ import annotations

import asyncio
from typing import Any, Final

from uvicorn.protocols.http.httptools_impl import HttpToolsProtocol

_TOO_LARGE: Final = b"431 Request Header Fields Too Large"
_TOO_SLOW: Final = b"408 Request Timeout"


class BoundedProtocol(HttpToolsProtocol):
    """uvicorn's protocol, which bounds neither heads nor trailers, with bounds.

    Attributes:
        silent_limit: bytes that may come without ending a head or carrying a piece of a body: a head, trailers, a
            chunk's extensions. What came at once with them may exceed it.
        head_within: seconds for the head of a request, from its first byte, or from the connection's beginning.
        read_within: seconds for which more may wait to be read than the connection should hold. More than a batch
            waits for its caller, whose answer is closed by then: what nobody reads would keep it from ending.
    """

    silent_limit = 64 * 1024
    head_within = 30.0
    read_within = 75.0

    def __init__(self, *args: Any, **more: Any) -> None:
        super().__init__(*args, **more)
        self._silent_size = 0
        self._is_in_head = True
        self._head_timer: asyncio.TimerHandle | None = None
        self._read_timer: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begins to wait for the first head."""
        super().connection_made(transport)
        self._wait_for_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """Ends the waiting."""
        self._stop_waiting()
        self._stop_holding()
        super().connection_lost(exc)

    def pause_writing(self) -> None:
        """More waits to be read than should; begins to count for how long."""
        super().pause_writing()
        self._stop_holding()
        self._read_timer = self.loop.call_later(self.read_within, self.transport.abort)

    def resume_writing(self) -> None:
        """The other side reads."""
        self._stop_holding()
        super().resume_writing()

    def data_received(self, data: bytes) -> None:
        """Reads on, within the bounds."""
        self._silent_size += len(data)
        super().data_received(data)
        if self.transport.is_closing():
            return
        if self._silent_size > self.silent_limit:
            self._refuse(_TOO_LARGE)
        elif self._is_in_head and self._head_timer is None:
            self._wait_for_head()

    def on_message_begin(self) -> None:
        """A head begins."""
        super().on_message_begin()
        self._is_in_head = True

    def on_header(self, name: bytes, value: bytes) -> None:
        """Notes a header; trailers say nothing that we need, and uvicorn would add them to the headers."""
        if self._is_in_head:
            super().on_header(name, value)

    def on_headers_complete(self) -> None:
        """The head is whole."""
        self._silent_size, self._is_in_head = 0, False
        self._stop_waiting()
        super().on_headers_complete()

    def on_body(self, body: bytes) -> None:
        """A piece of the body."""
        self._silent_size = 0
        super().on_body(body)

    def on_message_complete(self) -> None:
        """The request is whole."""
        self._silent_size = 0
        super().on_message_complete()

    def _wait_for_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_within, self._head_is_late)

    def _stop_waiting(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _stop_holding(self) -> None:
        if self._read_timer is not None:
            self._read_timer.cancel()
            self._read_timer = None

    def _head_is_late(self) -> None:
        if self.transport.is_closing():
            return
        if self._is_answering():
            self._wait_for_head()
        else:
            self._refuse(_TOO_SLOW)

    def _is_answering(self) -> bool:
        return self.cycle is not None and not self.cycle.response_complete

    def _refuse(self, status: bytes) -> None:
        """Says why where no answer is under way, and closes."""
        if not self._is_answering():
            self.transport.write(b"HTTP/1.1 %s\r\nconnection: close\r\ncontent-length: 0\r\n\r\n" % status)
        self.transport.close()
