"""A contract: the JSON Schema of a message's payload, as the system publishes it."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final, NoReturn

import jsonschema
import jsonschema_rs
from referencing import Registry
from referencing.exceptions import NoSuchResource

Json = Any
DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"


@dataclass(frozen=True, slots=True)
class Violation:
    """One broken rule of a payload.

    Attributes:
        pointer: JSON Pointer of the field within the payload.
        rule: the schema's keyword, such as `required` or `maxLength`.
        expected: what the keyword wants, never the value that came.
    """

    pointer: str
    rule: str
    expected: str = ""


class ContractError(ValueError):
    """The schema itself is wrong; `pointer` says where within it."""

    def __init__(self, message: str, pointer: str = "") -> None:
        super().__init__(message)
        self.pointer = pointer


@dataclass(frozen=True, slots=True)
class Contract:
    """Says whether a payload is what the system publishes, and if not, why."""

    document: Mapping[str, Any]
    _fast: Any = field(repr=False)
    _slow: Any = field(repr=False)

    def holds(self, payload: Json) -> bool:
        """Whether the payload keeps the contract; the fast question."""
        return bool(self._fast.is_valid(payload))

    def violations(self, payload: Json) -> tuple[Violation, ...]:
        """Every broken rule with its place, in the order of the places; never a value."""
        if self.holds(payload):
            return ()
        return tuple(
            sorted(
                {_violation(error) for error in _leaves(self._slow.iter_errors(payload))},
                key=_key,
            )
        )

    @property
    def fields(self) -> frozenset[str]:
        """Names of the top-level fields."""
        return frozenset(self.document.get("properties", {}))

    @property
    def required(self) -> frozenset[str]:
        """Names of the top-level fields that must be there."""
        return frozenset(self.document.get("required", ()))

    @property
    def is_closed(self) -> bool:
        """Whether no other top-level field is allowed."""
        closed = (
            self.document.get("additionalProperties", True),
            self.document.get("unevaluatedProperties", True),
        )
        return False in closed


def compile_contract(document: Any) -> Contract:
    """A contract from its JSON.

    Raises:
        ContractError: it is no JSON Schema 2020-12, refers to something outside, or is not of an object.
    """
    if not isinstance(document, dict):
        raise ContractError("expected a JSON Schema object, got something else")
    if document.get("$schema", DIALECT) != DIALECT:
        raise ContractError(f"expected the dialect {DIALECT}, got another", "/$schema")
    try:
        jsonschema.Draft202012Validator.check_schema(document)
    except jsonschema.SchemaError as error:
        raise ContractError(f"not a JSON Schema 2020-12: {error.validator}", _pointer(error.path)) from None
    return Contract(document, _fast_validator(document), _slow_validator(document))


def _fast_validator(document: Mapping[str, Any]) -> Any:
    try:
        return jsonschema_rs.Draft202012Validator(dict(document), validate_formats=True, retriever=_refuse)
    except (
        jsonschema_rs.ValidationError,
        jsonschema_rs.ReferencingError,
        ValueError,
    ) as error:
        raise ContractError(f"not a usable JSON Schema: {type(error).__name__}") from None


def _refuse(uri: str) -> NoReturn:
    raise ValueError("expected references within the contract, got a remote one")


def _nothing(uri: str) -> NoReturn:
    raise NoSuchResource(ref=uri)  # type: ignore[call-arg]


def _slow_validator(document: Mapping[str, Any]) -> Any:
    registry: Registry[Any] = Registry(retrieve=_nothing)  # type: ignore[call-arg]
    checker = jsonschema.Draft202012Validator.FORMAT_CHECKER
    return jsonschema.Draft202012Validator(document, registry=registry, format_checker=checker)


def _leaves(errors: Any) -> Any:
    """The errors that say something: of an anyOf or oneOf, those of its branches."""
    for error in errors:
        if error.context:
            yield from _leaves(error.context)
        else:
            yield error


def _violation(error: Any) -> Violation:
    return Violation(_pointer(error.absolute_path), error.validator, _expected(error))


def _expected(error: Any) -> str:
    """What the schema wants, in its own words; the schema is public, the payload is not."""
    if error.validator == "required":
        missing = [name for name in error.validator_value if name not in error.instance]
        return ", ".join(missing)
    if error.validator in (
        "additionalProperties",
        "unevaluatedProperties",
        "properties",
    ):
        return "no other field"
    return json.dumps(error.validator_value, ensure_ascii=False)[:200]


def _pointer(path: Any) -> str:
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1") for step in path)


def _key(violation: Violation) -> tuple[str, str, str]:
    return violation.pointer, violation.rule, violation.expected
