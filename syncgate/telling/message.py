"""What is told, and what a way of telling is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Message:
    """One thing to tell.

    Attributes:
        message_id: the same for every try of one telling, so that a receiver may know it again.
        at: when. subject, text: for people. facts: the same for programs, as JSON; never a value of a case.
    """

    message_id: str
    at: datetime
    subject: str
    text: str
    facts: Mapping[str, Any]


class NotTold(Exception):
    """Why a message was not taken. `code` names it in logs; `is_passing`: whether another try may help at once."""

    def __init__(self, code: str, *, is_passing: bool = True) -> None:
        super().__init__(code)
        self.code = code
        self.is_passing = is_passing


class Way(Protocol):
    """A way of telling."""

    @property
    def name(self) -> str:
        """What it is called."""
        ...

    async def tell(self, message: Message) -> None:
        """Returns once the other side has taken the message. Raises NotTold."""
        ...
