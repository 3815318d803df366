"""What must fit together in an adapter, its mappings and its contracts; each check yields problems."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping
from datetime import timedelta
from typing import Any, Final

from syncgate import documents
from syncgate.documents import Node, Place, Problem, node_at, unknown
from syncgate.domain.outcome import Outcome
from syncgate.mapping import Mapping as FieldMapping
from syncgate.site.adapter import Adapter, AdapterMessage, Confirm, RetractBy, UpdateBy
from syncgate.site.content_checks import check_place, filled_by_content
from syncgate.site.contract import Contract
from syncgate.site.files import contract_path, is_mapping, mapping_path
from syncgate.site.paths import places_of_paths
from syncgate.site.personal import CanonicalPaths, Permitted
from syncgate.site.retractions import check_retractions
from syncgate.transports.answers import UNMATCHED

SEND_KEY: Final = "{send_key}"
Path = tuple[str | int, ...]


def check_adapter(adapter: Adapter, node: Node, *, system: str, timeout: timedelta) -> Iterator[Problem]:
    """Everything that an adapter's own document can say wrongly, beyond its model.

    Args:
        adapter: as read.
        node: the document that it was read from.
        system: the name of its folder.
        timeout: of the whole request, as it holds at this site.
    """
    if adapter.system != system:
        place = node_at(node, ("system",)).place
        yield Problem(place, f"expected 'system: {system}', the name of its folder, got {adapter.system!r}", "name")
    yield from _messages(adapter, node)
    yield from _answers(adapter, node)
    for position, message in enumerate(adapter.messages):
        yield from _operations_of(adapter, message, node, ("messages", position))
    yield from _confirms(adapter, node, timeout)
    yield from check_retractions(adapter, node)


def _messages(adapter: Adapter, node: Node) -> Iterator[Problem]:
    names = [message.name for message in adapter.messages]
    for position, message in enumerate(adapter.messages):
        here: Path = ("messages", position)
        if message.name in names[:position]:
            place = node_at(node, (*here, "name")).place
            yield Problem(place, f"expected a message name of its own, got {message.name!r} again", "name")
        for at, name in enumerate(message.after or ()):
            if name not in names:
                yield Problem(node_at(node, (*here, "after", at)).place, unknown("message", name, names), "unknown")
        if message.is_case_ref and message.remote_ref is None:
            place = node_at(node, (*here, "is_case_ref")).place
            yield Problem(place, "expected 'remote_ref' to say where the case's number is, got none", "remote_ref")
    cycle = _cycle(adapter)
    if cycle:
        place = node_at(node, ("messages", names.index(cycle[0]), "after")).place
        yield Problem(place, f"expected an order without a circle, got {' after '.join(cycle)}", "cycle")


def _cycle(adapter: Adapter) -> list[str]:
    """Names of messages that wait for one another, the first one repeated at the end; empty: none do."""
    names = [message.name for message in adapter.messages]
    waits = {
        message.name: set(names[:position] if message.after is None else message.after) & set(names)
        for position, message in enumerate(adapter.messages)
    }
    while free := {name for name, others in waits.items() if not others}:
        waits = {name: others - free for name, others in waits.items() if name not in free}
    trail: list[str] = []
    here = next(iter(waits), None)
    while here is not None and here not in trail:
        trail.append(here)
        here = next(name for name in names if name in waits[here])
    return [] if here is None else [*trail[trail.index(here) :], here]


def _answers(adapter: Adapter, node: Node) -> Iterator[Problem]:
    known = _operations(adapter)
    seen: set[str] = set()
    for position, rule in enumerate(adapter.answers):
        here: Path = ("answers", position)
        if rule.name in seen or (rule.name == UNMATCHED and rule.outcome is not Outcome.UNKNOWN):
            place = node_at(node, (*here, "name")).place
            yield Problem(place, f"expected an answer name of its own, got {rule.name!r} again", "name")
        seen.add(rule.name)
        for at, name in enumerate(rule.operations):
            if name not in known:
                place = node_at(node, (*here, "operations", at)).place
                yield Problem(place, unknown("operation", name, known), "unknown")


def _operations_of(adapter: Adapter, message: AdapterMessage, node: Node, here: Path) -> Iterator[Problem]:
    known = _operations(adapter)
    for path, name in _sends(message):
        place = node_at(node, (*here, *path)).place
        if name not in known:
            yield Problem(place, unknown("operation", name, known), "unknown")
        elif not _can_answer(adapter, name, Outcome.TAKEN, Outcome.QUEUED_THERE):
            words = f"expected an answer that means taken or queued_there for operation {name!r}, got none"
            yield Problem(place, words, "answers")


def _fills(message: AdapterMessage) -> Iterator[str]:
    """The operations that put something into the message's slots."""
    yield message.operation
    if isinstance(message.on_change, UpdateBy):
        yield message.on_change.update


