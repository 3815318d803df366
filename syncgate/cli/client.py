"""How the command line reaches a site's gate: the one that serves it, else one opened under the store's lock."""

from __future__ import annotations

import asyncio
import secrets
import socket
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final, TypeVar
from urllib.parse import urlsplit

import httpx

from syncgate.cli.announcement import Serving, find, serve_file
from syncgate.cli.context import CallFailed, Invocation
from syncgate.cli.speech import spoken

T = TypeVar("T")
_TIMEOUT: Final = 60.0


def exchange(
    invocation: Invocation, act: Callable[[httpx.AsyncClient], Awaitable[T]], *, is_reconciling: bool = False
) -> T:
    """One exchange with the site's gate. Raises CallFailed where it does not answer.

    is_reconciling: whether a gate of this process works on runs of reconciliation, too.
    """

    async def run() -> T:
        async with _gate_client(invocation, is_reconciling=is_reconciling) as client:
            return await act(client)

    try:
        return asyncio.run(run())
    except httpx.TransportError as error:
        raise CallFailed("expected the gate to answer, got {error}", error=type(error).__name__) from None


class ServingTransport(httpx.AsyncBaseTransport):
    """Sends to the gate that serves the site now: after a restart, to its new address under its new token."""

    def __init__(self, file: Path) -> None:
        """Args: file: where the gate announces itself."""
        self._file = file
        self._below = httpx.AsyncHTTPTransport(trust_env=False)

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """The gate's answer. Raises httpx.ConnectError where none serves the site."""
        serving = find(self._file)
        if serving is None:
            raise httpx.ConnectError("expected a gate that serves the site, got none", request=request)
        url = httpx.URL(serving.address)
        request.url = request.url.copy_with(scheme=url.scheme, host=url.host, port=url.port)
        request.headers["Host"] = url.netloc.decode("ascii")
        request.headers["Authorization"] = f"Bearer {serving.token}"
        return await self._below.handle_async_request(request)

    async def aclose(self) -> None:
        """Closes the connections."""
        await self._below.aclose()


@asynccontextmanager
async def _gate_client(invocation: Invocation, *, is_reconciling: bool) -> AsyncIterator[httpx.AsyncClient]:
    file = serve_file(invocation)
    serving = find(file)
    if serving is None or not _answers(serving):
        async with _own_gate(invocation, is_reconciling=is_reconciling) as client:
            yield client
        return
    async with _client(ServingTransport(file)) as client:
        yield client


@asynccontextmanager
async def _own_gate(invocation: Invocation, *, is_reconciling: bool) -> AsyncIterator[httpx.AsyncClient]:
    """A gate of this process, which plans and sends nothing; the store's lock keeps any other out."""
    from syncgate.bootstrap import open_store, running_gate
    from syncgate.cli.serving import application
    from syncgate.telemetry import configure

    configure(level="warning", form="console")
    token = secrets.token_urlsafe(32)
    config = invocation.config()
    with open_store(invocation.place, config, writer="cli") as opened:
        async with running_gate(
            invocation.place, opened, is_dispatching=False, is_reconciling=is_reconciling
        ) as running:
            transport = httpx.ASGITransport(application(running, config, token))
            async with _client(transport, {"Authorization": f"Bearer {token}"}) as client:
                yield client


def _client(transport: httpx.AsyncBaseTransport, headers: dict[str, str] | None = None) -> httpx.AsyncClient:
    said_in = {"Accept-Language": spoken(), **(headers or {})}
    return httpx.AsyncClient(
        transport=transport, base_url="http://syncgate", headers=said_in, timeout=_TIMEOUT, trust_env=False
    )


def _answers(serving: Serving) -> bool:
    """Whether somebody listens there: a process id may have been taken by another program since."""
    at = urlsplit(serving.address)
    try:
        with socket.create_connection((at.hostname or "", at.port or 80), timeout=5):
            return True
    except OSError:
        return False
