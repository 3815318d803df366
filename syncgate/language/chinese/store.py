"""What the store and the keys need."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "expected the commit's outcome, got {code}": "保存结果未知（{code}）",
    "expected the store to take the commit, got {code}": "数据未能保存（{code}）",
    "expected a whole store in {file}, got {words}; nothing was written to it; put a backup back, or save what is readable with `sqlite3 {file} .recover`": "{file} 不是完整的数据库，而是{words}；未写入任何内容；请恢复备份，或用“sqlite3 {file} .recover”抢救可读的内容",
    "expected a whole store, got a damaged one ({code}); see how to back up and restore": "数据库已损坏（{code}），请参阅备份与恢复说明",
    "expected room and leave to write in {folder}, got: {why}": "{folder} 应有空间并可写入，实为：{why}",
    "an empty file": "空文件",
    "a file that is no SQLite database": "非 SQLite 数据库的文件",
    "a file that is cut off": "被截断的文件",
    "a damaged file ({code})": "已损坏的文件（{code}）",
    "the database of another application": "其他程序的数据库",
    "expected nobody else on the store while it is put in question, got the sessions {sessions}": (
        "恢复后的处理要求没有其他进程使用数据库，但尚有会话 {sessions}"
    ),
    "the store was restored; it may have been sent since the backup": "数据库已恢复；备份之后可能已推送",
    "expected a hold that is stored, got a new one": "应为已保存的暂缓记录，实为新记录",
    "expected a connection to the store, got {code}": "无法连接数据库（{code}）",
    "expected an open store, got one that was closed": "数据库已关闭",
    "expected an open store, got one that is closing": "数据库正在关闭",
    "expected to work under every active bundle, got some that this process cannot compile: {systems}": (
        "本进程无法编译这些系统的现行配置版本：{systems}"
    ),
    "expected to plan under the active bundles, got a process that has none of {systems}": (
        "本进程尚未装载这些系统的现行配置版本：{systems}"
    ),
    "expected {database} to be free, got it held by process {holder}": "{database} 正被进程 {holder} 使用",
    "expected one process on SQLite, got a second: process {holder} has {database} open; PostgreSQL takes several": "SQLite 只能由一个进程使用：进程 {holder} 已打开 {database}；PostgreSQL 可由多个进程使用",
    "expected api,worker,scheduler in one process on SQLite, got only {roles}; PostgreSQL lets processes share": "使用 SQLite 时，api、worker、scheduler 应在同一进程，实为仅 {roles}；PostgreSQL 可由多个进程分担",
    "expected a case that is stored, got a new one": "应为已保存的办件，实为新办件",
    "expected a time with a zone, got one without": "时间应带时区",
    "expected sqlite:///path/to/file, got an address without a file": (
        "数据库地址应形如 sqlite:///path/to/file，缺少文件"
    ),
    "expected a database of sqlite or postgresql, got {dialect}": "数据库应为 sqlite 或 postgresql，实为 {dialect}",
    "expected a store of this version in {place}, got {error}; see how to back up and restore": (
        "{place} 不是本版本的数据库（{error}），请参阅备份与恢复说明"
    ),
    "expected the master key that sealed this store, got another": "主密钥不是加密本数据库时所用的那一个",
    "expected a master key of {size} bytes, got {got}": "主密钥应为 {size} 字节，实为 {got} 字节",
    "expected a master key of {size} bytes in {place}, got {got}": "{place} 中的主密钥应为 {size} 字节，实为 {got} 字节",
    "expected the master key in {place}, got nothing": "{place} 中没有主密钥",
    "expected the master key in {file}, got no readable file": "无法读取主密钥文件 {file}",
    "expected {file} to be its owner's alone (mode 0600), got {mode}": "{file} 只应由其所有者读写（0600），实为 {mode}",
    "expected no master key in {file} yet, got one": "{file} 中已有主密钥",
    "expected Base64 in {place}, got something else": "{place} 的内容不是 Base64",
    "expected sealed bytes of version 1, got others": "密文不是第 1 版格式",
    "expected sealed bytes of this place and key, got others": "密文与所在位置或密钥不符",
    "expected a case key, got none: the case is erased": "没有该办件的密钥：办件已清除",
    "expected a case key under this site's master key, got one under another": "办件密钥不是由本部署实例的主密钥加密的",
    "expected a whole wrapped case key, got an altered one": "办件密钥已被改动",
    "expected whole packed bytes within the limit, got others": "打包数据不完整或超出限制",
    "expected a row that keeps every rule, got one that breaks {rule}": "数据违反数据库规则 {rule}",
    "expected values that the store can hold, got another": "有数据库无法保存的值",
}
