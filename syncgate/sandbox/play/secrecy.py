"""Looks for personal values of the city where none may stand readable."""

from __future__ import annotations

import base64
import json
import mmap
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

from syncgate.sandbox.city import Life

LEAST_LENGTH = 6
"""Shorter patterns stand by chance in sealed bytes."""
LEAST_BASE64 = 8
PREFIX = 6
PERSONAL = {
    "name", "id_no", "legal_rep", "mobile", "email", "address", "file_name", "text",
    "title", "description", "reason", "opinion", "姓名", "证件号码", "经营场所", "仓库地址",
    "残疾人证号", "低保证号", "银行账号",
}  # fmt: skip
CONTEXT = 12
PUBLIC_PARENTS = {"item", "accept_org", "org", "special", "licence", "materials", "stages"}
"""Below these, a `name` or `reason` is no person's."""


def personal_values(lives: Iterable[Life]) -> set[str]:
    """Every personal value that was posted."""
    found: set[str] = set()
    for life in lives:
        for call in life.calls:
            found.update(_values(call.body, parent=""))
    return found


def _values(node: Any, *, parent: str) -> Iterator[str]:
    if isinstance(node, list):
        for entry in node:
            yield from _values(entry, parent=parent)
    elif isinstance(node, dict):
        for key, value in node.items():
            is_public = parent in PUBLIC_PARENTS and key == "name"
            if isinstance(value, str):
                if key in PERSONAL and not is_public:
                    yield value
            else:
                yield from _values(value, parent=key)


def patterns(values: Iterable[str]) -> dict[bytes, str]:
    """Byte pattern -> the form in which it writes a value."""
    found: dict[bytes, str] = {}
    for value in values:
        for form, written in _forms(value):
            if len(written) >= (LEAST_BASE64 if form == "Base64" else LEAST_LENGTH):
                found.setdefault(written, form)
    return found


def _forms(value: str) -> Iterator[tuple[str, bytes]]:
    plain = value.encode()
    yield "UTF-8", plain
    escaped = json.dumps(value)[1:-1]
    yield "escaped", escaped.encode()
    yield "escaped", re.sub(r"\\u[0-9a-f]{4}", lambda found: "\\u" + found[0][2:].upper(), escaped).encode()
    yield "percent-encoded", quote(value, safe="").encode()
    yield "UTF-16", value.encode("utf-16-le")
    for offset in range(3):
        yield "Base64", _base64_inside(plain, offset)
    try:
        yield "GBK", value.encode("gbk")
    except UnicodeEncodeError:
        return


def _base64_inside(plain: bytes, offset: int) -> bytes:
    """The part of any Base64 text that these bytes alone decide when they stand at this offset."""
    coded = base64.b64encode(b"\0" * offset + plain)
    start = (offset * 8 + 5) // 6
    return coded[start : (offset + len(plain)) * 8 // 6]


def published(root: Path) -> bytes:
    """The site's own files as they are packed into bundles: their examples name the same invented persons."""
    folders = (root / name for name in ("adapters", "mappings", "schemas"))
    files = sorted(file for folder in folders for file in folder.rglob("*") if file.is_file())
    return b"\n".join(file.read_bytes() for file in files)


def readable(files: Iterable[Path], wanted: dict[bytes, str], *, public: bytes = b"") -> list[str]:
    """Where a pattern stands: file, form and place, never the value.

    A place is passed over only if it and what stands around it is text of `public`.
    """
    prefixes: dict[bytes, list[bytes]] = {}
    for pattern in wanted:
        prefixes.setdefault(pattern[:PREFIX], []).append(pattern)
    search = re.compile(_trie(sorted(prefixes)), re.DOTALL)
    found = []
    for file in files:
        if file.exists() and file.stat().st_size:
            hits = _hits(file, search, prefixes, public)
            found += [f"{file.name}: {wanted[hit]} at byte {at}" for at, hit in hits]
    return found


def _hits(
    file: Path, search: re.Pattern[bytes], prefixes: dict[bytes, list[bytes]], public: bytes
) -> Iterator[tuple[int, bytes]]:
    with file.open("rb") as opened, mmap.mmap(opened.fileno(), 0, access=mmap.ACCESS_READ) as content:
        at = 0
        while (match := search.search(content, at)) is not None:
            at = match.start() + 1
            for pattern in prefixes[match[0]]:
                end = match.start() + len(pattern)
                if content[match.start() : end] != pattern:
                    continue
                # A page of the database may end on either side.
                before = content[max(0, match.start() - CONTEXT) : end]
                after = content[match.start() : end + CONTEXT]
                if before not in public and after not in public:
                    yield match.start(), pattern
                break


def _trie(words: list[bytes]) -> bytes:
    """A regular expression for any of these words of equal length, branching byte by byte."""
    if not words or not words[0]:
        return b""
    branches: dict[int, list[bytes]] = {}
    for word in words:
        branches.setdefault(word[0], []).append(word[1:])
    written = [re.escape(bytes([first])) + _trie(rest) for first, rest in branches.items()]
    return written[0] if len(written) == 1 else b"(?:" + b"|".join(written) + b")"