def _sends(message: AdapterMessage) -> Iterator[tuple[Path, str]]:
    yield ("operation",), message.operation
    if isinstance(message.on_change, UpdateBy):
        yield ("on_change", "update"), message.on_change.update
    if isinstance(message.on_unplanned, RetractBy):
        yield ("on_unplanned", "retract"), message.on_unplanned.retract


def _can_answer(adapter: Adapter, operation: str, *outcomes: Outcome) -> bool:
    return any(
        rule.outcome in outcomes and (not rule.operations or operation in rule.operations) for rule in adapter.answers
    )


def _confirms(adapter: Adapter, node: Node, timeout: timedelta) -> Iterator[Problem]:
    yield from _confirm(adapter, adapter.confirm, node, ("confirm",))
    yield from _visible(adapter.confirm, node, ("confirm",), timeout)
    for position, message in enumerate(adapter.messages):
        here: Path = ("messages", position)
        own: Path = (*here, "confirm") if message.confirm else ("confirm",)
        if message.confirm:
            yield from _confirm(adapter, message.confirm, node, own)
            yield from _visible(message.confirm, node, own, timeout)
        yield from _confirm_of(adapter, message.name, adapter.confirm_of(message), _fills(message), node, own)
        retraction = message.on_unplanned
        if not isinstance(retraction, RetractBy):
            continue
        at = own if retraction.of == "slot" else ("confirm",)
        if retraction.confirm:
            at = (*here, "on_unplanned", "confirm")
            yield from _confirm(adapter, retraction.confirm, node, at)
            yield from _visible(retraction.confirm, node, at, timeout)
        confirm = adapter.confirm_of_retraction(message, retraction)
        yield from _confirm_of(adapter, retraction.name, confirm, [retraction.retract], node, at)


def _confirm(adapter: Adapter, confirm: Confirm, node: Node, here: Path) -> Iterator[Problem]:
    known = _operations(adapter)
    place = node_at(node, (*here, "operation")).place
    if confirm.by == "look_up" and confirm.operation is None:
        yield Problem(place, "expected the key 'operation' for by: look_up, got none", "missing_key")
    elif confirm.by != "look_up" and confirm.operation is not None:
        yield Problem(place, f"expected no 'operation' for by: {confirm.by}, got one", "confirm")
    elif confirm.operation is not None and confirm.operation not in known:
        yield Problem(place, unknown("operation", confirm.operation, known), "unknown")
    if confirm.final_after < confirm.visible_after:
        at = node_at(node, (*here, "final_after")).place
        yield Problem(at, "expected 'final_after' not before 'visible_after', got a shorter one", "confirm")


def _visible(confirm: Confirm, node: Node, here: Path, timeout: timedelta) -> Iterator[Problem]:
    """A record that is looked for while its request may still be running would be sent twice."""
    if confirm.by == "look_up" and confirm.visible_after < timeout:
        place = node_at(node, (*here, "visible_after")).place
        words = f"expected 'visible_after' not shorter than the time-out of {timeout.total_seconds():g}s"
        yield Problem(place, f"{words}, got {confirm.visible_after.total_seconds():g}s", "confirm")


def _confirm_of(
    adapter: Adapter, message: str, confirm: Confirm, operations: Iterable[str], node: Node, here: Path
) -> Iterator[Problem]:
    place = node_at(node, (*here, "by")).place
    for name in operations:
        if confirm.by == "idempotency_key" and not _carries_send_key(adapter, name):
            words = f"expected {SEND_KEY} in a header, the path or the query of operation {name!r}, got none"
            yield Problem(place, f"{message}: {words}", "confirm")
        if confirm.by == "duplicate_probe" and not _can_answer(adapter, name, Outcome.DUPLICATE):
            words = f"expected an answer that means duplicate for operation {name!r}, got none"
            yield Problem(place, f"{message}: {words}", "confirm")


def _carries_send_key(adapter: Adapter, operation: str) -> bool:
    own = _operations(adapter).get(operation)
    return SEND_KEY in str(own) or SEND_KEY in str(adapter.options.get("headers"))


def _operations(adapter: Adapter) -> Mapping[str, Any]:
    found = adapter.options.get("operations")
    return found if isinstance(found, dict) else {}


def check_secrets(names: Collection[str], node: Node, declared: Collection[str]) -> Iterator[Problem]:
    """Every secret that the options name and that the site does not declare."""
    places = dict(_secrets_in(node))
    for name in sorted(set(names) - set(declared)):
        words = f"{unknown('secret', name, declared)} (secrets in the configuration)"
        yield Problem(places.get(name, node.place), words, "unknown")


