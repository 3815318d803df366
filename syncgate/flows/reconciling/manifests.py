"""A source's manifest, read as the source's own records are: by its formats and its inbound mapping, or by columns."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Final

import orjson

from syncgate.domain.errors import FieldError
from syncgate.domain.reconciliation.manifest import Listed
from syncgate.flows.gate import Gate
from syncgate.flows.reconciling.exports import Export, InvalidExport, settings_of
from syncgate.flows.reconciling.filed import FiledListing
from syncgate.mapping import Context, Inputs, Mapped
from syncgate.ports import UNREADABLE, Query, Unread
from syncgate.records import JsonSettings, NdjsonSettings
from syncgate.records.numbering import Numbering, Seen
from syncgate.records.settings import Settings

if TYPE_CHECKING:
    from syncgate.mapping import Mapping as FieldMapping

NUMBER: Final = "/case_no"
"""The pointer of the column without which no record is told from another."""
_QUERY: Final = Query(operation="")
_AT_ONCE: Final = 100


def settings_for(gate: Gate, source: str, format_name: str, given: Mapping[str, Any]) -> Settings:
    """How a manifest is written: as the source writes its records, but for what is given. Raises InvalidExport."""
    known = gate.inbound.get(source)
    declared = None if known is None else {str(name): one for name, one in known.formats.items()}.get(format_name)
    said = {name: value for name, value in given.items() if value is not None}
    return settings_of(format_name, ({} if declared is None else declared.model_dump()) | said)


def refuse_unreadable(gate: Gate, source: str, columns: Mapping[str, str], *, batch: str) -> None:
    """Raises InvalidExport where the records could not be told apart by their numbers."""
    errors = []
    if columns and NUMBER not in columns:
        errors.append(FieldError("/query/column", "required", f"{NUMBER}=…"))
    errors += [FieldError("/query/column", "format", "/pointer=column") for pointer in columns if pointer[:1] != "/"]
    mapping = _mapping(gate, source)
    if not columns and not batch and mapping is not None and mapping.needs_record_no:
        errors.append(FieldError("/query/batch", "required", "the name under which it was posted"))
    if errors:
        raise InvalidExport("expected a manifest whose records bear numbers, got another", errors=errors)


@dataclass(slots=True)
class ManifestReader:
    """Reads a manifest page by page; may be walked again.

    Attributes:
        gate: the running gate. export: what was uploaded.
        doubts: why it was not read for certain, as codes; empty: it was, so far.
    """

    gate: Gate
    export: Export
    doubts: dict[str, None] = field(default_factory=dict)

    async def pages(self) -> AsyncGenerator[list[Listed], None]:
        """What it lists, in its order."""
        filed = FiledListing(
            lambda: self.export.open(self.gate), self.export.settings, name=self.export.name, columns=self._wanted()
        )
        seen = Seen()
        numbering = Numbering(self._batch, seen)
        try:
            following: str | None = None
            while True:
                page = await filed.list_page(_QUERY, following)
                if isinstance(page, Unread):
                    self.doubts[page.reason] = None
                    return
                yield await self._page(page.records, numbering)
                following = page.following
                if following is None:
                    return
        finally:
            await filed.aclose()
            seen.close()

    @property
    def tells_content(self) -> bool:
        """Whether it says more of a case than that it is there."""
        return len(self._columns) > 1 or (not self._columns and (self._mapping is not None or self._is_canonical))

    @property
    def _columns(self) -> Mapping[str, str]:
        return self.export.manifest.columns if self.export.manifest is not None else {}

    @property
    def _batch(self) -> str:
        return self.export.manifest.batch if self.export.manifest is not None else ""

    @property
    def _mapping(self) -> FieldMapping | None:
        return None if self._columns else _mapping(self.gate, self.export.system)

    @property
    def _is_canonical(self) -> bool:
        """Whether its records are canonical cases; cells are texts, and no cases."""
        return self._mapping is None and isinstance(self.export.settings, JsonSettings | NdjsonSettings)

    def _wanted(self) -> frozenset[str]:
        if self._columns:
            return frozenset(self._columns.values())
        return self._mapping.columns if self._mapping is not None else frozenset({NUMBER[1:]})

    async def _page(self, records: Sequence[object], numbering: Numbering) -> list[Listed]:
        """Of a page, what can be read; others get their turn in between."""
        read: list[Listed] = []
        for start in range(0, len(records), _AT_ONCE):
            for record in records[start : start + _AT_ONCE]:
                one = self._listed(record, numbering)
                if one is None:
                    self.doubts[UNREADABLE] = None
                else:
                    read.append(one)
            await asyncio.sleep(0)
        return read

    def _listed(self, record: Any, numbering: Numbering) -> Listed | None:
        """One record; None where it bears no number, or the mapping makes no case of it."""
        if not isinstance(record, Mapping):
            return None
        if self._columns:
            texts = {pointer: _text(record.get(column)) for pointer, column in self._columns.items()}
            number = texts.pop(NUMBER)
            return Listed(number=number, fields=texts) if number else None
        if self._mapping is not None:
            return _mapped(self._mapping, record, numbering, batch=self._batch)
        number = _text(record.get(NUMBER[1:]))
        return Listed(number=number, document=dict(record) if self._is_canonical else None) if number else None


def _mapping(gate: Gate, source: str) -> FieldMapping | None:
    known = gate.inbound.get(source)
    return None if known is None else known.mapping


def _mapped(mapping: FieldMapping, record: Any, numbering: Numbering, *, batch: str) -> Listed | None:
    record_no = numbering.number(record) if mapping.needs_record_no else None
    result = mapping.apply(Inputs(record, context=Context(batch=batch or None, record_no=record_no)))
    if not isinstance(result, Mapped):
        return None
    document = orjson.loads(orjson.dumps(result.payload))
    number = _text(document.get("case_no")) if isinstance(document, dict) else ""
    return Listed(number=number, document=document) if number else None


def _text(value: Any) -> str:
    return "" if value is None or isinstance(value, dict | list) else str(value).strip()
