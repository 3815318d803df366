"""Whether what an adapter says about reading its system back fits the rest of it, and itself."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from typing import Any, Final

from syncgate.documents import Node, Place, Problem, Problems, node_at, unknown
from syncgate.domain.reconciliation.kinds import ACTIONS, FOUND_AT, Action, Kind, Level
from syncgate.mapping import Mapping as FieldMapping
from syncgate.site.acknowledgements import sent_by
from syncgate.site.adapter import Adapter, RetractBy
from syncgate.site.comparing import ComparisonRules, compared_names
from syncgate.site.contract import Contract
from syncgate.site.reading_back import WINDOW, Uses, listed_messages
from syncgate.site.reconciling import ReadListingRules, Reconciliation
from syncgate.site.record_keys import OurKey, parse_our_key
from syncgate.transports.pointer import parse_pointer

Path = tuple[str | int, ...]
_DAY: Final = timedelta(days=1)
_LISTING: Final = frozenset({"page", "size", "cursor", "after", "from", "until", "low", "high"})
"""Placeholders that only a listing or a count fills."""
_RECORDS: Final = (Level.FIELDS, Level.IDS)
"""The levels that tell one record from another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """What the declaration may name.

    Attributes:
        uses: what the operations are for, by name.
        can_list: whether the transport lists and counts at all.
        messages: names of the messages, and of the retractions with a payload.
        payloads: their mappings; one that could not be read is missing.
        contracts: their contracts, likewise.
        accepting: inbound mappings by the position of the listing and the message, likewise.
    """

    uses: Uses
    can_list: bool
    messages: tuple[str, ...]
    payloads: Mapping[str, FieldMapping]
    contracts: Mapping[str, Contract]
    accepting: Mapping[tuple[int, str], FieldMapping]

    def keys_of(self, operation: str) -> frozenset[str]:
        """What an operation is asked with; nothing where there is no such operation."""
        return self.uses[operation].keys if operation in self.uses else frozenset()

    def is_for(self, operation: str, way: str) -> bool:
        """Whether an operation can be used this way."""
        return self.uses[operation].sort in ("any", way) and (way == "read" or self.can_list)


def operations_of(adapter: Adapter) -> Mapping[str, Any]:
    """The adapter's operations by name, as written."""
    found = adapter.options.get("operations")
    return found if isinstance(found, dict) else {}


def check_reconciliation(adapter: Adapter, declared: Reconciliation, node: Node, known: Known) -> Iterator[Problem]:
    """Everything that is wrong with how the system is read back, beyond the model.

    Args:
        adapter: as read.
        declared: its reconciliation.
        node: the document that both were read from.
        known: what it may name.
    """
    yield from _times(declared, node)
    yield from _names(declared, node, known)
    for position, listing in enumerate(declared.listings):
        here: Path = ("reconciliation", "listings", position)
        check = _ListingCheck(adapter, listing, node, here, known)
        yield from check.problems(position)
    lists = [one.list for one in declared.listings if one.list is not None]
    if declared.window and not any(known.keys_of(one.operation) & WINDOW for one in lists):
        place = node_at(node, ("reconciliation", "window")).place
        words = "expected a listing that is asked with {from} or {until} beside 'window', got none"
        yield Problem(place, words, "window")


def check_asked_with(adapter: Adapter, node: Node, uses: Uses) -> Iterator[Problem]:
    """Operations that are asked about one record, or send one, with placeholders that only a listing fills."""
    declared = adapter.reconciliation
    reads = [one.read.operation for one in (declared.listings if declared else ()) if one.read is not None]
    confirms = [adapter.confirm, *(one.confirm for one in adapter.messages if one.confirm is not None)]
    asked = [one.operation for one in confirms if one.operation is not None]
    names = dict.fromkeys([*(name for one in adapter.messages for name in sent_by(one)), *asked, *reads])
    for name in names:
        wrong = sorted(uses[name].keys & _LISTING) if name in uses else []
        if wrong:
            place = node_at(node, ("options", "operations", name)).place
            words = f"expected placeholders that one record has in operation {name!r}, got {{{wrong[0]}}} of a listing"
            yield Problem(place, words, "placeholder")


def check_rules(declared: Reconciliation, node: Node) -> Iterator[Problem]:
    """Every comparison rule that cannot be read."""
    problems = Problems()
    for position, listing in enumerate(declared.listings):
        ComparisonRules(listing, node, ("reconciliation", "listings", position), problems)
    yield from problems.found


