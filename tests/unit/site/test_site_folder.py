"""A site's folder is read whole: what fits together loads, what does not is named all at once."""

from __future__ import annotations

from pathlib import Path

import pytest

from syncgate.documents import ProblemSet
from syncgate.records import CsvSettings
from syncgate.site.files import files_of, read_files
from syncgate.site.folder import load_site, recompiled
from syncgate.site.packing import pack, unpack
from tests.unit.site.conftest import ADAPTER, ROOT, problems


def write(site: Path, path: str, text: str) -> None:
    """Writes a file of the site."""
    (site / path).parent.mkdir(parents=True, exist_ok=True)
    (site / path).write_text(text, "utf-8")


def change(site: Path, path: str, old: str, new: str) -> None:
    """Replaces a text in a file of the site, which must be there."""
    text = (site / path).read_text("utf-8")
    assert old in text
    write(site, path, text.replace(old, new, 1))


def test_the_example_site_loads() -> None:
    site = load_site(ROOT, ROOT / "config.example.yaml", mac=lambda content: content)
    assert set(site.bundles) == {
        "province",
        "food",
        "workorders",
        "frontdb",
        "insurance",
        "hotline",
        "urban",
        "ecology",
        "disability",
    }
    assert set(site.sources) >= {"window", "food", "taipei1999", "taipei_streetlights", "nyc311", "ottawa311"}
    assert site.secret_names == {"province_token", "province_tif_token", "food_key", "workorders_key"}
    taipei = site.sources["taipei1999"]
    assert taipei.mapping is not None and taipei.formats["csv"] == CsvSettings(charset="utf-8-sig")


def test_a_small_site_loads(site: Path) -> None:
    found = load_site(site)
    assert (set(found.bundles), set(found.sources), found.secret_names) == ({"archive"}, {"window"}, {"archive_key"})
    assert found.sources["window"].mapping is None
    assert found.schema.personal_classes("case.applicant.name") == {"name"}


ENVIRONMENTS = """environments:
  test:
    systems: {archive: {mode: shadow, address: "http://127.0.0.1:1/test", limits: {rate: 2/s}}}
  prod:
    systems: {archive: {mode: live, address: "https://archive.example/api"}}
sources:"""


def test_one_adapter_has_an_address_and_a_mode_in_each_environment(site: Path) -> None:
    """The bundle is the same one: what was tried under `test` is what `prod` activates."""
    change(site, "config.yaml", "sources:", ENVIRONMENTS)
    bare, test, prod = (
        load_site(site, environment=name, mac=lambda content: content).bundles["archive"]
        for name in (None, "test", "prod")
    )
    assert bare.digest == test.digest == prod.digest
    assert (test.mode, test.address) == ("shadow", "http://127.0.0.1:1/test")
    assert (prod.mode, prod.address) == ("live", "https://archive.example/api")
    assert test.limits.rate is not None and prod.limits.rate == bare.limits.rate != test.limits.rate
    assert bare.address not in (test.address, prod.address)


def test_a_system_that_cannot_keep_a_promise_is_named(site: Path) -> None:
    warned = [str(problem) for problem in load_site(site).warnings]
    assert any("event: what the system holds cannot be read back" in line for line in warned)
    assert any("event: a change of what was delivered cannot be sent" in line for line in warned)
    assert any("record, event: what was delivered cannot be taken back" in line for line in warned)
    assert any(":1:9: archive: what it holds is not read back" in line for line in warned)
    assert {":".join(line.split(":")[1:3]) for line in warned} == {"15:5", "21:5", "1:9"}


def test_a_system_that_holds_for_a_person_is_named(site: Path) -> None:
    change(site, "adapters/archive/adapter.yaml", "{by: duplicate_probe}", "{by: hold}")
    change(site, "adapters/archive/adapter.yaml", ", absent: {status: [404]}", "")
    warned = "\n".join(str(problem) for problem in load_site(site).warnings)
    assert "event: an unknown outcome waits for a person (promise 4)" in warned
    assert "record: no answer of the look-up means that the record is absent" in warned


