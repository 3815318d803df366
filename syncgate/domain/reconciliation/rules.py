"""The language of comparison rules: `same: [trimmed, {decimals: 2}]`, parsed to functions.

| rule | counts as the same |
|---|---|
| `trimmed` | with and without white space at either end |
| `collapsed` | any white space and a single space |
| `width` | full-width and half-width characters (Unicode NFKC) |
| `case` | capital and small letters |
| `middle_dots` | `·`, `•`, `・`, `.` and the like |
| `empty`, `{empty: [无, "-"]}` | null, left out, an empty text, list or object, and the placeholders |
| `number`, `{number: ㎡}`, `{number: [㎡, 平方米]}` | a number and its text, with and without a unit |
| `{decimals: 2}` | numbers and their texts, rounded half up |
| `text_of_number` | a number and its text; `"01"` and `"1"` stay different |
| `{precision: minute}` (day, minute, second) | times in any usual writing, cut; `{precision: {to: day, zone: UTC}}` |
| `{codes: {"1": "01", "3": ["03", "04"]}}` | their code and ours; several of ours, where they have one for them |
| `{joined: ；}` | a list and its texts joined |
| `unordered` | a list in any order |
| `{cut: {bytes: 200, charset: gbk}}`, `{cut: {chars: 100}}` | a text and its beginning |
| `{members: [name, code]}`, `{members: {name: [trimmed]}}` | objects with equal members of these names |

Rules are applied in the order in which they stand, each to what the one before it gave.
"""

from __future__ import annotations

import difflib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final
from zoneinfo import ZoneInfo

from syncgate.domain.reconciliation import forms
from syncgate.domain.reconciliation.forms import Json, Normalise

DEFAULT_ZONE: Final = "Asia/Shanghai"
MOST_DECIMALS: Final = 12


def as_it_is(value: Json) -> Json:
    """The value."""
    return value


@dataclass(frozen=True, slots=True)
class Rules:
    """Parsed comparison rules.

    Attributes:
        names: what the rules are, one text each, in the order of applying: `trimmed`, `decimals: 2`. Two lists of rules
            with the same names do the same.
        ours: the form of a value as we sent it.
        theirs: the form of a value as the system shows it; another function only where codes are translated.
    """

    names: tuple[str, ...] = ()
    ours: Normalise = field(default=as_it_is, repr=False)
    theirs: Normalise = field(default=as_it_is, repr=False)


_Pair = tuple[Normalise, Normalise]
NO_RULES: Final = Rules()


def parse_rules(document: Any) -> Rules:
    """The rules of a `same:` list.

    Raises:
        ValueError: what was expected where; all that is wrong, joined with `; `.
    """
    if not isinstance(document, list):
        raise ValueError(f"expected a list of comparison rules, got {_kind(document)}")
    pairs: list[_Pair] = []
    wrong: list[str] = []
    for rule in document:
        try:
            pairs.append(_parsed(rule))
        except ValueError as error:
            wrong.append(str(error))
    if wrong:
        raise ValueError("; ".join(wrong))
    names = tuple(map(name_of, document))
    return Rules(names, _in_turn([ours for ours, _ in pairs]), _in_turn([theirs for _, theirs in pairs]))


def name_of(rule: Any) -> str:
    """A rule as one text: its name, and what it was given."""
    if isinstance(rule, str):
        return rule
    ((name, given),) = rule.items()
    text = given if isinstance(given, str) else json.dumps(given, ensure_ascii=False, sort_keys=True)
    return f"{name}: {text}"


def _in_turn(steps: Sequence[Normalise]) -> Normalise:
    steps = [step for step in steps if step is not as_it_is]
    if len(steps) < 2:
        return steps[0] if steps else as_it_is
    if len(steps) == 2:
        first, second = steps
        return lambda value: second(first(value))

    def normalise(value: Json) -> Json:
        for step in steps:
            value = step(value)
        return value

    return normalise


def _parsed(rule: Any) -> _Pair:
    if isinstance(rule, str):
        name, given = rule, None
    elif isinstance(rule, Mapping) and len(rule) == 1:
        ((name, given),) = rule.items()
    else:
        raise ValueError(
            f"expected a comparison rule as a name or as one name with what it is given, got {_kind(rule)}"
        )
    if name not in RULES:
        raise ValueError(_unknown(str(name)))
    if isinstance(rule, Mapping) and name in _BARE:
        raise ValueError(f"expected the comparison rule {name!r} alone, got something with it")
    if isinstance(rule, str) and name in _GIVEN:
        raise ValueError(f"expected the comparison rule {name!r} with {_GIVEN[name]}, got it alone")
    return RULES[name](given)


def _unknown(name: str) -> str:
    near = difflib.get_close_matches(name, RULES, n=1, cutoff=0.5)
    if near:
        return f"unknown comparison rule {name!r}; the nearest known is {near[0]!r}"
    return f"unknown comparison rule {name!r}; expected one of {', '.join(RULES)}"


def _kind(value: Any) -> str:
    kinds = {type(None): "nothing", bool: "a truth value", str: "a text", list: "a list", dict: "an object"}
    return kinds.get(type(value), "a number")


def _text_form(form: Callable[[str], str]) -> Callable[[Any], _Pair]:
    both = (forms.of_texts(form),) * 2
    return lambda _: both