def recorded_messages(adapter: Adapter) -> tuple[str, ...]:
    """The names of what leaves records at the system: messages, and retractions of the case with a payload."""
    retractions = (one.on_unplanned for one in adapter.messages)
    taken_back = (one.name for one in retractions if isinstance(one, RetractBy) and one.mapping and one.of == "case")
    return tuple(dict.fromkeys([*(one.name for one in adapter.messages), *taken_back]))


def _times(declared: Reconciliation, node: Node) -> Iterator[Problem]:
    if declared.at is not None and (declared.every is None or declared.every % _DAY):
        place = node_at(node, ("reconciliation", "at")).place
        yield Problem(place, "expected 'every' of whole days beside 'at', got another or none", "schedule")


def _names(declared: Reconciliation, node: Node, known: Known) -> Iterator[Problem]:
    names: set[str] = set()
    listed: set[str] = set()
    for position, listing in enumerate(declared.listings):
        here: Path = ("reconciliation", "listings", position)
        if listing.name in names:
            place = node_at(node, (*here, "name")).place
            yield Problem(place, f"expected a listing name of its own, got {listing.name!r} again", "name")
        names.add(listing.name)
        for at, name in enumerate(listing.messages):
            place = node_at(node, (*here, "messages", at)).place
            if name not in known.messages:
                yield Problem(place, unknown("message", name, known.messages), "unknown")
            elif name in listed:
                yield Problem(place, f"expected every message in one listing only, got {name!r} again", "name")
            listed.add(name)


