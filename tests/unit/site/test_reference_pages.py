"""The pages of config.yaml and adapter.yaml are true: their keys, defaults, duties and examples are the models'."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Annotated, Any

import pydantic
import pytest
import yaml
from pydantic_core import PydanticUndefined

from syncgate import config
from syncgate.documents import plain, read_yaml
from syncgate.records import settings
from syncgate.site import adapter, reconciling, returning, windows
from syncgate.transports import content
from syncgate.transports.answers import AnswerCondition, AnswerRule
from syncgate.transports.database import inbox_options
from syncgate.transports.rest import inbox_options as rest_inbox_options
from tests.unit.site.conftest import CONFIG, ROOT

Models = tuple[type[pydantic.BaseModel], ...]
PAGES: dict[str, dict[str, Models]] = {
    "configuration.md": {
        "`site`": (config.SiteIdentity,),
        "`environment` and `environments`": (config.EnvironmentSettings,),
        "`store`": (config.StoreSettings,),
        "`master_key`": (config.SecretRef,),
        "`listen`": (config.Listen,),
        "`intake`": (config.IntakeSettings,),
        "`materials`": (config.MaterialSettings,),
        "`sources`": (
            config.SourceSettings,
            settings.CsvSettings,
            settings.XmlSettings,
            settings.JsonSettings,
            settings.FormSettings,
            settings.XlsxSettings,
        ),
        "`poll`": (config.PollSettings, inbox_options.InboxOptions),
        "`poll.rest`": (rest_inbox_options.RestInboxOptions, rest_inbox_options.ListPaging),
        "`poll.folder`": (config.FolderSettings,),
        "`systems`": (config.SystemSettings,),
        "`logging`": (config.LoggingSettings,),
        "`dispatch`": (config.DispatchSettings,),
        "`meter`": (config.MeterSettings,),
        "`alerts`": (config.AlertSettings, config.AlertWebhook, config.AlertMail, config.SilenceSettings),
    },
    "adapter.md": {
        "Top level": (adapter.Adapter,),
        "`messages`": (adapter.AdapterMessage,),
        "`retract`": (adapter.RetractBy,),
        "`content`": (content.Base64Content, content.UrlContent, content.MultipartContent),
        "`answers`": (AnswerRule, AnswerCondition),
        "`confirm`": (adapter.Confirm,),
        "`acknowledged`": (adapter.Acknowledged,),
        "`returns`": (returning.Returns, returning.ReturnColumns, returning.ReturnCause),
        "`limits` and `breaker`": (adapter.AdapterLimits, adapter.AdapterBreaker),
        "`windows`": (windows.HoursOfDays,),
        "`calendar`": (windows.WorkCalendar,),
        "`priority`": (adapter.Priority,),
        "`maintenance`": (windows.WeeklyMaintenance, windows.DatedMaintenance),
    },
    "adapter-reconciliation.md": {
        "`reconciliation`": (reconciling.Reconciliation,),
        "`listings`": (reconciling.ReadListingRules,),
        "`list`, `read` and `count`": (reconciling.Listed, reconciling.ReadSingly, reconciling.Counted),
        "`fields`": (reconciling.FieldRules,),
    },
}
SHOWN_ELSEWHERE = {"charset"}
"""Said in a sentence of its own, for all formats at once."""
SHARED = {"as", "at", "from", "operation", "reason", "size_at_most", "until"}
"""Keys that several models of one table have, and that mean the same in each; the first of them is looked at."""
DEFAULT = re.compile(r"default (?:`([^`]+)`|(\d+|true|false|none)\b)|`([a-z_]+)` \(default")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of a table about keys. of: the format that it is about, where the table says one."""

    page: str
    section: str
    keys: tuple[str, ...]
    of: str
    meaning: str
    example: str

    def __str__(self) -> str:
        return f"{self.page} {self.section} {'+'.join(self.keys)} {self.of}".strip()

    def fields(self) -> Iterator[pydantic.fields.FieldInfo]:
        """The fields of the models that these keys are."""
        for key in self.keys:
            found = [field for model in self._models() for name, field in named(model) if name == key]
            assert len(found) == 1 or (found and key in SHARED), f"{self}: {key} is a key of {len(found)} models"
            yield found[0]

    def _models(self) -> Models:
        models = PAGES[self.page][self.section]
        if self.of:
            return tuple(model for model in models if model.__name__.lower() == f"{self.of}settings")
        return models[:1] if self.section == "`sources`" else models


