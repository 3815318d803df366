"""Sending hours, maintenance, and what is foretold of a backlog."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
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
