"""What the meter of double entry says."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "Say how many entries were spared, how many fields typed once were delivered, and what is still typed by hand.": "显示免去了多少次重复录入、一次录入的字段推送到了多少处，以及哪些仍靠人工录入。",
    "{count} entries that nobody typed a second time": "免去重复录入 {count} 次",
    "{hours} hours, at {minutes} minutes an entry as the site says": "合 {hours} 小时，按本部署实例设定的每次录入 {minutes} 分钟计",
    "of the newest {cases} cases {typed} fields were typed and {delivered} delivered": "最近 {cases} 个办件：录入字段 {typed} 个，推送字段 {delivered} 个",
    "no record read back, so not counted: {names}": "未读回任何记录、因此不计入：{names}",
    "still typed by hand:": "仍靠人工录入：",
}
