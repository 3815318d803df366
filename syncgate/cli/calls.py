"""One exchange with a site's gate, and what its answers say."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, Any, TypeVar

from syncgate.cli.context import CallFailed, Invocation

if TYPE_CHECKING:
    import httpx

T = TypeVar("T")


def call(
    invocation: Invocation, act: Callable[[httpx.AsyncClient], Awaitable[T]], *, is_reconciling: bool = False
) -> T:
    """One exchange with the site's gate, to its end. Raises CallFailed where it does not answer.

    is_reconciling: whether a gate that is opened for it works on runs of reconciliation, too.
    """
    from syncgate.cli.client import exchange

    return exchange(invocation, act, is_reconciling=is_reconciling)


def body_of(response: httpx.Response) -> Any:
    """The answer's JSON. Raises CallFailed with the problem's own words where the gate refused."""
    if response.is_success:
        return response.json()
    problem = problem_of(response)
    lines = [str(problem.get("detail") or problem.get("title") or f"HTTP {response.status_code}")]
    raise CallFailed("\n".join([*lines, *(f"  {words}" for words in field_words(problem))]))


def problem_of(response: httpx.Response) -> dict[str, Any]:
    """The problem of a refusal (RFC 9457); empty where the answer is none."""
    try:
        problem = response.json()
    except ValueError:
        return {}
    return problem if isinstance(problem, dict) else {}


def field_words(problem: dict[str, Any]) -> list[str]:
    """What a problem says about each field."""
    errors = problem.get("errors") or ()
    return [f"{one.get('pointer')}: {one.get('detail') or one.get('message') or one.get('rule')}" for one in errors]
