"""A mail over SMTP."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import format_datetime
from typing import Final, Literal

from syncgate.telling.message import Message, NotTold

Tls = Literal["starttls", "tls", "none"]
_WITHIN: Final = 15.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Mail:
    """Sends a message as a plain text.

    Attributes:
        host, port: of the mail server.
        tls: `starttls` on a plain connection, which must then succeed; `tls` from the first byte; `none`.
        sender, to: addresses.
        user, password: how to log in; None: it is not asked for.
        context: whom to believe; None: the machine's authorities.
    """

    host: str
    port: int
    tls: Tls
    sender: str
    to: tuple[str, ...]
    user: str | None = None
    password: str | None = field(default=None, repr=False)
    context: ssl.SSLContext | None = field(default=None, repr=False)
    name: str = "mail"

    async def tell(self, message: Message) -> None:
        """Returns once the server took it for at least one recipient. Raises NotTold."""
        try:
            await asyncio.to_thread(self._send, self._letter(message))
        except smtplib.SMTPResponseException as error:
            raise NotTold(f"smtp_{error.smtp_code}", is_passing=400 <= error.smtp_code < 500) from None
        except smtplib.SMTPRecipientsRefused:
            raise NotTold("recipients_refused", is_passing=False) from None
        except (smtplib.SMTPException, OSError) as error:
            raise NotTold(type(error).__name__, is_passing=not isinstance(error, ssl.SSLError)) from None

    def _letter(self, message: Message) -> EmailMessage:
        letter = EmailMessage()
        letter["From"], letter["To"] = self.sender, ", ".join(self.to)
        letter["Subject"] = " ".join(message.subject.split())
        letter["Date"] = format_datetime(message.at)
        letter["Message-ID"] = f"<{message.message_id}@{self.sender.rpartition('@')[2]}>"
        letter["Auto-Submitted"] = "auto-generated"
        letter.set_content(message.text)
        return letter

    def _send(self, letter: EmailMessage) -> None:
        with self._connection() as server:
            if self.tls == "starttls":
                server.starttls(context=self._trust())
            if self.user is not None:
                server.login(self.user, self.password or "")
            server.send_message(letter, from_addr=self.sender, to_addrs=list(self.to))

    def _connection(self) -> smtplib.SMTP:
        if self.tls == "tls":
            return smtplib.SMTP_SSL(self.host, self.port, timeout=_WITHIN, context=self._trust())
        return smtplib.SMTP(self.host, self.port, timeout=_WITHIN)

    def _trust(self) -> ssl.SSLContext:
        return self.context or ssl.create_default_context()
