"""The configuration is read whole, says every problem with its place, and never holds a secret."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import pydantic
import pytest

from syncgate import documents
from syncgate.config import Config, SiteSecrets, load_config
from syncgate.domain.errors import SiteInvalid
from syncgate.site.adapter import Adapter
from tests.unit.site.conftest import CONFIG, ROOT, problems

DOCS = ROOT / "docs/reference"


def models_in(annotation: Any) -> Iterator[type[pydantic.BaseModel]]:
    """Every pydantic model within an annotation."""
    if isinstance(annotation, type) and issubclass(annotation, pydantic.BaseModel):
        yield annotation
    for inner in get_args(annotation):
        yield from models_in(inner)


def keys_of(model: type[pydantic.BaseModel], seen: tuple[type, ...] = ()) -> Iterator[str]:
    """Every key of a model and of the models below it."""
    for name, field in model.model_fields.items():
        yield field.alias or name
        for below in models_in(field.annotation):
            if below not in seen:
                yield from keys_of(below, (*seen, below))


def keys_written(text: str) -> set[str]:
    """Every key that a YAML text writes, also in its comments."""
    return set(re.findall(r"([A-Za-z_]+):", text))


def test_the_example_configuration_loads_and_names_every_key() -> None:
    text = (ROOT / "config.example.yaml").read_text("utf-8")
    assert set(keys_of(Config)) - keys_written(text) == set()
    assert load_config(ROOT, ROOT / "config.example.yaml").site.name == "example_city"


def test_every_key_of_the_example_configuration_has_a_comment() -> None:
    lines = (ROOT / "config.example.yaml").read_text("utf-8").splitlines()
    bare = [
        line
        for above, line in zip(["", *lines], lines, strict=False)
        if re.match(r"[a-z_]+:", line) and "#" not in line and not above.lstrip().startswith("#")
    ]
    assert bare == []


ADAPTER_PAGES = ("adapter.md", "adapter-reconciliation.md")


@pytest.mark.parametrize(("model", "pages"), [(Config, ("configuration.md",)), (Adapter, ADAPTER_PAGES)])
def test_every_key_is_documented(model: type[pydantic.BaseModel], pages: tuple[str, ...]) -> None:
    text = "".join((DOCS / page).read_text("utf-8") for page in pages)
    named = set(re.findall(r"`([A-Za-z_]+)`", text))
    assert set(keys_of(model)) - named == set()


def test_a_site_without_configuration_uses_its_example(tmp_path: Path) -> None:
    (tmp_path / "config.example.yaml").write_text(CONFIG, "utf-8")
    assert load_config(tmp_path).site.name == "small"
    (tmp_path / "config.yaml").write_text(CONFIG.replace("name: small", "name: own"), "utf-8")
    assert load_config(tmp_path).site.name == "own"


def test_a_missing_configuration_is_named(tmp_path: Path) -> None:
    assert problems(lambda: load_config(tmp_path)) == [
        "config.example.yaml:1:1: expected a configuration in UTF-8, got no readable file"
    ]


def test_defaults_are_those_of_a_single_machine(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(CONFIG, "utf-8")
    config = load_config(tmp_path)
    assert config.store.url == "sqlite:///data/syncgate.sqlite"
    assert (config.listen.host, config.listen.port) == ("127.0.0.1", 8080)
    assert (config.site.time_zone, config.site.language) == ("Asia/Shanghai", "zh")
    assert config.schema_file == "schemas/case.schema.json"


WRONG = {
    "an unknown key": ("site: {", "sit: {", 1, 1, "unknown key 'sit'; the nearest known is 'site'"),
    "a secret's value": (
        "archive_key: {env: SMALL_ARCHIVE_KEY}",
        "archive_key: hunter2",
        4,
        16,
        "secrets.archive_key: expected",
    ),
    "two places of a secret": (
        "{env: SMALL_ARCHIVE_KEY}",
        "{env: A, file: b}",
        4,
        16,
        "secrets.archive_key: expected one of env, file",
    ),
    "an unknown zone": (
        "name: small",
        "name: small, time_zone: Asia/Shangai",
        1,
        32,
        "site.time_zone: expected a time zone such as Asia/Shanghai",
    ),
    "a region that is a number": ('"990100"', "990100", 1, 57, "site.region: "),
}


@pytest.mark.parametrize("name", WRONG)
def test_what_is_wrong_is_named_at_its_place(tmp_path: Path, name: str) -> None:
    old, new, line, column, message = WRONG[name]
    assert old in CONFIG
    (tmp_path / "config.yaml").write_text(CONFIG.replace(old, new), "utf-8")
    found = problems(lambda: load_config(tmp_path))
    assert any(one.startswith(f"config.yaml:{line}:{column}: {message}") for one in found), found
    assert "hunter2" not in "\n".join(found)


@pytest.mark.parametrize("url", ["mysql://x/y", "data/x.sqlite", "postgresql://me:hunter2@host/db"])
def test_a_store_that_cannot_be_is_refused_without_its_password(tmp_path: Path, url: str) -> None:
    (tmp_path / "config.yaml").write_text(f"{CONFIG}store: {{url: '{url}'}}\n", "utf-8")
    found = problems(lambda: load_config(tmp_path))
    assert found[0].startswith("config.yaml:9:14: store.url: expected ")
    assert "hunter2" not in "\n".join(found)


ENVIRONMENTS = """\
environment: test
environments:
  test: {}
  prod:
    secrets: {archive_key: {file: secrets/archive}}
    systems: {archive: {address: "https://archive.example/x", mode: shadow, limits: {rate: 5/s}}}
