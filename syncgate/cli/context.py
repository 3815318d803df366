"""What commands share: which site they are about, and one exchange with its gate."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from syncgate.domain.errors import SyncgateError

if TYPE_CHECKING:
    import httpx

    from syncgate.bootstrap.place import SitePlace
    from syncgate.config import Config
    from syncgate.site.bundle import Mac
    from syncgate.site.folder import Site

T = TypeVar("T")


class CallFailed(SyncgateError):
    """The gate refused a call of the command line, or did not answer; the message is the problem's own."""

    code = "call_failed"
    actor = "caller"


class BadArgument(SyncgateError):
    """The command was asked for something that is not there."""

    code = "bad_argument"
    actor = "caller"


@dataclass(frozen=True, slots=True)
class Invocation:
    """Which site a command is about, before anything heavy is loaded."""

    root: Path
    config_path: Path | None = None
    environment: str | None = None

    @property
    def place(self) -> SitePlace:
        """Where the site is."""
        from syncgate.bootstrap.place import SitePlace

        return SitePlace(self.root, self.config_path, self.environment)

    def config(self) -> Config:
        """The site's configuration. Raises ProblemSet."""
        return self.place.config()

    def site(self, *, mac: Mac | None = None) -> Site:
        """The site, read and checked whole. mac: keyed digest of inputs, for what plans. Raises ProblemSet."""
        return self.place.load(mac=mac)


def call(invocation: Invocation, act: Callable[[httpx.AsyncClient], Awaitable[T]]) -> T:
    """One exchange with the site's gate, to its end. Raises CallFailed where it does not answer."""
    from syncgate.cli.client import exchange

    return exchange(invocation, act)


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
    return [f"{one.get('pointer')}: {one.get('detail') or one.get('rule')}" for one in errors]
