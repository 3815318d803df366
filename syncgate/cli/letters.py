"""`syncgate letter` and `syncgate proof`: pages for paper."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote
from uuid import UUID

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.files import write_whole
from syncgate.cli.output import AsJson, show
from syncgate.cli.speech import spoken

Out = Annotated[Path, typer.Option(help="The page's file.")]


def letter(
    context: typer.Context,
    delivery_id: Annotated[UUID, typer.Argument(help="Its id, as `deliveries list` shows it.")],
    out: Out = Path("letter.html"),
    reveal: Annotated[bool, typer.Option("--reveal", help="Show values; noted in the audit.")] = False,
    reason: Annotated[str, typer.Option(help="Why values are shown; kept in the audit.")] = "",
    as_json: AsJson = False,
) -> None:
    """Write the letter about a correction that a system does not take: print it, send it, then confirm by hand.

    Example: syncgate letter 0198c0de-0000-7000-8000-000000000000 --reveal --reason "for the province"
    """
    headers = {"X-Reason": quote(reason)} if reason else {}
    query = {"reveal": str(reveal).lower(), "language": spoken()}
    _write(context, f"/v1/deliveries/{delivery_id}/letter", query, out, headers=headers, as_json=as_json)


def proof(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="Our id, or system:number.")],
    out: Out = Path("proof.html"),
    as_json: AsJson = False,
) -> None:
    """Write when a case was sent where, and what was answered.

    Example: syncgate proof window:QX2026000001
    """
    query = {"language": spoken()}
    _write(context, f"/v1/cases/{quote(case, safe=':')}/proof", query, out, headers={}, as_json=as_json)


def _write(
    context: typer.Context,
    path: str,
    query: Mapping[str, str],
    out: Path,
    *,
    headers: dict[str, str],
    as_json: bool,
) -> None:
    form = "json" if as_json else "html"

    async def act(client: Any) -> Any:
        response = await client.get(path, params={**query, "format": form}, headers=headers)
        return body_of(response) if as_json or not response.is_success else response.content

    found = call(context.obj, act)
    if not as_json:
        write_whole(out, found)
    show(found, as_json=as_json, text=lambda: f"written to {out}")
