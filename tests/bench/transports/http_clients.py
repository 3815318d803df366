"""Both HTTP clients side by side: requests a second and CPU a request, at 1, 8 and 32 under way.

    python tests/bench/transports/http_clients.py [--seconds 1.0] [--rounds 5]

A raw server in a process of its own answers every POST at once. Rounds are interleaved, so that a machine that is
busy with something else is busy for both; the medians are printed.
"""

from __future__ import annotations

import argparse
import asyncio
import multiprocessing
import resource
import statistics
import time
from dataclasses import dataclass
from multiprocessing.connection import Connection

from syncgate.transports.rest import RestOptions
from syncgate.transports.rest.clients import MakeClient, fast_client, plain_client
from syncgate.transports.rest.http import HttpClient, HttpRequest, HttpResponse, Timeouts

CLIENTS: dict[str, MakeClient] = {"plain": plain_client, "fast": fast_client}
UNDER_WAY = (1, 8, 32)
BODY = b'{"case_no":"SB-0001","name":"' + b"x" * 970 + b'"}'
ANSWER = b'{"code":"200","text":"taken","id":"R-1"}'
REPLY = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(ANSWER) + ANSWER


class _Answering(asyncio.Protocol):
    """Answers as soon as a whole request is there; every request has the same length."""

    connections_count = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.held = b""
        _Answering.connections_count += 1

    def data_received(self, data: bytes) -> None:
        self.held += data
        _, found, rest = self.held.partition(b"\r\n\r\n")
        if found and len(rest) >= len(BODY):
            self.held = b""
            count = b"X-Connections: %d\r\n\r\n" % _Answering.connections_count
            self.transport.write(REPLY.replace(b"\r\n\r\n", b"\r\n" + count, 1))


def _serve(port_to: Connection) -> None:
    async def main() -> None:
        server = await asyncio.get_running_loop().create_server(_Answering, "127.0.0.1", 0)
        port_to.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(main())


@dataclass(frozen=True, slots=True)
class Measured:
    """One round."""

    per_second: float
    cpu_us: float
    connections_count: int


def _connections(answer: HttpResponse) -> int:
    return next(int(value) for name, value in answer.headers if name.lower() == "x-connections")


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


async def measure(client: HttpClient, request: HttpRequest, *, under_way: int, seconds: float) -> Measured:
    """What one client does with so many requests under way; CPU is that of this whole process, threads included."""
    done, connections, until = 0, 0, time.perf_counter() + seconds

    async def worker() -> None:
        nonlocal done, connections
        while time.perf_counter() < until:
            came = await client.request(request)
            assert isinstance(came, HttpResponse) and came.body == ANSWER, came
            connections = max(connections, _connections(came))
            done += 1

    first = await client.request(request)
    assert isinstance(first, HttpResponse), first
    before = _connections(first) - 1
    cpu, began = _cpu(), time.perf_counter()
    await asyncio.gather(*(worker() for _ in range(under_way)))
    took = time.perf_counter() - began
    return Measured(done / took, (_cpu() - cpu) / done * 1e6, connections - before)


async def one_round(name: str, url: str, *, under_way: int, seconds: float) -> Measured:
    """One round with a client of its own."""
    options = RestOptions.model_validate({"base_url": url, "operations": {"push": {"method": "POST", "path": "/"}}})
    client = CLIENTS[name](options, url, Timeouts(connect=3, total=30))
    request = HttpRequest("POST", url + "/cases", (("Content-Type", "application/json"),), BODY)
    try:
        return await measure(client, request, under_way=under_way, seconds=seconds)
    finally:
        await client.aclose()


def main() -> None:
    """Measures and prints a table."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("--seconds", type=float, default=1.0)
    parser.add_argument("--rounds", type=int, default=5)
    asked = parser.parse_args()
    ours, theirs = multiprocessing.Pipe()
    server = multiprocessing.get_context("spawn").Process(target=_serve, args=(theirs,), daemon=True)
    server.start()
    url = f"http://127.0.0.1:{ours.recv()}"
    found: dict[tuple[int, str], list[Measured]] = {}
    try:
        for _ in range(asked.rounds):
            for under_way in UNDER_WAY:
                for name in CLIENTS:
                    measured = asyncio.run(one_round(name, url, under_way=under_way, seconds=asked.seconds))
                    found.setdefault((under_way, name), []).append(measured)
    finally:
        server.kill()
    print(f"{'under way':>9}  {'client':<6} {'req/s':>8} {'CPU us/req':>11} {'connections':>12}")
    for (under_way, name), rounds in found.items():
        rate = statistics.median(one.per_second for one in rounds)
        cpu = statistics.median(one.cpu_us for one in rounds)
        most = max(one.connections_count for one in rounds)
        print(f"{under_way:>9}  {name:<6} {rate:>8.0f} {cpu:>11.0f} {most:>12}")


if __name__ == "__main__":
    main()
