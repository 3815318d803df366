"""The bytes of materials: how they come in, and how they are sent on."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "expected a file that is stored, got a new one": "应为已保存的文件，实为新文件",
}
