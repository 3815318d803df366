"""Texts of an adapter's options: literals with placeholders, and references to secrets."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from difflib import get_close_matches
from functools import lru_cache
from typing import Annotated, Any, Final
from urllib.parse import quote

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, StrictStr

KEYS: Final = ("slot_key", "send_key", "remote_ref", "case_ref", "case_id", "case_no", "version_no")
"""Numbers of a request that is about one delivery."""

WINDOW: Final = ("from", "until")
"""The times that a listing begins at and ends before."""

ASKED: Final = ("page", "size", "cursor", "after", *WINDOW, "low", "high")
"""What a listing or a count is asked by. Without a value the parameter that names it is left out."""

FORMS: Final = {"date": "%Y-%m-%d", "time": "%Y-%m-%d %H:%M:%S", "digits": "%Y%m%d%H%M%S"}
"""How a window's times may be written, behind a colon; without a form they are ISO 8601 with an offset."""

PLACEHOLDERS: Final = (*KEYS, *ASKED, *(f"{name}:{form}" for name in WINDOW for form in FORMS))
"""What a path, a query value or a header may name in braces, several with `|` between them."""

_PIECES: Final = re.compile(r"\{([^{}]*)\}|([{}])")
_HEADER_NAME: Final = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+")


class KeyMissing(Exception):
    """A placeholder has no value for this request; `name` is what its braces hold."""

    def __init__(self, name: str) -> None:
        super().__init__(f"expected a value for {{{name}}}, got none")
        self.name = name


class SecretRef(BaseModel):
    """A secret by name; its value is asked for at every request."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    secret: Annotated[StrictStr, Field(min_length=1)]


@dataclass(frozen=True, slots=True)
class Placeholder:
    """The names of a placeholder, of which the first that is known counts."""

    names: tuple[str, ...]

    def value(self, keys: Mapping[str, str]) -> str:
        """The first known value.

        Raises:
            KeyMissing: none has a value, or only an empty one.
        """
        for name in self.names:
            key, _, form = name.partition(":")
            value = keys.get(key)
            if value:
                return datetime.fromisoformat(value).strftime(FORMS[form]) if form in FORMS else value
        raise KeyMissing("|".join(self.names))

    def is_left_out(self, keys: Mapping[str, str]) -> bool:
        """Whether it is one of a listing's, and has no value in this question."""
        names = [name.partition(":")[0] for name in self.names]
        return set(names) <= set(ASKED) and not any(keys.get(name) for name in names)


@dataclass(frozen=True, slots=True)
class Template:
    """A text with placeholders, parsed once."""

    literals: tuple[str, ...]
    placeholders: tuple[Placeholder, ...]

    def fill(self, keys: Mapping[str, str]) -> str:
        """The text with every value percent-encoded, the slash and all that is not unreserved included.

        Raises:
            KeyMissing: a placeholder has no value, or an empty one.
        """
        return self._filled(keys, lambda value: quote(value, safe=""))

    def fill_as_is(self, keys: Mapping[str, str]) -> str:
        """The text with every value as it is; raises as `fill`."""
        return self._filled(keys, lambda value: value)

    def is_left_out(self, keys: Mapping[str, str]) -> bool:
        """Whether a placeholder of a listing has no value in this question."""
        return any(placeholder.is_left_out(keys) for placeholder in self.placeholders)

    @property
    def names(self) -> frozenset[str]:
        """The keys that it mentions, without their forms."""
        return frozenset(name.partition(":")[0] for one in self.placeholders for name in one.names)

    def _filled(self, keys: Mapping[str, str], written: Callable[[str], str]) -> str:
        if not self.placeholders:
            return self.literals[0]
        filled = [self.literals[0]]
        for placeholder, literal in zip(self.placeholders, self.literals[1:], strict=True):
            filled += (written(placeholder.value(keys)), literal)
        return "".join(filled)


def parse_template(text: str) -> Template:
    """The parsed template.

    Raises:
        ValueError: a brace stands alone, a name is none that a request has, or is given twice.
    """
    literals, placeholders, end = [], [], 0
    for piece in _PIECES.finditer(text):
        if piece.group(2):
            raise ValueError(f"expected braces in pairs, got {text!r}")
        literals.append(text[end : piece.start()])
        placeholders.append(_placeholder(piece.group(1)))
        end = piece.end()
    return Template(literals=(*literals, text[end:]), placeholders=tuple(placeholders))


def _placeholder(text: str) -> Placeholder:
    names = tuple(_known(name) for name in text.split("|"))
    if len(set(names)) < len(names):
        raise ValueError(f"expected every name once in a placeholder, got {{{text}}}")
    return Placeholder(names)


def _known(name: str) -> str:
    if name not in PLACEHOLDERS:
        near = get_close_matches(name, PLACEHOLDERS, n=1)
        hint = f"; nearest is {{{near[0]}}}" if near else ""
        raise ValueError(f"expected one of the placeholders {', '.join(PLACEHOLDERS)}, got {{{name}}}{hint}")
    return name


@lru_cache(maxsize=256)
def is_header_name(text: str) -> bool:
    """Whether the text is a token (RFC 9110 §5.6.2)."""
    return _HEADER_NAME.fullmatch(text) is not None


def is_header_value(text: str) -> bool:
    """Whether the text can be a header's value: printable ASCII on one line, no space around it."""
    return text != "" and text.isascii() and text.isprintable() and text == text.strip()


def _checked(text: str) -> str:
    parse_template(text)
    if not is_header_value(text):
        raise ValueError("expected printable ASCII on one line without spaces around it, got something else")
    return text


TemplateText = Annotated[StrictStr, AfterValidator(_checked)]
HeaderText = TemplateText | SecretRef
"""A header's value: a literal, which may have placeholders, or a secret."""


def secrets_in(value: Any) -> Iterator[str]:
    """The names of all secrets that options refer to."""
    if isinstance(value, SecretRef):
        yield value.secret
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from secrets_in(getattr(value, name))
    elif isinstance(value, Mapping):
        for part in value.values():
            yield from secrets_in(part)
    elif isinstance(value, list | tuple):
        for part in value:
            yield from secrets_in(part)


Ask = Callable[[str], str]
"""Gives a secret's value by its name."""


def value_of(text: str | SecretRef, ask: Ask) -> str:
    """The literal itself, or the secret's value."""
    return ask(text.secret) if isinstance(text, SecretRef) else text
