"""What is wrong in a source's file: refused as a whole, or row by row."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # --- files
    "expected a source with `mapping` and `{format}` for {file}, got {source} without": "{file} 需要已配置 `mapping` 和 `{format}` 的来源系统，{source} 没有配置",
    "expected a file such as .csv or .xlsx, or --format, got {file}": "无法判断 {file} 的格式：应为 .csv、.xlsx 等文件，或用 --format 指明",
    "expected files of different names, since this source's records are numbered by file, got one name twice": "该来源系统的记录按文件编号，文件名不得重复",
    "expected files such as .csv or .xlsx in {folder}, got none": "{folder} 中没有 .csv、.xlsx 等文件",
    "expected one file with --refused, got several": "使用 --refused 时只能提交一个文件",
    "{file}: the mapping reads nothing of {columns}": "{file}：字段映射未读取 {columns}",
    "line {line}: {place}: {reason}": "第 {line} 行：{place}：{reason}",
    "expected a record that makes a case by itself, got one that waits for a system": "该记录要等另一系统的编号，不能独立成为办件",
    "repeats an earlier row's number with other content": "与前面某行编号相同但内容不同",
    "expected JSON in {file}, got a value that is none": "{file} 不是有效的 JSON",
    # --- texts
    "expected text in {file}, got an empty file": "{file} 是空文件",
    "expected text, got the control character {code}": "有控制字符 {code}",
    "expected text, got half a character": "有残缺字符",
    "expected text as keys, got half a character": "键名中有残缺字符",
    "expected {charset} in {file}, got other bytes in line {line}": "{file} 应为 {charset} 编码，第 {line} 行不是",
    "expected no byte order mark in {file}, got one: {hint}": "{file} 带有 BOM：{hint}",
    "expected lines of at most {most} characters in {file}, got a longer one in line {line}": "{file} 第 {line} 行超过 {most} 个字符",
    "expected lines that end in LF or CRLF in {file}, got CR alone": "{file} 的换行应为 LF 或 CRLF，不得只用 CR",
    "expected lines that end in LF or CRLF, got CR alone": "换行应为 LF 或 CRLF，不得只用 CR",
    # --- CSV
    "expected CSV in {file}, got XML": "{file} 应为 CSV，实为 XML",
    "expected no quote within a cell without quotes, got one": "未加引号的单元格内不得有引号",
    "expected a header in line 1 of {file}, got a torn one: {why}": "{file} 第 1 行的表头不完整：{why}",
    "expected a header in line {line} of {file}, got an empty one": "{file} 第 {line} 行的表头为空",
    "expected at most {most} columns in {file}, got {got}": "{file} 不得超过 {most} 列，实有 {got} 列",
    "expected a name for every column of {file}, got none for column {column}": "{file} 第 {column} 列没有列名",
    "expected {wanted}, got {got}, at {place}": "应为{wanted}，实为{got}，位于 {place}",
    # --- forms
    "expected a form of at most {most} bytes in {file}, got a longer one": "{file} 的表单不得超过 {most} 字节",
    "expected a form in {file}, got an empty one": "{file} 的表单为空",
    "expected at most {most} fields in {file}, got more": "{file} 不得超过 {most} 个字段",
    "expected the field once, got it twice: name it under `lists` where it may": "字段重复；如允许重复，请写入 `lists`",
    "expected name=value as field {no} of {file}, got another text": "{file} 第 {no} 个字段应为“名称=值”",
    "expected percent-encoded text in field {no} of {file}, got other signs": "{file} 第 {no} 个字段应采用百分号编码",
    "expected {charset} in field {no} of {file}, got other bytes": "{file} 第 {no} 个字段应为 {charset} 编码",
    # --- JSON and XML
    "expected an object, got {got}": "应为对象，实为{got}",
    "expected a record, got {got}": "应为记录，实为{got}",
    "expected a pointer of at most {most} steps, got a longer one": "JSON Pointer 不得超过 {most} 级",
    "expected a list of records at {pointer}/{step} in {file}, got none": "{file} 的 {pointer}/{step} 处应为记录的列表",
    "expected {wanted} in line {line} of {file}, got {got}": "{file} 第 {line} 行应为{wanted}，实为{got}",
    "expected elements at {path} in {file}, got none": "{file} 的 {path} 处没有元素",
    "expected {root} as the root of {file}, got {got}": "{file} 的根元素应为 {root}，实为 {got}",
    "expected elements or text, got both": "元素内不得同时有子元素和文本",
    "expected the element once, got it twice: name it under `lists` where it may": "元素重复；如允许重复，请写入 `lists`",
    "expected records of at most {most} characters and {elements} elements in {file}, got a longer one that begins in line {line}": "{file} 第 {line} 行开始的记录过长：不得超过 {most} 个字符、{elements} 个元素",
    # --- workbooks
    "expected a workbook in {file}, got an old one (.xls), or one with a password": "{file} 是旧版工作簿（.xls），或带有密码",
    "expected a workbook in {file}, got another file": "{file} 不是工作簿",
    "expected a workbook of at most {most} parts in {file}, got more": "工作簿 {file} 的部件不得超过 {most} 个",
    "expected each part of the workbook {file} once, got one twice": "工作簿 {file} 有重复的部件",
    "expected the part {part} in the workbook {file}, got none": "工作簿 {file} 缺少部件 {part}",
    "expected a workbook without a password in {file}, got one with": "工作簿 {file} 带有密码",
    "expected a workbook that unpacks within bounds in {file}, got more": "工作簿 {file} 解压后过大",
    "expected a whole workbook in {file}, got a broken one": "工作簿 {file} 已损坏",
    "expected a worksheet in {file}, got a sheet without content": "{file} 的工作表没有内容",
    "expected one visible sheet in {file}, or `sheet` to say which, got {got}": "{file} 有多个可见的工作表（{got}），请用 `sheet` 指明",
    "expected the sheet {sheet} of {file} to be visible, got a hidden one": "{file} 的工作表 {sheet} 是隐藏的",
    "expected a header in row {row} of {file}, got an empty row": "{file} 第 {row} 行应为表头，实为空行",
    "expected texts in the header of {file}, got {got}": "{file} 的表头应为文本，实为{got}",
    "expected cells of their own, got merged ones": "有合并的单元格",
    "expected a row that can be seen, got a hidden one": "该行是隐藏的",
    "expected a text, a number or a date, got {got}": "应为文本、数字或日期，实为{got}",
    "expected {wanted} in row {row} of {file}, got {got}": "{file} 第 {row} 行应为{wanted}，实为{got}",
    # --- settings
    "expected a path of element names such as /cases/case, got another text": "应为元素路径，如 /cases/case",
    "expected a JSON Pointer such as /data/items, or an empty one, got another text": "应为 JSON Pointer，如 /data/items，或为空",
    "expected a sign such as a comma, got a letter, a digit or an end of line": "应为逗号等符号，不得为字母、数字或换行",
    "expected different signs for delimiter and quote, got the same": "分隔符与引号不得相同",
}