"""


def test_an_environment_changes_addresses_secrets_limits_and_mode(tmp_path: Path) -> None:
    text = CONFIG.replace("archive: {}", "archive: {personal: [name], limits: {concurrency: 2, rate: 9/s}}")
    (tmp_path / "config.yaml").write_text(text + ENVIRONMENTS, "utf-8")
    test, prod = load_config(tmp_path), load_config(tmp_path, environment="prod")
    assert test.system("archive").mode is None and test.system("archive").limits.rate == 9
    chosen = prod.system("archive")
    assert (chosen.address, chosen.mode, chosen.personal) == ("https://archive.example/x", "shadow", ("name",))
    assert (chosen.limits.rate, chosen.limits.concurrency) == (5, 2)
    assert test.secret_refs["archive_key"].env == "SMALL_ARCHIVE_KEY"
    assert prod.secret_refs["archive_key"].file == "secrets/archive"


def test_an_environment_changes_nothing_else(tmp_path: Path) -> None:
    text = ENVIRONMENTS.replace("mode: shadow", "personal: [name]")
    (tmp_path / "config.yaml").write_text(CONFIG + text, "utf-8")
    assert "unknown key 'personal'" in problems(lambda: load_config(tmp_path))[0]


def refs(text: str) -> Any:
    """The secrets of a configuration."""
    config = documents.validate(Config, documents.read_yaml(CONFIG + text, "config.yaml"))
    return config.secret_refs


def test_secrets_come_from_environment_and_files(tmp_path: Path) -> None:
    (tmp_path / "key").write_text("from-file\n", "utf-8")
    config = CONFIG.replace("  archive_key:", "  other_key: {file: key}\n  archive_key:")
    found = documents.validate(Config, documents.read_yaml(config, "config.yaml")).secret_refs
    secrets = SiteSecrets.load(
        found, root=tmp_path, needed=["other_key", "archive_key"], environ={"SMALL_ARCHIVE_KEY": "from-env"}
    )
    assert (secrets.get("other_key"), secrets.get("archive_key")) == ("from-file", "from-env")
    assert "from" not in repr(secrets) and "from" not in str(vars(type(secrets)))


def test_every_missing_secret_is_named_at_once(tmp_path: Path) -> None:
    with pytest.raises(SiteInvalid) as refused:
        SiteSecrets.load(refs(""), root=tmp_path, needed=["archive_key", "other"], environ={"SMALL_ARCHIVE_KEY": ""})
    assert refused.value.message == (
        "expected the secrets archive_key (environment variable SMALL_ARCHIVE_KEY), "
        "other (not declared in secrets), got none"
    )


def test_only_needed_secrets_are_asked_for(tmp_path: Path) -> None:
    secrets = SiteSecrets.load(refs(""), root=tmp_path, needed=[], environ={})
    with pytest.raises(SiteInvalid, match="archive_key"):
        secrets.get("archive_key")


def test_durations_of_the_dispatch_carry_units(tmp_path: Path) -> None:
    (tmp_path / "config.yaml").write_text(f"{CONFIG}dispatch: {{poll_interval: 100ms, lease_margin: 3s}}\n", "utf-8")
    dispatch = load_config(tmp_path).dispatch
    assert (dispatch.poll_interval, dispatch.lease_margin) == (timedelta(milliseconds=100), timedelta(seconds=3))
