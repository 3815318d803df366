"""What a mapping is explained over, out of a file: a canonical case, or a record as its source writes it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from pathlib import Path
from typing import Any, Final
from uuid import UUID

from syncgate.cli.case_files import read_case
from syncgate.cli.context import BadArgument
from syncgate.cli.output import note
from syncgate.cli.source_files import SourceFile, chosen, opened
from syncgate.documents import unknown
from syncgate.domain.ids import slot_key
from syncgate.domain.plan import Message, PartOf, part_of, parts_of
from syncgate.mapping import Context, Inputs, Mapping
from syncgate.records import Columns, Numbering, Record, Seen, Torn, read
from syncgate.site.bundle import Bundle
from syncgate.site.folder import Site
from syncgate.site.shown import shown_case, shown_record

_ROW: Final = re.compile(r"(?P<line>[1-9][0-9]{0,8})(?:/(?P<no>[1-9][0-9]{0,8}))?")
Numbered = tuple[Record | Torn, str]
_FORMATS: Final = ("csv", "xml", "json", "ndjson", "xlsx", "form")


@dataclass(frozen=True, slots=True)
class Asked:
    """What is to be explained: a mapping with what it reads, and what of that people may see, by root."""

    title: str
    mapping: Mapping
    inputs: Inputs
    shown: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Chosen:
    """One record of a file. row: the line where it begins, and which one of that line: `7`, `7/2`."""

    path: Path
    row: str | None = None
    batch: str | None = None
    format_name: str | None = None


def outward(site: Site, system: str, name: str, file: Path, part_id: str | None) -> Asked:
    """One message of a canonical case. Raises BadArgument, FileRefused."""
    if system not in site.bundles:
        raise BadArgument(unknown("system", system, sorted(site.bundles)))
    bundle = site.bundles[system]
    if name not in bundle.specs:
        raise BadArgument(unknown("message", name, sorted(bundle.specs)))
    message, mapping = bundle.message(name), bundle.specs[name].mapping
    case = _valid(site, file)
    ids = [one for one, _ in parts_of(case, message.of)]
    part = _part(part_id, ids, message)
    if not (bundle.applies(case) and message.exists(case, part_of(case, message.of, part))):
        not_sent(system, name)
    part_no = ids.index(part)
    inputs = Inputs(case, part_of(case, message.of, part), _context(bundle, name, part, part_no + 1))
    shown = shown_case(case, mapping.reads, part_no if mapping.reads != "case" else None, site.schema)
    return Asked(titled(system, name, part), mapping, inputs, shown)


def titled(system: str, message: str, part: str) -> str:
    """What an explanation is called."""
    return f"{system} {message}" + (f" [{part}]" if part else "")


def not_sent(system: str, message: str) -> None:
    """Says that the adapter asks for nothing here."""
    note(f"the adapter of {system} would not send {message} for it: neither applies_to nor when ask for it")


def _valid(site: Site, file: Path) -> Any:
    case = read_case(file)
    problems = [f"{error.pointer}: {error.rule} {error.expected}".rstrip() for error in site.schema.check(case).errors]
    if problems:
        lines = "\n".join(problems)
        raise BadArgument(f"expected a valid case in {file.name}, got {len(problems)} problems:\n{lines}")
    return case


def _part(part_id: str | None, ids: list[str], message: Message) -> str:
    if message.of is PartOf.CASE:
        if part_id is not None:
            raise BadArgument("expected no --part, since {message} is made of the whole case", message=message.name)
        return ""
    if part_id is None and len(ids) == 1:
        return ids[0]
    if part_id is None:
        raise BadArgument("expected --part, one of {parts}", parts=", ".join(ids) or "none")
    if part_id not in ids:
        raise BadArgument(unknown(message.of.value, part_id, ids))
    return part_id


def _context(bundle: Bundle, message: str, part: str, ordinal: int) -> Context:
    nobody = UUID(int=0)
    return Context(
        case_id=str(nobody),
        slot_key=slot_key(nobody, bundle.system, message, part),
        send_key=str(nobody),
        ordinal=ordinal,
        sent_at=datetime.now(UTC),
        system=bundle.system,
        message=message,
    )


# --- records -------------------------------------------------------------------------------------------------


def inward(site: Site, name: str, file: Chosen) -> Asked:
    """One record of a source's file, under the number that submitting the file gives it.

    Raises:
        BadArgument: no such source or record.
        FileRefused: the file is not what it should be.
    """
    if name not in site.sources:
        raise BadArgument(unknown("source", name, sorted(site.sources)))
    source = site.sources[name]
    if source.mapping is None:
        raise BadArgument("expected a source with a mapping, got {source}, which posts canonical cases", source=name)
    if file.format_name is not None and file.format_name not in _FORMATS:
        raise BadArgument(unknown("format", file.format_name, _FORMATS))
    written = chosen(file.path, source, batch=file.batch, format_name=file.format_name)
    with closing(Seen()) as seen:
        records = _numbered(_records(written, source.mapping), Numbering(written.batch, seen))
        record, number = _only(records, written.name) if file.row is None else _meant(records, file.row)
    if isinstance(record, Torn):
        raise BadArgument("line {line}: {reason}", line=record.line, reason=record.reason)
    context = Context(batch=written.batch, record_no=number if source.mapping.needs_record_no else None)
    shown = shown_record(record.value, source.mapping, site.schema)
    return Asked(f"{name} {written.name}:{record.line}", source.mapping, Inputs(record.value, context=context), shown)


def _records(file: SourceFile, mapping: Mapping) -> Iterator[Record | Torn]:
    if file.settings is None:
        yield Record(1, read_case(file.path))
        return
    with opened(file.path) as stream:
        yield from read(stream, file.settings, name=file.name, columns=Columns(mapping.columns))


def _numbered(records: Iterable[Record | Torn], numbering: Numbering) -> Iterator[Numbered]:
    """Each record with its number, which counts what is equal from the first on."""
    for record in records:
        yield record, "" if isinstance(record, Torn) else numbering.number(record.value)


def _only(records: Iterator[Numbered], name: str) -> Numbered:
    """The only record of a file."""
    found = list(islice(records, 2))
    if not found:
        raise BadArgument("expected a record in {file}, got none", file=name)
    if len(found) > 1:
        raise BadArgument("expected --row, since {file} has several records", file=name)
    return found[0]


def _meant(records: Iterator[Numbered], row: str) -> Numbered:
    """The record that begins in a line, or one of those."""
    written = _ROW.fullmatch(row)
    if written is None:
        raise BadArgument("expected a line such as 7 or 7/2 as --row, got another text")
    line, no = int(written["line"]), written["no"]
    found: list[Numbered] = []
    before = 0
    for record, number in records:
        if record.line > line:
            break
        before = record.line
        if record.line == line:
            found.append((record, number))
    if not found:
        raise BadArgument(
            "expected a line where a record begins, got {line}; the last before it begins in line {before}",
            line=line,
            before=before,
        )
    if (no is None and len(found) > 1) or int(no or 1) > len(found):
        raise BadArgument(
            "expected one of {line}/1 to {line}/{count}, since so many records begin there, got {row}",
            line=line,
            count=len(found),
            row=row,
        )
    return found[int(no or 1) - 1]
