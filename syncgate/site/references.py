"""Whether the systems and messages whose numbers a mapping needs exist."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping

from syncgate.documents import Problem, unknown
from syncgate.mapping import Mapping as FieldMapping
from syncgate.mapping import document as doc
from syncgate.mapping.walks import expressions_in
from syncgate.site.bundle import Bundle


def check_references(
    bundles: Mapping[str, Bundle], *, systems: Collection[str], sources: Collection[str]
) -> Iterator[Problem]:
    """Every remote_ref and case_ref that nobody will ever give.

    Args:
        bundles: what could be compiled, by system.
        systems: all systems of the site.
        sources: all sources: their number of a case is known too.
    """
    for bundle in bundles.values():
        for spec in bundle.specs.values():
            for expression in _below(spec.mapping):
                if isinstance(expression, doc.CaseRef) and expression.system not in {*systems, *sources}:
                    words = unknown("system", expression.system, {*systems, *sources})
                    yield Problem(expression.place, words, "unknown")
                if isinstance(expression, doc.RemoteRef):
                    yield from _remote_ref(expression, bundles, systems)


def _below(mapping: FieldMapping) -> Iterator[doc.Expression]:
    return expressions_in(mapping.document.payload)


def _remote_ref(wanted: doc.RemoteRef, bundles: Mapping[str, Bundle], systems: Collection[str]) -> Iterator[Problem]:
    if wanted.system not in systems:
        yield Problem(wanted.place, unknown("system", wanted.system, systems), "unknown")
    elif wanted.system in bundles:
        specs = bundles[wanted.system].specs
        giving = [name for name, spec in specs.items() if spec.remote_ref_at]
        if wanted.message is not None and wanted.message not in giving:
            words = unknown(f"message of {wanted.system} with a remote_ref", wanted.message, giving)
            yield Problem(wanted.place, words, "unknown")
        elif not giving:
            words = f"expected a message of {wanted.system} with a remote_ref, got none"
            yield Problem(wanted.place, words, "unknown")
