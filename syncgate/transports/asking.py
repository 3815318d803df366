"""What every transport's look-up is asked with: where the record is in the answer, and which answer shows absence."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import orjson
from pydantic import ValidationError

from syncgate.domain.errors import SiteInvalid
from syncgate.transports.answers import AnswerCondition, CompiledCondition
from syncgate.transports.pointer import parse_pointer


class AbsentConditions:
    """Conditions of absence, each compiled once."""

    def __init__(self) -> None:
        self._compiled: dict[bytes, CompiledCondition] = {}

    def of(self, absent: Mapping[str, Any] | AnswerCondition) -> CompiledCondition | None:
        """The condition compiled; None for an empty one: then no answer shows absence. Raises SiteInvalid."""
        if isinstance(absent, AnswerCondition):
            absent = absent.model_dump(exclude_unset=True)
        document = dict(absent)
        if not document:
            return None
        key = orjson.dumps(document, option=orjson.OPT_SORT_KEYS)
        found = self._compiled.get(key)
        if found is None:
            found = self._compiled[key] = _compiled(document)
        return found


def record_pointer(text: str) -> tuple[str, ...]:
    """Where in an answer the record is. Raises SiteInvalid."""
    try:
        return parse_pointer(text)
    except ValueError as error:
        raise SiteInvalid(f"record: {error}") from None


def _compiled(document: Mapping[str, Any]) -> CompiledCondition:
    try:
        return CompiledCondition(AnswerCondition.model_validate(document))
    except ValidationError as error:
        raise SiteInvalid(f"absent: expected an answer condition, got {error.error_count()} problems") from error
