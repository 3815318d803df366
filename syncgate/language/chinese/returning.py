"""What systems give back by a list: the list itself, its rows, and what is done about them."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # --- the adapter
    "expected headers for case_no, slot_key or batch, got none: no row could be matched": "case_no、slot_key、batch 至少要有一项列名，否则无法对应任何一行",
    "expected one of contains, pattern, got both or none": "contains 和 pattern 必须且只能填写一个",
    "expected a regular expression, got another text": "应为正则表达式",
    "expected 'messages' for the words of the column 'message', got none": "有 message 列时应填写 'messages'，说明列中的词各指哪种报文",
    "expected each cause once, got {name!r} twice": "退回原因 {name} 重复",
    "expected each header for one column, got {header!r} for {one} and {other}": "每个列名只能对应一列，{header} 同时用于 {one} 和 {other}",
    # --- the list
    "expected a file of returns, got an empty one": "退回清单是空文件",
    "expected a workbook or CSV, got another format": "应为 Excel 工作簿或 CSV",
    "expected UTF-8 or GB18030, got neither: say the charset": "既不是 UTF-8 也不是 GB18030，请说明字符集",
    "expected at most {most} rows, got more: import it in parts": "最多 {most} 行，请分批导入",
    "expected the headers that the adapter declares for returns, got others": "列名与对接配置声明的退回清单不符",
    "expected a system whose adapter declares returns, got one without": "该对接系统的对接配置没有声明退回清单",
    "expected a number or a key, got none": "缺少编号或标识",
    "expected a text that says why, got none": "缺少退回原因",
    "expected a key of 32 hexadecimal digits, got another text": "应为 32 位十六进制标识",
    "expected a word that the adapter knows for a message, got another": "对接配置中没有这个报文名称",
    "expected a time such as 2026-03-02 09:00:00, got another text": "应为时间，如 2026-03-02 09:00:00",
    "expected a filter that names a cause, got one without": "筛选条件中应说明退回原因",
    # --- the command line
    "only the newest are counted": "只统计了最近的部分",
    "a dry run: nothing was changed": "预演：未作任何更改",
    "can mean {count}": "可能对应 {count} 条",
    "{count} more rows need a person; --json shows them all": "另有 {count} 行需要人工处理；--json 可显示全部",
    "{count} would go back to their source; {already} lie there": "将退回来源系统 {count} 条；此前已退回 {already} 条",
    "{count} went back to their source; {already} lay there": "已退回来源系统 {count} 条；此前已退回 {already} 条",
    "What systems give back.": "对方退回的数据。",
    "The system whose list it is.": "提供该清单的对接系统。",
    "A workbook or CSV.": "Excel 工作簿或 CSV。",
    "Only say what each row would come to.": "只说明每一行将如何处理。",
    "Of CSV; left out: UTF-8, else GB18030.": "CSV 的字符集；不填时先按 UTF-8，再按 GB18030。",
    "Name of the sheet; left out: the only visible one.": "工作表名称；不填时为唯一可见的工作表。",
    "The row of the headers in a workbook.": "工作簿中列名所在的行。",
    "Import a list of what a system gave back: each row is answered; ends with 1 where one needs a person.": "导入对方的退回清单：逐行答复；有需要人工处理的行时以 1 结束。",
    "List what was given back and waits, by its cause, the most first.": "按退回原因列出待处理的退回，数量多的在前。",
    "Put the returns of one cause into the worklist of their source, which corrects them.": "把同一原因的退回转入其来源系统的待更正清单，由来源系统更正。",
    "The cause, as `returns list` shows it.": "退回原因，见 `returns list`。",
    "Only say how many.": "只说明有多少。",
    "Only what its system gave back for this cause.": "只处理对方因该原因退回的。",
}