def test_secrets_of_a_system_that_is_not_live_are_not_needed(site: Path) -> None:
    change(site, "config.yaml", "archive: {}", "archive: {mode: shadow}")
    assert load_site(site).secret_names == frozenset()


def test_a_folder_that_no_system_names_gets_nothing_and_is_named(site: Path) -> None:
    change(site, "config.yaml", "systems:\n  archive: {}\n", "systems: {}\n")
    found = load_site(site)
    assert found.bundles == {}
    assert [str(problem) for problem in found.warnings] == [
        "adapters/archive/adapter.yaml:1:1: archive gets nothing: expected it under systems in the configuration, "
        "got none"
    ]


NAMES = {
    "a system without adapter": (
        "  archive: {}",
        "  archiv: {}",
        "config.yaml:8:3: unknown system 'archiv'; the nearest known is 'archive'",
    ),
    "a wider personal list": (
        "archive: {}",
        "archive: {personal: [name, contact]}",
        "config.yaml:8:30: expected what adapters/archive/adapter.yaml lists under personal, got also 'contact'",
    ),
    "an unknown personal class": (
        "archive: {}",
        "archive: {personal: [nam]}",
        "config.yaml:8:24: unknown class of personal data 'nam'; the nearest known is 'name'",
    ),
    "an unknown environment": (
        "sources:",
        "environment: tset\nenvironments: {test: {}}\nsources:",
        "config.yaml:5:14: unknown environment 'tset'; the nearest known is 'test'",
    ),
    "an environment's unknown system": (
        "sources:",
        "environments: {test: {systems: {archiv: {}}}}\nsources:",
        "config.yaml:5:33: unknown system 'archiv'; the nearest known is 'archive'",
    ),
    "an environment's unknown secret": (
        "sources:",
        "environments: {test: {secrets: {archiv_key: {env: A}}}}\nsources:",
        "config.yaml:5:33: unknown secret 'archiv_key'; the nearest known is 'archive_key'",
    ),
    "an unknown password": (
        "sources:",
        "store: {password: db}\nsources:",
        "config.yaml:5:19: unknown secret 'db'; expected one of archive_key",
    ),
    "an unknown inbound mapping": (
        "{zh: 窗口, en: Window}",
        "{zh: 窗口, en: Window}, mapping: archive/recor",
        "config.yaml:6:50: unknown mapping 'archive/recor'; the nearest known is 'archive/record'",
    ),
    "an outbound mapping of a source": (
        "{zh: 窗口, en: Window}",
        "{zh: 窗口, en: Window}, mapping: archive/record",
        "mappings/archive/record.yaml:1:1: expected 'direction: in' for a source, got 'out'",
    ),
    "an unknown field that a source owns": (
        "{zh: 窗口, en: Window}",
        "{zh: 窗口, en: Window}, owns: [/applicant, /contactt]",
        "config.yaml:6:60: unknown field '/contactt'; the nearest known is '/contact'",
    ),
    "what nobody can own": (
        "{zh: 窗口, en: Window}",
        "{zh: 窗口, en: Window}, owns: [stages, /stages/0]",
        "config.yaml:6:47: sources.window.owns: "
        "expected JSON Pointers of fields that can be owned, got stages, /stages/0",
    ),
    "no canonical schema": (
        "sources:",
        "schema: schemas/none.json\nsources:",
        "config.yaml:5:9: expected the canonical schema schemas/none.json, got no such file",
    ),
}


@pytest.mark.parametrize("name", NAMES)
def test_a_name_that_stands_for_nothing_is_named_at_its_place(site: Path, name: str) -> None:
    old, new, message = NAMES[name]
    change(site, "config.yaml", old, new)
    assert message in problems(lambda: load_site(site))


