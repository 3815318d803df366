"""From what an adapter declares under `reconciliation` to how its system is read back."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, Final

import orjson

from syncgate.documents import Node, Problems
from syncgate.domain.reconciliation.comparison import Comparison
from syncgate.domain.reconciliation.kinds import DEFAULT_POLICY, Action, Level
from syncgate.mapping import Mapping as FieldMapping
from syncgate.ports import Paging, Query
from syncgate.site.comparing import ComparisonRules, marking_form
from syncgate.site.readback import Adoption, Export, ReadBack, ReadListing, ReadOne, any_record
from syncgate.site.reconciling import (
    Adopt,
    ByCursor,
    ByKeyset,
    ByPage,
    Listed,
    OnePage,
    ReadListingRules,
    ReadSingly,
    Reconciliation,
    Scope,
)
from syncgate.site.record_keys import parse_our_key, record_key
from syncgate.transports.answers import AnswerCondition, CompiledCondition
from syncgate.transports.kind import Asks
from syncgate.transports.pointer import parse_pointer

Json = Any
Uses = Mapping[str, Asks]
"""What the operations are for, by name."""
WINDOW: Final = frozenset({"from", "until"})
"""The keys of a listing that is asked by window."""
FORM: Final = 1
"""Of the marks: raised where the same declaration comes to give others."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Named:
    """What a declaration may name, compiled.

    Attributes:
        uses: what the operations are for, by name.
        payloads: by the name of the message, or of the retraction, that has it.
        accepting: inbound mappings by the position of the listing and the message.
    """

    uses: Uses
    payloads: Mapping[str, FieldMapping]
    accepting: Mapping[tuple[int, str], FieldMapping] = field(default_factory=dict)


def compile_readback(declared: Reconciliation, node: Node, named: Named, problems: Problems) -> ReadBack:
    """How a system is read back. What else could be wrong was asked before; a wrong rule is added to the problems."""
    listings = [_listing(one, at, node, named, problems) for at, one in enumerate(declared.listings)]
    return ReadBack(
        every=declared.every,
        at=declared.at,
        window=declared.window,
        grace=declared.grace,
        mends=declared.mends,
        cap=declared.cap,
        missing_at_most=declared.missing_at_most,
        listings=tuple(listings),
        unlisted=tuple(name for name in named.payloads if name not in listed_messages(declared)),
    )


def listed_messages(declared: Reconciliation) -> frozenset[str]:
    """The messages, and retractions, whose records can be read back at all."""
    read = (one for one in declared.listings if one.level is not Level.NONE)
    return frozenset(name for listing in read for name in listing.messages)


def _listing(declared: ReadListingRules, position: int, node: Node, named: Named, problems: Problems) -> ReadListing:
    comparisons = _comparisons(declared, position, node, named, problems)
    key_of_record = record_key(declared.key) if declared.key else _no_key
    form = marking_form(declared, comparisons)
    in_scope = None if declared.scope is None else _in_scope(declared.scope)
    return ReadListing(
        name=declared.name,
        messages=declared.messages,
        level=declared.level,
        query=None if declared.list is None else _query(declared.list),
        has_window=_has_window(declared, named.uses),
        export=_export(declared, comparisons),
        count=None if declared.count is None else _count(declared),
        read=None if declared.read is None else _read(declared.read),
        key_of_record=key_of_record,
        key_of_ours=_no_our_key if declared.ours is None else parse_our_key(declared.ours).of,
        is_ours=in_scope or _bears_key(key_of_record),
        is_in_scope=in_scope or any_record,
        remote_ref_of=_no_key if declared.remote_ref is None else record_key([declared.remote_ref]),
        is_removed=declared.retracted == "removed",
        comparisons=MappingProxyType(comparisons),
        policy=MappingProxyType({**DEFAULT_POLICY, **declared.repair}),
        field_policy=MappingProxyType(dict(_field_policy(declared, comparisons))),
        accept=MappingProxyType({of: named.accepting[position, of] for of in declared.accept}),
        adoption=None if declared.adopt is None else _adoption(declared.adopt),
        profile=hashlib.sha256(orjson.dumps([FORM, form], option=orjson.OPT_SORT_KEYS)).hexdigest(),
    )


def _comparisons(
    declared: ReadListingRules, position: int, node: Node, named: Named, problems: Problems
) -> dict[str, Comparison]:
    rules = ComparisonRules(declared, node, ("reconciliation", "listings", position), problems)
    if declared.level is not Level.FIELDS:
        return {}
    return {name: rules.comparison(named.payloads[name]) for name in declared.messages}


def _query(listed: Listed) -> Query:
    return Query(operation=listed.operation, records_at=listed.records, total_at=listed.total, paging=_paging(listed))


def _paging(listed: Listed) -> Paging:
    match listed.next:
        case ByPage(first=first, size=size):
            return Paging(by="page", first=first, size=size)
        case ByCursor(at=at, size=size):
            return Paging(by="cursor", at=at, size=size)
        case ByKeyset(at=at, size=size):
            return Paging(by="keyset", at=at or "", size=size)
        case OnePage() | None:
            return Paging()


def _count(declared: ReadListingRules) -> Query:
    assert declared.count is not None
    return Query(operation=declared.count.operation, count_at=declared.count.count)


def _read(declared: ReadSingly) -> ReadOne:
    absent = {} if declared.absent is None else declared.absent.model_dump(mode="json", exclude_unset=True)
    return ReadOne(operation=declared.operation, record_at=declared.record, absent=MappingProxyType(absent))


def _export(declared: ReadListingRules, comparisons: Mapping[str, Comparison]) -> Export | None:
    if declared.export is None:
        return None
    columns = frozenset(_columns(declared, comparisons))
    return Export(settings=declared.export, file=declared.export.file, columns=columns)


def _columns(declared: ReadListingRules, comparisons: Mapping[str, Comparison]) -> Iterator[str]:
    """The first steps of all that is read of a record."""
    pointers = [*(declared.key or ()), *(declared.scope.body if declared.scope else ())]
    pointers += [declared.remote_ref] if declared.remote_ref else []
    places = [parse_pointer(pointer) for pointer in pointers]
    places += [one.at for comparison in comparisons.values() for one in comparison.fields]
    yield from (place[0] for place in places if place)


def _has_window(declared: ReadListingRules, uses: Uses) -> bool:
    return declared.list is not None and bool(uses[declared.list.operation].keys & WINDOW)


def _field_policy(
    declared: ReadListingRules, comparisons: Mapping[str, Comparison]
) -> Iterator[tuple[tuple[str, str], Action]]:
    for message, comparison in comparisons.items():
        for one in comparison.fields:
            rules = declared.fields.get(one.name)
            if rules is not None and rules.repair is not None:
                yield (message, one.name), rules.repair


def _adoption(declared: Adopt) -> Adoption:
    return Adoption(key_of_record=record_key(declared.key), key_of_ours=parse_our_key(declared.ours).of)


def _in_scope(scope: Scope) -> Callable[[Json], bool]:
    return CompiledCondition(AnswerCondition(body=scope.body)).holds_of


def _bears_key(key_of_record: Callable[[Json], str | None]) -> Callable[[Json], bool]:
    return lambda record: key_of_record(record) is not None


def _no_key(_: Json) -> None:
    return None


def _no_our_key(_keys: Mapping[str, str], _payload: Json) -> None:
    return None
