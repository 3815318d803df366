"""What is said about an explanation of a mapping, step by step."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # --- the command
    "A system, one of its messages and a case: a file with one canonical case as JSON, or one that the gate has, by our id or system:number. Or a source and a file as the source writes it.": "对接系统、其报文名称和办件：一个规范办件的 JSON 文件，或本平台已有的办件（办件标识，或“系统:编号”）。或来源系统及其文件。",
    "A stored case under the active bundle, not as it was sent.": "按启用的配置版本说明已有的办件，而非按推送时的版本。",
    "The record that begins in this line of the source's file (of a workbook: in this row); 7/2 is the second of line 7.": "来源系统文件中从这一行开始的记录；7/2 表示第 7 行的第 2 条。",
    "csv, xml, json, ndjson, xlsx or form; left out: as the file's name says.": "文件格式：csv、xml、json、ndjson、xlsx 或 form；不填时按文件名判断。",
    "expected {usage}, got {count} words": "应为 {usage}，实为 {count} 个词",
    "expected no {names} here, got it": "此处不得使用 {names}",
    "expected a record in {file}, got none": "{file} 中没有记录",
    "expected --row, since {file} has several records": "{file} 有多条记录，请填写 --row",
    "expected a line such as 7 or 7/2 as --row, got another text": "--row 应为行号，如 7 或 7/2",
    "expected a line where a record begins, got {line}; the last before it begins in line {before}": "没有从第 {line} 行开始的记录；其前最近的一条从第 {before} 行开始",
    "expected one of {line}/1 to {line}/{count}, since so many records begin there, got {row}": "第 {line} 行有 {count} 条记录，应为 {line}/1 至 {line}/{count}，实为 {row}",
    # --- a stored case
    "expected to explain under a bundle that this process has, got {bundle}": "本进程没有配置版本 {bundle}，暂不能说明",
    "expected a case whose content is kept, got one that is erased": "该办件的内容已销毁",
    "expected no part, since {message} is made of the whole case": "{message} 由整个办件生成，不得填写 part",
    "expected a part of {message}, one of {parts}": "应填写 {message} 的 part，可选：{parts}",
    # --- the whole
    "{title}: {filled} filled, {left_out} left out, {waiting} waiting, {faults} with a fault   {file}": "{title}：填写 {filled} 个，省略 {left_out} 个，等待 {waiting} 个，出错 {faults} 处   {file}",
    # --- a field
    "{field} is left out": "{field} 省略",
    "{field} FAULT {rule}: {detail}": "{field} 出错 {rule}：{detail}",
    "{field} (item {no})": "{field}（第 {no} 项）",
    # --- a value
    "(absent)": "（没有值）",
    "({kind}, hidden)": "（{kind}，不显示）",
    "({kind} with a length of {count}, hidden)": "（{kind}，长度 {count}，不显示）",
    "({kind} with a length of {count})": "（{kind}，长度 {count}）",
    "{head}… ({count} characters)": "{head}…（共 {count} 个字符）",
    # --- a step
    "{path} is absent": "{path} 没有值",
    "left out, as the mapping says": "按字段映射的规定省略",
    "the table has no such code": "对照表没有该代码",
    "{charset} has every character": "{charset} 含有全部字符",
    "{charset} lacks {character}": "{charset} 没有字符 {character}",
    "at most {most} {unit}, got {length}": "至多 {most} {unit}，实为 {length}",
    "at most {most} {unit} in {charset}, got {length}": "按 {charset} 至多 {most} {unit}，实为 {length}",
    "at most {most} {unit}, got {length}: cut": "至多 {most} {unit}，实为 {length}，已截断",
    "at most {most} {unit} in {charset}, got {length}: cut": "按 {charset} 至多 {most} {unit}，实为 {length}，已截断",
    "{format} fits": "符合 {format}",
    "{format} fits, and of its two times the {which} one": "符合 {format}，两个时间中取{which}",
    "{format} does not fit": "不符合 {format}",
    "{format} gives {why}": "按 {format} 读取，为{why}",
    "branch {no} of {count}": "走第 {no} 个分支，共 {count} 个",
    "no branch holds: otherwise": "没有分支成立，取 otherwise",
    "no branch holds": "没有分支成立",
    "number {no} of {count} is the first that is present": "共 {count} 个，第 {no} 个最先有值",
    "none of them is present": "均没有值",
    "hidden, since it depends on a personal value": "取决于个人信息，不显示",
    # --- a condition
    "the condition {name} holds": "条件 {name} 成立",
    "the condition {name} does not hold": "条件 {name} 不成立",
    # --- what to do
    "enter the value, or say in the mapping what holds without it: optional or when_absent": "请填写该值，或在字段映射中以 optional 或 when_absent 写明缺少时的处理",
    "add the code to the table, or correct it where it was entered": "请在对照表中补充该代码，或在录入处更正",
    "add a row to the site table that holds for this key at that time, or correct the key": "请在对照表中补充当时有效的行，或更正该键",
    "enter another character, or name in the mapping a wider charset or an unencodable table": "请改用其他字符，或在字段映射中写明更大的字符集或 unencodable 对照表",
    "shorten the text where it was entered, or let the mapping say 'beyond: cut'": "请在录入处缩短文本，或在字段映射中写明 'beyond: cut'",
    "correct the number where it was entered; parse_number reads units and separators": "请在录入处更正数字；parse_number 可读取单位和分隔符",
    "correct the number where it was entered, or let the mapping round it": "请在录入处更正数字，或在字段映射中取整",
    "correct the time where it was entered, or add its format to the mapping": "请在录入处更正时间，或在字段映射中补充其格式",
    "the source sends another kind of value here than the mapping expects: correct either": "来源系统提供的值与字段映射要求的类型不同：请更正其一",
    "correct the function, or what the mapping gives it": "请更正函数，或字段映射传给它的内容",
    "expected one canonical case in {file}, got another JSON value": "{file} 应为一个规范办件",
    "the adapter of {system} would not send {message} for it: neither applies_to nor when ask for it": "{system} 的对接配置不会为它推送 {message}：applies_to 和 when 均不要求",
    "expected --part, one of {parts}": "应填写 --part，可选：{parts}",
    "expected a source with a mapping, got {source}, which posts canonical cases": "来源系统 {source} 提交规范办件，没有字段映射",
    "expected no --part, since {message} is made of the whole case": "{message} 由整个办件生成，不得填写 --part",
    "to do: {words}": "处理办法：{words}",
    "went wrong in {field}   {words}": "出错之处 {field}   {words}",
    "item {no} is not chosen": "第 {no} 项未选中",
}
