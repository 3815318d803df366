"""`syncgate serve`: the gate as a process."""

from __future__ import annotations

import asyncio
import os
import secrets
import signal
import socket
from collections.abc import Callable
from contextlib import nullcontext, suppress
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncgate.cli.context import BadArgument, Invocation
from syncgate.cli.output import AsJson, note, show
from syncgate.domain.errors import SyncgateError

if TYPE_CHECKING:
    from syncgate.bootstrap import OpenStore, Running
    from syncgate.config import Config, Role

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
    role: Annotated[
        str | None, typer.Option(help="What this process does: some of api,worker,scheduler (PostgreSQL only).")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Run the gate: REST intake, dispatch and confirmation in one process, until it is told to end.

    Example: syncgate serve --port 8080
    """
    from syncgate.bootstrap import open_store
    from syncgate.telemetry import configure

    invocation: Invocation = context.obj
    config = invocation.config()
    if role is not None:
        config = config.model_copy(update={"roles": _roles(role)})
    _refuse_parts_on_sqlite(config)
    configure(level=config.logging.level, form=config.logging.format)
    at = (host or config.listen.host, config.listen.port if port is None else port)
    with open_store(invocation.place, config) as opened, _listener(*at) as listener:
        asyncio.run(_serve(invocation, config, opened, listener, as_json=as_json))


def _roles(listed: str) -> tuple[Role, ...]:
    """The roles of a list with commas. Raises BadArgument naming every one that is none."""
    from syncgate.config import Role
    from syncgate.documents import unknown

    known, names = [role.value for role in Role], [name.strip() for name in listed.split(",")]
    wrong = [unknown("role", name, known) for name in names if name not in known]
    if wrong:
        raise BadArgument("; ".join(wrong))
    return tuple(role for role in Role if role.value in names)


def _refuse_parts_on_sqlite(config: Config) -> None:
    from syncgate.config import ALL_ROLES

    if config.store.url.startswith("sqlite") and set(config.roles) != set(ALL_ROLES):
        raise BadArgument(
            "expected api,worker,scheduler in one process on SQLite, got only {roles}; PostgreSQL lets processes share",
            roles=",".join(config.roles),
        )


def application(running: Running, config: Config, token: str, *, is_ending: Callable[[], bool] = lambda: False) -> Any:
    """The ASGI application over a running gate. token: what the same machine's command line calls with."""
    from syncgate.web.app import create_app
    from syncgate.web.settings import WebSettings

    settings = WebSettings(
        body_limit=config.intake.body_limit,
        depth_limit=config.intake.depth_limit,
        material_limit=config.materials.size_at_most,
        material_within=config.materials.within,
        language=config.site.language,
        local_token=token,
        site_title=config.site.title.model_dump(),
        time_zone=config.site.time_zone,
        minutes_per_entry=config.meter.minutes_per_entry,
    )
    return create_app(running.gate, settings, deploy=running.deploy, is_ready=running.is_ready, is_ending=is_ending)


def _face(running: Running, config: Config, token: str) -> Any:
    """The ASGI application of a process that takes no cases."""
    from syncgate.web.face import create_face
    from syncgate.web.settings import WebSettings

    settings = WebSettings(language=config.site.language, local_token=token)
    return create_face(running.gate, settings, is_ready=running.is_ready)


def _listener(host: str, port: int) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        return socket.create_server((host, port), family=family, backlog=512)
    except (OSError, OverflowError) as error:
        why = getattr(error, "strerror", None) or "no such address"
        raise PortTaken("expected to listen on {host} port {port}, got: {why}", host=host, port=port, why=why) from None


def _address(listener: socket.socket) -> str:
    """How the same machine calls what listens there."""
    host, port = listener.getsockname()[:2]
    host = _ANYWHERE.get(host, host)
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


async def _serve(
    invocation: Invocation, config: Config, opened: OpenStore, listener: socket.socket, *, as_json: bool
) -> None:
    from syncgate.bootstrap import running_gate
    from syncgate.cli.announcement import Serving, announced, birth, serve_file
    from syncgate.config import Role

    serving = Serving(_address(listener), os.getpid(), secrets.token_urlsafe(32), birth(os.getpid()))
    has_api, is_sending = Role.API in config.roles, config.dispatch.is_enabled
    async with running_gate(invocation.place, opened, is_dispatching=is_sending, roles=config.roles) as running:
        ending = asyncio.Event()
        app = (
            application(running, config, serving.token, is_ending=ending.is_set)
            if has_api
            else _face(running, config, serving.token)
        )
        server = _server(app, ending)
        with announced(serve_file(invocation), serving) if has_api else nullcontext():
            _say(config, serving.address, as_json=as_json)
            await server.serve(sockets=[listener])


def _server(app: Any, ending: asyncio.Event) -> Any:
    """The web server, which ends gracefully on the usual signals."""
    import uvicorn

    from syncgate.web.edge import BoundedProtocol

    settings = uvicorn.Config(
        app,
        http=BoundedProtocol,
        log_config=None,
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=10,
        lifespan="off",
    )
    server = uvicorn.Server(settings)
    server.capture_signals = nullcontext  # type: ignore[assignment]
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, _end, server, ending)
    return server


def _end(server: Any, ending: asyncio.Event) -> None:
    ending.set()
    server.should_exit = True


def _say(config: Config, address: str, *, as_json: bool) -> None:
    if as_json:
        told = {"site": config.site.name, "address": address, "pid": os.getpid(), "roles": list(config.roles)}
        with suppress(OSError):  # a gate whose output goes to a full disk serves all the same
            show(told, as_json=True, text=str)
    else:
        note(f"syncgate serves {config.site.name} at {address}")
