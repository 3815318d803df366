"""What is said of runs of reconciliation: begun, followed, cancelled; and of what they found."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    "expected no other run of {system}, got {run} under way": "{system} 正在对账（{run}），同一系统同时只能有一次",
    "expected to work on this run still, got one that another process has or that has ended": "该次对账已由其他进程接手，或已结束",
    "expected a system whose adapter has `reconciliation`, got {system}": "{system} 的对接配置没有 `reconciliation`，无法对账",
    "expected a run that this system can have, got another": "该系统不能这样对账",
    "expected a reconciliation that is known here, got none of that id": "没有该编号的对账",
    "expected a discrepancy that is known here, got none of that id": "没有该编号的对账差异",
    "expected an export that is known here, got none of that id": "没有该编号的上传文件",
    "expected a cursor that a page gave, got another text": "游标应取自上一页",
    "expected a key for whole systems, got one for some sources or regions": "对账针对整个对接系统，该密钥只限部分来源系统或区划",
    "expected a format that is read here, got another": "不支持的文件格式",
    "expected settings that this format has, got others": "该文件格式没有这些设置",
    "expected the whole file, got a part of it": "文件没有传完",
    "expected room for an export beside the store, got {error}": "无法保存上传的文件：{error}",
    "expected a gate with a folder of its own, got one without": "该服务没有自己的数据文件夹",
}
