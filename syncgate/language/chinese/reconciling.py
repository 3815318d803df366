"""What is wrong in how an adapter says that its system is read back, and what cannot be read back."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # --- the model
    "expected a share such as 5%, got something else": "应为形如 5% 的比例",
    "expected a time of the day such as 02:30, quoted, got another text": "应为形如 02:30 的时刻，并加引号",
    "expected a tolerance above 0, got another number": "容差应大于 0",
    "expected nothing else beside compared: false, got more": "写了 compared: false 就不应再有其他内容",
    "expected one of masked, tolerance, got both": "masked 与 tolerance 只能填写一个",
    # --- the whole
    "expected a listing that is asked with {a} or {b} beside 'window', got none": "填写了 window，却没有以 {a} 或 {b} 查询的清单",
    "expected 'every' of whole days beside 'at', got another or none": "填写 at 时，every 应为整日数",
    "expected a listing name of its own, got {name!r} again": "清单名称重复：{name}",
    "expected every message in one listing only, got {name!r} again": "每个报文只能属于一个清单，{name} 重复出现",
    "expected placeholders that one record has in operation {operation!r}, got {{name}} of a listing": "操作 {operation} 只能用单条记录的占位符，{{name}} 仅供清单使用",
    # --- a listing
    "expected at least one of list, read, export with level: {level}, got none": "level: {level} 时，list、read、export 应至少填写一个",
    "expected the key 'count' with level: counts, got none": "level: counts 时应填写 count",
    "expected the key {key!r} with level: {level}, got none": "level: {level} 时应填写 {key}",
    "expected no {key!r} with level: {level}, got one": "level: {level} 时不应填写 {key}",
    "expected an operation that can {way}, got {name!r}, which cannot": "操作 {name} 不能用于 {way}",
    "expected by: keyset without 'at', or no 'next', got another": "应为不带 at 的 by: keyset，或不填写 next",
    "expected {{name}} in its operation with by: {by}, got none": "by: {by} 时其操作中应有 {{name}}",
    "expected no {{name}} in its operation with by: {by}, got it": "by: {by} 时其操作中不应有 {{name}}",
    "expected {{name}} in its operation, got none": "其操作中应有 {{name}}",
    "expected 'size' under 'next' for {size}, got none": "其操作中有 {size}，next 下应填写 size",
    "expected the key 'at' with by: keyset, got none": "by: keyset 时应填写 at",
    "expected a placeholder such as {name}, got {got!r}": "应有占位符，如 {name}，实为 {got}",
    "expected as many values as 'key' has ({count}), joined with |, got {got}": "应与 key 同为 {count} 项并以 | 连接，实为 {got} 项",
    "expected a key of one value with 'count', whose ranges are of one, got several": "填写 count 时 key 应只有一项，计数区间只能按一项划分",
    "expected a field that its mapping compares, got {name!r}, which it does not": "字段映射不比对 {name}，此处不应填写",
    "{message}: expected at least one field that is compared, got none": "{message}：应至少比对一个字段",
    "expected a class that level: {level} can find, got {kind!r}": "level: {level} 无法发现 {kind}",
    "expected one of {known} for {kind}, got {got!r}": "对 {kind} 的处理应为 {known} 之一，实为 {got}",
    "{action} goes against the owner of {name!r}: expected owner: {wanted}, got {got}": "{action} 与 {name} 的 owner 矛盾：应为 owner: {wanted}，实为 {got}",
    "expected an inbound mapping of {message} under 'accept', got none": "accept 下缺少 {message} 的入站字段映射",
    "expected an inbound mapping that reads {field!r}, got {mapping}, which does not": "入站字段映射 {mapping} 没有读取 {field}，对方对它的改动无法采纳",
    "expected a mapping with 'direction: in', got 'out'": "字段映射应为 direction: in，实为 out",
    # --- what cannot be read back
    "what it holds is not read back (reconciliation): what is lost or altered there is not noticed": "未配置对账（reconciliation），对方丢失或改动的数据无法发现",
    "no listing has their records: what is lost or altered there is not noticed (reconciliation)": "没有清单包含其记录，对方丢失或改动的数据无法发现（reconciliation）",
}
