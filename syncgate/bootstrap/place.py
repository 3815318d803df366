"""Where a site is, and how it is read."""

from __future__ import annotations

import os
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

from syncgate.config import Config, SiteSecrets, load_config
from syncgate.site.bundle import Mac
from syncgate.site.folder import Site, load_site


@dataclass(frozen=True, slots=True)
class SitePlace:
    """A site's folder, and which configuration and environment of it hold.

    Attributes:
        root: the folder.
        config_path: another configuration than its own; None: its own.
        environment: replaces the configuration's choice; None: as the configuration says.
    """

    root: Path
    config_path: Path | None = None
    environment: str | None = None

    def config(self) -> Config:
        """The configuration. Raises ProblemSet."""
        return load_config(self.root, self.config_path, environment=self.environment)

    def load(self, *, mac: Mac | None = None) -> Site:
        """The site, read and checked whole. mac: keyed digest of inputs, for what plans. Raises ProblemSet."""
        return load_site(self.root, self.config_path, mac=mac, environment=self.environment)

    def secrets(self, site: Site, *, wished: Collection[str] = ()) -> SiteSecrets:
        """The secrets that the site's live systems need, and of those wished for the ones that there are.

        Raises:
            SiteInvalid: names every needed one that is missing.
        """
        needed = site.secret_names
        SiteSecrets.load(site.config.secret_refs, root=self.root, needed=needed)
        return SiteSecrets.load(site.config.secret_refs, root=self.root, needed=needed | self._found(site, wished))

    def found_secrets(self, site: Site, wished: Collection[str]) -> SiteSecrets:
        """Of the secrets wished for the ones that there are."""
        needed = self._found(site, wished)
        return SiteSecrets.load(site.config.secret_refs, root=self.root, needed=needed)

    def _found(self, site: Site, names: Collection[str]) -> set[str]:
        refs = site.config.secret_refs
        return {name for name in names if name in refs and refs[name].read(self.root, os.environ) is not None}
