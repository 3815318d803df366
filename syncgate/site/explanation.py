"""Why a document breaks its schema: one finding a field, with place and rule, never a value."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any, Final

from jsonschema import Draft202012Validator, FormatChecker
from jsonschema.exceptions import ValidationError

from syncgate.documents import nearest
from syncgate.site.schema_tree import SchemaTree, Token

Json = Any
_LONGEST_NAME: Final = 64
_NEAREST_AT_MOST: Final = 50
_FINDINGS_AT_MOST: Final = 2_000
"""What is looked at before giving up: a hostile body can break a rule a million times."""


@dataclass(frozen=True, slots=True)
class Finding:
    """One broken rule. tokens: the field's path. expected: what the schema wants."""

    tokens: tuple[Token, ...]
    rule: str
    expected: str


_RULES: Final[Mapping[str, str]] = {
    "type": "type",
    "required": "required",
    "additionalProperties": "unknown_field",
    "unevaluatedProperties": "unknown_field",
    "enum": "enum",
    "const": "const",
    "format": "format",
    "maxLength": "max_length",
    "minLength": "min_length",
    "pattern": "pattern",
    "minimum": "minimum",
    "exclusiveMinimum": "minimum",
    "maximum": "maximum",
    "exclusiveMaximum": "maximum",
    "minItems": "min_items",
    "maxItems": "max_items",
    "minProperties": "min_properties",
    "maxProperties": "max_properties",
    "uniqueItems": "unique_items",
}
"""Rule by keyword, the most telling first: a field that breaks several is told the first."""

_RANK: Final = {rule: rank for rank, rule in enumerate(dict.fromkeys(_RULES.values()))}
_FORMATS: Final = {"date-time": "RFC 3339 date-time with offset"}


class Explainer:
    """Finds every broken field of a document."""

    def __init__(
        self, schema: Mapping[str, Any], tree: SchemaTree, *, formats: Mapping[str, Callable[[Any], bool]]
    ) -> None:
        """Args: schema, tree: of the same document; formats: what a text of a format must satisfy."""
        checker = FormatChecker(formats=())
        for name, holds in formats.items():
            checker.checks(name)(holds)
        self._validator = Draft202012Validator(schema, format_checker=checker)
        self._tree = tree

    def findings(self, document: Json) -> list[Finding]:
        """One finding for every broken field, in the order of the document's schema."""
        chosen: dict[tuple[Token, ...], Finding] = {}
        errors = islice(self._validator.iter_errors(self._shortened(document)), _FINDINGS_AT_MOST)
        for finding in islice(self._flat(errors), _FINDINGS_AT_MOST):
            known = chosen.get(finding.tokens)
            if known is None or _rank(finding) < _rank(known):
                chosen[finding.tokens] = finding
        return [self._with_nearest(finding, no) for no, finding in enumerate(chosen.values())]

    def _shortened(self, document: Json) -> Json:
        """The document with lists that are too long cut to one more than they may have: that is told already."""
        if not isinstance(document, dict):
            return document
        return {name: self._cut(name, value) for name, value in document.items()}

    def _cut(self, name: str, value: Json) -> Json:
        if not isinstance(value, list):
            return value
        longest = (self._tree.at((name,)) or {}).get("maxItems")
        return value if longest is None else value[: longest + 1]

    def _with_nearest(self, finding: Finding, no: int) -> Finding:
        """An unknown field with the known name that was probably meant; looked for only among the first."""
        name = str(finding.tokens[-1]) if finding.tokens else ""
        if finding.rule != "unknown_field" or no >= _NEAREST_AT_MOST or len(name) > _LONGEST_NAME:
            return finding
        known = (self._tree.at(finding.tokens[:-1]) or {}).get("properties", {})
        return replace(finding, expected=nearest(name, known) or "")

    def _flat(self, errors: Iterable[ValidationError]) -> Iterator[Finding]:
        for error in errors:
            if error.context:
                yield from self._flat(error.context)
            else:
                yield from self._found(error)

    def _found(self, error: ValidationError) -> Iterator[Finding]:
        tokens = tuple(error.absolute_path)
        keyword = str(error.validator)
        if "propertyNames" in error.absolute_schema_path:
            yield Finding((*tokens, str(error.instance)), "field_name", "")
        elif keyword == "required":
            wanted: Any = error.validator_value
            document: Any = error.instance
            for name in wanted:
                if name not in document:
                    yield Finding((*tokens, name), "required", self._type_at((*tokens, name)))
        elif keyword in ("additionalProperties", "unevaluatedProperties"):
            yield from self._unknown(tokens, error)
        else:
            yield Finding(tokens, _RULES.get(keyword, "schema"), _expected(keyword, error.validator_value))

    def _unknown(self, tokens: tuple[Token, ...], error: ValidationError) -> Iterator[Finding]:
        schema: Any = error.schema
        document: Any = error.instance
        known: Any = schema.get("properties", {})
        for name in document:
            if name not in known:
                yield Finding((*tokens, name), "unknown_field", "")

    def _type_at(self, tokens: tuple[Token, ...]) -> str:
        node = self._tree.at(tokens) or {}
        return _expected("type", node["type"]) if "type" in node else ""


def _rank(finding: Finding) -> int:
    return _RANK.get(finding.rule, len(_RANK))


def _expected(keyword: str, wanted: Any) -> str:
    if keyword == "type":
        return " or ".join([wanted] if isinstance(wanted, str) else wanted)
    if keyword == "enum":
        return ", ".join(str(value) for value in wanted)
    if keyword == "format":
        return _FORMATS.get(wanted, str(wanted))
    if keyword == "pattern":
        return str(wanted).removesuffix("(?!\\n)")
    return str(wanted) if isinstance(wanted, str | int | float) else ""


def pointer(tokens: Iterable[Token]) -> str:
    """The JSON Pointer of a path. Source: RFC 6901 §3."""
    return "".join("/" + str(token).replace("~", "~0").replace("/", "~1") for token in tokens)


def tokens(pointer: str) -> tuple[Token, ...]:
    """The path of a JSON Pointer; digits alone count as a position."""
    raw = (token.replace("~1", "/").replace("~0", "~") for token in pointer.split("/")[1:])
    return tuple(int(token) if token.isascii() and token.isdigit() else token for token in raw)
