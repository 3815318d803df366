"""Reads a site's folder whole and reports every problem at once."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from syncgate.config import Config
from syncgate.documents import Problem
from syncgate.site.bundle import Bundle, Mac

if TYPE_CHECKING:
    from syncgate.site.canonical import CanonicalSchema
    from syncgate.site.sources import Source


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One deployment, read and checked.

    Attributes:
        root: the site's folder.
        config: its configuration.
        schema: the canonical schema.
        bundles: by system.
        sources: by name.
        warnings: where a system makes a promise impossible, in words.
    """

    root: Path
    config: Config
    schema: CanonicalSchema
    bundles: Mapping[str, Bundle] = field(repr=False)
    sources: Mapping[str, Source] = field(repr=False)
    warnings: tuple[Problem, ...] = ()

    @property
    def secret_names(self) -> frozenset[str]:
        """Secrets that the site needs to send: those of every system that sends."""
        sending = (bundle for bundle in self.bundles.values() if bundle.mode == "live")
        return frozenset(name for bundle in sending for name in bundle.secret_names)


def load_site(root: Path, config_path: Path | None = None, *, mac: Mac | None = None) -> Site:
    """The site in a folder.

    Args:
        root: the folder.
        config_path: another configuration than its config.yaml.
        mac: keyed digest of inputs; without one the bundles can check and map, but not plan.

    Raises:
        ProblemSet: every problem of configuration, adapters, mappings, tables, contracts and schema.
    """
    raise NotImplementedError
