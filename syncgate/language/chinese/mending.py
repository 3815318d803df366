"""What is said of mending: what a person may do about a discrepancy, and why it cannot be done."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "expected one of {known} for {kind}, got {got}": "{kind} 的处理应为 {known} 之一，实为 {got}",
    "expected a discrepancy that can be repaired so, got {why}": "该差异无法这样处理：{why}",
    "expected a slot that is as the run saw it, got one that has moved on": "对账之后数据已有变化，请等待下一次对账",
    "expected an open discrepancy, got one that is {how}": "该差异已了结（{how}）",
    "expected a discrepancy without a repair, got one that delivery {id} repairs": "该差异已有修复：推送任务 {id}",
}
