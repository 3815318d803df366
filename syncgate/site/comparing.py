"""How the fields of a message are compared with a record: what an adapter declares, compiled."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from syncgate.documents import Node, Problem, Problems, node_at
from syncgate.domain.reconciliation.comparison import ComparedField, Comparison
from syncgate.domain.reconciliation.forms import FORMS_VERSION
from syncgate.domain.reconciliation.masks import Mask
from syncgate.domain.reconciliation.rules import NO_RULES, Rules, parse_rules
from syncgate.mapping import Mapping as FieldMapping
from syncgate.site.reconciling import FieldDefaults, FieldRules, ReadListingRules
from syncgate.transports.pointer import parse_pointer

Path = tuple[str | int, ...]
NO_FIELD = FieldRules()


def compared_names(mapping: FieldMapping, listing: ReadListingRules) -> Iterator[str]:
    """The payload's fields that are compared, in its order: those that the mapping compares, less those taken out."""
    for entry in mapping.document.payload.fields:
        if entry.name in mapping.compared_fields and listing.fields.get(entry.name, NO_FIELD).compared:
            yield entry.name


class ComparisonRules:
    """The rules of one listing, each parsed once."""

    def __init__(self, listing: ReadListingRules, node: Node, here: Path, problems: Problems) -> None:
        """Args:
        listing: as declared.
        node, here: the adapter's document, and where the listing stands in it.
        problems: takes what is wrong with a rule.
        """
        self._listing = listing
        self._default = listing.default or FieldDefaults()
        self._node, self._here, self._problems = node, here, problems
        self._standing = self._parsed(self._default.same, ("default", "same"))
        own = ((name, rules.same) for name, rules in listing.fields.items())
        self._own = {name: self._parsed(same, ("fields", name, "same")) for name, same in own if same is not None}

    def comparison(self, mapping: FieldMapping) -> Comparison:
        """How the payloads of a mapping are compared."""
        return Comparison(tuple(self._field(name) for name in compared_names(mapping, self._listing)))

    def _field(self, name: str) -> ComparedField:
        declared = self._listing.fields.get(name, NO_FIELD)
        rules = self._own.get(name, self._standing)
        return ComparedField(
            name=name,
            at=(name,) if declared.at is None else parse_pointer(declared.at),
            owner=declared.owner or self._default.owner,
            rules=rules.names,
            normalise=rules.ours,
            normalise_there=rules.theirs,
            mask=_mask(declared),
            tolerance=declared.tolerance or 0.0,
        )

    def _parsed(self, same: tuple[Any, ...], at: Path) -> Rules:
        try:
            return parse_rules(list(same))
        except ValueError as error:
            place = node_at(self._node, (*self._here, *at)).place
            self._problems.extend([Problem(place, f"same: {error}", "rule")])
            return NO_RULES


def _mask(declared: FieldRules) -> Mask | None:
    if isinstance(declared.masked, bool):
        return Mask() if declared.masked else None
    return Mask(declared.masked.first, declared.masked.last)


def marking_form(listing: ReadListingRules, comparisons: Mapping[str, Comparison]) -> dict[str, Any]:
    """All that decides what the marks of a listing are, as JSON: what is digested of a payload, under which rules."""
    default = listing.default or FieldDefaults()
    return {
        "name": listing.name,
        "ours": listing.ours,
        "forms": FORMS_VERSION,
        "fields": {
            message: [_form_of(field, listing.fields.get(field.name, NO_FIELD), default) for field in one.fields]
            for message, one in comparisons.items()
        },
    }


def _form_of(field: ComparedField, declared: FieldRules, default: FieldDefaults) -> list[Any]:
    same = default.same if declared.same is None else declared.same
    mask = field.mask
    return [field.name, list(same), mask and [mask.first, mask.last], field.tolerance]
