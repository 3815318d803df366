"""What people may see of what a mapping reads: the masked case, or a record masked by where its values go."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from syncgate.documents import JsonValue
from syncgate.domain.plan import legs_of
from syncgate.mapping import Mapping as FieldMapping
from syncgate.mapping import document as doc
from syncgate.mapping.reads import ITEM, Scope, Tree, reads_of
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.masking import HIDDEN

Steps = tuple[str, ...]
_LISTS: Mapping[str, str] = {"stage": "stages", "material": "materials"}


def shown_case(case: JsonValue, reads: str, part_no: int | None, schema: CanonicalSchema) -> dict[str, JsonValue]:
    """The masked case and, of a mapping that reads parts, its masked part, by root.

    Args:
        case: the canonical case.
        reads: what the mapping reads: case, stage, material or leg.
        part_no: where the part stands in its list, from 0; None where there is none.
    """
    masked = schema.mask(case)
    if part_no is not None and reads == "leg":
        return {"case": masked, "leg": legs_of(masked)[part_no]}
    if part_no is None or reads not in _LISTS:
        return {"case": masked}
    return {"case": masked, reads: masked[_LISTS[reads]][part_no]}


def shown_record(record: JsonValue, mapping: FieldMapping, schema: CanonicalSchema) -> dict[str, JsonValue]:
    """The record with only what goes nowhere but into fields of the case that are not personal, by root."""
    opened, closed = Tree(), Tree()
    for target, value in _targets(mapping.document.payload, "case"):
        reads_of(value, Scope(), closed if schema.personal_classes(target) else opened)
    return {"record": _shown(record, ("record",), set(opened.leaves()), set(closed.leaves()))}


def _targets(written: doc.Object, above: str) -> Iterator[tuple[str, doc.Expression]]:
    """Every field of the case that is written, with what it is made of."""
    for field in written.fields:
        target = f"{above}.{field.name}"
        if isinstance(field.value, doc.Object) and field.value.options.when_absent is None:
            yield from _targets(field.value, target)
        else:
            yield target, field.value


def _shown(value: JsonValue, at: Steps, opened: set[Steps], closed: set[Steps]) -> JsonValue:
    if isinstance(value, dict):
        return {key: _shown(below, (*at, key), opened, closed) for key, below in value.items()}
    if isinstance(value, list):
        return [_shown(below, (*at, ITEM), opened, closed) for below in value]
    is_open = any(at[: len(steps)] == steps for steps in opened)
    is_closed = any(at[: len(steps)] == steps for steps in closed)
    return value if value is None or (is_open and not is_closed) else HIDDEN
