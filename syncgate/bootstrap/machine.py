"""The machine's own clock, randomness and process name, as the ports want them."""

from __future__ import annotations

import os
import random
import socket
from datetime import UTC, datetime


class SystemClock:
    """The machine's time, in UTC."""

    def now(self) -> datetime:
        """The time now."""
        return datetime.now(UTC)


class SystemEntropy:
    """The machine's randomness."""

    def token(self, size: int) -> bytes:
        """Unpredictable bytes."""
        return os.urandom(size)

    def draw(self) -> float:
        """A number in [0, 1); good enough for jitter."""
        return random.random()  # noqa: S311


_BORN = f"{os.getpid()}:{os.urandom(2).hex()}"
"""Tells apart processes of two machines that bear the same name, and two lives in a container whose id is always 1."""


def process_name() -> str:
    """Names this process in leases, grants and its chain of the audit; no other has the same name."""
    return f"{socket.gethostname()}:{_BORN}"
