"""A process with the proxies of one run: one before the store, one before each system that is spoken to over HTTP."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from tests.crash.nursery import ROOT
from tests.support.cutting_proxy import POSTGRES_COMMIT, CuttingProxy, Upstream

STORE = "store"
_AT = {STORE: POSTGRES_COMMIT}
_ANY_POST = b"POST /"


class Proxies:
    """The proxies, as whoever strikes with them sees them."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._process = subprocess.Popen(
            [sys.executable, "-m", "tests.crash.proxies"],
            cwd=ROOT,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )

    def open(self, name: str, upstream: Upstream) -> int:
        """The port of a new proxy."""
        return int(self._asked(do="open", name=name, upstream=upstream)["port"])

    def refuse(self, name: str, *, is_on: bool) -> None:
        """New connections are reset, or no more."""
        self._asked(do="refuse", name=name, is_on=is_on)

    def delay(self, name: str, seconds: float) -> None:
        """Each packet waits so long from now on."""
        self._asked(do="delay", name=name, seconds=seconds)

    def cut(self, name: str) -> None:
        """Everything that is open is ended now, wherever it stands."""
        self._asked(do="cut", name=name)

    def strike(self, name: str, what: str, times: int) -> None:
        """`times` more: a commit of the store's, a write to a system."""
        self._asked(do="strike", name=name, what=what, times=times)

    def calm(self) -> None:
        """Everything goes through from now on."""
        self._asked(do="calm")

    def lost_at(self) -> list[str]:
        """When an answer of a system may have been lost, each with its time."""
        return list(self._asked(do="lost")["at"])

    def close(self) -> None:
        """Ends them all."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait(10)

    def _asked(self, **what: Any) -> dict[str, Any]:
        assert self._process.stdin is not None and self._process.stdout is not None
        with self._lock:
            self._process.stdin.write(json.dumps(what) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        assert line, "expected the proxies to answer, got their end"
        told: dict[str, Any] = json.loads(line)
        return told


@contextmanager
def proxies() -> Iterator[Proxies]:
    """Proxies that end with the block."""
    made = Proxies()
    try:
        yield made
    finally:
        made.close()


@dataclass
class _Here:
    """The proxies in their own process."""

    by_name: dict[str, CuttingProxy] = field(default_factory=dict)
    lost: list[str] = field(default_factory=list)

    def do(self, what: dict[str, Any]) -> dict[str, Any]:
        match what["do"]:
            case "open":
                return {"port": self._opened(what["name"], what["upstream"])}
            case "lost":
                return {"at": self.lost}
            case "calm":
                for proxy in self.by_name.values():
                    proxy.is_refusing, proxy.delay, proxy.times = False, 0.0, 0
                return {}
            case other:
                self._strike(other, self.by_name[what["name"]], what)
                return {}

    def _strike(self, do: str, proxy: CuttingProxy, what: dict[str, Any]) -> None:
        match do:
            case "refuse":
                proxy.is_refusing = what["is_on"]
            case "delay":
                proxy.delay = what["seconds"]
            case "cut":
                proxy.on_struck()
                proxy.close()
            case "strike":
                at = _AT.get(what["name"], _ANY_POST)
                proxy.strikes(at, what["what"], times=proxy.struck_count + what["times"])

    def _opened(self, name: str, upstream: list[Any] | str) -> int:
        listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        port = int(listener.getsockname()[1])
        proxy = CuttingProxy(upstream if isinstance(upstream, str) else (upstream[0], upstream[1]), port=port)
        proxy.on_struck = lambda: self.lost.append(datetime.now(UTC).isoformat())
        self.by_name[name] = proxy
        threading.Thread(target=proxy.serve, args=(listener,), daemon=True).start()
        return port


def main() -> int:
    """Does what it is told, line by line, until nobody tells it anything."""
    here = _Here()
    for line in sys.stdin:
        print(json.dumps(here.do(json.loads(line))), flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())
