"""The canonical schema in use: is a case valid, why not, what of it is personal, what may people see."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final, NoReturn

import jsonschema_rs

from syncgate.documents import Place, Problem, ProblemSet
from syncgate.domain import rules
from syncgate.domain.errors import FieldError
from syncgate.domain.rules import Broken
from syncgate.site.explanation import Explainer, Finding, pointer, tokens
from syncgate.site.masking import masked
from syncgate.site.schema_tree import SchemaTree

Json = Any
_ERRORS_AT_MOST: Final = 500
_ROOTS: Final = {"stages": "stage", "materials": "material"}
"""What a path under a part is called by a mapping that reads parts."""


@dataclass(frozen=True, slots=True)
class Checked:
    """What a check found. errors: the case is refused. warnings: it is taken, and the receipt says so."""

    errors: tuple[FieldError, ...] = ()
    warnings: tuple[FieldError, ...] = ()


def is_instant(value: Any) -> bool:
    """Whether a text is a time with offset that can be computed with; anything but a text is not asked."""
    if not isinstance(value, str):
        return True
    try:
        return datetime.fromisoformat(value).tzinfo is not None
    except ValueError:
        return False


class CanonicalSchema:
    """The canonical case's schema, its rules and its marks. Immutable and safe to share."""

    def __init__(self, schema: dict[str, Any], *, file: str = "schemas/case.schema.json") -> None:
        """Args: schema: JSON Schema 2020-12 with titles, `x-rules` and `x-personal`; file: its name in messages.

        Raises:
            ProblemSet: it is no valid schema, or its `x-rules` are not the closed list of rules.
        """
        self.document: Final = schema
        self._tree: Final = SchemaTree(schema)
        self._severity_by_rule = _severities(schema, file)
        self.rule_titles: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(
            {r["rule"]: {"zh": r["title"], "en": r["x-title-en"]} for r in schema.get("x-rules", ())}
        )
        try:
            self._validator = jsonschema_rs.Draft202012Validator(
                schema, formats={"date-time": is_instant}, validate_formats=True, retriever=_refuse_to_fetch
            )
        except Exception as error:  # its errors have no common root but ValueError and its own
            raise _invalid(file, f"expected a JSON Schema, got {type(error).__name__}") from None

    @classmethod
    def load(cls, path: Path) -> CanonicalSchema:
        """The schema of a file. Raises ProblemSet where there is none."""
        try:
            return cls(json.loads(path.read_text("utf-8")), file=str(path))
        except (OSError, ValueError):
            raise _invalid(str(path), "expected a JSON Schema in UTF-8, got no readable file") from None

    @cached_property
    def _explainer(self) -> Explainer:
        return Explainer(self.document, self._tree, formats={"date-time": is_instant})

    def check(self, case: Json) -> Checked:
        """Every broken field at once, each with pointer, rule and titles; never a value."""
        broken = rules.broken(case)
        if not broken and self._validator.is_valid(case):
            return _NOTHING
        found = () if self._validator.is_valid(case) else self._explainer.findings(case)
        refused = [self._error_of(finding) for finding in found[:_ERRORS_AT_MOST]]
        told = {error.pointer for error in refused}
        errors: list[FieldError] = []
        warnings: list[FieldError] = []
        for each in broken:
            is_warning = self._severity_by_rule.get(each.rule) == "warning"
            if each.pointer not in told:
                (warnings if is_warning else errors).append(self._error_by_rule(each))
        return Checked(tuple([*refused, *errors][:_ERRORS_AT_MOST]), tuple(warnings))

    def _error_of(self, finding: Finding) -> FieldError:
        return FieldError(pointer(finding.tokens), finding.rule, finding.expected, self._tree.titles(finding.tokens))

    def _error_by_rule(self, broken: Broken) -> FieldError:
        expected = self.rule_titles.get(broken.rule, {}).get("en", "")
        return FieldError(broken.pointer, broken.rule, expected, self._tree.titles(tokens(broken.pointer)))

    def titles(self, at: str) -> dict[str, str]:
        """The titles of the field at a JSON Pointer, by language; empty where the schema has none."""
        return self._tree.titles(tokens(at))

    def mask(self, case: Json) -> Json:
        """The case as people see it by default: the same shape, personal values masked."""
        return masked(case, self._tree)

    def personal_paths(self) -> Mapping[str, str]:
        """The class of personal data by path, in the mappings' style: `case.applicant.name`.

        A part's fields stand under both roots: `case.stages.*.handler.name` and `stage.handler.name`. What
        stands below a path has its class too, unless it has its own.
        """
        return self._personal_paths

    @cached_property
    def _personal_paths(self) -> Mapping[str, str]:
        by_path: dict[str, str] = {}
        for path, node in self._tree.fields():
            if "x-personal" not in node:
                continue
            by_path[".".join(("case", *path))] = str(node["x-personal"])
            if path[0] in _ROOTS and len(path) > 2:
                by_path[".".join((_ROOTS[path[0]], *path[2:]))] = str(node["x-personal"])
        return MappingProxyType(by_path)

    def personal_classes(self, path: str) -> frozenset[str]:
        """Every class that a mapping gets to see by reading a path: the field's own, and of all below it."""
        known = self._personal_paths
        below = {personal for field, personal in known.items() if field.startswith(f"{path}.")}
        parts = path.split(".")
        prefixes = (".".join(parts[:length]) for length in range(len(parts), 0, -1))
        own = next((known[prefix] for prefix in prefixes if prefix in known), None)
        return frozenset(below | ({own} if own else set()))


_NOTHING: Final = Checked()


def _severities(schema: Mapping[str, Any], file: str) -> dict[str, str]:
    declared = {each["rule"]: each["severity"] for each in schema.get("x-rules", ())}
    if unknown := sorted(set(declared) - rules.NAMES):
        raise _invalid(file, f"expected rules of the closed list in x-rules, got {', '.join(unknown)}")
    if missing := sorted(rules.NAMES - set(declared)):
        raise _invalid(file, f"expected every rule in x-rules, got none of {', '.join(missing)}")
    return declared


def _refuse_to_fetch(uri: str) -> NoReturn:
    raise ValueError("expected a schema that refers only to itself")


def _invalid(file: str, message: str) -> ProblemSet:
    return ProblemSet([Problem(Place(file, 1, 1), message, "invalid_schema")])