def named(model: type[pydantic.BaseModel]) -> list[tuple[str, pydantic.fields.FieldInfo]]:
    """The fields of a model by the keys that a person writes."""
    return [(field.alias or name, field) for name, field in model.model_fields.items()]


def rows() -> Iterator[Row]:
    """Every row of every table about keys."""
    for page in PAGES:
        text = (ROOT / "docs/reference" / page).read_text("utf-8")
        for section, body in re.findall(r"^## (.*?)\n(.*?)(?=^## |\Z)", text, re.M | re.S):
            header: list[str] = []
            for line in body.splitlines():
                cells = [cell.strip() for cell in line.strip("|").split(" | ")]
                if not line.startswith("|"):
                    header = []
                elif not header:
                    header = [cell.strip() for cell in line.strip("|").split("|")]
                elif header[-1] == "example" and not line.startswith("|---"):
                    keys = tuple(re.findall(r"`([a-z_]+)`", cells[0]))
                    of = cells[1].strip("`") if header[1] == "of" else ""
                    yield Row(page, section, keys, of, cells[-2], cells[-1])


ROWS = list(rows())


def value_of(field: pydantic.fields.FieldInfo, written: str) -> Any:
    """What the field becomes where a person writes this."""
    kind: Any = Annotated.__class_getitem__((field.annotation, "a field", *field.metadata))  # type: ignore[attr-defined]
    signs = {",": "','", '"': "'\"'"}
    return pydantic.TypeAdapter(kind).validate_python(plain(read_yaml(f"x: {signs.get(written, written)}", "x"))["x"])


def default_of(field: pydantic.fields.FieldInfo) -> Any:
    """What the field is where nobody writes it."""
    return field.get_default(call_default_factory=True)


@pytest.mark.parametrize("page", PAGES)
def test_every_key_of_a_section_has_a_row_in_it(page: str) -> None:
    for section, models in PAGES[page].items():
        shown = {key for row in ROWS if (row.page, row.section) == (page, section) for key in row.keys}
        keys = {key for model in models for key, _ in named(model)}
        assert keys - shown - SHOWN_ELSEWHERE == set(), section


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_is_about_keys_that_there_are(row: Row) -> None:
    assert len(list(row.fields())) == len(row.keys) >= 1


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_says_required_where_the_key_is(row: Row) -> None:
    says = "; required" in row.meaning or row.meaning.startswith("required")
    assert {field.is_required() for field in row.fields()} == {says}


@pytest.mark.parametrize("row", ROWS, ids=str)
def test_a_row_names_the_default_that_holds(row: Row) -> None:
    found = DEFAULT.search(row.meaning)
    for field in row.fields():
        default = default_of(field)
        if found is None:
            assert default in (None, PydanticUndefined, "", ()) or isinstance(default, dict | pydantic.BaseModel), (
                default
            )
        elif found[2] == "none":
            assert not default
        else:
            assert value_of(field, next(filter(None, found.groups()))) == default


@pytest.mark.parametrize("row", [row for row in ROWS if row.example.startswith("`")], ids=str)
def test_the_example_of_a_row_is_taken(row: Row) -> None:
    whole = row.example.strip("`")
    for field in row.fields():
        if re.match(r"\{(file|env): \S+\}\Z", whole):
            config.SecretRef.model_validate(yaml.safe_load(whole))
        else:
            value_of(field, whole)


def test_every_example_of_the_configuration_loads() -> None:
    text = (ROOT / "docs/reference/configuration.md").read_text("utf-8")
    blocks = re.findall(r"```yaml\n(.*?)```", text, re.S)
    assert len(blocks) >= 4
    for block in blocks:
        written = {**plain(read_yaml(CONFIG, "c.yaml")), **plain(read_yaml(block, "block.yaml"))}
        config.Config.model_validate(written)


def test_the_example_of_an_adapter_loads() -> None:
    text = (ROOT / "docs/reference/adapter.md").read_text("utf-8")
    whole, *parts = re.findall(r"```yaml\n(.*?)```", text, re.S)
    document = plain(read_yaml(whole, "adapter.yaml"))
    adapter.Adapter.model_validate(document)
    for part in parts:
        adapter.Adapter.model_validate(document | plain(read_yaml(part, "part.yaml")))