TABLE = (
    "database: {url: 'sqlite:///x', table: t, columns: {id: int not null, f: int}, key: [id], "
    "flag: {column: f, waiting: 0, taken: 1}}"
)
LIST = "rest: {base_url: 'http://h', path: /, query: {c: '{cursor}'}, key: [/id], paging: {at: /next}%s}"


def polled(site: Path, poll: str) -> list[str]:
    """What is wrong with a source that is asked for its records so."""
    poll = f"{{zh: 窗口, en: Window}}, poll: {{{poll}}}"
    change(site, "config.yaml", "{zh: 窗口, en: Window}", poll)
    return [line.partition(": ")[2] for line in problems(lambda: load_site(site))]


def test_all_that_is_wrong_with_a_poll_is_named_at_once(site: Path) -> None:
    token = ", signing: {scheme: bearer, token: {secret: archiv_key}}, headers: {X-Key: {secret: other}}"
    assert polled(site, LIST % token) == [
        "expected a mapping for a source that is asked for its records, got none",
        "unknown secret 'archiv_key'; the nearest known is 'archive_key' (secrets in the configuration)",
        "unknown secret 'other'; expected one of archive_key (secrets in the configuration)",
    ]


@pytest.mark.parametrize(
    ("poll", "got"), [("every: 1m", "none"), (f"{TABLE}, {LIST % ''}", "database and rest")], ids=["none", "two"]
)
def test_a_source_is_asked_in_exactly_one_way(site: Path, poll: str, got: str) -> None:
    assert polled(site, poll) == [f"sources.window.poll: expected one of database, rest, folder, got {got}"]


def test_a_folder_has_files_in_a_format_of_its_source(site: Path) -> None:
    assert polled(site, "folder: {path: in, files: '*.csv', format: csv}") == [
        "expected a mapping for a source that is asked for its records, got none",
        "expected the source's settings for csv, got none beside poll",
    ]


def test_a_pattern_of_files_leads_to_no_other_folder(site: Path) -> None:
    assert polled(site, "folder: {path: in, files: '../*.csv', format: csv}") == [
        "sources.window.poll.folder.files: expected a pattern of file names such as *.csv, got a path or a hidden name"
    ]


def test_problems_of_configuration_adapter_mapping_and_schema_come_at_once(site: Path) -> None:
    change(site, "config.yaml", "archive: {}", "archive: {personal: [nam]}")
    change(site, "adapters/archive/adapter.yaml", "operation: add", "operation: ad")
    change(site, "mappings/archive/record.yaml", "case.case_no", "case.caseno")
    change(site, "schemas/archive/event.schema.json", '"maxLength": 40', '"maxLength": "x"')
    named = {line.split(":")[0] for line in problems(lambda: load_site(site))}
    assert named == {
        "config.yaml",
        "adapters/archive/adapter.yaml",
        "mappings/archive/record.yaml",
        "schemas/archive/event.schema.json",
    }


def test_a_broken_configuration_hides_no_problem_of_a_system(site: Path) -> None:
    change(site, "config.yaml", "site: {", "sit: {")
    change(site, "adapters/archive/adapter.yaml", "mode: live", "mode: on")
    named = {line.split(":")[0] for line in problems(lambda: load_site(site))}
    assert named == {"config.yaml", "adapters/archive/adapter.yaml"}


def test_a_broken_schema_is_named_once(site: Path) -> None:
    write(site, "schemas/case.schema.json", "{")
    found = [line for line in problems(lambda: load_site(site)) if line.startswith("schemas/case.schema.json")]
    assert len(found) == 1 and found[0].startswith("schemas/case.schema.json:1:2: not JSON")


