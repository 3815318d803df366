"""`syncgate mapping explain`: where each field of a payload comes from, without sending or storing anything."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from syncgate.cli.context import BadArgument, Invocation
from syncgate.cli.output import AsJson, note, show

if TYPE_CHECKING:
    from syncgate.domain.plan import Message
    from syncgate.mapping import Inputs, Mapping
    from syncgate.site.bundle import Bundle
    from syncgate.site.folder import Site

_USAGE = "SYSTEM MESSAGE CASE | SOURCE RECORD"


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is to be explained: a mapping with what it reads, and what of that people may see, by root."""

    title: str
    mapping: Mapping
    inputs: Inputs
    shown: dict[str, Any]


def explain(
    context: typer.Context,
    about: Annotated[
        list[str],
        typer.Argument(
            metavar=_USAGE,
            help="A system, one of its messages and a file with one canonical case as JSON; or a source and a file "
            "with one of its records as JSON.",
        ),
    ],
    part: Annotated[
        str | None, typer.Option(help="The stage or material, by its id, of a message that has parts.")
    ] = None,
    field: Annotated[list[str] | None, typer.Option(help="Only this field of the payload; may be repeated.")] = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Show personal values as they are in the file.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show where each field of a payload comes from, step by step. Personal values are masked.

    Example: syncgate mapping explain province basic_info case.json
    """
    from syncgate.cli.explained import as_json as told
    from syncgate.cli.explained_text import as_text
    from syncgate.mapping.hiding import hidden

    invocation: Invocation = context.obj
    site = invocation.site()
    asked = _asked(site, about, part)
    explanation = asked.mapping.explain(asked.inputs)
    seen = explanation if reveal else hidden(explanation, asked.shown)
    seen = _only(seen, field or [])
    show(told(seen), as_json=as_json, text=lambda: as_text(seen, asked.title))


def _asked(site: Site, about: list[str], part: str | None) -> _Asked:
    match about:
        case [system, message, file]:
            return _outward(site, system, message, Path(file), part)
        case [source, file]:
            return _inward(site, source, Path(file))
        case _:
            raise BadArgument(f"expected {_USAGE}, got {len(about)} words")


def _outward(site: Site, system: str, name: str, file: Path, part_id: str | None) -> _Asked:
    from syncgate.cli.case_files import read_case
    from syncgate.documents import unknown
    from syncgate.domain.plan import part_of, parts_of
    from syncgate.mapping import Inputs
    from syncgate.site.shown import shown_case

    if system not in site.bundles:
        raise BadArgument(unknown("system", system, sorted(site.bundles)))
    bundle = site.bundles[system]
    if name not in bundle.specs:
        raise BadArgument(unknown(f"message of {system}", name, sorted(bundle.specs)))
    message, mapping = bundle.message(name), bundle.specs[name].mapping
    case = read_case(file)
    problems = [f"{error.pointer}: {error.rule} {error.expected}".rstrip() for error in site.schema.check(case).errors]
    if problems:
        lines = "\n".join(problems)
        raise BadArgument(f"expected a valid case in {file.name}, got {len(problems)} problems:\n{lines}")
    ids = [one for one, _ in parts_of(case, message.of)]
    chosen = _part(part_id, ids, message)
    if not (bundle.applies(case) and message.exists(case, part_of(case, message.of, chosen))):
        note(f"the adapter of {system} would not send {name} for it: neither applies_to nor when ask for it")
    part_no = ids.index(chosen)
    inputs = Inputs(case, part_of(case, message.of, chosen), _context(bundle, name, chosen, part_no + 1))
    shown = shown_case(case, mapping.reads, part_no if mapping.reads != "case" else None, site.schema)
    return _Asked(f"{system} {name}" + (f" [{chosen}]" if chosen else ""), mapping, inputs, shown)


def _part(part_id: str | None, ids: list[str], message: Message) -> str:
    from syncgate.documents import unknown
    from syncgate.domain.plan import PartOf

    if message.of is PartOf.CASE:
        if part_id is not None:
            raise BadArgument(f"expected no --part, since {message.name} is made of the whole case")
        return ""
    if part_id is None and len(ids) == 1:
        return ids[0]
    if part_id is None:
        raise BadArgument(f"expected --part, one of {', '.join(ids) or 'none: the case has no such part'}")
    if part_id not in ids:
        raise BadArgument(unknown(message.of.value, part_id, ids))
    return part_id


def _context(bundle: Bundle, message: str, part: str, ordinal: int) -> Any:
    from datetime import UTC, datetime
    from uuid import UUID

    from syncgate.domain.ids import slot_key
    from syncgate.mapping import Context

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


def _inward(site: Site, name: str, file: Path) -> _Asked:
    from syncgate.cli.case_files import read_case
    from syncgate.documents import unknown
    from syncgate.mapping import Context, Inputs
    from syncgate.site.shown import shown_record

    if name not in site.sources:
        raise BadArgument(unknown("source", name, sorted(site.sources)))
    mapping = site.sources[name].mapping
    if mapping is None:
        raise BadArgument(f"expected a source with a mapping, got {name}, which posts canonical cases")
    record = read_case(file)
    inputs = Inputs(record, context=Context(batch=file.name, record_no="(the record's number)"))
    return _Asked(f"{name} {file.name}", mapping, inputs, shown_record(record, mapping, site.schema))


def _only(explanation: Any, fields: list[str]) -> Any:
    from dataclasses import replace

    from syncgate.documents import unknown

    known = [slot.field for slot in explanation.slots]
    for field in fields:
        if field not in known:
            raise BadArgument(unknown("field", field, known))
    return replace(explanation, slots=tuple(s for s in explanation.slots if not fields or s.field in fields))
