"""What the command line says of its work."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {}
