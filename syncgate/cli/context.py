"""What commands share: which site they are about, and one exchange with its gate."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

from syncgate.domain.errors import SyncgateError

if TYPE_CHECKING:
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
