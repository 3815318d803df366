"""From a system's files to its bundle: read, compile, check; every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from functools import partial
from pathlib import PurePosixPath
from types import ModuleType
from typing import Any, Final, TypeVar

from syncgate import documents
from syncgate.config import SystemSettings
from syncgate.documents import Node, Place, Problem, Problems, ProblemSet
from syncgate.domain.errors import SiteInvalid
from syncgate.domain.plan import Json
from syncgate.mapping import Mapping as FieldMapping
from syncgate.mapping import Tables, load_condition, load_mapping
from syncgate.site.acknowledgements import check_acknowledgements
from syncgate.site.adapter import Adapter, AdapterMessage, RetractBy
from syncgate.site.assembly import CompiledMessage, CompiledPayload, assemble, payloads_of
from syncgate.site.assignees import check_legs, check_own_stages
from syncgate.site.bundle import Bundle, Mac
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.checks import check_adapter, check_message, check_payload, check_secrets, unused_files
from syncgate.site.content_checks import check_contents
from syncgate.site.contract import Contract, ContractError, compile_contract
from syncgate.site.files import (
    adapter_path,
    contract_path,
    decoded,
    is_mapping,
    mapping_path,
    quirks_path,
    read_json,
)
from syncgate.site.personal import CanonicalPaths, Permitted, wrong_entry
from syncgate.site.promises import promise_warnings
from syncgate.site.quirks import QuirksError, load_quirks
from syncgate.site.readback import ReadBack
from syncgate.site.reading_back import Named, compile_readback
from syncgate.site.recipients import check_withheld
from syncgate.site.reconciliation_checks import (
    Known,
    check_asked_with,
    check_reconciliation,
    check_rules,
    operations_of,
    recorded_messages,
    unlisted_messages,
)
from syncgate.site.reconciling import Reconciliation
from syncgate.site.retractions import check_retraction_reads
from syncgate.site.returning import check_returns, compile_returns
from syncgate.site.tables import read_tables
from syncgate.transports import TransportKind, kinds

T = TypeVar("T")
LEASE_MARGIN: Final = timedelta(seconds=10)
ZONE: Final = "Asia/Shanghai"


def compile_bundle(
    system: str,
    files: Mapping[str, bytes],
    *,
    mac: Mac | None = None,
    settings: SystemSettings | None = None,
    schema: CanonicalSchema | None = None,
    secrets: Collection[str] | None = None,
    lease_margin: timedelta = LEASE_MARGIN,
    transports: Mapping[str, TransportKind] | None = None,
    zone: str = ZONE,
) -> Bundle:
    """A system's bundle from its files, as in the folder or as stored.

    Args:
        system: its name.
        files: contents by path within the site: the adapter, and whatever it refers to.
        mac: keyed digest of inputs; without one the bundle can check and map, but not plan.
        settings: what the site says about the system.
        schema: the canonical schema; without one it is not asked what a mapping may read.
        secrets: names that the site declares; without them it is not asked whether they are.
        lease_margin: added to the time-outs to make the lease.
        transports: by name; the installed ones by default.
        zone: the site's time zone, for times whose mapping names none.

    Raises:
        ProblemSet: every problem with its place.
    """
    compilation = _Compilation(
        system=system,
        files=files,
        settings=settings or SystemSettings(),
        schema=schema,
        paths=None if schema is None else CanonicalPaths(schema),
        zone=zone,
        secrets=secrets,
        transports=kinds() if transports is None else transports,
    )
    return compilation.bundle(mac or _no_mac, lease_margin)


def _no_mac(_: bytes) -> bytes:
    raise RuntimeError("expected a bundle compiled with a keyed digest, got one without")


@dataclass(slots=True, kw_only=True)
class _Compilation:
    """One run of the compiler; collects problems and goes on as far as it can."""

    system: str
    files: Mapping[str, bytes]
    settings: SystemSettings
    schema: CanonicalSchema | None
    paths: CanonicalPaths | None
    zone: str
    secrets: Collection[str] | None
    transports: Mapping[str, TransportKind]
    problems: Problems = field(default_factory=Problems)
    taken_back: dict[tuple[str, str], CompiledPayload | None] = field(default_factory=dict)

    def bundle(self, mac: Mac, lease_margin: timedelta) -> Bundle:
        tables = read_tables(self.files, self.problems)
        path = adapter_path(self.system)
        node = self._attempt(lambda: documents.read_yaml(self._text(path), path))
        adapter = None if node is None else self._attempt(lambda: documents.validate(Adapter, node))
        if node is None or adapter is None:
            self._compile_unread(tables)
            raise ProblemSet(self.problems.found)
        quirks = self._quirks()
        options = self._options(adapter, node, quirks)
        permitted = self._permitted(adapter, node)
        timeout = self.settings.limits.timeout or adapter.limits.timeout
        self.problems.extend(check_adapter(adapter, node, system=self.system, timeout=timeout))
        poll_names = None if options is None else self.transports[adapter.transport].poll_names(options)
        self.problems.extend(check_acknowledgements(adapter, node, poll_names=poll_names))
        self.problems.extend(check_returns(adapter, node))
        applies = self._condition(node, ("applies_to",), reads="case", tables=tables)
        owns = None if adapter.assignee is None else self._condition(node, ("assignee",), reads="leg", tables=tables)
        self.problems.extend(check_legs(adapter, node))
        positions = range(len(adapter.messages))
        messages = [self._message(adapter, node, at, tables=tables, permitted=permitted) for at in positions]
        if options is not None:
            kind = self.transports[adapter.transport]
            problems_of = lambda name, content: kind.content_problems(options, name, content, quirks)  # noqa: E731
            self.problems.extend(check_contents(adapter, node, problems_of, permitted, self.paths))
        readback = self._readback(adapter, node, options, messages, tables)
        self.problems.raise_if_any()
        place_of = partial(_message_place, node)
        return assemble(
            adapter,
            self.files,
            options=options,
            secret_names=self.transports[adapter.transport].secret_names(options),
            quirks=quirks,
            settings=self.settings,
            permitted=permitted,
            lease_margin=lease_margin,
            applies=applies,
            owns=owns,
            messages=[message for message in messages if message is not None],
            mac=mac,
            readback=readback,
            returns=compile_returns(adapter, self.zone),
            zone=self.zone,
            asks=partial(self.transports[adapter.transport].asks, options),
            warnings=[
                *promise_warnings(adapter, place_of),
                *unlisted_messages(adapter, recorded_messages(adapter), _reconciliation_place(node)),
                *unused_files(adapter, self.files),
            ],
        )

    def _attempt(self, act: Callable[[], T]) -> T | None:
        try:
            return act()
        except ProblemSet as error:
            self.problems.extend(error.problems)
            return None

    def _text(self, path: str) -> str:
        if path not in self.files:
            raise ProblemSet([Problem(Place(path, 1, 1), "expected this file, got none", "no_file")])
        return decoded(self.files[path], path)

    def _quirks(self) -> ModuleType | None:
        path = quirks_path(self.system)
        if path not in self.files:
            return None
        try:
            return load_quirks(self.files[path], file=path, system=self.system)
        except QuirksError as error:
            self.problems.add(Place(path, error.line, 1), str(error), "quirks")
            return None

    def _compile_unread(self, tables: Tables) -> None:
        """Where the adapter cannot be read, quirks and mappings are compiled all the same, for their problems."""
        self._quirks()
        for path in self.files:
            if is_mapping(path):
                self._attempt(lambda path=path: self._load(path, tables))  # type: ignore[misc]

    def _options(self, adapter: Adapter, node: Node, quirks: ModuleType | None) -> Any:
        place = documents.node_at(node, ("transport",)).place
        kind = self.transports.get(adapter.transport)
        if kind is None:
            self.problems.add(place, documents.unknown("transport", adapter.transport, self.transports), "unknown")
            return None
        if quirks is None and quirks_path(self.system) in self.files:
            return None
        model = self._attempt(lambda: _options_model(kind, quirks, self.system))
        below = documents.node_at(node, ("options",))
        options = None if model is None else self._attempt(lambda: documents.validate(model, below))
        if options is not None and self.secrets is not None:
            self.problems.extend(check_secrets(kind.secret_names(options), below, self.secrets))
        return options

    def _permitted(self, adapter: Adapter, node: Node) -> Permitted:
        for position, entry in enumerate(adapter.personal):
            message = wrong_entry(entry, self.paths)
            if message is not None:
                self.problems.add(documents.node_at(node, ("personal", position)).place, message, "unknown")
        own = Permitted(frozenset(adapter.personal))
        if self.settings.personal is None:
            return own
        return Permitted(frozenset(e for e in self.settings.personal if own.includes(e, self.paths)))

    def _condition(
        self, node: Node, path: tuple[str | int, ...], *, reads: str, tables: Tables
    ) -> Callable[[Json, Json], bool]:
        found = documents.node_at(node, path)
        parent = documents.node_at(node, path[:-1])
        if not isinstance(parent, documents.Mapping) or path[-1] not in parent:
            return _always
        condition = self._attempt(lambda: load_condition(found, reads=reads, tables=tables, schema=self._canonical))
        return _always if condition is None else condition.holds

    def _message(
        self, adapter: Adapter, node: Node, position: int, *, tables: Tables, permitted: Permitted
    ) -> CompiledMessage | None:
        message = adapter.messages[position]
        here = ("messages", position)
        exists = self._condition(node, (*here, "when"), reads=message.of, tables=tables)
        mapping = self._mapping(message.mapping_name, node, here, tables)
        contract = self._contract(message.contract_name, node, here)
        place = documents.node_at(node, (*here, "of")).place
        self.problems.extend(check_message(message, mapping, contract, permitted, self.paths, place=place))
        self.problems.extend(check_own_stages(adapter, mapping))
        self.problems.extend(check_withheld(adapter, mapping, self.paths))
        taken_back = self._taken_back(message, node, here, tables=tables, permitted=permitted)
        if taken_back is not None:
            self.problems.extend(check_withheld(adapter, taken_back.mapping, self.paths))
        if mapping is None or contract is None:
            return None
        return CompiledMessage(message, mapping, contract, exists, taken_back)

    def _taken_back(
        self, message: AdapterMessage, node: Node, at: tuple[str | int, ...], *, tables: Tables, permitted: Permitted
    ) -> CompiledPayload | None:
        """The payload of the message's retraction; None where it has none, or what it names is wrong."""
        unplanned = message.on_unplanned
        if not isinstance(unplanned, RetractBy) or unplanned.mapping is None:
            return None
        here = (*at, "on_unplanned")
        key = (unplanned.name, unplanned.contract_name)
        if key not in self.taken_back:
            mapping = self._mapping(unplanned.name, node, here, tables)
            contract = self._contract(unplanned.contract_name, node, here)
            self.taken_back[key] = CompiledPayload(mapping, contract) if mapping and contract else None
            self.problems.extend(check_payload(mapping, contract, permitted, self.paths))
        compiled = self.taken_back[key]
        place = documents.node_at(node, (*here, "mapping")).place
        mapping = compiled.mapping if compiled is not None else None
        self.problems.extend(check_retraction_reads(message, unplanned, mapping, place=place))
        return compiled

    def _readback(
        self,
        adapter: Adapter,
        node: Node,
        options: Any,
        messages: Sequence[CompiledMessage | None],
        tables: Tables,
    ) -> ReadBack | None:
        """How the system is read back; None where it is not, or where anything at all is wrong already."""
        if options is None:
            return None
        kind = self.transports[adapter.transport]
        uses = {name: kind.asks(options, name) for name in operations_of(adapter)}
        self.problems.extend(check_asked_with(adapter, node, uses))
        if adapter.reconciliation is None:
            return None
        payloads = payloads_of(messages)
        accepting = dict(self._accepting(adapter.reconciliation, node, tables))
        known = Known(
            uses=uses,
            can_list=kind.lists,
            messages=recorded_messages(adapter),
            payloads={name: one.mapping for name, one in payloads.items()},
            contracts={name: one.contract for name, one in payloads.items()},
            accepting=accepting,
        )
        self.problems.extend(check_reconciliation(adapter, adapter.reconciliation, node, known))
        if self.problems.found:
            self.problems.extend(check_rules(adapter.reconciliation, node))
            return None
        named = Named(uses=uses, payloads=known.payloads, accepting=accepting)
        return compile_readback(adapter.reconciliation, node, named, self.problems)

    def _accepting(
        self, declared: Reconciliation, node: Node, tables: Tables
    ) -> Iterator[tuple[tuple[int, str], FieldMapping]]:
        """The inbound mappings by the position of the listing and the message."""
        for position, listing in enumerate(declared.listings):
            for message, name in listing.accept.items():
                here = ("reconciliation", "listings", position, "accept", message)
                mapping = self._mapping(name, node, here, tables)
                if mapping is not None:
                    yield (position, message), mapping

    def _mapping(self, name: str, node: Node, here: tuple[str | int, ...], tables: Tables) -> FieldMapping | None:
        path = mapping_path(f"{self.system}/{name}")
        if path not in self.files:
            self._no_such_file("mapping", name, path, _place(node, here, "mapping"))
            return None
        return self._attempt(lambda: self._load(path, tables))

    def _load(self, path: str, tables: Tables) -> FieldMapping:
        return load_mapping(self._text(path), path, tables=tables, schema=self._canonical, zone=self.zone)

    @property
    def _canonical(self) -> Mapping[str, Any] | None:
        return None if self.schema is None else self.schema.document

    def _contract(self, name: str, node: Node, here: tuple[str | int, ...]) -> Contract | None:
        path = contract_path(self.system, name)
        if path not in self.files:
            self._no_such_file("contract", name, path, _place(node, here, "contract"))
            return None
        return self._attempt(lambda: read_contract(self.files[path], path))

    def _no_such_file(self, kind: str, name: str, path: str, place: Place) -> None:
        wanted = PurePosixPath(path)
        suffix = wanted.name.removeprefix(name)
        beside = [other.name for other in map(PurePosixPath, self.files) if other.parent == wanted.parent]
        near = documents.nearest(name, [other.removesuffix(suffix) for other in beside])
        hint = f"; the nearest known is {near!r}" if near else ""
        self.problems.add(place, f"expected the {kind} {path}, got no such file{hint}", "no_file")


