"""The simulated systems within this process: the gate's own transports ask them without a socket."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from syncgate.config import SiteSecrets
from syncgate.ports import Clock, Entropy, Transport
from syncgate.sandbox.ledger import Ledger
from syncgate.sandbox.server import Send
from syncgate.sandbox.simulator import ALTERED, TYPED, Simulator
from syncgate.sandbox.systems import BASES, build, frontdb
from syncgate.sandbox.systems.frontdb_engines import Connection, copied
from syncgate.sandbox.systems.frontdb_sqlite import SQLiteFront
from syncgate.sandbox.systems.interface import System
from syncgate.sandbox.wire import Request
from syncgate.site.bundle import Bundle
from syncgate.transports import kinds
from syncgate.transports.rest.http import HttpFailure, HttpRequest, HttpResponse
from tests.reconcile_proof.slots import Spot

Json = Any


@dataclass(slots=True)
class Counter:
    """An HTTP client whose requests are answered here, all of one turn of the loop with one commit of the ledger.

    lost: tells of a request whether its true answer is withheld: the system acted, and nobody hears of it.
    """

    simulator: Simulator
    lost: Callable[[HttpRequest], bool] = lambda request: False
    _waiting: list[tuple[HttpRequest, asyncio.Future[HttpResponse]]] = field(default_factory=list)

    async def request(self, request: HttpRequest) -> HttpResponse | HttpFailure:
        """The system's own answer."""
        loop = asyncio.get_running_loop()
        if not self._waiting:
            loop.call_later(0.001, self._answer)
        coming: asyncio.Future[HttpResponse] = loop.create_future()
        self._waiting.append((request, coming))
        answer = await coming
        return HttpFailure(True, "connection closed before the answer was whole") if self.lost(request) else answer

    async def aclose(self) -> None:
        """Nothing is open."""

    def _answer(self) -> None:
        waiting, self._waiting = self._waiting, []
        deeds = self.simulator.answer([_asked(request) for request, _ in waiting])
        for (_, coming), deed in zip(waiting, deeds, strict=True):
            assert isinstance(deed, Send)
            coming.set_result(_answered(deed.data))


def _asked(request: HttpRequest) -> Request:
    url = urlsplit(request.url)
    headers = {name.lower(): value for name, value in request.headers}
    return Request(request.method, url.path, url.query, headers, request.body)


def _answered(data: bytes) -> HttpResponse:
    head, _, body = data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = (line.partition(": ") for line in lines[1:])
    return HttpResponse(int(lines[0].split(" ")[1]), tuple((name, value) for name, _, value in headers), body)


@dataclass(frozen=True, slots=True)
class Inside:
    """The systems at work in this process."""

    folder: Path
    systems: Mapping[str, System]
    counters: Mapping[str, Counter]
    front: frontdb.FrontDb

    def held(self, spot: Spot) -> Json:
        """The record that a system holds in a place, None where it holds none; of the front database all its rows."""
        if spot.system == frontdb.NAME:
            return self._rows(spot)
        text = next(iter(self._texts(spot)), None)
        return None if text is None else json.loads(text)

    def count(self, spot: Spot) -> int:
        """How often a system holds the record of a place."""
        return len(self._rows(spot) if spot.system == frontdb.NAME else self._texts(spot))

    def _texts(self, spot: Spot) -> list[str]:
        system: Any = self.systems[spot.system]
        if spot.system == "province":
            place = (spot.operation, spot.key, spot.part)
            return [c.record for c in system.records() if (c.operation, c.key, c.part) == place]
        return system._holdings.texts(spot.key, spot.part)  # type: ignore[no-any-return]

    def alter(self, system: str, *alterations: Mapping[str, Any]) -> None:
        """Alters records behind the gate's back. Raises ValueError where one of them cannot be made."""
        body = json.dumps({"alterations": alterations}, ensure_ascii=False).encode()
        (deed,) = self.counters[system].simulator.answer([Request("POST", ALTERED, "", {}, body)])
        assert isinstance(deed, Send)
        said = json.loads(_answered(deed.data).body)
        if said.get("refused") or "altered" not in said:
            raise ValueError(f"expected alterations that can be made, got {said}")

    def export(self, file: Path) -> None:
        """Has province's back office write down what it holds, as a workbook."""
        (deed,) = self.counters["province"].simulator.answer([Request("GET", "/_sandbox/export", "format=xlsx")])
        assert isinstance(deed, Send)
        file.parent.mkdir(exist_ok=True)
        file.write_bytes(_answered(deed.data).body)

    def type_in(self, value: Json) -> None:
        """Has one of food's clerks type a record in. Raises ValueError where food refuses it."""
        body = json.dumps(value, ensure_ascii=False).encode()
        (deed,) = self.counters["food"].simulator.answer([Request("POST", TYPED, "", {}, body)])
        assert isinstance(deed, Send)
        if _answered(deed.data).status not in (200, 201):
            raise ValueError(f"expected a record that food takes, got {_answered(deed.data).body.decode()}")

    def run_front(self, *statements: tuple[str, tuple[Any, ...]]) -> None:
        """Changes rows of the front database behind the gate's back, all in one transaction."""
        with self._front() as connection, connection.transaction():
            for sql, values in statements:
                connection.run(sql, *values)

    def _rows(self, spot: Spot) -> list[dict[str, Any]]:
        names = copied(spot.operation)
        with self._front() as connection:
            sql = f"SELECT {', '.join(names)} FROM {spot.operation} WHERE row_guid = ? ORDER BY id"
            return [dict(zip(names, row, strict=True)) for row in connection.run(sql, spot.key)]

    @contextlib.contextmanager
    def _front(self) -> Iterator[Connection]:
        raw = frontdb.sqlite_connection(self.folder / f"{frontdb.NAME}.db")
        with contextlib.closing(Connection(raw, SQLiteFront())) as connection:
            yield connection

    def transport(self, bundle: Bundle, *, secrets: SiteSecrets, clock: Clock, entropy: Entropy) -> Transport:
        """The bundle's own transport; only the socket is another."""
        make: Any = kinds()[bundle.transport].build
        if bundle.system in self.counters:
            make = partial(make, make_client=lambda *_: self.counters[bundle.system])
        transport: Transport = make(
            bundle.options,
            bundle.answers,
            limits=bundle.limits,
            secrets=secrets,
            clock=clock,
            entropy=entropy,
            address=bundle.address,
            quirks=bundle.quirks,
        )
        return transport


@contextlib.contextmanager
def systems_inside(folder: Path, *, clock: Callable[[], float]) -> Iterator[Inside]:
    """The systems with the stores of a folder, until the block ends."""
    with contextlib.ExitStack() as stack:
        systems = {name: build(name, env={}) for name in BASES}
        counters = {}
        for name, system in systems.items():
            ledger = stack.enter_context(contextlib.closing(Ledger(folder / f"{name}.sqlite")))
            counters[name] = Counter(Simulator(system, ledger=ledger, clock=clock))
        yield Inside(folder, systems, counters, stack.enter_context(frontdb.served_front(folder, clock=clock)))
