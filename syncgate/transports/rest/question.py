"""What a question says in its body: an object of constants and placeholders."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from functools import lru_cache
from typing import Annotated, Any, Final

from pydantic import AfterValidator, Field, JsonValue, StrictStr

from syncgate.transports.rest.text import ASKED, KeyMissing, Template, parse_template

_NUMBER: Final = re.compile(r"\{(page|size|cursor|after|version_no):number\}")
_LEFT_OUT: Final = object()


def fill_question(question: Any, keys: Mapping[str, str]) -> Any:
    """The payload of one question. A member whose placeholder of a listing has no value is left out.

    Raises:
        KeyMissing: another placeholder has no value, or one that is to be a number has another.
    """
    if isinstance(question, Mapping):
        filled = {name: fill_question(part, keys) for name, part in question.items()}
        return {name: part for name, part in filled.items() if part is not _LEFT_OUT}
    if isinstance(question, list | tuple):
        return [part for part in (fill_question(one, keys) for one in question) if part is not _LEFT_OUT]
    return _text(question, keys) if isinstance(question, str) else question


def names_in(question: Any) -> Iterator[str]:
    """The keys that its placeholders mention."""
    if isinstance(question, Mapping):
        for part in question.values():
            yield from names_in(part)
    elif isinstance(question, list | tuple):
        for part in question:
            yield from names_in(part)
    elif isinstance(question, str):
        number = _NUMBER.fullmatch(question)
        yield from (number[1],) if number else _template(question).names


@lru_cache(maxsize=1024)
def _template(text: str) -> Template:
    return parse_template(text)


def _text(text: str, keys: Mapping[str, str]) -> Any:
    number = _NUMBER.fullmatch(text)
    if number is None:
        template = _template(text)
        return _LEFT_OUT if template.is_left_out(keys) else template.fill_as_is(keys)
    name, value = number[1], keys.get(number[1])
    if not value and name in ASKED:
        return _LEFT_OUT
    if not value or not (value.isascii() and value.lstrip("-").isdigit()):
        raise KeyMissing(name)
    return int(value)


def _checked(question: Any) -> Any:
    for _ in names_in(question):
        pass
    return question


Question = Annotated[dict[StrictStr, JsonValue], Field(min_length=1), AfterValidator(_checked)]
"""An object whose texts may have placeholders; `{page:number}` alone in a text becomes a number."""
