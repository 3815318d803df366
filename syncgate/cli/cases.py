"""`syncgate where`: where a case stands."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, show
from syncgate.cli.speech import colon
from syncgate.cli.submit import submit

__all__ = ["submit", "where"]


def where(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="Our id, or system:number.")],
    as_json: AsJson = False,
) -> None:
    """Say in one sentence per system where a case stands, and why.

    Example: syncgate where window:QX2026000001
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get(f"/v1/cases/{quote(case, safe=':')}/passport"))

    passport = call(context.obj, act)
    show(passport, as_json=as_json, text=lambda: "\n".join([_title(passport["case"]), *_sentences(passport)]))


def _title(case: dict[str, Any]) -> str:
    return f"case {case['case_id']} ({case['origin']}:{case['case_no']}), revision {case['revision']}"


def _sentences(passport: dict[str, Any]) -> list[str]:
    return [f"{system['system']}{colon()}{system['sentence']}" for system in passport["systems"]]
