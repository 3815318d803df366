"""Which language somebody reads: what a request prefers, what a terminal is set to."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final, Literal

Language = Literal["zh", "en"]

LANGUAGES: Final[tuple[Language, ...]] = ("zh", "en")
_RANGES_AT_MOST: Final = 20
_QUALITY: Final = re.compile(r"(0(\.[0-9]{0,3})?|1(\.0{0,3})?)\Z")
_VARIABLES: Final = ("LC_ALL", "LC_MESSAGES", "LANG")


def preferred(accept_language: str | None, default: Language) -> Language:
    """The language of an answer: the one of zh and en that the caller prefers, else the default.

    Of languages that are equally welcome the first named counts; `*` stands for those that are not named, and
    `q=0` refuses one.

    Source: RFC 9110 §12.5.4, RFC 4647 §3.3.1.
    """
    quality_by_tag = _qualities(accept_language or "")
    named = [tag for tag in quality_by_tag if tag != "*"]
    rest = quality_by_tag.get("*", 0.0)
    order = [language for tag in named for language in LANGUAGES if tag == language]
    order += [language for language in (default, *LANGUAGES) if language not in order]
    best = max(order, key=lambda language: quality_by_tag.get(language, rest))
    if quality_by_tag.get(best, rest) > 0:
        return best
    return next((language for language in (default, *LANGUAGES) if language not in quality_by_tag), default)


def _qualities(header: str) -> dict[str, float]:
    """How welcome each primary language is, in the order named; what cannot be read does not count."""
    found: dict[str, float] = {}
    for entry in header.lower().split(",")[:_RANGES_AT_MOST]:
        tag, *parameters = (part.strip() for part in entry.split(";"))
        quality = _quality(parameters)
        if tag and quality is not None:
            name = tag.split("-")[0]
            found[name] = max(found.get(name, 0.0), quality)
    return found


def _quality(parameters: list[str]) -> float | None:
    for parameter in parameters:
        name, _, value = parameter.partition("=")
        if name.strip() == "q":
            return float(value) if _QUALITY.match(value.strip()) else None
    return 1.0


def of_environment(environment: Mapping[str, str]) -> Language:
    """The language that a terminal is set to: Chinese where its locale begins with zh, else English.

    Source: POSIX.1-2017, Base Definitions §8.2: the first of LC_ALL, LC_MESSAGES and LANG that is set counts.
    """
    locale = next((value for name in _VARIABLES if (value := environment.get(name))), "")
    return "zh" if re.match(r"zh([_.@-]|\Z)", locale, re.IGNORECASE) else "en"
