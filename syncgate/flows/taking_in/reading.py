"""A source's record as a case, and what is wrong with it in the source's own words."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from typing import Any

from syncgate.domain.errors import FieldError, InvalidCase, InvalidRecord, RequestError
from syncgate.mapping import Context, Fault, Inputs, Mapped, Unmappable
from syncgate.mapping import Mapping as FieldMapping
from syncgate.mapping.origins import origins, pointed
from syncgate.records import Record, Torn
from syncgate.site.canonical import CanonicalSchema

Json = Any
_RECORD = "record."


def case_of(mapping: FieldMapping, record: Record | Torn, context: Context) -> Json:
    """The canonical case that a record makes. Raises InvalidRecord with every field that is wrong."""
    if isinstance(record, Torn):
        at = record.at if record.at.startswith("/") or not record.at else f"/{_escaped(record.at)}"
        raise _refused([FieldError(at, "unreadable", record.reason)])
    result = mapping.apply(Inputs(record.value, context=context))
    if isinstance(result, Unmappable):
        raise _refused([_of_fault(mapping, fault) for fault in result.faults])
    if not isinstance(result, Mapped):
        raise InvalidRecord("expected a record that makes a case by itself, got one that waits for a system")
    return result.payload


@dataclass(frozen=True, slots=True)
class Rendered:
    """What a record makes: its case, or what is wrong with it."""

    document: Json = field(default=None, repr=False)
    fault: RequestError | None = None

    def case(self) -> Json:
        """The case. Raises what is wrong."""
        if self.fault is not None:
            raise self.fault
        return self.document

    def case_no(self, otherwise: Any) -> Any:
        """What two records about one case share; otherwise what tells this one from all others."""
        return otherwise if self.fault is not None else self.document.get("case_no", otherwise)


def rendered(mapping: FieldMapping, record: Record | Torn, context: Context) -> Rendered:
    """What a record makes, mapped once."""
    try:
        return Rendered(case_of(mapping, record, context))
    except RequestError as error:
        return Rendered(fault=error)


def in_its_words(mapping: FieldMapping, schema: CanonicalSchema, error: RequestError) -> RequestError:
    """A refusal of the case as a refusal of the record that it was made of: each field as the source calls it."""
    errors = [told for one in error.errors for told in _of_case(mapping, schema, one)]
    if isinstance(error, InvalidCase):
        return _refused(errors)
    error.errors = tuple(errors)
    return error


def _refused(errors: Iterable[FieldError]) -> InvalidRecord:
    once = list({(one.pointer, one.rule, one.expected): one for one in errors}.values())
    return InvalidRecord(
        "expected a record that makes a case, got {count} fields that do not", count=len(once), errors=once
    )


def _of_fault(mapping: FieldMapping, fault: Fault) -> FieldError:
    steps = fault.field.split("/")
    numbers = [step for step in steps if step.isdigit()]
    if fault.path.startswith(_RECORD):
        return FieldError(pointed(fault.path.split("."), numbers), fault.rule, fault.detail)
    found = origins(mapping.document, steps)
    return FieldError(found[0] if found else "", fault.rule, fault.detail)


def _of_case(mapping: FieldMapping, schema: CanonicalSchema, error: FieldError) -> list[FieldError]:
    """One entry a column that the field is made of; without one the case's own field, by its title."""
    steps = [step.replace("~1", "/").replace("~0", "~") for step in error.pointer.split("/")[1:]]
    found = origins(mapping.document, steps)
    titles = error.titles or schema.titles(error.pointer)
    return [replace(error, pointer=at, titles=titles) for at in found] or [replace(error, pointer="", titles=titles)]


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")
