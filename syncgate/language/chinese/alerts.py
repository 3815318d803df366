"""What alerts say, and the commands about them."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "Since": "起始时间",
    "Arrivals that wait": "等待中的来件",
    "Discrepancies that wait for a person": "待人工决定的差异",
    "See it": "查看",
    "Take it on": "认领",
    "It is said again every {hours} hours until somebody takes it on or it is over.": "在有人认领或情况消除之前，每 {hours} 小时重复提醒一次。",
    "What somebody must know of.": "告警：须有人知晓的情况。",
    "List the alerts, newest first.": "列出告警，最新的在前。",
    "Take an alert on: nobody is told of it again; it stays open until it is over.": "认领一条告警：不再重复提醒；情况消除之前保持未了结。",
    "Its id, as `alerts list` shows it.": "告警编号，见 `alerts list`。",
    "the alert {alert} is taken on; nobody is told of it again": "已认领告警 {alert}，不再重复提醒",
    "the alert {alert} is over": "告警 {alert} 已结束",
    "expected an alert that is known here, got none of that id": "没有该编号的告警",
    "expected a mail address such as gate@city.example, got something else": "应为邮箱地址，如 gate@city.example",
    "expected both user and password, or neither": "user 与 password 应同时填写，或都不填",
}
