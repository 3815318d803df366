"""`syncgate map` and `syncgate mapping`: payloads and examples, without sending anything."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from hashlib import sha256
from pathlib import Path
from typing import Annotated, Any
from uuid import UUID

import typer

from syncgate.cli.context import BadArgument, Invocation
from syncgate.cli.explaining import explain
from syncgate.cli.output import AsJson, note, show

app = typer.Typer(no_args_is_help=True, help="Field mappings.")
app.command("explain")(explain)
_PLACEHOLDER = UUID(int=0)


def map_case(
    context: typer.Context,
    case: Annotated[Path, typer.Argument(help="A file with one canonical case as JSON.")],
    system: Annotated[list[str] | None, typer.Option(help="Only for this system; may be repeated.")] = None,
    as_json: AsJson = False,
) -> None:
    """Show the payloads that a case would become, or why it would park. Sends and stores nothing.

    Example: syncgate map case.json --system province
    """
    from syncgate.cli.case_files import read_case
    from syncgate.documents import unknown

    invocation: Invocation = context.obj
    site = invocation.site(mac=_digest)
    for name in system or ():
        if name not in site.bundles:
            raise BadArgument(unknown("system", name, sorted(site.bundles)))
    document = read_case(case)
    checked = site.schema.check(document)
    if checked.errors:
        note(f"expected a valid case in {case}, got {len(checked.errors)} problems:")
        note("\n".join(f"{error.pointer}: {error.rule} {error.expected}".rstrip() for error in checked.errors))
        raise typer.Exit(1)
    rows = [row for name in system or sorted(site.bundles) for row in _mapped(site.bundles[name], document)]
    show(rows, as_json=as_json, text=lambda: "\n".join(map(_words, rows)) or "no system gets anything of this case")
    if any("faults" in row for row in rows):
        raise typer.Exit(1)


@app.command("test")
def test(
    context: typer.Context,
    name: Annotated[list[str] | None, typer.Argument(help="Only these, such as province/basic_info.")] = None,
    as_json: AsJson = False,
) -> None:
    """Run the examples inside the mappings.

    Example: syncgate mapping test province/basic_info
    """
    from syncgate.documents import unknown

    invocation: Invocation = context.obj
    site = invocation.site()
    mappings = {m.name: m for bundle in site.bundles.values() for m in _mappings_of(bundle)}
    mappings |= {s.mapping.name: s.mapping for s in site.sources.values() if s.mapping is not None}
    for one in name or ():
        if one not in mappings:
            raise BadArgument(unknown("mapping", one, sorted(mappings)))
    chosen = {key: mapping for key, mapping in sorted(mappings.items()) if not name or key in name}
    rows = [
        {"mapping": key, "example": result.name, "ok": result.ok, "diff": result.diff}
        for key, mapping in chosen.items()
        for result in mapping.run_examples()
    ]
    show(rows, as_json=as_json, text=lambda: _report(rows))
    if not rows or not all(row["ok"] for row in rows):
        raise typer.Exit(1)


def _mappings_of(bundle: Any) -> list[Any]:
    return [spec.mapping for spec in bundle.specs.values()]


def _report(rows: list[dict[str, Any]]) -> str:
    lines = [f"{'ok  ' if row['ok'] else 'FAIL'} {row['mapping']}: {row['example']}" for row in rows]
    lines += [f"\n{row['mapping']}: {row['example']}\n{row['diff']}" for row in rows if not row["ok"]]
    passed = sum(1 for row in rows if row["ok"])
    return "\n".join([*lines, f"{passed} of {len(rows)} examples pass"])


def _digest(content: bytes) -> bytes:
    """Stands in for the site's keyed digest: what is only shown is compared with nothing that is stored."""
    return sha256(content).digest()


def _mapped(bundle: Any, document: Any) -> list[dict[str, Any]]:
    """One row a slot that the case would fill at this system."""
    from syncgate.domain.ids import slot_key
    from syncgate.domain.plan import part_of, plan
    from syncgate.mapping import Context, Inputs, Mapped, Unmappable

    rows: list[dict[str, Any]] = []
    for planned in plan(document, bundle.messages, applies=bundle.applies(document), numbers={}):
        spec, message = bundle.specs[planned.message], bundle.message(planned.message)
        context = Context(
            case_id=str(_PLACEHOLDER),
            slot_key=slot_key(_PLACEHOLDER, bundle.system, planned.message, planned.part),
            send_key=str(_PLACEHOLDER),
            ordinal=planned.part_no,
            sent_at=datetime.now(UTC),
            system=bundle.system,
            message=planned.message,
        )
        part = part_of(document, message.of, planned.part)
        row: dict[str, Any] = {"system": bundle.system, "message": planned.message, "part": planned.part}
        match spec.mapping.apply(Inputs(case=document, part=part, context=context)):
            case Mapped(payload):
                broken = [f"{v.pointer}: {v.rule} {v.expected}" for v in spec.contract.violations(payload)]
                row |= {"faults": broken} if broken else {"payload": payload}
            case Unmappable(faults):
                row["faults"] = [f"{fault.field}: {fault.detail}" for fault in faults]
            case waits:
                row["waits_for"] = waits.system
        rows.append(row)
    return rows


def _words(row: dict[str, Any]) -> str:
    title = f"{row['system']} {row['message']}" + (f" [{row['part']}]" if row["part"] else "")
    if "payload" in row:
        return f"{title}\n{json.dumps(row['payload'], ensure_ascii=False, indent=2)}"
    if "faults" in row:
        return f"{title}: would park\n" + "\n".join(f"  {fault}" for fault in row["faults"])
    return f"{title}: waits for {row['waits_for']}"
