"""The live check of a system that speaks HTTP: somebody listens there, and is who the certificate says."""

from __future__ import annotations

import asyncio
import socket
import ssl
from pathlib import Path

from syncgate.ports import Probed
from syncgate.transports.rest.options import TlsOptions
from syncgate.transports.rest.probe import probe
from tests.integration.transports.authority import make_authority


def probed(*, server: ssl.SSLContext | None = None, ca_file: str | None = None) -> tuple[Probed, list[bytes]]:
    """What a look at a listener shows, and what the listener got."""
    received: list[bytes] = []

    async def listen(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        received.append(await reader.read())
        writer.close()

    async def scenario() -> Probed:
        listener = await asyncio.start_server(listen, "127.0.0.1", 0, ssl=server)
        port = listener.sockets[0].getsockname()[1]
        scheme = "http" if server is None else "https"
        async with listener:
            found = await probe(f"{scheme}://127.0.0.1:{port}/base", TlsOptions(ca_file=ca_file), within=10)
            await asyncio.sleep(0.05)
            return found

    return asyncio.run(scenario()), received


def test_a_listener_is_seen_and_is_asked_for_nothing() -> None:
    found, received = probed()
    assert found.is_as_declared
    assert received in ([], [b""])


def test_a_trusted_certificate_is_well_and_another_is_named(tmp_path: Path) -> None:
    ours = make_authority(tmp_path / "ours")
    found, received = probed(server=ours.server_context(), ca_file=str(ours.ca_file))
    assert found.is_as_declared and received in ([], [b""])
    untrusted, _ = probed(server=ours.server_context())
    assert untrusted.failure.startswith("certificate not trusted (")


def test_nobody_there_is_a_failure_and_no_difference() -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    found = asyncio.run(probe(f"http://127.0.0.1:{port}", TlsOptions(), within=10))
    assert (found.failure, found.differences) == ("connection failed", ())
