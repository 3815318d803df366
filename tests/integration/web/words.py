"""A source with words of its own, for tests of what sources bring."""

from __future__ import annotations

from typing import Any

from syncgate.mapping import load_mapping, load_tables
from syncgate.records import CsvSettings, FormSettings, JsonSettings, XmlSettings
from syncgate.site.sources import Source
from tests.unit.web.sample import schema

TABLE = "table: channel\nlossy: true\ncodes: {来电: phone, 网络: portal}\n"
MORE = "table: channel\nlossy: true\ncodes: {来电: phone, 网络: portal, 传真: other}\n"
MAPPING = """\
mapping: sources/window/case
direction: in
reads: record
payload:
  kind: {const: hotline}
  case_no: record.编号
  item: {object: {name: {text: record.事项, steps: [trim]}}}
  location: {object: {text: record.地址}}
  channel: {table: channel, of: record.渠道}
  applied_at: {parse_time: record.时间, format: "%Y/%m/%d %H:%M", zone: Asia/Shanghai}
  description: {path: record.备注, empty_as: absent, optional: true}
  contact:
    object:
      name: {path: record.姓名, optional: true}
      mobile: {path: record.电话, optional: true}
    empty_as: absent
    optional: true
examples:
  - name: one
    record: {}
    fails: [{field: channel, rule: missing}]
"""
UNNUMBERED = MAPPING.replace("case_no: record.编号", "case_no: {context: record_no}")
GOOD = {"编号": "P-0001", "事项": "路灯不亮", "地址": "东示区示例路1号", "渠道": "来电", "时间": "2026/04/30 23:58"}
FORMATS: dict[Any, Any] = {
    "json": JsonSettings(charset="gb18030"),
    "xml": XmlSettings(charset="gbk", record="/orders/order"),
    "form": FormSettings(charset="gbk"),
    "csv": CsvSettings(charset="gbk"),
}


def mapping_of(text: str = MAPPING, table: str = TABLE) -> Any:
    tables = load_tables({"mappings/tables/channel.yaml": table})
    return load_mapping(text, "mappings/sources/window/case.yaml", tables=tables, schema=schema().document)


def a_source(*, text: str = MAPPING, table: str = TABLE, is_holding: bool = False, **formats: Any) -> Source:
    """The source `window`, whose mapping reads Chinese names; of the formats each in a charset of its own."""
    return Source(
        name="window",
        title={"zh": "综合窗口", "en": "Window"},
        mapping=mapping_of(text, table),
        formats=FORMATS | formats,
        is_holding=is_holding,
    )
