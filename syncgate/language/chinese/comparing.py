"""What is wrong in the comparison rules of a reconciliation."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "expected the entries of {side} sorted by key, got one that comes before its predecessor": "{side} 的条目应按关键字排序，但有一条排在前一条之前",
    "expected a JSON value, got a {kind}": "应为 JSON 值，实为 {kind}",
    # --- rules
    "expected a list of comparison rules, got {got}": "应为比对规则的列表，实为{got}",
    "expected a comparison rule as a name or as one name with what it is given, got {got}": "比对规则应为名称，或一个名称及其参数，实为{got}",
    "unknown comparison rule {name!r}; the nearest known is {near!r}": "没有比对规则 {name}，最接近的是 {near}",
    "unknown comparison rule {name!r}; expected one of {known}": "没有比对规则 {name}，应为以下之一：{known}",
    "expected the comparison rule {name!r} alone, got something with it": "比对规则 {name} 不带参数，但填写了参数",
    "expected the comparison rule {name!r} with {what}, got it alone": "比对规则 {name} 应带参数（{what}），但没有填写",
    "expected 'empty' with a list of texts or numbers that say nothing, got something else": "'empty' 应带表示“无”的文本或数字的列表",
    "expected 'number' with a unit or a list of units as texts, got something else": "'number' 应带单位，或单位的列表（文本）",
    "expected 'decimals' with a whole number from 0 to {most}, got something else": "'decimals' 应带 0 至 {most} 的整数",
    "expected 'precision' with day, minute or second, or with 'to' and 'zone', got something else": "'precision' 应带 day、minute 或 second，或带 'to' 和 'zone'",
    "expected a time zone such as Asia/Shanghai as 'zone', got something else": "'zone' 应为时区，如 Asia/Shanghai",
    "expected 'codes' with an object of our code by theirs, got something else": "'codes' 应带对方代码到我方代码的对应关系",
    "expected 'codes' with one code of ours, or a list of them, for each of theirs": "'codes' 中每个对方代码应对应一个我方代码，或我方代码的列表",
    "expected 'joined' with the text that stands between the parts, got something else": "'joined' 应带各部分之间的分隔文本",
    "expected 'cut' with 'chars', or with 'bytes' and 'charset', got something else": "'cut' 应带 'chars'，或带 'bytes' 和 'charset'",
    "expected a charset such as gbk or utf-8, got something else": "应为字符集，如 gbk 或 utf-8",
    "expected 'members' with a list of names, or with an object of rules by name": "'members' 应带名称的列表，或名称及其规则",
    "expected 'masked' as true or with 'first' and 'last', counts of what is shown": "'masked' 应为 true，或带 'first' 和 'last'（显示的字符数）",
}
