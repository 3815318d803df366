"""Reads a site's folder whole and reports every problem at once."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from types import MappingProxyType
from typing import TypeVar

from syncgate import documents
from syncgate.config import Config, read_config
from syncgate.documents import Node, Place, Problem, Problems, ProblemSet, unknown
from syncgate.site.bundle import Bundle, Mac
from syncgate.site.canonical import CanonicalSchema
from syncgate.site.compiler import compile_bundle
from syncgate.site.content_checks import needs_links
from syncgate.site.files import adapter_path, decoded, files_of, read_files, read_json, systems_in
from syncgate.site.personal import CanonicalPaths, Permitted, wrong_entry
from syncgate.site.references import check_references
from syncgate.site.sources import Source, compile_sources
from syncgate.site.tables import read_tables
from syncgate.transports import kinds

T = TypeVar("T")


@dataclass(frozen=True, slots=True, kw_only=True)
class Site:
    """One deployment, read and checked.

    Attributes:
        root: the site's folder.
        config: its configuration.
        schema: the canonical schema.
        bundles: by system.
        sources: by name.
        warnings: what works, but should be known: above all where a system makes a promise impossible.
    """

    root: Path
    config: Config = field(repr=False)
    schema: CanonicalSchema = field(repr=False)
    bundles: Mapping[str, Bundle] = field(repr=False)
    sources: Mapping[str, Source] = field(repr=False)
    warnings: tuple[Problem, ...] = field(default=(), repr=False)

    @property
    def secret_names(self) -> frozenset[str]:
        """Secrets that the site needs: those of its store, and of every system that is live."""
        live = (bundle for bundle in self.bundles.values() if bundle.mode == "live")
        own = {self.config.store.password} - {None}
        return frozenset(name for bundle in live for name in bundle.secret_names) | frozenset(map(str, own))


def load_site(
    root: Path,
    config_path: Path | None = None,
    *,
    mac: Mac | None = None,
    environment: str | None = None,
) -> Site:
    """The site in a folder.

    Args:
        root: the folder.
        config_path: another configuration than its config.yaml.
        mac: keyed digest of inputs; without one the bundles can check and map, but not plan.
        environment: replaces the configuration's own choice.

    Raises:
        ProblemSet: every problem of configuration, adapters, mappings, tables, contracts and schema.
    """
    reading = _Reading(root)
    read = reading.attempt(lambda: read_config(root, config_path, environment=environment))
    if read is None:
        reading.read_without_config()
        raise ProblemSet(reading.problems.found)
    return reading.site(*read, mac=mac)


def recompiled(site: Site, files: Mapping[str, bytes], *, mac: Mac | None = None) -> Bundle:
    """A stored bundle compiled again, under the site's addresses and limits of now.

    Its mappings and contracts are those that once sent, so what was sent is confirmed as it was meant. What
    it may read and which secrets it names was asked when it was deployed.

    Args:
        site: the site.
        files: as `unpack` gives them.
        mac: keyed digest of inputs.

    Raises:
        ProblemSet: this version cannot read it any more.
    """
    system = next(iter(systems_in(files)), "")
    return compile_bundle(
        system,
        files,
        mac=mac,
        settings=site.config.system(system),
        lease_margin=site.config.dispatch.lease_margin,
        zone=site.config.site.time_zone,
    )


class _Reading:
    """One reading of a folder; collects problems and goes on as far as it can."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.files = read_files(root)
        self.problems = Problems()
        self.warnings: list[Problem] = []

    def attempt(self, act: Callable[[], T]) -> T | None:
        """What the act gives; None, with its problems kept, where it has some."""
        try:
            return act()
        except ProblemSet as error:
            self.problems.extend(error.problems)
            return None

    def read_without_config(self) -> None:
        """Where the configuration cannot be read, the systems are checked all the same."""
        for system in systems_in(self.files):
            self.attempt(lambda system=system: compile_bundle(system, files_of(system, self.files)))  # type: ignore[misc]

    def site(self, config: Config, node: Node, *, mac: Mac | None) -> Site:
        schema = self.attempt(lambda: self._schema(config, node))
        tables = read_tables(self.files, self.problems)
        self.problems.extend(_names(config, node, systems_in(self.files)))
        self.problems.extend(_secrets(config, node))
        bundles = self._bundles(config, schema, mac)
        found = check_references(bundles, systems=config.systems, sources=config.sources)
        self.problems.extend(found)
        self._check_narrowing(config, node, schema)
        self._check_addresses(config, node, bundles)
        self._check_links(config, bundles)
        self._name_unserved(config)
        sources = self.attempt(lambda: compile_sources(config, node, self.files, tables=tables, schema=schema))
        self.problems.raise_if_any()
        assert schema is not None and sources is not None
        return Site(
            root=self.root,
            config=config,
            schema=schema,
            bundles=MappingProxyType(bundles),
            sources=MappingProxyType(sources),
            warnings=tuple(self.warnings + [found for bundle in bundles.values() for found in bundle.warnings]),
        )

    def _schema(self, config: Config, node: Node) -> CanonicalSchema:
        path = self.root / config.schema_file
        try:
            content = path.read_bytes()
        except OSError:
            place = documents.node_at(node, ("schema",)).place
            words = f"expected the canonical schema {config.schema_file}, got no such file"
            raise ProblemSet([Problem(place, words, "no_file")]) from None
        return CanonicalSchema(read_json(content, config.schema_file), file=config.schema_file)

    def _bundles(self, config: Config, schema: CanonicalSchema | None, mac: Mac | None) -> dict[str, Bundle]:
        transports = kinds()
        served = [system for system in systems_in(self.files) if system in config.systems]
        found = {
            system: self.attempt(
                lambda system=system: compile_bundle(  # type: ignore[misc]
                    system,
                    files_of(system, self.files),
                    mac=mac,
                    settings=config.system(system),
                    schema=schema,
                    secrets=config.secret_refs,
                    lease_margin=config.dispatch.lease_margin,
                    transports=transports,
                    zone=config.site.time_zone,
                )
            )
            for system in served
        }
        return {system: bundle for system, bundle in found.items() if bundle is not None}

    def _check_links(self, config: Config, bundles: Mapping[str, Bundle]) -> None:
        for system, bundle in bundles.items():
            if config.materials.link_address is None and needs_links(bundle.adapter):
                words = f"{system}: expected materials.link_address in the configuration for links to files, got none"
                self.problems.add(Place(adapter_path(system), 1, 1), words, "content")

    def _check_narrowing(self, config: Config, node: Node, schema: CanonicalSchema | None) -> None:
        paths = None if schema is None else CanonicalPaths(schema)
        for system, settings in config.systems.items():
            wide = self._personal_of(system)
            for position, entry in enumerate(settings.personal or ()):
                words = wrong_entry(entry, paths)
                if words is None and wide is not None and not wide.includes(entry, paths):
                    words = f"expected what {adapter_path(system)} lists under personal, got also {entry!r}"
                if words is not None:
                    place = documents.node_at(node, ("systems", system, "personal", position)).place
                    self.problems.add(place, words, "personal")

    def _check_addresses(self, config: Config, node: Node, bundles: Mapping[str, Bundle]) -> None:
        """An address of another protocol would be found out only by the first send."""
        known = kinds()
        for system, bundle in bundles.items():
            if bundle.address is None:
                continue
            try:
                known[bundle.transport].check_address(bundle.address)
            except ValueError as error:
                self.problems.add(_address_place(config, node, system), f"address: {error}", "address")

    def _personal_of(self, system: str) -> Permitted | None:
        """What a system's adapter lists, read even where the rest of it is wrong; None where it cannot be."""
        path = adapter_path(system)
        try:
            adapter = documents.read_yaml(decoded(self.files.get(path, b""), path), path)
        except ProblemSet:
            return None
        listed = adapter.get("personal") if isinstance(adapter, documents.Mapping) else None
        entries = listed.items if isinstance(listed, documents.Sequence) else ()
        return Permitted(frozenset(entry.text for entry in entries if isinstance(entry, documents.Scalar)))

    def _name_unserved(self, config: Config) -> None:
        for system in systems_in(self.files):
            if system not in config.systems:
                place = Place(adapter_path(system), 1, 1)
                words = f"{system} gets nothing: expected it under systems in the configuration, got none"
                self.warnings.append(Problem(place, words, "unserved"))


