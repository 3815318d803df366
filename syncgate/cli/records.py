"""A source's records as cases, each with its place in its file."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

from syncgate.cli.case_files import Row, read_cases
from syncgate.cli.source_files import SourceFile, opened
from syncgate.records.numbering import Numbering, Seen
from syncgate.records.record import FileRefused, Record, Torn

if TYPE_CHECKING:
    from syncgate.mapping import Mapping as FieldMapping
    from syncgate.records.reading import Columns


def rows_of(file: SourceFile, mapping: FieldMapping | None, *, columns: Columns, seen: Seen) -> Iterator[Row | Torn]:
    """The records of a file as cases, in order.

    Args:
        file: what to read.
        mapping: the source's, None where it posts canonical cases.
        columns: afterwards, which of the file's columns nobody reads.
        seen: counts equal records.

    Raises:
        FileRefused: while reading, where the file is not what it should be, or cannot be read to its end.
    """
    try:
        yield from _read(file, mapping, columns=columns, seen=seen)
    except OSError as error:
        why = error.strerror or "a stream that cannot go back"
        raise FileRefused(f"expected to read {file.name} to its end, got {why}") from None


def _read(file: SourceFile, mapping: FieldMapping | None, *, columns: Columns, seen: Seen) -> Iterator[Row | Torn]:
    from syncgate.records.reading import read

    if file.settings is None or mapping is None:
        yield from read_cases(file.path)
        return
    columns.wanted = mapping.columns
    with opened(file.path) as stream:
        records = read(stream, file.settings, name=file.name, columns=columns)
        yield from mapped(records, mapping, batch=file.batch, seen=seen)


def mapped(records: Iterable[Record | Torn], mapping: FieldMapping, *, batch: str, seen: Seen) -> Iterator[Row | Torn]:
    """The records as cases; one that the mapping cannot make into a case comes as torn, once a fault."""
    from syncgate.mapping import Context, Inputs, Mapped, Unmappable

    numbering = Numbering(batch, seen)
    for record in records:
        if isinstance(record, Torn):
            yield record
            continue
        number = numbering.number(record.value) if mapping.needs_record_no else None
        result = mapping.apply(Inputs(case=record.value, context=Context(batch=batch, record_no=number)))
        if isinstance(result, Mapped):
            yield Row(record.line, result.payload)
        elif isinstance(result, Unmappable):
            faults = [f"{fault.path or fault.field}: {fault.detail or fault.rule}" for fault in result.faults]
            at = result.faults[0].path.removeprefix("record.") if len(faults) == 1 else ""
            words = result.faults[0].detail or result.faults[0].rule
            yield Torn(record.line, words if len(faults) == 1 else "; ".join(faults), at)
        else:
            yield Torn(record.line, "expected a record that makes a case by itself, got one that waits for a system")
