"""Valid documents made hostile: what is done to them is drawn as numbers, so that a finding shrinks to little."""

from __future__ import annotations

import gzip
import io
import json
import zipfile
from collections.abc import Callable, Sequence
from copy import deepcopy
from typing import Any, Final

from hypothesis import strategies as st

Json = Any
LONG: Final = 20_000
CANARY: Final = "hunter2-canary"
"""A secret that somebody wrote where its name belongs; no error repeats it."""
SCRAPS: Final[tuple[str, ...]] = (
    *("", " ", "\n", "\r", "\t", "\0", "\x01", "\x1b[31m", "\x7f", "\x85", "\u2028", "\ufeff", "\ufffe", "\U0010ffff"),
    *("\u202e", "\u200b", "\u200d", "\ue000", "\U00020bb7", "👩‍👩‍👧", "e\u0301", "\u0130", "ß", "𠮷", "\uff10", "१"),
    *("null", "~", "true", "no", "NaN", ".nan", "-.inf", "Infinity", "1e400", "-1e400", "-0", "0x1F", "0o17", "0123"),
    *("9223372036854775807", "9223372036854775808", "-9223372036854775809", "1" * 400, "0." + "1" * 400, "1e-400"),
    *("1.7976931348623157e308", "2e308", "9007199254740993", "1_000", "1,5", "2026-02-30", "24:00", "+99:99"),
    *("[", "]", "{", "}", "[]", "{}", "[[]]", "{a: b}", "[1, [2]]", ":", ": ", "- ", "? ", "| ", "> ", "---", "..."),
    *("&a x", "*a", "&a [*a]", "<<: *a", "!!python/object:os.system x", "!!binary x", "!<x> y", "%YAML 1.1", "#", "'"),
    *('"', '\\"', "\\", "\\u0000", "\\ud800", "\\udc00", "\\x00", "`", "@", "{{", "}}", "{x}", "{case_id}", "${X}"),
    *(
        "<!DOCTYPE x>",
        '<!ENTITY a "b">',
        "&a;",
        "&#0;",
        "&#x1F600;",
        "&lt;",
        "<![CDATA[",
        "]]>",
        "<?x?>",
        "<a>",
        "</a>",
    ),
    *("../../etc/passwd", "/dev/zero", "file:///etc/passwd", "http://[::1", "http://a:99999", "sqlite://", "C:\\NUL"),
    *("' OR 1=1 --", "=cmd|'/c calc'!A1", "%s%n", "%00", "%", "%zz", "+", "&", "=", ";", "(a+)+$", "[", "(?P<a", "\\1"),
    *("1s", "0s", "1w", "-1m", "1e9d", "99999999999d", "1/s", "0/s", "1KiB", "-1B", "{secret: x}", "x" * LONG, CANARY),
)
"""What is put in the place of something, or between two things."""
BYTES: Final[tuple[bytes, ...]] = (
    *(b"\xff", b"\xfe\xff", b"\xff\xfe", b"\xef\xbb\xbf", b"\xc0\x80", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", b"\x00"),
    *(
        b"\x80",
        b"\x81",
        b"\xa1",
        b"\x81\x30\x81\x30",
        b"\xe3\x32\x9a\x35",
        b"\x1a",
        b"\x1f\x8b",
        b"PK\x03\x04",
        b"\r\n",
    ),
    *("龘".encode("gb18030"), "测".encode("gbk"), "測".encode("big5"), b"\\", b"&", b"<", b'"', b","),
)
ATOMS: Final[tuple[Json, ...]] = (
    *(None, True, False, 0, -1, 1, 2**31, 2**53, 2**63 - 1, 2**63, -(2**63) - 1, 10**30, 0.1, -0.0, 1e308, 5e-324),
    *("", [], {}, [[]], [None], {"": ""}, {"a": {"a": {}}}),
)

Number = int
Deed = tuple[str, Number, Number, Number]
"""What is done, where, with what, and how often; numbers are taken modulo what there is."""
TEXT_DEEDS: Final = ("replace_line", "insert", "delete", "double_line", "swap_lines", "replace_value", "cut", "nest")
BYTE_DEEDS: Final = ("put", "insert_bytes", "drop", "cut_bytes", "double")
JSON_DEEDS: Final = ("retype", "remove", "rename", "repeat", "swap", "deepen", "spoil_text", "double_key")
_NUMBERS: Final = st.integers(0, 2**24)


def deeds(names: Sequence[str], *, at_most: int = 4) -> st.SearchStrategy[list[Deed]]:
    """A few deeds of these names."""
    return st.lists(st.tuples(st.sampled_from(names), _NUMBERS, _NUMBERS, _NUMBERS), min_size=1, max_size=at_most)


def scrap(number: Number) -> str:
    """One of the scraps."""
    return SCRAPS[number % len(SCRAPS)]


def spoiled_text(text: str, done: Sequence[Deed]) -> str:
    """The text after the deeds that are meant for lines and values."""
    for name, where, what, often in done:
        lines = text.split("\n")
        at, other = where % len(lines), often % len(lines)
        place = where % (len(text) + 1)
        match name:
            case "replace_line":
                lines[at] = scrap(what)
                text = "\n".join(lines)
            case "replace_value":
                head, colon, _ = lines[at].partition(":")
                lines[at] = f"{head}{colon} {scrap(what)}"
                text = "\n".join(lines)
            case "double_line":
                text = "\n".join([*lines[:at], *[lines[at]] * (2 + often % 3), *lines[at + 1 :]])
            case "swap_lines":
                lines[at], lines[other] = lines[other], lines[at]
                text = "\n".join(lines)
            case "delete":
                text = "\n".join(lines[:at] + lines[at + 1 :])
            case "insert":
                text = text[:place] + scrap(what) + text[place:]
            case "cut":
                text = text[:place]
            case "nest":
                text = text[:place] + ("[", "{a: ", "<a>", "- ")[what % 4] * (often % 3000) + text[place:]
    return text


def spoiled_bytes(content: bytes, done: Sequence[Deed]) -> bytes:
    """The bytes after the deeds that are meant for bytes."""
    for name, where, what, often in done:
        at, put = where % (len(content) + 1), BYTES[what % len(BYTES)]
        match name:
            case "put":
                content = content[:at] + put + content[at + len(put) :]
            case "insert_bytes":
                content = content[:at] + put * (1 + often % 3) + content[at:]
            case "drop":
                content = content[:at] + content[at + 1 + often % 8 :]
            case "cut_bytes":
                content = content[:at]
            case "double":
                content = content[:at] + content[at : at + often % 64] + content[at:]
    return content


def _places(node: Json) -> list[tuple[Any, Any]]:
    """Every container with each of its keys."""
    found: list[tuple[Any, Any]] = []
    todo = [node]
    while todo:
        one = todo.pop()
        pairs = one.items() if isinstance(one, dict) else enumerate(one) if isinstance(one, list) else ()
        for key, below in pairs:
            found.append((one, key))
            if isinstance(below, dict | list):
                todo.append(below)
    return found


def spoiled_json(value: Json, done: Sequence[Deed]) -> Json:
    """The value after the deeds that are meant for trees; `double_key` is left to the writing."""
    root = {"": json.loads(json.dumps(value))}
    for name, where, what, often in done:
        places = _places(root)
        parent, key = places[where % len(places)]
        match name:
            case "retype":
                parent[key] = deepcopy(ATOMS[what % len(ATOMS)])
            case "remove":
                if parent is not root:
                    parent.pop(key)
            case "rename":
                if isinstance(parent, dict) and parent is not root:
                    parent[scrap(what)[:1000]] = parent.pop(key)
            case "repeat":
                if isinstance(parent, list):
                    parent[key:key] = [parent[key]] * (often % 6)
            case "swap":
                holder, name_there = places[what % len(places)]
                copied = json.loads(json.dumps(holder[name_there]))
                parent[key] = copied
            case "deepen":
                below = parent[key]
                for _ in range(often % 200):
                    below = [below] if what % 2 else {"a": below}
                parent[key] = below
            case "spoil_text":
                parent[key] = scrap(what)
    return root[""]


def written(value: Json, done: Sequence[Deed], *, charset: str = "utf-8") -> bytes:
    """JSON as bytes; numbers beyond JSON, keys twice and halves of characters as somebody careless writes them."""
    text = json.dumps(value, ensure_ascii=False)
    for name, where, what, _ in done:
        if name == "double_key" and '"' in text:
            at = [place for place, sign in enumerate(text) if sign == "{"]
            if at:
                place = at[where % len(at)] + 1
                text = (
                    text[:place]
                    + ('"a": 1, "a": 2, ', '"a": NaN, ', '"a": 1e400, ', '"\\ud800": 1, ')[what % 4]
                    + text[place:]
                )
    return text.encode(charset, "surrogatepass" if charset.startswith("utf") else "replace")


def packed(parts: dict[str, bytes], *, stored: bool = False) -> bytes:
    """A ZIP file of these parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(name, content)
    return out.getvalue()


def parts_of(content: bytes) -> dict[str, bytes]:
    """The parts of a ZIP file."""
    with zipfile.ZipFile(io.BytesIO(content)) as archive:
        return {info.filename: archive.read(info) for info in archive.infolist()}


def gzipped(content: bytes) -> bytes:
    """Packed the same way every time."""
    return gzip.compress(content, mtime=0)


Spoil = Callable[[Sequence[bytes]], st.SearchStrategy[bytes]]


def spoiled_documents(seeds: Sequence[bytes], *, charset: str = "utf-8") -> st.SearchStrategy[bytes]:
    """A text document, spoiled as text and then as bytes."""

    def made(seed: bytes, textual: list[Deed], bytewise: list[Deed]) -> bytes:
        text = spoiled_text(seed.decode(charset), textual)
        encoded = text.encode(charset, "surrogatepass" if charset.startswith("utf") else "ignore")
        return spoiled_bytes(encoded, bytewise)

    rare = st.one_of(st.just([]), st.just([]), deeds(BYTE_DEEDS, at_most=2))
    return st.builds(made, st.sampled_from(seeds), deeds(TEXT_DEEDS), rare)


def spoiled_trees(seeds: Sequence[bytes], *, charset: str = "utf-8") -> st.SearchStrategy[bytes]:
    """A JSON document, spoiled as a tree and then as bytes."""

    def made(seed: bytes, treewise: list[Deed], bytewise: list[Deed]) -> bytes:
        value = spoiled_json(json.loads(seed), treewise)
        return spoiled_bytes(written(value, treewise, charset=charset), bytewise)

    rare = st.one_of(st.just([]), st.just([]), deeds(BYTE_DEEDS, at_most=2))
    return st.builds(made, st.sampled_from(seeds), deeds(JSON_DEEDS), rare)


def spoiled_archives(seeds: Sequence[bytes]) -> st.SearchStrategy[bytes]:
    """A ZIP file with one part spoiled, left out or doubled, or the file itself spoiled."""

    def made(seed: bytes, which: int, textual: list[Deed], bytewise: list[Deed]) -> bytes:
        parts = parts_of(seed)
        name = sorted(parts)[which % len(parts)]
        if which % 7 == 0:
            del parts[name]
        else:
            parts[name] = spoiled_text(parts[name].decode("utf-8", "replace"), textual).encode("utf-8", "surrogatepass")
        return spoiled_bytes(packed(parts), bytewise)

    rare = st.one_of(st.just([]), st.just([]), deeds(BYTE_DEEDS, at_most=2))
    return st.builds(made, st.sampled_from(seeds), _NUMBERS, deeds(TEXT_DEEDS, at_most=2), rare)
