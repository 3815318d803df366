"""Receivers of mails and webhooks on real sockets, that can be told to fail."""

from __future__ import annotations

import asyncio
import ssl
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.parser import BytesParser
from email.policy import default
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from aiosmtpd.smtp import SMTP, AuthResult


@dataclass
class Mailbox:
    """What a mail server took. answers: what it says to the next mails instead of taking them, first come first."""

    port: int = 0
    letters: list[EmailMessage] = field(default_factory=list)
    recipients: list[list[str]] = field(default_factory=list)
    answers: list[str] = field(default_factory=list)
    tried: int = 0

    async def handle_DATA(self, _server: Any, _session: Any, envelope: Any) -> str:
        self.tried += 1
        if self.answers:
            return self.answers.pop(0)
        letter = BytesParser(policy=default).parsebytes(envelope.content)
        assert isinstance(letter, EmailMessage)
        self.letters.append(letter)
        self.recipients.append(envelope.rcpt_tos)
        return "250 taken"


@contextmanager
def mail_server(*, context: ssl.SSLContext | None = None, user: tuple[str, str] | None = None) -> Iterator[Mailbox]:
    """A mail server on a free port. context: offers and requires STARTTLS; user: asks for this login."""
    mailbox = Mailbox()
    options: dict[str, Any] = {}
    if context is not None:
        options |= {"tls_context": context, "require_starttls": True}
    if user is not None:
        known = (user[0].encode(), user[1].encode())

        def login(_server: Any, _session: Any, _envelope: Any, _mechanism: str, data: Any) -> AuthResult:
            return AuthResult(success=(data.login, data.password) == known, handled=False)

        options |= {"authenticator": login, "auth_required": True, "auth_require_tls": False}
    loop = asyncio.new_event_loop()
    made = loop.create_server(lambda: SMTP(mailbox, loop=loop, hostname="mail.example", **options), "127.0.0.1", 0)
    server = loop.run_until_complete(made)
    mailbox.port = server.sockets[0].getsockname()[1]
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    try:
        yield mailbox
    finally:
        loop.call_soon_threadsafe(loop.stop)
        thread.join()
        server.close()
        loop.close()


@dataclass
class Received:
    """One request that a webhook got."""

    headers: dict[str, str]
    body: bytes


@dataclass
class Hook:
    """What a webhook got. answers: the statuses of the next requests; after them 204."""

    url: str = ""
    requests: list[Received] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)


@contextmanager
def webhook() -> Iterator[Hook]:
    """A receiver of webhooks on a free port."""
    hook = Hook()

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            hook.requests.append(Received({name.lower(): value for name, value in self.headers.items()}, body))
            status = hook.answers.pop(0) if hook.answers else 204
            self.send_response(status)
            if status in (301, 302, 307):
                self.send_header("Location", hook.url + "/elsewhere")
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    hook.url = f"http://127.0.0.1:{server.server_address[1]}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield hook
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
