"""`syncgate serve`: the gate as a process."""

from __future__ import annotations

import asyncio
import json
import os
import secrets
import signal
import socket
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Any

import typer

from syncgate.cli.context import Invocation, note
from syncgate.config import Config


def serve(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Another address than the configuration's.")] = None,
    port: Annotated[int | None, typer.Option(help="Another port; 0 takes a free one.")] = None,
) -> None:
    """Run the gate: REST intake, dispatch and confirmation in one process.

    Example: syncgate serve --port 8080
    """
    from syncgate.bootstrap import open_store, site_config
    from syncgate.telemetry import configure

    invocation: Invocation = context.obj
    config = site_config(invocation.root, invocation.config_path)
    configure(level=config.logging.level, form=config.logging.format)
    with open_store(invocation.root, config) as opened:
        asyncio.run(_serve(invocation, config, opened, host or config.listen.host, port))


def application(running: Any, config: Config, token: str) -> Any:
    """The ASGI application over a running gate."""
    from syncgate.web.app import create_app
    from syncgate.web.settings import WebSettings

    settings = WebSettings(
        body_limit=config.intake.body_limit,
        depth_limit=config.intake.depth_limit,
        language=config.site.language,
        local_token=token,
    )
    return create_app(running.gate, settings, deploy=running.deploy)


async def _serve(invocation: Invocation, config: Config, opened: Any, host: str, port: int | None) -> None:
    import uvicorn

    from syncgate.bootstrap import running_gate

    token = secrets.token_urlsafe(32)
    async with running_gate(
        invocation.root, opened, config_path=invocation.config_path, is_dispatching=config.dispatch.is_enabled
    ) as running:
        listener = socket.create_server((host, config.listen.port if port is None else port), backlog=512)
        address = f"http://{host}:{listener.getsockname()[1]}"
        server = uvicorn.Server(
            uvicorn.Config(
                application(running, config, token),
                log_config=None,
                access_log=False,
                server_header=False,
                timeout_graceful_shutdown=10,
                lifespan="off",
            )
        )
        server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
        loop = asyncio.get_running_loop()
        for name in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(name, _stop, server)
        _announce(invocation.serve_file, {"address": address, "token": token, "pid": os.getpid()})
        note(f"syncgate serves {running.site.config.site.name} at {address}")
        try:
            await server.serve(sockets=[listener])
        finally:
            with suppress(OSError):
                invocation.serve_file.unlink()


def _stop(server: Any) -> None:
    server.should_exit = True


def _announce(file: Path, content: dict[str, Any]) -> None:
    """Writes how to reach this process, readable by its owner alone, whole or not at all."""
    file.parent.mkdir(parents=True, exist_ok=True)
    draft = file.with_suffix(".tmp")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w", encoding="utf-8") as out:
        json.dump(content, out)
    draft.replace(file)