def _address_place(config: Config, node: Node, system: str) -> Place:
    """Where a system's address is written: under the environment that holds, or else under the system."""
    own, chosen = (
        ("systems", system, "address"),
        ("environments", str(config.environment), "systems", system, "address"),
    )
    found = documents.node_at(node, chosen)
    is_there = isinstance(found, documents.Scalar) and found.text == config.system(system).address
    return (found if is_there else documents.node_at(node, own)).place


def _names(config: Config, node: Node, known: list[str]) -> list[Problem]:
    """Names in the configuration that stand for nothing."""
    found = []
    for system in config.systems:
        if system not in known:
            found.append(_unknown_key(node, ("systems",), system, unknown("system", system, known)))
    if config.environment is not None and config.environment not in config.environments:
        place = documents.node_at(node, ("environment",)).place
        words = unknown("environment", config.environment, config.environments)
        found.append(Problem(place, words, "unknown"))
    for name, environment in config.environments.items():
        for system in environment.systems:
            if system not in config.systems:
                words = unknown("system", system, config.systems)
                found.append(_unknown_key(node, ("environments", name, "systems"), system, words))
        for secret in environment.secrets:
            if secret not in config.secrets:
                words = unknown("secret", secret, config.secrets)
                found.append(_unknown_key(node, ("environments", name, "secrets"), secret, words))
    return found


def _unknown_key(node: Node, path: tuple[str, ...], name: str, words: str) -> Problem:
    parent = documents.node_at(node, path)
    place = parent.key_place(name) if isinstance(parent, documents.Mapping) else parent.place
    return Problem(place, words, "unknown")


def _secrets(config: Config, node: Node) -> list[Problem]:
    name = config.store.password
    if name is None or name in config.secret_refs:
        return []
    place = documents.node_at(node, ("store", "password")).place
    return [Problem(place, unknown("secret", name, config.secret_refs), "unknown")]
