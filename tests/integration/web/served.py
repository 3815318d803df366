"""Serves a gate in a thread with a loop of its own, and speaks with it over a socket."""

from __future__ import annotations

import asyncio
import os
import socket
import threading
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, TypeVar

import httpx
import uvicorn

from syncgate.domain.rows import SystemRow
from syncgate.flows.delivering.hand_over import HandOver
from syncgate.flows.gate import Gate
from syncgate.flows.operating import people
from syncgate.flows.operating.people import KeyWish
from syncgate.ports.store import Step
from syncgate.storage import GroupWriter, SiteKeyring, SqlStore
from syncgate.web import WebSettings, create_app
from syncgate.web.edge import BoundedProtocol
from syncgate.web.flows import Flows
from tests.integration.web.truth import Truth
from tests.support.rows import SetClock
from tests.unit.web.sample import schema

T = TypeVar("T")
LOCAL_TOKEN = "local-token-of-a-test"
BODY_LIMIT = 64 * 1024
SETTINGS = WebSettings(body_limit=BODY_LIMIT, local_token=LOCAL_TOKEN)
SOURCES = ("window", "hall")
_ALONE = httpx.Limits(max_keepalive_connections=0)
_TRUTHS: dict[int, Truth] = {}


class RealEntropy:
    """Unpredictable bytes."""

    def token(self, size: int) -> bytes:
        return os.urandom(size)

    def draw(self) -> float:
        return 0.5


@dataclass
class Served:
    """One running gate."""

    gate: Gate
    app: Any
    base: str
    loop: asyncio.AbstractEventLoop
    clock: SetClock
    client: httpx.Client
    truth: Truth
    """Every answer is held against the OpenAPI document."""
    ending: threading.Event
    """Set: the process is about to end."""

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        """Runs a coroutine on the gate's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(20)

    def write(self, step: Step[T]) -> T:
        return self.run(self.gate.writer.write(step))

    def read(self, step: Step[T]) -> T:
        return self.run(self.gate.writer.read(step))

    def key(self, role: str = "source", *, name: str = "tester", **scopes: Any) -> str:
        """A fresh key."""
        if role == "source":
            scopes.setdefault("sources", ("window",))
        wish = KeyWish(name=name, role=role, **scopes)
        return self.run(people.create_key(self.gate, wish, by="test")).key

    def call(self, method: str, path: str, *, key: str | None = None, **options: Any) -> httpx.Response:
        """One request on a connection of its own."""
        headers = dict(options.pop("headers", {}))
        if key is not None:
            headers.setdefault("Authorization", f"Bearer {key}")
        answer = self.client.request(method, path, headers=headers, **options)
        self.truth.check(method, path, answer)
        return answer


@contextmanager
def serving(
    store: SqlStore,
    keyring: SiteKeyring,
    clock: SetClock,
    *,
    flows: Flows | None = None,
    deploy: Any = None,
    wrap: Callable[[Any], Any] = lambda writer: writer,
    settings: WebSettings = SETTINGS,
    http: type[BoundedProtocol] = BoundedProtocol,
) -> Iterator[Served]:
    """A gate served on a free port of the loopback until the block ends.

    Args:
        store, keyring, clock: what the gate stands on.
        flows: put in place of the real ones.
        deploy: activates a site's folder.
        wrap: makes another writer of the real one, such as one that fails.
        settings: limits and habits.
        http: the web server's protocol.
    """
    store.write([_with_sources])
    writer = GroupWriter(store)
    gate = Gate(
        hand_over=HandOver("tester"),
        writer=wrap(writer),
        keyring=keyring,
        clock=clock,
        entropy=RealEntropy(),
        schema=schema(),
        bundles={},
        active={},
        sources=frozenset(SOURCES),
        on_due=lambda systems: None,
    )
    ending = threading.Event()
    app = create_app(gate, settings, flows=flows, deploy=deploy, is_ending=ending.is_set)
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_config=None, access_log=False, lifespan="off", http=http)
    server, ready = uvicorn.Server(config), threading.Event()
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=_serve, args=(loop, server, listener, ready))
    thread.start()
    ready.wait(10)
    try:
        port = listener.getsockname()[1]
        base = f"http://127.0.0.1:{port}"
        with httpx.Client(base_url=base, timeout=20, verify=False, trust_env=False, limits=_ALONE) as client:
            truth = _truth(app)
            yield Served(
                gate=gate, app=app, base=base, loop=loop, clock=clock, client=client, truth=truth, ending=ending
            )
    finally:
        server.should_exit = True
        thread.join(10)
        writer.close()
        listener.close()


def _truth(app: Any) -> Truth:
    """Made once for all apps with the same number of routes, because it takes a while."""
    count = len(app.routes)
    if count not in _TRUTHS:
        _TRUTHS[count] = Truth(app.openapi())
    return _TRUTHS[count]


def _with_sources(tx: Any) -> None:
    for name in SOURCES:
        tx.save_system(SystemRow(system=name, is_source=True))


def _serve(
    loop: asyncio.AbstractEventLoop, server: uvicorn.Server, listener: socket.socket, ready: threading.Event
) -> None:
    asyncio.set_event_loop(loop)

    async def serve() -> None:
        serving = asyncio.create_task(server.serve(sockets=[listener]))
        while not server.started:
            await asyncio.sleep(0.01)
        ready.set()
        await serving

    loop.run_until_complete(serve())
    loop.close()