class _ListingCheck:
    """The checks of one listing."""

    def __init__(self, adapter: Adapter, listing: ReadListingRules, node: Node, here: Path, known: Known) -> None:
        self._listing = listing
        self._node, self._here, self._known = node, here, known
        self._sending = {name for message in adapter.messages for name in sent_by(message)}

    def problems(self, position: int) -> Iterator[Problem]:
        yield from self._level()
        yield from self._list()
        yield from self._read()
        yield from self._count()
        yield from self._keys()
        yield from self._fields()
        yield from self._policy()
        yield from self._accepting(position)

    def _place(self, *at: str | int) -> Place:
        return node_at(self._node, (*self._here, *at)).place

    def _problem(self, words: str, *at: str | int, code: str = "reconciliation") -> Problem:
        return Problem(self._place(*at), f"{self._listing.name}: {words}", code)

    # what its level needs, and has no use for

    def _level(self) -> Iterator[Problem]:
        listing, level = self._listing, self._listing.level
        given = {name for name in listing.model_fields_set if getattr(listing, name) not in (None, {})}
        ways = given & {"list", "read", "export"}
        if level in _RECORDS and not ways:
            yield self._problem(f"expected at least one of list, read, export with level: {level}, got none", "level")
        if level is Level.COUNTS and "count" not in given:
            yield self._problem("expected the key 'count' with level: counts, got none", "level")
        wanted = {"key", "ours"} if level in _RECORDS else {"ours"} if level is Level.COUNTS else set()
        for name in sorted(wanted - given):
            yield self._problem(f"expected the key {name!r} with level: {level}, got none", code="missing_key")
        for name in sorted(given & _USELESS[level]):
            yield self._problem(f"expected no {name!r} with level: {level}, got one", name)

    # operations

    def _operation(self, name: str, way: str, *at: str | int) -> Iterator[Problem]:
        if name not in self._known.uses:
            yield self._problem(unknown("operation", name, self._known.uses), *at, code="unknown")
        elif not self._known.is_for(name, way):
            yield self._problem(f"expected an operation that can {way}, got {name!r}, which cannot", *at)
        elif name in self._sending:
            yield self._problem(f"expected an operation that sends nothing, got {name!r}, which does", *at)

    def _list(self) -> Iterator[Problem]:
        listed = self._listing.list
        if listed is None:
            return
        yield from self._operation(listed.operation, "list", "list", "operation")
        use = self._known.uses.get(listed.operation)
        if use is not None and use.sort == "any":
            yield from self._paging(use.keys)
        elif listed.next is not None and (listed.next.by != "keyset" or listed.next.at is not None):
            yield self._problem("expected by: keyset without 'at', or no 'next', got another", "list", "next")

    def _paging(self, keys: frozenset[str]) -> Iterator[Problem]:
        listed = self._listing.list
        assert listed is not None
        by = "none" if listed.next is None else listed.next.by
        wanted = {"page": "page", "cursor": "cursor", "keyset": "after"}.get(by)
        size = None if listed.next is None or listed.next.by == "none" else listed.next.size
        for name in sorted(keys & {"page", "cursor", "after"} | ({wanted} if wanted else set())):
            if name == wanted and name not in keys:
                yield self._problem(f"expected {{{name}}} in its operation with by: {by}, got none", "list", "next")
            elif name != wanted:
                yield self._problem(f"expected no {{{name}}} in its operation with by: {by}, got it", "list", "next")
        if "size" in keys and size is None:
            yield self._problem("expected 'size' under 'next' for {size}, got none", "list", "next")
        if listed.next is not None and listed.next.by == "keyset" and listed.next.at is None:
            yield self._problem("expected the key 'at' with by: keyset, got none", "list", "next", code="missing_key")

    def _read(self) -> Iterator[Problem]:
        if self._listing.read is not None:
            yield from self._operation(self._listing.read.operation, "read", "read", "operation")

    def _count(self) -> Iterator[Problem]:
        counted = self._listing.count
        if counted is None:
            return
        yield from self._operation(counted.operation, "count", "count", "operation")
        use = self._known.uses.get(counted.operation)
        if use is not None and use.sort == "any":
            for name in sorted({"low", "high"} - use.keys):
                yield self._problem(f"expected {{{name}}} in its operation, got none", "count", "operation")

    # keys

    def _keys(self) -> Iterator[Problem]:
        listing = self._listing
        if listing.ours is not None:
            yield from self._key(listing.ours, listing.key or (), "ours")
        if listing.count is not None and len(listing.key or ()) > 1:
            words = "expected a key of one value with 'count', whose ranges are of one, got several"
            yield self._problem(words, "key")
        if listing.adopt is not None:
            yield from self._key(listing.adopt.ours, listing.adopt.key, "adopt", "ours")

    def _key(self, text: str, pointers: tuple[str, ...], *at: str) -> Iterator[Problem]:
        try:
            key = parse_our_key(text)
        except ValueError as error:
            yield self._problem(str(error), *at)
            return
        if pointers and key.values != len(pointers):
            words = f"expected as many values as 'key' has ({len(pointers)}), joined with |, got {key.values}"
            yield self._problem(words, *at)
        yield from self._payload_fields(key, *at)

    def _payload_fields(self, key: OurKey, *at: str) -> Iterator[Problem]:
        for name in sorted(key.fields):
            for message, names in self._fields_by_message().items():
                if name not in names:
                    yield self._problem(f"{message}: {unknown('field', name, names)}", *at, code="unknown")

    def _fields_by_message(self) -> dict[str, list[str]]:
        found = ((name, self._known.payloads.get(name)) for name in self._listing.messages)
        return {name: [entry.name for entry in one.document.payload.fields] for name, one in found if one is not None}

    # fields

    def _fields(self) -> Iterator[Problem]:
        if self._listing.level is not Level.FIELDS:
            return
        by_message = self._fields_by_message()
        names = {name for names in by_message.values() for name in names}
        compared = {name for one in self._mappings().values() for name in one.compared_fields}
        for name, rules in self._listing.fields.items():
            if by_message and name not in names:
                yield self._problem(unknown("field", name, names), "fields", name, code="unknown")
            elif by_message and rules.compared and name not in compared:
                words = f"expected a field that its mapping compares, got {name!r}, which it does not"
                yield self._problem(words, "fields", name)
        for message, mapping in self._mappings().items():
            if not any(compared_names(mapping, self._listing)):
                yield self._problem(f"{message}: expected at least one field that is compared, got none", "fields")

    def _mappings(self) -> dict[str, FieldMapping]:
        payloads = self._known.payloads
        return {name: payloads[name] for name in self._listing.messages if name in payloads}

    # what is done

    def _policy(self) -> Iterator[Problem]:
        listing = self._listing
        for kind, action in listing.repair.items():
            if kind not in FOUND_AT[listing.level]:
                words = f"expected a class that level: {listing.level} can find, got {kind.value!r}"
                yield self._problem(words, "repair", kind.value)
            elif action not in ACTIONS[kind]:
                yield self._problem(_not_for(kind, action), "repair", kind.value)
            elif action is Action.ACCEPT:
                yield from self._accepts(listing.messages, "repair", kind.value)
        for name, rules in listing.fields.items():
            if rules.repair is not None:
                yield from self._field_policy(name, rules.repair)

    def _field_policy(self, name: str, action: Action) -> Iterator[Problem]:
        listing = self._listing
        default = listing.default.owner if listing.default else "ours"
        owner = listing.fields[name].owner or default
        if action not in ACTIONS[Kind.EDITED_THERE]:
            yield self._problem(_not_for(Kind.EDITED_THERE, action), "fields", name, "repair")
        elif (action, owner) in ((Action.ACCEPT, "ours"), (Action.RESEND, "system")):
            words = f"{action} goes against the owner of {name!r}: expected owner: {_OTHER[owner]}, got {owner}"
            yield self._problem(words, "fields", name, "repair")
        elif action is Action.ACCEPT:
            having = [message for message, names in self._fields_by_message().items() if name in names]
            yield from self._accepts(having, "fields", name, "repair")

    def _accepts(self, messages: Any, *at: str) -> Iterator[Problem]:
        for message in messages:
            if message not in self._listing.accept:
                yield self._problem(f"expected an inbound mapping of {message} under 'accept', got none", *at)

    def _accepting(self, position: int) -> Iterator[Problem]:
        listing = self._listing
        for message in listing.accept:
            at = ("accept", message)
            if message not in listing.messages:
                yield self._problem(unknown("message", message, listing.messages), *at, code="unknown")
            mapping = self._known.accepting.get((position, message))
            if mapping is None:
                continue
            if mapping.direction != "in":
                yield self._problem("expected a mapping with 'direction: in', got 'out'", *at, code="direction")
            elif (shown := self._shown(message)) is not None:
                for column in sorted(mapping.columns - shown):
                    words = unknown("field of the record", column, shown)
                    yield self._problem(f"{mapping.name}: {words}", *at, code="unknown")
            yield from self._unread(message, mapping)

    def _unread(self, message: str, mapping: FieldMapping) -> Iterator[Problem]:
        """Fields that are taken over by a mapping which does not look at them: nothing would ever be taken over."""
        if mapping.direction != "in":
            return
        of_message = self._fields_by_message().get(message, [])
        for name, rules in self._listing.fields.items():
            at = (name,) if rules.at is None else parse_pointer(rules.at)
            if rules.repair is Action.ACCEPT and name in of_message and not mapping.columns.intersection(at[:1]):
                words = f"expected an inbound mapping that reads {name!r}, got {mapping.name}, which does not"
                yield self._problem(words, "fields", name, "repair")

    def _shown(self, message: str) -> frozenset[str] | None:
        """The first names of all that a record is known to show; None where that is not known."""
        contract, listing = self._known.contracts.get(message), self._listing
        if contract is None or not contract.is_closed:
            return None
        pointers = [*(listing.key or ()), *(one.at for one in listing.fields.values() if one.at is not None)]
        pointers += [listing.remote_ref] if listing.remote_ref else []
        moved = {name for name, one in listing.fields.items() if one.at is not None}
        places = (parse_pointer(pointer) for pointer in pointers)
        return (contract.fields - moved) | {place[0] for place in places if place}


