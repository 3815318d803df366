"""A source's list on a real socket: pages behind a cursor, and whatever a test wants to go wrong."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.integration.sources.polled import COLUMNS, row


def record(no: int, **more: Any) -> dict[str, Any]:
    """What the list says of one case."""
    return dict(zip(COLUMNS, row(no), strict=True)) | more


@dataclass
class SourceList:
    """The list. faults: answers that come instead, in order; asked: the parameters of each request."""

    records: list[Any]
    url: str = ""
    faults: list[tuple[int, bytes, dict[str, str]]] = field(default_factory=list)
    asked: list[dict[str, str]] = field(default_factory=list)
    is_circle: bool = False

    def answer(self, target: str) -> tuple[int, bytes, dict[str, str]]:
        asked = {name: values[0] for name, values in parse_qs(urlsplit(target).query).items()}
        self.asked.append(asked)
        if self.faults:
            return self.faults.pop(0)
        begin, size = int(asked.get("cursor", "0")), int(asked["limit"])
        items = self.records[begin : begin + size]
        is_more = begin + size < len(self.records)
        following = str(begin + size) if is_more else "0" if self.is_circle else None
        return 200, json.dumps({"data": {"items": items, "next": following}}).encode(), {}

    @property
    def cursors(self) -> list[str]:
        """What each page was asked with; empty: from the beginning."""
        return [one.get("cursor", "") for one in self.asked]


@contextmanager
def a_list(*records: Any) -> Iterator[SourceList]:
    """A running list with these records."""
    made = SourceList(list(records))

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            status, body, headers = made.answer(self.path)
            self.send_response(status)
            for name, value in ({"Content-Type": "application/json"} | headers).items():
                self.send_header(name, value)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, format: str, *args: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    made.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield made
    finally:
        server.shutdown()
        server.server_close()
        thread.join(10)
