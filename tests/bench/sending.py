"""The load generator: a process of its own that posts bodies over kept connections and times the acknowledgements."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection
from typing import Any, cast

import httptools

WITHIN = 600


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What to post, and where.

    Attributes:
        numbers: of the cases to post, each once.
        connections: how many are under way at a time, each over a connection of its own.
        rate: posts a second; 0: as fast as they are answered.
        case_class: of the cases.
    """

    port: int
    path: str
    headers: Mapping[str, str]
    numbers: Sequence[int]
    connections: int = 64
    rate: float = 0.0
    case_class: str = "promised"


@dataclass(frozen=True, slots=True, kw_only=True)
class Sent:
    """What came of a job. Times are those of time.monotonic, which all processes of a machine share.

    Attributes:
        accepted: numbers of the cases that were acknowledged with 2xx.
        refused: how often each other status came.
        waits: seconds from the first byte to the acknowledgement, by acknowledged case in the order of accepted.
        acknowledged_at: when, likewise.
    """

    began_at: float
    ended_at: float
    accepted: list[int] = field(default_factory=list)
    refused: dict[int, int] = field(default_factory=dict)
    waits: list[float] = field(default_factory=list)
    acknowledged_at: list[float] = field(default_factory=list)


class _Poster(asyncio.Protocol):
    """One connection: the next body as soon as an answer is there."""

    def __init__(self, run: _Run) -> None:
        self._run = run
        self._no = -1
        self._began = 0.0
        self.is_idle = True

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # uvloop's transports are no subclass of asyncio's.
        self._transport = cast(asyncio.Transport, transport)

    def post(self, no: int) -> None:
        self._no, self.is_idle = no, False
        self._parser = httptools.HttpResponseParser(self)
        self._began = time.monotonic()
        self._transport.write(self._run.request(no))

    def data_received(self, data: bytes) -> None:
        self._parser.feed_data(data)

    def on_message_complete(self) -> None:
        self.is_idle = True
        self._run.answered(self, self._no, self._parser.get_status_code(), self._began)

    def connection_lost(self, exc: Exception | None) -> None:
        if not self.is_idle:
            self._run.answered(None, self._no, 0, self._began)


class _Run:
    def __init__(self, job: Job) -> None:
        from tests.bench.load import body

        self._job = job
        lines = [f"POST {job.path} HTTP/1.1", f"Host: 127.0.0.1:{job.port}", "Content-Type: application/json"]
        lines += [f"{name}: {value}" for name, value in job.headers.items()]
        head = "\r\n".join(lines).encode() + b"\r\nContent-Length: "
        self._requests = {}
        for no in job.numbers:
            text = body(no, case_class=job.case_class)
            self._requests[no] = b"%b%d\r\n\r\n%b" % (head, len(text), text)
        self._numbers: Iterator[int] = iter(job.numbers)
        self._left = len(job.numbers)
        self._done = asyncio.Event()
        self.sent = Sent(began_at=0.0, ended_at=0.0)

    def request(self, no: int) -> bytes:
        return self._requests[no]

    def answered(self, poster: _Poster | None, no: int, status: int, began: float) -> None:
        now = time.monotonic()
        if 200 <= status < 300:
            self.sent.accepted.append(no)
            self.sent.waits.append(now - began)
            self.sent.acknowledged_at.append(now)
        else:
            self.sent.refused[status] = self.sent.refused.get(status, 0) + 1
        self._left -= 1
        if not self._left:
            self._done.set()
        elif poster is not None and not self._job.rate:
            self._next(poster)

    def _next(self, poster: _Poster) -> None:
        if (no := next(self._numbers, None)) is not None:
            poster.post(no)

    async def run(self, posters: Sequence[_Poster]) -> Sent:
        """Posts everything; once it is over, what came of it."""
        began = time.monotonic()
        if self._job.rate:
            await self._paced(posters, began)
        else:
            for poster in posters:
                self._next(poster)
        async with asyncio.timeout(WITHIN):
            await self._done.wait()
        s = self.sent
        return Sent(
            began_at=began,
            ended_at=max(s.acknowledged_at, default=began),
            accepted=s.accepted,
            refused=s.refused,
            waits=s.waits,
            acknowledged_at=s.acknowledged_at,
        )

    async def _paced(self, posters: Sequence[_Poster], began: float) -> None:
        for place in range(len(self._job.numbers)):
            wait = began + place / self._job.rate - time.monotonic()
            if wait > 0:
                await asyncio.sleep(wait)
            while (free := next((poster for poster in posters if poster.is_idle), None)) is None:
                await asyncio.sleep(0.001)
            self._next(free)


def _work(pipe: Connection) -> None:
    import uvloop

    uvloop.run(_main(pipe))


async def _main(pipe: Connection) -> None:
    job: Job = pipe.recv()
    run, loop = _Run(job), asyncio.get_running_loop()
    posters: list[Any] = []
    for _ in range(min(job.connections, len(job.numbers))):
        _, poster = await loop.create_connection(lambda: _Poster(run), "127.0.0.1", job.port)
        posters.append(poster)
    pipe.send("ready")
    pipe.recv()
    pipe.send(await run.run(posters))


class Sender:
    """A load generator that is ready to begin; its process ends with the job."""

    def __init__(self, job: Job) -> None:
        context = multiprocessing.get_context("spawn")
        self._pipe, theirs = context.Pipe()
        self._process = context.Process(target=_work, args=(theirs,), daemon=True)
        self._process.start()
        theirs.close()
        self._pipe.send(job)
        self._pipe.recv()

    def begin(self) -> None:
        """Lets it post."""
        self._pipe.send("go")

    def result(self) -> Sent:
        """What came of it, once it is over."""
        sent: Sent = self._pipe.recv()
        self._process.join(5)
        return sent


def send(job: Job) -> Sent:
    """What came of a job."""
    sender = Sender(job)
    sender.begin()
    return sender.result()
