"""What tests of the flows share: bundles altered in one place, and the values that food's adapter says."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

from syncgate.domain.outcome import Outcome
from syncgate.site.bundle import Bundle
from syncgate.site.compiler import compile_bundle
from tests.integration.flows.worksite import (
    KEYRING,
    Worksite,
    answer,
    caller,
    example_site,
)

OPERATOR = caller("operator").principal
UNKNOWN = answer(Outcome.UNKNOWN)
LONGEST_REQUEST = timedelta(seconds=6)
VISIBLE_AFTER = timedelta(seconds=5)
"""Both as food's adapter says."""


def rewritten(site: Worksite, system: str, path: str, old: str, new: str) -> Bundle:
    """The active bundle of a system with one text replaced in one of its files."""
    files = dict(site.gate.active_bundle(system).files)
    text = files[path].decode()
    assert old in text
    files[path] = text.replace(old, new).encode()
    mac = lambda content: KEYRING.mac("inputs", content)  # noqa: E731
    return compile_bundle(system, files, mac=mac, schema=example_site().schema)


def altered(site: Worksite, system: str, **changes: Any) -> Bundle:
    """The active bundle of a system with other fields, under a digest of its own."""
    old = site.gate.active_bundle(system)
    return replace(old, digest="sha256:" + "ab" * 32, **changes)


def held_for_a_person(site: Worksite, system: str) -> Bundle:
    """The system's bundle where nobody can be asked what became of a send."""
    specs = site.gate.active_bundle(system).specs
    policies = {name: replace(spec, confirm=replace(spec.confirm, by="hold")) for name, spec in specs.items()}
    return altered(site, system, specs=policies)


def due_at(site: Worksite, system: str) -> Any:
    return site.store.read(lambda tx: tx.next_due_at(system))
