"""What is wrong in how a target's database is described, and in what is to be written into it."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # --- options
    "expected an address such as {example}, got something else": "地址应形如 {example}",
    "expected a column such as 'varchar(50) not null', 'decimal(8,2)' or 'datetime', got {got!r}": (
        "列应写作 varchar(50) not null、decimal(8,2) 或 datetime 等，实为 {got}"
    ),
    "expected a length of at least 1 and a scale within it, got {got!r}": "长度至少为 1，小数位数不得超过长度，实为 {got}",
    "expected a name of letters, digits, _, $ and # that begins with a letter, got {got!r}": (
        "名称应以字母开头，由字母、数字、_、$、# 组成，实为 {got}"
    ),
    "expected every value of a flag once, got one twice": "标志的同一取值重复出现",
    "expected at least one of flag, rejects, got none": "flag、rejects 应至少填写一个",
    "expected a declared {what}, got {got!r}{hint}": "{what} 应为已声明的名称，实为 {got}{hint}",
    "expected DatabaseOptions, got {got}": "应为 DatabaseOptions，实为 {got}",
    "expected an operation that writes or polls, got {got!r}, which reads": "操作应为写入或查询进度，{got} 为读取",
    "expected an operation that reads, got {got!r}, which does not": "操作应为读取，{got} 不是",
    # --- values
    "expected a text that is not empty, got an empty one": "文本不得为空",
    "expected no spaces at the end of a char column, got some": "char 列的值末尾不得有空格",
    "expected a number that {kind} holds, got a larger one": "数值超出 {kind} 的范围",
    "expected {count} decimal places, got {got}": "应有 {count} 位小数，实为 {got} 位",
    "expected at most {count} digits, got more": "整数部分不得超过 {count} 位",
    "expected a time as {form}, got one that no calendar has": "时间应写作 {form}，所填日期不存在",
    "expected an object whose members are columns": "报文应为对象，成员即各列",
    "expected a column of {table}, got another": "不是 {table} 的列",
    "expected a column that the adapter does not fill, got one that it does": "该列由对接配置填写，报文不得再给",
    "expected at least one column to write, got none": "没有要写入的列",
    "expected a list of rows, got something else": "应为记录列表",
    "expected a value for {column}, which tells rows of {table} apart, got none": "{column} 用于区分 {table} 的记录，不得为空",
    # --- the live check
    "expected a table, got none{hint}": "没有该表{hint}",
    "expected {column}, got no such column{hint}": "应有列 {column}，实际没有{hint}",
    "expected a column that takes null, got one that is not null": "该列应可为空，实际不可为空",
    "expected no column that must have a value and is not declared, got one": "未声明的列不应必填，实际必填",
    "expected a unique index on {columns}, got none: a row sent twice would be there twice": (
        "{columns} 上应有唯一索引，实际没有：重复发送会产生重复记录"
    ),
    "expected an engine with transactions, got {engine}: half a message would stay": (
        "存储引擎应支持事务，实为 {engine}：失败时会留下半份报文"
    ),
}
