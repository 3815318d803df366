"""A sentence that remembers how it was made, so that it can be said in another language."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Final

PLACEHOLDER: Final = re.compile(r"\{([a-z_][a-z0-9_]*)(!r)?\}")
"""Where a fact goes: `{name}` as text, `{name!r}` in quotes. Other braces are what they are."""


class Said(str):
    """An English sentence: its template with the facts filled in; a plain text everywhere else.

    Attributes:
        template: English, with a named placeholder a fact.
        facts: what the placeholders stand for; never a secret or a personal value.
    """

    __slots__ = ("facts", "template")

    template: str
    facts: Mapping[str, object]

    def __new__(cls, template: str, /, **facts: object) -> Said:
        """The sentence."""
        said = super().__new__(cls, filled(template, facts))
        said.template, said.facts = template, facts
        return said


def filled(template: str, facts: Mapping[str, object]) -> str:
    """The template with its facts; a placeholder without a fact stays as it is written."""

    def fact(place: re.Match[str]) -> str:
        if place[1] not in facts:
            return place[0]
        value = facts[place[1]]
        return repr(value) if place[2] else str(value)

    return PLACEHOLDER.sub(fact, template)


def names(template: str) -> frozenset[str]:
    """The names of a template's placeholders."""
    return frozenset(place[1] for place in PLACEHOLDER.finditer(template))
