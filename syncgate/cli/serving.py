"""`syncgate serve`: the gate as a process."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncgate.cli.context import Invocation
from syncgate.cli.output import AsJson, note, show
from syncgate.domain.errors import SyncgateError

if TYPE_CHECKING:
    from syncgate.bootstrap import OpenStore, Running
    from syncgate.config import Config

_ANYWHERE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104
"""Addresses to bind that nobody can call, and those at which the same machine calls them."""


class PortTaken(SyncgateError):
    """The gate cannot listen where it should."""

    code = "port_taken"
    actor = "operations"


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Another address than the configuration's.")] = None,
    port: Annotated[int | None, typer.Option(help="Another port; 0 takes a free one.", min=0, max=65535)] = None,
    as_json: AsJson = False,
) -> None:
    """Run the gate: REST intake, dispatch and confirmation in one process, until it is told to end.

    Example: syncgate serve --port 8080
    """
    from syncgate.bootstrap import open_store
    from syncgate.telemetry import configure

    invocation: Invocation = context.obj
    config = invocation.config()
    configure(level=config.logging.level, form=config.logging.format)
    at = (host or config.listen.host, config.listen.port if port is None else port)
    with open_store(invocation.place, config) as opened, _listener(*at) as listener:
        asyncio.run(_serve(invocation, config, opened, listener, as_json=as_json))


def application(running: Running, config: Config, token: str) -> Any:
    """The ASGI application over a running gate. token: what the same machine's command line calls with."""
    from syncgate.web.app import create_app
    from syncgate.web.settings import WebSettings

    settings = WebSettings(
        body_limit=config.intake.body_limit,
        depth_limit=config.intake.depth_limit,
        language=config.site.language,
        local_token=token,
    )
    return create_app(running.gate, settings, deploy=running.deploy, is_ready=lambda: running.gate.writer.is_taking)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "no such address"
        raise PortTaken(f"expected to listen on {host} port {port}, got: {why}") from None


def _address(listener: socket.socket) -> str:
    """How the same machine calls what listens there."""
    host, port = listener.getsockname()[:2]
    host = _ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve(
    invocation: Invocation, config: Config, opened: OpenStore, listener: socket.socket, *, as_json: bool
) -> None:
    from syncgate.bootstrap import running_gate
    from syncgate.cli.announcement import Serving, announce, serve_file

    serving = Serving(_address(listener), os.getpid(), secrets.token_urlsafe(32))
    async with running_gate(invocation.place, opened, is_dispatching=config.dispatch.is_enabled) as running:
        server = _server(application(running, config, serving.token))
        file = serve_file(invocation)
        announce(file, serving)
        _say(running.site.config.site.name, serving.address, as_json=as_json)
        try:
            await server.serve(sockets=[listener])
        finally:
            with suppress(OSError):
                file.unlink()


def _server(app: Any) -> Any:
    """The web server, which ends gracefully on the usual signals."""
    import uvicorn

    settings = uvicorn.Config(
        app, log_config=None, access_log=False, server_header=False, timeout_graceful_shutdown=10, lifespan="off"
    )
    server = uvicorn.Server(settings)
    server.capture_signals = nullcontext  # type: ignore[assignment]
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, _end, server)
    return server


def _end(server: Any) -> None:
    server.should_exit = True


def _say(site: str, address: str, *, as_json: bool) -> None:
    if as_json:
        show({"site": site, "address": address, "pid": os.getpid()}, as_json=True, text=str)
    else:
        note(f"syncgate serves {site} at {address}")