def test_a_mapping_that_leaks_does_not_load_where_the_site_narrows(site: Path) -> None:
    assert load_site(site).bundles["archive"].personal == {"name", "case.form.经营面积"}
    change(site, "config.yaml", "archive: {}", "archive: {personal: [case.form.经营面积]}")
    assert problems(lambda: load_site(site)) == [
        "mappings/archive/record.yaml:7:8: case.applicant.name is personal (name); it may not be received "
        "(personal, adapter or config.yaml)"
    ]


def second_system(site: Path, mapped: str) -> None:
    """A second system `copy` whose one message maps `ref` as given."""
    text = ADAPTER.replace("system: archive", "system: copy")
    text = text[: text.index("  - name: event")] + text[text.index("answers:") :]
    write(site, "adapters/copy/adapter.yaml", text)
    write(
        site,
        "mappings/copy/record.yaml",
        f"mapping: copy/record\ndirection: out\nreads: case\npayload:\n  ref: {mapped}\n"
        "examples:\n  - {name: waits, case: {}, waits_for: archive}\n",
    )
    write(site, "schemas/copy/record.schema.json", '{"type": "object", "properties": {"ref": {"type": "string"}}}')
    change(site, "config.yaml", "archive: {}", "archive: {}\n  copy: {}")


@pytest.mark.parametrize(
    "mapped", ["{remote_ref: archive, message: record}", "{remote_ref: archive}", "{case_ref: window}"]
)
def test_the_number_of_another_system_may_be_needed(site: Path, mapped: str) -> None:
    second_system(site, mapped)
    assert set(load_site(site).bundles) == {"archive", "copy"}


@pytest.mark.parametrize(
    ("mapped", "message"),
    [
        ("{remote_ref: archiv}", "unknown system 'archiv'; the nearest known is 'archive'"),
        ("{case_ref: windw}", "unknown system 'windw'; the nearest known is 'window'"),
        (
            "{remote_ref: archive, message: event}",
            "unknown message of archive with a remote_ref 'event'; expected one of record",
        ),
    ],
)
def test_a_number_that_nobody_will_give_is_named(site: Path, mapped: str, message: str) -> None:
    second_system(site, mapped)
    assert problems(lambda: load_site(site)) == [f"mappings/copy/record.yaml:5:8: {message}"]


def test_a_shared_table_belongs_to_the_bundles_that_use_it(site: Path) -> None:
    before = load_site(site).bundles["archive"]
    assert "mappings/tables/kind.yaml" in before.files
    write(site, "mappings/tables/other.yaml", "table: other\ncodes: {a: b}\n")
    assert load_site(site).bundles["archive"].digest == before.digest
    change(site, "mappings/tables/kind.yaml", '"2"', '"3"')
    assert load_site(site).bundles["archive"].digest != before.digest


def test_hidden_and_compiled_files_belong_to_no_bundle(site: Path) -> None:
    write(site, "adapters/archive/__pycache__/quirks.py", "x")
    write(site, "mappings/archive/.event.yaml.swp", "x")
    write(site, "mappings/archive/.old/event.yaml", "x")
    assert not any("__" in path or "/." in path for path in files_of("archive", read_files(site)))


def test_a_stored_bundle_compiles_again_under_the_addresses_of_now(site: Path) -> None:
    stored = pack(load_site(site).bundles["archive"].files)
    change(
        site,
        "config.yaml",
        "archive: {}",
        "archive: {address: 'http://127.0.0.1:2/new', personal: [case.form.经营面积]}",
    )
    change(site, "mappings/archive/record.yaml", "  who: case.applicant.name\n", "")
    change(site, "mappings/archive/record.yaml", ", who: 张示例", "")
    now = load_site(site)
    old = recompiled(now, unpack(stored), mac=lambda content: content)
    assert old.digest != now.bundles["archive"].digest
    assert old.address == "http://127.0.0.1:2/new"
    assert "who" in old.specs["record"].compared_fields


def test_bytes_that_are_no_bundle_are_refused(site: Path) -> None:
    with pytest.raises(ProblemSet):
        recompiled(load_site(site), {})
