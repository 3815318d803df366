"""The codes that people read, in the words of the console; the glossary explains them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from syncgate.language.choice import Language
from syncgate.language.reconciling import in_chinese_by_code

PHASES: Final[Mapping[str, str]] = {
    "pending": "待推送",
    "in_flight": "推送中",
    "awaiting": "待对方确认",
    "unconfirmed": "结果待核实",
    "delivered": "推送成功",
    "parked": "待人工处理",
    "cancelled": "不再推送",
}

ACTORS: Final[Mapping[str, str]] = {
    "source": "来源系统",
    "mapping": "字段映射维护人员",
    "table": "对照表维护人员",
    "file": "材料提供方",
    "operations": "运维人员",
    "operator": "值守人员",
    "system": "对接系统",
    "integrator": "对接人员",
    "developer": "开发人员",
    "caller": "调用方",
}

REASONS: Final[Mapping[str, str]] = {
    # --- moved by hand or by newer content
    "withdrawn": "撤件",
    "superseded": "已被新版替代",
    "cancelled_by_hand": "人工决定不再推送",
    "confirmed_by_hand": "人工核实已持有",
    "absent_by_hand": "人工核实未持有",
    "requeued": "重新推送",
    "returned": "对方退回",
    # --- held without a sending of ours
    "held_by_source": "来源系统自己持有",
    "known_by_number": "对方已有该办件编号",
    # --- waits
    "waits_for_remote_ref": "等待另一系统的业务编号",
    "held": "暂缓推送",
    "handed_back": "本次未推送，稍后再推",
    "lease_too_short": "本次时间不足，稍后再推",
    "worker_lost": "推送进程异常退出",
    "unavailable": "对方系统无法访问",
    "throttled": "对方系统限流",
    "denied": "对方系统拒绝访问",
    "credentials_refused": "对方系统不认可凭证",
    "not_understood": "无法理解对方的应答",
    "unknown": "推送结果未知",
    "undecided": "对方未能给出结果",
    "held_for_a_person": "结果须由人工核实",
    "vanished": "对方的记录不见了",
    "vanished_there": "对方的记录不见了，去向不明",
    "unclear": "对方的标记无法识别",
    "ambiguous": "对方有多条记录符合",
    "acknowledgement_overdue": "对方逾期未确认",
    "overdue": "对方逾期未确认",
    "duplicate": "对方提示数据已存在",
    "exhausted": "多次推送未成功",
    "defect": "本系统缺陷",
    # --- a person must act
    "refused": "对方拒收",
    "correction_not_taken": "对方未接受更正",
    "retraction_not_taken": "对方未接受撤回",
    "still_there": "对方仍有数据，无法判断是否已撤回",
    "case_unknown_there": "对方没有该办件",
    "item_unknown": "对方没有该事项",
    "accepted_before_applied": "受理时间早于申请时间",
    "field_refused": "对方不接受字段内容",
    "request_malformed": "对方认为请求格式有误",
    "request_key_used": "对方认为请求编号已用过",
    "contract_violated": "报文不符合接口规范",
    "payload_not_json": "报文无法写成 JSON",
    "payload_not_xml": "报文无法写成 XML",
    "payload_not_form": "报文无法写成表单",
    "header_unusable": "请求头内容不可用",
    "key_missing": "缺少占位内容",
    "secret_missing": "缺少密钥",
    # --- why a discrepancy is left to a person
    "changes_are_ignored": "该报文不推送更改",
    "not_taken_back": "未声明如何撤回，或只因配置变更而不再需要",
    "own_record_gone": "对方自己的记录被对方删除",
    "content_unknown": "无法判断对方持有的是哪一版",
    "awaits_acknowledgement": "待对方确认是否接收",
    "not_live": "对接系统未正式推送",
    "mending_failed": "修复时出错",
    # --- the files of materials
    "material_missing": "材料文件未上传",
    "material_too_large": "材料文件超出对方系统的上限",
    "material_stored": "材料文件已上传",
    "file_name_unusable": "文件名不可用",
    "file_broken": "已保存的文件损坏",
    "link_address_missing": "未配置文件链接的地址",
    # --- what a mapping cannot do
    "missing": "缺少必需内容",
    "wrong_type": "类型不符",
    "unmapped_code": "代码未对照",
    "no_row": "对照表中没有该行",
    "unencodable": "含有目标字符集没有的字符",
    "value_too_long": "内容超出列的长度",
    "value_missing": "必填的列没有值",
    "value_of_wrong_type": "值与列的类型不符",
    "value_out_of_range": "数值超出列的范围",
    "value_imprecise": "小数位数与列不符",
    "value_empty": "文本为空",
    "value_not_kept": "对方未按原样保存，已撤回",
    "column_unknown": "报文含有未声明的列",
    "column_twice": "同一列由报文和对接配置重复填写",
    "payload_not_rows": "报文无法写成记录",
    "check_violated": "违反对方数据库的约束",
    "reference_missing": "对方缺少所引用的记录",
    "table_missing": "对方数据库没有该表",
    "column_missing": "对方的表没有该列",
    "definition_differs": "对方的表与声明不同",
    "permission_denied": "对方数据库未授权",
    "row_missing": "对方没有要修改的记录",
    "row_ambiguous": "对方有多条记录符合条件",
    "rejected_there": "对方校验未通过",
    "too_long": "内容过长",
    "not_a_number": "不是数字",
    "not_an_integer": "不是整数",
    "too_precise": "小数位过多",
    "not_a_time": "不是有效的时间",
    "no_branch": "没有符合的条件分支",
    "function_failed": "自定义函数出错",
}

OUTCOMES: Final[Mapping[str, str]] = {
    "taken": "对方已接收",
    "queued_there": "对方已收取，待确认",
    "duplicate": "对方提示已存在",
    "refused": "对方拒收",
    "denied": "对方拒绝访问",
    "throttled": "对方限流",
    "unavailable": "对方无法访问",
    "unknown": "结果未知",
    "found": "核实已持有",
    "found_different": "核实已持有但内容不同",
    "absent": "核实未持有",
    "undecided": "未能核实",
    "expired_sent": "租期已过，可能已发出",
    "expired_unsent": "租期已过，未发出",
    "handed_back": "未推送，交回",
    "exhausted": "多次未成功",
    "overdue": "逾期未确认",
    "requeued": "重新推送",
    "confirmed_by_hand": "人工核实已持有",
    "absent_by_hand": "人工核实未持有",
    "cancelled_by_hand": "人工决定不再推送",
    "withdrawn": "撤件",
    "superseded": "已被新版替代",
    "returned": "对方退回",
    "claimed": "开始推送",
    "held_by_source": "来源系统自己持有",
    "known_by_number": "对方已有该办件编号",
    "observed_absent": "对账发现对方已无此记录",
    "observed_different": "对账发现对方内容不同",
    "observed_present": "对账发现对方仍有此记录",
    "repairs": "对账修复",
}

KINDS: Final[Mapping[str, str]] = {
    "send": "推送",
    "confirm": "核实",
    "poll": "查询",
    "late": "迟到的应答",
    "by_hand": "人工处理",
    "system": "系统处理",
    "source": "来源系统提交",
}

BREAKERS: Final[Mapping[str, str]] = {"closed": "正常", "open": "对方异常，自动暂停"}

MODES: Final[Mapping[str, str]] = {
    "draft": "草稿",
    "shadow": "只核对不推送",
    "live": "正式推送",
    "manual": "人工录入",
    "retired": "已停用",
}

STATES: Final[Mapping[str, str]] = {
    "begun": "开始",
    "canary": "小批试推中",
    "queuing": "正在重新排队",
    "done": "已完成",
    "canary_failed": "小批试推未成功，已停止",
    "cap_exceeded": "超过上限，已停止",
    "stopped": "人工停止",
    "open": "未了结",
    "acknowledged": "已认领",
    "ended": "已结束",
}
"""How far a bulk requeue came, or how an alert stands."""

WAYS: Final[Mapping[str, str]] = {"list": "列出", "export": "导出文件", "read": "逐条查询", "count": "计数"}
"""In which ways a system is read back."""

COLUMNS: Final[Mapping[str, str]] = {
    "listing": "清单",
    "messages": "所含报文",
    "level": "可读程度",
    "ways": "读取方式",
    "cannot_find": "无法发现",
    "delivery_id": "推送任务编号",
    "case_id": "办件标识",
    "case": "办件",
    "system": "对接系统",
    "title": "名称",
    "message": "报文",
    "part": "部分",
    "revision": "版本",
    "phase": "阶段",
    "reason": "原因",
    "actor": "处理人",
    "changed_at": "变更时间",
    "created_at": "创建时间",
    "detail": "详情",
    "operation": "操作",
    "tries_count": "推送次数",
    "due_at": "下次推送",
    "remote_ref": "对方业务编号",
    "bundle": "配置版本",
    "active_bundle": "启用的配置版本",
    "sent_at": "推送时间",
    "delivered_at": "成功时间",
    "entry_no": "序号",
    "kind": "类别",
    "outcome": "推送结果",
    "started_at": "开始时间",
    "ended_at": "结束时间",
    "mode": "方式",
    "paused": "人工暂停",
    "breaker": "对方状况",
    "next_due_at": "下次推送",
    "last_taken_at": "对方最近接收",
    "principal_id": "密钥编号",
    "name": "名称",
    "role": "角色",
    "sources": "来源系统",
    "systems": "对接系统",
    "regions": "行政区划",
    "key_hint": "密钥末位",
    "expires_at": "到期时间",
    "revoked_at": "吊销时间",
    "hold_id": "暂缓编号",
    "item": "事项",
    "source": "来源系统",
    "by": "操作人",
    "until": "截止时间",
    "lifted_at": "解除时间",
    "lifted_by": "解除人",
    "is_active": "是否有效",
    "holds": "暂缓推送",
    "refreshed": "更新",
    "retracted": "撤回",
    "parks": "将待人工处理",
    "line": "行",
    "counts": "数量",
    "count": "数量",
    "field": "字段",
    "rule": "规则",
    "since": "起始时间",
    "sent": "发出内容",
    "received": "收到内容",
    "requeue_id": "批量重新推送编号",
    "state": "进度",
    "matched": "符合条件",
    "queued": "已排队",
    "skipped": "未处理",
    "canary": "小批试推",
    "cap": "上限",
    "alert_id": "告警编号",
    "alert": "告警",
    "raised_at": "起始时间",
    "told_count": "提醒次数",
    "acknowledged_by": "认领人",
    **PHASES,
}

_BY_COLUMN: Final[Mapping[str, Mapping[str, str]]] = {
    "phase": PHASES,
    "reason": REASONS,
    "actor": ACTORS,
    "outcome": {**OUTCOMES, **in_chinese_by_code("run_outcome")},
    "kind": {**KINDS, **in_chinese_by_code("discrepancy")},
    "breaker": BREAKERS,
    "mode": MODES,
    "way": WAYS,
    "state": STATES,
    **{
        column: in_chinese_by_code(column)
        for column in ("stage", "action", "level", "owner", "closed_as", "doubt", "alert")
    },
}


def word(column: str, code: str, language: Language) -> str:
    """What people read for a code of a column, such as `phase` or `reason`; the code itself where it has no word."""
    return _BY_COLUMN.get(column, {}).get(code, code) if language == "zh" else code


def label(column: str, language: Language) -> str:
    """What a column or fact is called."""
    return COLUMNS.get(column, column.replace("_", " ")) if language == "zh" else column.replace("_", " ")
