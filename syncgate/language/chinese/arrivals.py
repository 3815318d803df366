"""What sources bring in their own words, and what becomes of it."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "expected a record in the body, got none": "请求内容中没有记录",
    "expected a record that makes a case, got {count} fields that do not": "该记录无法形成办件，有 {count} 个字段有误",
    "expected a source whose records a mapping reads, got {source}, which has none": (
        "来源系统 {source} 没有配置读取其记录的字段映射"
    ),
    "expected an arrival whose content is kept, got one whose content is gone": "该来件的内容已不再保存",
    "expected a call that was not dropped, got one that a person dropped": "该次提交已由人工作废",
    "expected an arrival that is taken in at once, got one that was interrupted": "该来件在接收途中中断",
    "expected an arrival that is being taken in, got one that was set aside meanwhile": (
        "该来件在接收途中已被转为待处理"
    ),
    "expected an Idempotency-Key for records without numbers, got none": (
        "记录没有自己的编号，请提供请求头 Idempotency-Key"
    ),
    "expected charset={charset}, as the source's setting says, got another": (
        "字符集应为 {charset}（见来源系统的设置）"
    ),
}
