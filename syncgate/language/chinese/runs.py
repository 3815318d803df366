"""What is said of runs of reconciliation: begun, followed, cancelled; and of what they found."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "expected no other run of {system}, got {run} under way": "{system} 正在对账（{run}），同一系统同时只能有一次",
    "expected to work on this run still, got one that another process has or that has ended": "该次对账已由其他进程接手，或已结束",
}
