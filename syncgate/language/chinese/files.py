"""What is wrong in a site's files."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {}
