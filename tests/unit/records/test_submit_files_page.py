"""The page about files says what is true: its examples are run, each format in its charset."""

from __future__ import annotations

import io
import re
from datetime import datetime
from pathlib import Path
from typing import Any

import openpyxl
import pytest
from openpyxl.worksheet.worksheet import Worksheet

from syncgate.config import SourceSettings
from syncgate.documents import plain, read_yaml
from syncgate.mapping import Inputs, Mapped, load_mapping
from syncgate.records import Record, XlsxSettings, read
from syncgate.records.settings import CHARSETS, Format, Settings

PAGE = Path(__file__).parents[3] / "docs/how-to/submit-files.md"
BLOCKS = re.findall(r"```(\S+)(?: (\S+))?\n(.*?)```", PAGE.read_text("utf-8"), re.DOTALL)
MAPPING = next(text for kind, mark, text in BLOCKS if kind == "yaml" and not mark)
SAMPLES: dict[str, str] = {mark: text for kind, mark, text in BLOCKS if kind == "text"}
EXPECTED: dict[str, Any] = {
    "kind": "hotline",
    "case_no": "99010101",
    "item": {"name": "路燈不亮"},
    "location": {"text": "東示區示例路1號,二樓"},
    "applied_at": "2026-04-30T23:58:42+08:00",
    "form": {"照片": ["a.jpg"]},
}


def _settings() -> dict[Format, Settings]:
    found: dict[Format, Settings] = {}
    for kind, mark, text in BLOCKS:
        if (kind, mark) == ("yaml", "settings"):
            written = plain(read_yaml(text, "settings.yaml"))
            source = SourceSettings.model_validate({"title": {"zh": "大厅", "en": "Hall"}, **written}, extra="forbid")
            found |= source.formats
    return found


SETTINGS = _settings()


def _cases(content: bytes, settings: Settings) -> list[Any]:
    mapping = load_mapping(MAPPING, "mappings/sources/hall/case.yaml")
    cases = []
    for record in read(io.BytesIO(content), settings, name="sample"):
        assert isinstance(record, Record), record
        result = mapping.apply(Inputs(case=record.value))
        assert isinstance(result, Mapped), result
        cases.append(result.payload)
    return cases


def test_the_page_shows_every_format() -> None:
    assert set(SETTINGS) == {"csv", "xml", "json", "ndjson", "form", "xlsx"}
    assert set(SAMPLES) == set(SETTINGS) - {"xlsx"}


def test_the_mapping_keeps_its_example() -> None:
    assert [one.diff for one in load_mapping(MAPPING, "mappings/sources/hall/case.yaml").run_examples()] == [()]


@pytest.mark.parametrize("name", sorted(SAMPLES))
def test_the_sample_of_a_format_is_the_case_that_it_means(name: Format) -> None:
    charset = getattr(SETTINGS[name], "charset", "utf-8")
    assert _cases(SAMPLES[name].encode(charset), SETTINGS[name]) == [EXPECTED]


@pytest.mark.parametrize("charset", CHARSETS)
@pytest.mark.parametrize("name", sorted(set(SAMPLES) - {"form"}))
def test_the_sample_means_the_same_in_every_charset(name: Format, charset: str) -> None:
    settings = SETTINGS[name].model_copy(update={"charset": charset})
    declared = {"utf-8-sig": "utf-8", "cp950": "big5"}.get(charset, charset)
    content = SAMPLES[name].replace('encoding="GB18030"', f'encoding="{declared}"').encode(charset)
    assert _cases(content, settings) == [EXPECTED]


def test_a_workbook_as_the_settings_say_is_the_case_that_it_means() -> None:
    settings = SETTINGS["xlsx"]
    assert isinstance(settings, XlsxSettings) and settings.sheet is not None
    made = openpyxl.Workbook()
    sheet = made.active
    assert isinstance(sheet, Worksheet)
    sheet.title = settings.sheet
    sheet.append(["四月派工"])
    sheet.append(["編號", "事項", "地址", "時間", "照片"])
    sheet.append([99010101, "路燈不亮", "東示區示例路1號,二樓", datetime(2026, 4, 30, 23, 58, 42), "a.jpg"])
    made.create_sheet("說明").append(["x"])
    out = io.BytesIO()
    made.save(out)
    assert _cases(out.getvalue(), settings) == [EXPECTED]
