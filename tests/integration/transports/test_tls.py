"""Whom the HTTP clients trust."""

from __future__ import annotations

import asyncio
import ssl
import sys
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from syncgate.domain.errors import SiteInvalid
from syncgate.domain.outcome import Answer, Outcome
from syncgate.transports.rest import RestOptions, clients
from syncgate.transports.rest.clients import MakeClient, fast_client, make_client, plain_client
from syncgate.transports.rest.fast import FastClient
from syncgate.transports.rest.http import Timeouts
from syncgate.transports.rest.plain import PlainClient
from tests.integration.transports.authority import Authority, make_authority
from tests.integration.transports.scripted import Scripted, answers, scripted
from tests.integration.transports.speaking import CLIENTS, REQUEST, TAKEN, made

TIMEOUTS = Timeouts(connect=1.0, total=2.0)


@pytest.fixture
def ours(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """The authority that this machine trusts."""
    authority = make_authority(tmp_path / "ours")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority.ca_file))
    return authority


@pytest.fixture
def other(tmp_path: Path) -> Authority:
    """An authority that this machine does not trust."""
    return make_authority(tmp_path / "other")


def send(make: MakeClient, shown: ssl.SSLContext, **more: Any) -> tuple[Answer, Scripted]:
    async def scenario() -> tuple[Answer, Scripted]:
        server = Scripted([answers(200, TAKEN)])
        listener = await asyncio.start_server(server.serve, "127.0.0.1", 0, ssl=shown)
        port = listener.sockets[0].getsockname()[1]
        transport = made(make, f"https://127.0.0.1:{port}/base", **more)
        answer = await transport.send(REQUEST)
        await transport.aclose()
        listener.close()
        await server.stop()
        return answer, server

    return asyncio.run(scenario())


def assert_unsent(answer: Answer, server: Scripted, note: str) -> None:
    assert (answer.outcome, answer.rule, answer.evidence.sent) == (Outcome.UNAVAILABLE, "not_sent", None)
    assert note in answer.evidence.note
    assert not server.seen


def test_a_certificate_of_an_authority_of_this_machine_is_trusted(ours: Authority, make_client: MakeClient) -> None:
    answer, _ = send(make_client, ours.server_context())
    assert answer.outcome is Outcome.TAKEN


@pytest.mark.usefixtures("ours")
def test_a_certificate_of_an_unknown_authority_is_not_trusted(other: Authority, make_client: MakeClient) -> None:
    assert_unsent(*send(make_client, other.server_context()), note="certificate not trusted")


def test_a_certificate_of_another_host_is_not_trusted(ours: Authority, make_client: MakeClient) -> None:
    assert_unsent(*send(make_client, ours.server_context("elsewhere.invalid")), note="certificate not trusted")


def test_a_certificate_of_yesterday_is_not_trusted(ours: Authority, make_client: MakeClient) -> None:
    assert_unsent(*send(make_client, ours.server_context(expired=True)), note="certificate not trusted")


@pytest.mark.filterwarnings("ignore:ssl.TLSVersion")
def test_tls_of_long_ago_is_not_spoken(ours: Authority, make_client: MakeClient) -> None:
    shown = ours.server_context()
    shown.set_ciphers("ALL:@SECLEVEL=0")
    shown.minimum_version = shown.maximum_version = ssl.TLSVersion.TLSv1_1
    assert_unsent(*send(make_client, shown), note="connection failed")


def test_a_file_of_authorities_replaces_those_of_the_machine(ours: Authority, other: Authority) -> None:
    tls = {"tls": {"ca_file": str(other.ca_file)}}
    answer, _ = send(make_client, other.server_context(), **tls)
    assert answer.outcome is Outcome.TAKEN
    assert_unsent(*send(make_client, ours.server_context(), **tls), note="certificate not trusted")


def test_something_else_than_tls_is_unavailable(make_client: MakeClient) -> None:
    async def garbage(connection: Any) -> bool:
        await connection.reader.read(1)
        await connection.write(b"HTTP/1.1 400 Bad Request\r\n\r\n")
        return False

    async def scenario() -> tuple[Answer, Scripted]:
        async with scripted(garbage) as server:
            transport = made(make_client, server.url.replace("http:", "https:"))
            answer = await transport.send(REQUEST)
            await transport.aclose()
            return answer, server

    assert_unsent(*asyncio.run(scenario()), note="connection failed")


def options(**more: Any) -> RestOptions:
    operations = {"push": {"method": "POST", "path": "/"}}
    return RestOptions.model_validate({"base_url": "https://h", "operations": operations} | more)


def test_the_client_is_the_fast_one_unless_the_adapter_says_otherwise(other: Authority) -> None:
    assert isinstance(make_client(options(), "https://h", TIMEOUTS), FastClient)
    assert isinstance(make_client(options(client="fast"), "https://h", TIMEOUTS), FastClient)
    assert isinstance(make_client(options(client="plain"), "https://h", TIMEOUTS), PlainClient)
    tls = {"ca_file": str(other.ca_file)}
    assert isinstance(make_client(options(tls=tls), "https://h", TIMEOUTS), PlainClient)


def test_without_the_library_the_plain_client_speaks_and_the_log_says_so(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "syncgate.transports.rest.fast", None)
    clients.has_fast_client.cache_clear()
    try:
        with capture_logs() as said:
            made_twice = [make_client(options(), "https://h", TIMEOUTS) for _ in range(2)]
            assert all(isinstance(one, PlainClient) for one in made_twice)
            with pytest.raises(SiteInvalid, match="pyreqwest"):
                make_client(options(client="fast"), "https://h", TIMEOUTS)
    finally:
        clients.has_fast_client.cache_clear()
    assert [entry["event"] for entry in said].count("fast_client_missing") == 1


def test_a_file_of_authorities_that_cannot_be_read_does_not_load() -> None:
    with pytest.raises(SiteInvalid, match=r"tls\.ca_file"):
        make_client(options(tls={"ca_file": "/nowhere/ca.pem"}), "https://h", TIMEOUTS)


def test_both_clients_are_in_the_suite() -> None:
    assert set(CLIENTS.values()) == {plain_client, fast_client}