def read_contract(content: bytes, path: str) -> Contract:
    """A contract from its file. Raises ProblemSet with the place of what is wrong."""
    document = read_json(content, path)
    try:
        return compile_contract(document)
    except ContractError as error:
        node = documents.read_yaml(decoded(content, path), path)
        steps = [step.replace("~1", "/").replace("~0", "~") for step in error.pointer.split("/")[1:]]
        path_to = tuple(int(step) if step.isdigit() else step for step in steps)
        raise ProblemSet([Problem(documents.node_at(node, path_to).place, str(error), "contract")]) from None


def _options_model(kind: TransportKind, quirks: ModuleType | None, system: str) -> Any:
    place = Place(quirks_path(system), 1, 1)
    try:
        return kind.options_model_for(quirks)
    except SiteInvalid as error:
        raise ProblemSet([Problem(place, error.message, "quirks")]) from None
    except Exception as error:
        message = f"expected it to register what it brings, got {type(error).__name__}"
        raise ProblemSet([Problem(place, message, "quirks")]) from None


def _message_place(node: Node, position: int) -> Place:
    return documents.node_at(node, ("messages", position)).place


def _reconciliation_place(node: Node) -> Place:
    stands = isinstance(node, documents.Mapping) and "reconciliation" in node
    return documents.node_at(node, ("reconciliation" if stands else "system",)).place


def _place(node: Node, here: tuple[str | int, ...], key: str) -> Place:
    """Where the key stands, or else what it is left to: the name of a message, the mapping of a retraction."""
    found = documents.node_at(node, here)
    if isinstance(found, documents.Scalar):
        return found.place
    keys = [name for name in (key, "mapping", "name") if isinstance(found, documents.Mapping) and name in found]
    return documents.node_at(node, (*here, keys[0] if key in keys or here[-1] == "on_unplanned" else "name")).place


def _always(_case: Json, _part: Json) -> bool:
    return True