def _secrets_in(node: Node) -> Iterator[tuple[str, Place]]:
    if isinstance(node, documents.Mapping):
        named = node.get("secret")
        if isinstance(named, documents.Scalar):
            yield named.text, named.place
        for entry in node:
            yield from _secrets_in(entry.value)
    elif isinstance(node, documents.Sequence):
        for item in node:
            yield from _secrets_in(item)


def check_message(
    message: AdapterMessage,
    mapping: FieldMapping | None,
    contract: Contract | None,
    permitted: Permitted,
    paths: CanonicalPaths | None,
    *,
    place: Place,
) -> Iterator[Problem]:
    """Whether one message's mapping fits its message, its contract and what the system may receive.

    Args:
        message: as the adapter declares it.
        mapping, contract: what it names; None where that could not be read.
        permitted: what the system may receive.
        paths: of the canonical schema, None where it is not known.
        place: where the adapter says what the message is of.
    """
    if mapping is None:
        return
    if mapping.direction != "out":
        words = f"expected a mapping with 'direction: out' for message {message.name!r}, got 'in'"
        yield Problem(place, words, "direction")
        return
    if mapping.reads not in ("case", message.of):
        words = (
            f"expected a mapping that reads {message.of} for message {message.name!r}, "
            f"got one that reads {mapping.reads}"
        )
        yield Problem(place, words, "reads")
    yield from check_place(message, mapping, place)
    yield from check_payload(mapping, contract, permitted, paths, filled=filled_by_content(message))


def check_payload(
    mapping: FieldMapping | None,
    contract: Contract | None,
    permitted: Permitted,
    paths: CanonicalPaths | None,
    *,
    filled: str | None = None,
) -> Iterator[Problem]:
    """Whether a mapping gives what its contract wants, and nothing that the system may not receive.

    filled: the member of the payload that a file is put into, which the mapping leaves free.
    """
    if mapping is None or mapping.direction != "out":
        return
    if contract is not None:
        yield from _contract_fields(mapping, contract, filled)
    if paths is not None:
        yield from check_leaks(mapping, paths, permitted)


def _contract_fields(mapping: FieldMapping, contract: Contract, filled: str | None) -> Iterator[Problem]:
    payload = mapping.document.payload
    names = {entry.name for entry in payload.fields}
    if filled is not None:
        names.add(filled)
        if contract.is_closed and filled not in contract.fields:
            words = unknown("field of the contract", filled, contract.fields)
            yield Problem(payload.place, f"content: {words}", "contract_field")
    for entry in payload.fields:
        if contract.is_closed and entry.name not in contract.fields:
            words = unknown("field of the contract", entry.name, contract.fields)
            yield Problem(entry.place, words, "contract_field")
    for name in sorted(contract.required - names):
        yield Problem(payload.place, f"expected the field {name!r}, which the contract requires, got none", "required")


def check_leaks(mapping: FieldMapping, paths: CanonicalPaths, permitted: Permitted) -> Iterator[Problem]:
    """Every personal path that a mapping reads and that its system may not receive."""
    places = places_of_paths(mapping)
    for path in sorted(mapping.paths):
        place = places.get(path, mapping.document.place)
        found = paths.classes(path) or frozenset()
        if not permitted.covers(path, found):
            kept = ", ".join(sorted(found - permitted.entries))
            words = f"{path} is personal ({kept}); it may not be received (personal, adapter or config.yaml)"
            yield Problem(place, words, "personal")


def unused_files(adapter: Adapter, files: Collection[str]) -> Iterator[Problem]:
    """A warning for every mapping and contract of the system that no message names."""
    used = {mapping_path(f"{adapter.system}/{message.mapping_name}") for message in adapter.messages}
    used |= {contract_path(adapter.system, message.contract_name) for message in adapter.messages}
    taken_back = [m.on_unplanned for m in adapter.messages if isinstance(m.on_unplanned, RetractBy)]
    used |= {mapping_path(f"{adapter.system}/{one.name}") for one in taken_back if one.mapping}
    used |= {contract_path(adapter.system, one.contract_name) for one in taken_back if one.mapping}
    listings = () if adapter.reconciliation is None else adapter.reconciliation.listings
    used |= {mapping_path(f"{adapter.system}/{name}") for listing in listings for name in listing.accept.values()}
    for path in sorted(files):
        if (is_mapping(path) or path.startswith("schemas/")) and path not in used:
            yield Problem(Place(path, 1, 1), f"no message of {adapter.system} names this file", "unused")
