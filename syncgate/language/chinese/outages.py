"""Sending hours, maintenance, and what is foretold of a backlog."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "{count} are sent by {at}": "{count} 个，预计 {at} 推完",
    "{count} wait, for how long is not known: {why}": "{count} 个待推送，推完时间未知：{why}",
    "{count} wait, for how long is not known: {why}; at best until {at}": "{count} 个待推送，推完时间未知：{why}；最快至 {at}",
    "before the cut-off at {at}": "在截止时刻 {at} 之前",
    "not before the cut-off at {at}": "赶不上截止时刻 {at}",
    "expected maintenance that is under way or to come, got none of that id": "没有该编号的正在进行或将要进行的维护",
    "expected a system that is sent to, got none of that name": "没有该名称的推送系统",
    "expected at most {most} announcements at a time, got more": "同时公告的维护最多 {most} 项",
    "maintenance {maintenance} is announced; {count} already in flight": "已公告维护 {maintenance}，推送中的有 {count} 个",
    "maintenance {maintenance} is over": "维护 {maintenance} 已结束",
    "When it is over; sending then resumes by itself.": "何时结束；届时自动恢复推送。",
    "What for; kept in the audit, and shown with what waits.": "原因；记入审计记录，并随等待的推送任务显示。",
    "When it begins; left out: now.": "何时开始；不填为现在。",
    "Announce that a system will be away: nothing is sent or asked meanwhile, and nobody is told that it fails.": "公告对接系统维护：其间不推送、不查询，也不发出其异常的告警。",
    "Its id, as `systems show` shows it.": "维护编号，见 `systems show`。",
    "Call maintenance off, or end it early: the system is spoken to again.": "取消维护或提前结束：恢复访问该系统。",
    "expected a time of the day such as 17:30, quoted, got something else": "应为加引号的时刻，如 17:30",
    "expected a time of the day such as 00:00, got 24:00, which is the next day's beginning": "应为 00:00 这样的时刻；24:00 是次日的开始",
    "expected a day such as 2026-10-01, got something else": "应为日期，如 2026-10-01",
    "expected a time such as 2026-12-31T22:00, got something else": "应为时间，如 2026-12-31T22:00",
    "expected hours that end at another time than they begin; a whole day is 00:00 to 24:00": "时段的起止时刻不应相同；全天应写为 00:00 至 24:00",
    "expected a sort of days or at least one weekday, got something else": "应写明日期类别，或至少一个星期几",
    "expected hours, got none; a system that may be spoken to at any time has no windows": "未写明任何时段；随时可访问的系统不必写 windows",
    "expected an offset at both times or at none": "起止时间应同时带时区偏移，或都不带",
    "expected maintenance that ends later than it begins, got another": "维护的结束时间应晚于开始时间",
    "expected each day under rest or work, got {day} under both": "同一天不应同时列为休息日和工作日：{day}",
}
