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
    "expected a mapping for a source that is asked for its records, got none": (
        "主动获取其记录的来源系统须配置字段映射"
    ),
    "expected to poll this source still, got another process that does": "该来源系统已由其他进程获取",
    "expected every page once in a poll, got one again": "同一次获取中，同一页重复出现",
    "expected one of database, rest, folder, got {got}": "database、rest、folder 应且只应填写一个，实为 {got}",
    "expected a folder that can be read, got none": "文件夹无法读取",
    "expected files of at most {most} bytes that can be read, got {count} others": (
        "文件应可读取且不超过 {most} 字节，另有 {count} 个文件不符"
    ),
    "expected a pattern of file names such as *.csv, got a path or a hidden name": "应为文件名模式，如 *.csv",
    "expected the source's settings for {format}, got none beside poll": "该来源系统没有 {format} 格式的设置",
    "expected an arrival that is known here, got none of that id": "未找到该编号的来件",
    "expected a case that is known here, got none of that number yet": "尚无该编号的办件，等待办件到达",
    "expected an arrival that waits, got one that does not": "该来件已不在等待",
    "expected an arrival that is held, got one that is {state}": "来件应处于待处理状态，实际状态为 {state}",
    "expected a source that writes {format}, got one that does not": "该来源系统不再使用 {format} 格式",
    "expected the last word of its source on this case, got one that a later one overtook": (
        "该来件之后，来源系统对同一办件已提交更新的内容"
    ),
    "expected another value for waiting than for taken and held, got the same": ("waiting 的值应与 taken、held 不同"),
    # --- commands
    "What sources brought in their own words.": "来源系统以自己的格式提交的来件。",
    "Only say what would come of it.": "仅预演，说明会有什么结果。",
    "Its id, as `arrivals list` shows it.": "来件编号，见 `arrivals list`。",
    "Only of this source; may be given several times.": "仅限该来源系统；可多次给出。",
    "received, taken, refused, held or dropped; left out: held.": (
        "received、taken、refused、held 或 dropped；省略时为 held。"
    ),
    "List what sources brought and waits for somebody, newest first.": "列出来源系统提交后待处理的来件，最新的在前。",
    "Show one arrival: what is wrong with it, and its records with personal values masked.": (
        "显示一个来件：哪里有误，以及隐去个人信息的记录内容。"
    ),
    "Its id; left out: all of --source.": "来件编号；省略时处理 --source 所指来源系统的全部来件。",
    "All that this source has waiting, the oldest first.": "该来源系统的全部待处理来件，最早的在前。",
    "Take in what is held, now that what was wrong is mended; it enters as a post of it would.": (
        "在问题解决后接收待处理的来件；效果与来源系统重新提交相同。"
    ),
    "Give a held arrival up; its content is gone, the reason stays.": "作废待处理的来件；内容删除，原因保留。",
    "give the id of an arrival, or --source": "请给出来件编号，或用 --source 指明来源系统",
    "the arrival {arrival_id} is dropped": "来件 {arrival_id} 已作废",
}
