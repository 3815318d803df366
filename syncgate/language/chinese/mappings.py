"""What is wrong in a mapping or a table, and what a mapping cannot do."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {}
