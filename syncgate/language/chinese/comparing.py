"""What is wrong in the comparison rules of a reconciliation."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "expected the entries of {side} sorted by key, got one that comes before its predecessor": "{side} 的条目应按关键字排序，但有一条排在前一条之前",
}
