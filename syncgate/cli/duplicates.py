"""`syncgate duplicates`: open cases that look alike; telling two apart."""

from __future__ import annotations

from typing import Annotated, Any, Final

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, note_more, show, table

app = typer.Typer(no_args_is_help=True, help="Open cases that look alike; merge two with `cases merge`.")
COLUMNS: Final = ["case", "other", "alike", "item", "case_id", "other_id"]
_MOST: Final = 200


@app.command("list")
def list_duplicates(context: typer.Context, as_json: AsJson = False) -> None:
    """List pairs of open cases that look alike and that nobody told apart, the newest first.

    Example: syncgate duplicates list
    """

    async def act(client: Any) -> Any:
        return body_of(await client.get("/v1/duplicates", params={"limit": _MOST}))

    found = call(context.obj, act)
    show(found, as_json=as_json, text=lambda: table([_row(pair) for pair in found["pairs"]], COLUMNS))
    note_more(found, _MOST)


@app.command("dismiss")
def dismiss(
    context: typer.Context,
    case: Annotated[str, typer.Argument(help="One of the two: our id, or system:number.")],
    other: Annotated[str, typer.Argument(help="The other one.")],
    reason: Annotated[str, typer.Option(help="Why; kept in the audit.")],
    as_json: AsJson = False,
) -> None:
    """Say that two cases which look alike are two: they are not listed together again.

    Example: syncgate duplicates dismiss hotline:HL2026000002 hotline:HL2026000001 --reason "two callers"
    """

    async def act(client: Any) -> Any:
        body = {"cases": [case, other], "reason": reason}
        return body_of(await client.post("/v1/duplicates:dismiss", json=body))

    done = call(context.obj, act)
    show(done, as_json=as_json, text=lambda: f"{case} and {other} are two cases")


def _row(pair: dict[str, Any]) -> dict[str, Any]:
    one, other = pair["case"], pair["other"]
    return {
        "case": _name(one),
        "other": _name(other),
        "alike": pair["alike"],
        "item": one["item"],
        "case_id": one["case_id"],
        "other_id": other["case_id"],
    }


def _name(case: dict[str, Any]) -> str:
    return f"{case['origin']}:{case['case_no']}"