def _both(form: Normalise) -> Callable[[Any], _Pair]:
    return lambda _: (form, form)


def _empty(given: Any) -> _Pair:
    placeholders = [] if given is None else given
    if not isinstance(placeholders, list) or any(isinstance(one, list | dict) for one in placeholders):
        raise ValueError("expected 'empty' with a list of texts or numbers that say nothing, got something else")
    form = forms.empty_with(placeholders)
    return form, form


def _number(given: Any) -> _Pair:
    units = [] if given is None else [given] if isinstance(given, str) else given
    if not isinstance(units, list) or not all(isinstance(unit, str) and unit for unit in units):
        raise ValueError("expected 'number' with a unit or a list of units as texts, got something else")
    form = forms.of_numbers(forms.plain, sorted(units, key=len, reverse=True))
    return form, form


def _decimals(given: Any) -> _Pair:
    if isinstance(given, bool) or not isinstance(given, int) or not 0 <= given <= MOST_DECIMALS:
        raise ValueError(f"expected 'decimals' with a whole number from 0 to {MOST_DECIMALS}, got something else")
    form = forms.of_numbers(forms.rounded_to(given), ())
    return form, form


def _precision(given: Any) -> _Pair:
    told = {"to": given} if isinstance(given, str) else given
    if not isinstance(told, Mapping) or not {"to"} <= set(told) <= {"to", "zone"}:
        raise ValueError("expected 'precision' with day, minute or second, or with 'to' and 'zone', got something else")
    unit: Any = told["to"]
    zone = told.get("zone", DEFAULT_ZONE)
    if unit not in ("day", "minute", "second"):
        raise ValueError("expected 'precision' with day, minute or second, or with 'to' and 'zone', got something else")
    try:
        form = forms.of_texts(forms.to_precision(unit, ZoneInfo(zone)))
    except (KeyError, OSError, TypeError, ValueError):
        raise ValueError("expected a time zone such as Asia/Shanghai as 'zone', got something else") from None
    return form, form


def _codes(given: Any) -> _Pair:
    if not isinstance(given, Mapping) or not given:
        raise ValueError("expected 'codes' with an object of our code by theirs, got something else")
    theirs: dict[str, str] = {}
    ours: dict[str, str] = {}
    for there, here in given.items():
        several = here if isinstance(here, list) else [here]
        if not several or any(isinstance(one, bool) or not isinstance(one, str | int) for one in several):
            raise ValueError("expected 'codes' with one code of ours, or a list of them, for each of theirs")
        theirs[str(there)] = str(several[0])
        ours |= {str(one): str(several[0]) for one in several}
    return forms.translated(ours), forms.translated(theirs)


def _joined(given: Any) -> _Pair:
    if not isinstance(given, str) or not given:
        raise ValueError("expected 'joined' with the text that stands between the parts, got something else")
    form = forms.split_at(given)
    return form, form


def _cut(given: Any) -> _Pair:
    told = given if isinstance(given, Mapping) else {}
    count = told.get("chars", told.get("bytes"))
    is_count = isinstance(count, int) and not isinstance(count, bool) and count > 0
    if not is_count or set(told) not in ({"chars"}, {"bytes", "charset"}):
        raise ValueError("expected 'cut' with 'chars', or with 'bytes' and 'charset', got something else")
    if "chars" in told:
        form = forms.of_texts(forms.cut_to_chars(count))
    else:
        form = forms.of_texts(forms.cut_to_bytes(count, _charset(told["charset"])))
    return form, form


def _charset(name: Any) -> str:
    try:
        "x".encode(name).decode(name)
    except (LookupError, TypeError, ValueError):
        raise ValueError("expected a charset such as gbk or utf-8, got something else") from None
    return str(name)


def _members(given: Any) -> _Pair:
    told = {name: [] for name in given} if isinstance(given, list) and _are_names(given) else given
    if not isinstance(told, Mapping) or not told or not _are_names(told):
        raise ValueError("expected 'members' with a list of names, or with an object of rules by name")
    rules = {name: parse_rules(document) for name, document in told.items()}
    return (
        forms.with_members({name: rule.ours for name, rule in rules.items()}),
        forms.with_members({name: rule.theirs for name, rule in rules.items()}),
    )


def _are_names(given: Any) -> bool:
    return all(isinstance(name, str) for name in given)


RULES: Final[Mapping[str, Callable[[Any], _Pair]]] = {
    "trimmed": _text_form(forms.trimmed),
    "collapsed": _text_form(forms.collapsed),
    "width": _text_form(forms.width),
    "case": _text_form(forms.case),
    "middle_dots": _text_form(forms.middle_dots),
    "empty": _empty,
    "number": _number,
    "decimals": _decimals,
    "text_of_number": _both(forms.text_of_number),
    "precision": _precision,
    "codes": _codes,
    "joined": _joined,
    "unordered": _both(forms.unordered),
    "cut": _cut,
    "members": _members,
}
"""What each rule makes of what it is given."""

_BARE: Final = frozenset({"trimmed", "collapsed", "width", "case", "middle_dots", "text_of_number", "unordered"})
_GIVEN: Final[Mapping[str, str]] = {
    "decimals": "a number of decimals",
    "precision": "a precision",
    "codes": "codes",
    "joined": "a separator",
    "cut": "a length",
    "members": "names",
}
"""Rules that are nothing without what they are given."""
