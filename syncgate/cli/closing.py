"""`syncgate cases`: what ends a case in the name of its first source, and what takes it up again."""

from __future__ import annotations

from typing import Annotated, Any
from urllib.parse import quote

import typer

from syncgate.cli.calls import body_of, call
from syncgate.cli.output import AsJson, show

app = typer.Typer(no_args_is_help=True, help="Withdraw, void, reopen and merge cases.")
Case = Annotated[str, typer.Argument(help="Our id, or system:number.")]
Why = Annotated[str, typer.Option(help="Why; it becomes part of the case.")]
By = Annotated[str | None, typer.Option(help="Who decided it.")]
At = Annotated[str | None, typer.Option(help="When it was, with offset; left out: now.")]


@app.command("withdraw")
def withdraw(
    context: typer.Context, case: Case, reason: Why, by: By = None, at: At = None, as_json: AsJson = False
) -> None:
    """Withdraw a case: what was never sent is cancelled, what was sent is taken back as declared.

    Example: syncgate cases withdraw window:QX2026000001 --reason "the applicant gave it up"
    """
    _end(context, "withdraw", case, _body(reason, by, at), as_json=as_json)


@app.command("void")
def void(
    context: typer.Context, case: Case, reason: Why, by: By = None, at: At = None, as_json: AsJson = False
) -> None:
    """Void a case that was posted in error, also one that came to its end.

    Example: syncgate cases void window:QX2026000001 --reason "typed twice"
    """
    _end(context, "void", case, _body(reason, by, at), as_json=as_json)


@app.command("reopen")
def reopen(
    context: typer.Context, case: Case, reason: Why, by: By = None, at: At = None, as_json: AsJson = False
) -> None:
    """Take a withdrawn, voided or finished case up again; what is planned again is sent again.

    Example: syncgate cases reopen window:QX2026000001 --reason "voided by mistake"
    """
    _end(context, "reopen", case, _body(reason, by, at), as_json=as_json)


@app.command("merge")
def merge(
    context: typer.Context,
    case: Case,
    into: Annotated[str, typer.Option(help="The case that survives: our id, or system:number.")],
    reason: Why,
    by: By = None,
    at: At = None,
    as_json: AsJson = False,
) -> None:
    """Merge a case into another one, which survives; every name of the first leads to it from then on.

    Example: syncgate cases merge hotline:HL2026000002 --into hotline:HL2026000001 --reason "the same call"
    """
    _end(context, "merge", case, {"into": into} | _body(reason, by, at), as_json=as_json)


def _body(reason: str, by: str | None, at: str | None) -> dict[str, str]:
    given = {"reason": reason, "by": by, "at": at}
    return {name: value for name, value in given.items() if value is not None}


def _end(context: typer.Context, act: str, case: str, body: dict[str, str], *, as_json: bool) -> None:
    async def ask(client: Any) -> Any:
        return body_of(await client.post(f"/v1/cases/{quote(case, safe=':')}/{act}", json=body))

    done = call(context.obj, ask)
    show(done, as_json=as_json, text=lambda: _told(done))


def _told(done: dict[str, Any]) -> str:
    told = f"case {done['case_id']} ({done['case_no']}), revision {done['revision']}"
    if done.get("unchanged"):
        return f"{told}: it was so before"
    return f"{told}; {done['in_flight']} already in flight"
