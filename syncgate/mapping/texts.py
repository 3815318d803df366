"""Text operations: the closed list of steps, charsets and lengths. Pure and total."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping

from syncgate.mapping.document import Charset, Limit, Step
from syncgate.mapping.results import TOO_LONG, UNENCODABLE, Failure

CHARSETS: tuple[Charset, ...] = ("utf-8", "gbk", "gb18030", "big5", "ascii", "latin-1")

TextStep = Callable[[str], str]

_SPACE = re.compile(r"\s+")
_NOT_DIGITS = re.compile(r"[^0-9]+")
_FULL_WIDTH_DIGITS = {0xFF10 + digit: str(digit) for digit in range(10)}
_DOTS = dict.fromkeys(map(ord, "\u2022\u2027\u2219\u22c5\u30fb\uff65\u2024\u25cf\u16eb\u0387\uff0e"), "\u00b7")
"""What is written for the dot in names such as 阿依古丽·示例."""

STEP_ARGUMENTS: Mapping[str, str] = {
    "trim": "",
    "upper": "",
    "lower": "",
    "squeeze": "",
    "nfkc": "",
    "dots": "",
    "digits": "",
    "replace": "[from, to], two texts",
    "prefix": "a text",
    "suffix": "a text",
    "pad_left": "[length, character]",
    "pad_right": "[length, character]",
    "slice": "[from] or [from, to], counted in characters from 0",
}
"""Every step with what it takes; an empty text: nothing."""


def compile_step(step: Step) -> TextStep:
    """The function of a checked step."""
    plain_steps: dict[str, TextStep] = {
        "trim": str.strip,
        "upper": str.upper,
        "lower": str.lower,
        "squeeze": lambda text: _SPACE.sub(" ", text),
        "nfkc": lambda text: unicodedata.normalize("NFKC", text),
        "dots": lambda text: text.translate(_DOTS),
        "digits": lambda text: _NOT_DIGITS.sub("", text.translate(_FULL_WIDTH_DIGITS)),
    }
    if step.name in plain_steps:
        return plain_steps[step.name]
    return _with_arguments(step)


def _with_arguments(step: Step) -> TextStep:
    first = step.arguments[0]
    second = step.arguments[1] if len(step.arguments) > 1 else None
    match step.name, first, second:
        case "replace", str(old), str(new):
            return lambda text: text.replace(old, new)
        case "prefix", str(head), None:
            return lambda text: head + text
        case "suffix", str(tail), None:
            return lambda text: text + tail
        case "pad_left", int(length), str(fill):
            return lambda text: text.rjust(length, fill)
        case "pad_right", int(length), str(fill):
            return lambda text: text.ljust(length, fill)
        case "slice", int(start), int() | None:
            return lambda text: text[start:second]
    raise AssertionError(f"an unchecked step: {step.name}")


def unencodable(char: str, charset: Charset, path: str) -> Failure:
    """The failure of a character that a charset lacks: its code point, never the text around it."""
    point = f"U+{ord(char):04X}"
    facts = (("code_point", point), ("charset", charset))
    return Failure(UNENCODABLE, path, f"expected characters of {charset}, got {point}", facts)


def replace_unencodable(text: str, charset: Charset, codes: Mapping[str, str]) -> str:
    """The text with every character that the charset lacks replaced, where the table has it."""
    try:
        text.encode(charset)
    except UnicodeEncodeError:
        return "".join(char if _is_encodable(char, charset) else codes.get(char, char) for char in text)
    return text


def _is_encodable(char: str, charset: Charset) -> bool:
    try:
        char.encode(charset)
    except UnicodeEncodeError:
        return False
    return True


def beyond(text: str, limit: Limit, path: str) -> str | Failure:
    """What becomes of a text that is too long: its head with the marker, or a failure, as declared."""
    if limit.beyond == "cut":
        return cut(text, limit)
    is_bytes = limit.unit == "bytes" and limit.charset is not None
    length = len(text.encode(limit.charset or "utf-8")) if is_bytes else len(text)
    measured = limit.unit if limit.charset is None else f"{limit.unit} in {limit.charset}"
    facts: tuple[tuple[str, str | int], ...] = (
        ("limit", limit.most),
        ("unit", limit.unit),
        ("charset", limit.charset or ""),
        ("length", length),
    )
    return Failure(TOO_LONG, path, f"expected at most {limit.most} {measured}, got {length}", facts)


def cut(text: str, limit: Limit) -> str:
    """The longest head of whole characters that leaves room for the marker; the marker behind it."""
    if limit.unit == "chars" or limit.charset is None:
        return text[: limit.most - len(limit.marker)] + limit.marker
    room = limit.most - len(limit.marker.encode(limit.charset))
    # None of our charsets reads the torn rest of a character as another one.
    head = text.encode(limit.charset)[:room].decode(limit.charset, "ignore")
    return head + limit.marker
