"""The few comparison rules that the example site needs; `domain.reconciliation` is to have all of them."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import reduce
from typing import Any, Final

import orjson

from syncgate.documents import unknown
from syncgate.domain.reconciliation.comparison import Normalise

Json = Any


def parse_rules(document: Sequence[Json]) -> tuple[tuple[str, ...], Normalise]:
    """The names of the rules, and the rules as one function. Raises ValueError."""
    pairs = [_parsed(one) for one in document]
    functions = [function for _, function in pairs]
    return tuple(name for name, _ in pairs), lambda value: reduce(lambda found, act: act(found), functions, value)


def _parsed(rule: Json) -> tuple[str, Normalise]:
    name, argument = next(iter(rule.items())) if isinstance(rule, dict) and len(rule) == 1 else (str(rule), None)
    if name not in _RULES:
        raise ValueError(unknown("rule", name, _RULES))
    return name, _RULES[name](argument)


def _trimmed(_: Json) -> Normalise:
    return lambda value: value.strip() if isinstance(value, str) else value


def _empty(placeholders: Json) -> Normalise:
    return lambda value: None if value in placeholders else value


def _number(unit: Json) -> Normalise:
    def number(value: Json) -> Json:
        try:
            return float(str(value).removesuffix(unit or ""))
        except ValueError:
            return value

    return number


def _unordered(_: Json) -> Normalise:
    return lambda value: sorted(value, key=orjson.dumps) if isinstance(value, list) else value


_RULES: Final[Mapping[str, Callable[[Json], Normalise]]] = {
    "trimmed": _trimmed,
    "empty": _empty,
    "number": _number,
    "unordered": _unordered,
}
