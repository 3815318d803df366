"""What is wrong in how a system is spoken to, and what came of speaking to it."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {}