_OTHER: Final = {"ours": "system", "system": "ours"}
_USELESS: Final[Mapping[Level, frozenset[str]]] = {
    Level.FIELDS: frozenset(),
    Level.IDS: frozenset({"fields", "default", "accept"}),
    Level.COUNTS: frozenset({"list", "read", "export", "fields", "default", "accept", "adopt", "scope", "remote_ref"}),
    Level.NONE: frozenset(
        {"list", "read", "export", "count", "key", "ours", "fields", "default", "accept", "adopt", "scope", "repair"}
        | {"remote_ref"}
    ),
}


def _not_for(kind: Kind, action: Action) -> str:
    return f"expected one of {', '.join(sorted(ACTIONS[kind]))} for {kind.value}, got {action.value!r}"


def unlisted_messages(adapter: Adapter, names: tuple[str, ...], place: Place) -> Iterator[Problem]:
    """A warning for the messages that no listing has.

    Args:
        adapter: as read.
        names: of all messages, and of the retractions with a payload.
        place: where the reconciliation stands, or the system's name where there is none.
    """
    declared = adapter.reconciliation
    if declared is None:
        words = "what it holds is not read back (reconciliation): what is lost or altered there is not noticed"
        yield Problem(place, f"{adapter.system}: {words}", "reconciliation")
        return
    missing = [name for name in names if name not in listed_messages(declared)]
    if missing:
        words = "no listing has their records: what is lost or altered there is not noticed (reconciliation)"
        yield Problem(place, f"{adapter.system}: {', '.join(missing)}: {words}", "reconciliation")
