"""English sentences in Chinese: by their template where it is known, else by their form.

A sentence that was stored, or that came from another process, is a plain text. It is compared with the
templates of the catalogue, the longest first, and what stands at the placeholders is taken over. What no
template fits stays English.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from typing import Final

from syncgate.language.choice import Language
from syncgate.language.said import PLACEHOLDER, Said, filled

_PREFIX: Final = re.compile(r"(?P<head>\S.{0,300}?): (?P<rest>.+)", re.DOTALL)
_HOLDING_WORDS: Final = frozenset(
    {"action", "got", "kind", "other", "parts", "phase", "place", "reason", "unit", "wanted", "which", "why", "words"}
)
"""Placeholders for parts of sentences; the others are for names, which are the same in every language."""
_NAMES: Final = frozenset({"slot"})
_NAME: Final = "[^:;]*?"
"""A name where little else stands in the sentence, which would be taken for whatever holds the same words."""
_APART: Final = re.compile(r"; (?!the nearest known is )")
"""Between sentences in a row; a hint belongs to the sentence before it."""
_DEEPEST: Final = 4
_WORDS_OF_A_SENTENCE: Final = 3
"""Spaces from which on a fact may be a sentence and not a name."""
_LONGEST: Final = 4_000
"""Characters of a line that are compared; a longer one is no sentence of ours."""


def in_language(text: str, language: Language) -> str:
    """A sentence of ours in a language; line by line where it has several."""
    return in_chinese(text) if language == "zh" else str(text)


def in_chinese(text: str) -> str:
    """A sentence of ours in Chinese; as it is where the catalogue does not have it."""
    if isinstance(text, Said) and text.template in sentences():
        return _filled(sentences()[text.template], text.facts)
    return "\n".join(_line(line, 0) for line in text.split("\n"))


@cache
def sentences() -> Mapping[str, str]:
    """Chinese by English template."""
    from syncgate.language.chinese import SENTENCES

    return SENTENCES


def _line(line: str, depth: int) -> str:
    text = line.strip()
    if not text or len(text) > _LONGEST or depth > _DEEPEST:
        return line
    before, after = line[: line.index(text)], line[line.index(text) + len(text) :]
    found = _whole(text)
    return before + (found if found is not None else _by_parts(text, depth)) + after


def _whole(text: str) -> str | None:
    """The Chinese of exactly one sentence of the catalogue."""
    known = sentences().get(text)
    if known is not None:
        return known
    for form in _forms():
        if form.anchor in text and (found := form.pattern.fullmatch(text)):
            return _filled(form.chinese, found.groupdict())
    return None


def _by_parts(text: str, depth: int) -> str:
    """What is said of something named first, and several things said in a row."""
    said = _APART.split(text)
    if len(said) > 1:
        parts = [_line(part, depth + 1) for part in said]
        if parts != said:
            return "；".join(parts)
    found = _PREFIX.fullmatch(text)
    if found is None:
        return text
    rest = _line(found["rest"], depth + 1)
    return text if rest == found["rest"] else f"{found['head']}：{rest}"


def _filled(template: str, facts: Mapping[str, object]) -> str:
    return filled(template, {name: _fact(name, value) for name, value in facts.items()})


def _fact(name: str, value: object) -> object:
    """A fact that is itself a sentence or a piece of one, in Chinese."""
    if isinstance(value, Said):
        return in_chinese(value)
    if not isinstance(value, str) or name not in _HOLDING_WORDS:
        return value
    known = piece(value)
    return _line(value, 1) if known == value and value.count(" ") >= _WORDS_OF_A_SENTENCE else known


def piece(text: str) -> str:
    """A part of a sentence in Chinese; as it is where it is a name or a number."""
    from syncgate.language.chinese import PIECES

    return PIECES.get(text, text)


@dataclass(frozen=True, slots=True)
class _Form:
    """A template as it is compared. anchor: its longest literal part, which any sentence of it holds."""

    pattern: re.Pattern[str]
    anchor: str
    chinese: str


@cache
def _forms() -> tuple[_Form, ...]:
    """Every template with placeholders, the one with most words of its own first."""
    templates = [english for english in sentences() if PLACEHOLDER.search(english)]
    templates.sort(key=lambda english: -len(PLACEHOLDER.sub("", english)))
    return tuple(_form(english, sentences()[english]) for english in templates)


def _form(english: str, zh: str) -> _Form:
    seen: set[str] = set()
    literals, pattern, end = [], "", 0
    for place in PLACEHOLDER.finditer(english):
        literals.append(english[end : place.start()])
        any_of = _NAME if place[1] in _NAMES else ".*?"
        group = f"(?P={place[1]})" if place[1] in seen else f"(?P<{place[1]}>{any_of})"
        pattern, end = pattern + re.escape(literals[-1]) + group, place.end()
        seen.add(place[1])
    literals.append(english[end:])
    pattern += re.escape(literals[-1])
    return _Form(re.compile(pattern, re.DOTALL), max(literals, key=len), PLACEHOLDER.sub(r"{\1}", zh))
