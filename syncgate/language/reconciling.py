"""The codes of reconciliation that people read: in Chinese, and what each means in both languages."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, NamedTuple


class Meaning(NamedTuple):
    """What a code is called in Chinese and in English, and what it means in English and in Chinese."""

    zh: str
    en: str
    means: str
    means_zh: str


DISCREPANCIES: Final[Mapping[str, Meaning]] = {
    "missing": Meaning(
        "对方缺失", "missing there", "the system took it, and does not hold it", "对方已接收，现在却没有"
    ),
    "duplicate": Meaning("对方重复", "there twice", "the system holds it more than once", "对方有多份"),
    "stale": Meaning(
        "对方为旧版", "an older version there", "it holds what an earlier revision said", "对方仍是较早的版本"
    ),
    "edited_there": Meaning(
        "对方已改动", "edited there", "it holds what nobody here ever said", "对方的内容与历次推送都不同"
    ),
    "normalised_there": Meaning(
        "对方写法不同", "written otherwise there", "it writes the same otherwise", "内容相同，只是写法不同"
    ),
    "no_longer_planned": Meaning(
        "对方应撤未撤", "no longer to be there", "it holds what is not to be there any more", "对方仍有已不该持有的数据"
    ),
    "unexpected": Meaning(
        "对方多出",
        "not known here",
        "it holds something of ours that is not known here",
        "对方有标明来自本平台、而本平台没有的数据",
    ),
    "confirmed": Meaning(
        "核实已到", "arrived after all", "it holds what was unconfirmed or awaited here", "结果待核实的，对方已持有"
    ),
    "mapping_changed": Meaning(
        "映射已变更",
        "mapping changed since",
        "it holds what was sent; today's mapping would say otherwise",
        "对方与所推送的一致，现行字段映射会得出不同内容",
    ),
    "count_differs": Meaning(
        "数量不符",
        "the count differs",
        "it counts other than it should within a range of keys",
        "某一编号区间内的数量不符",
    ),
    "not_posted": Meaning("应报未报", "never posted", "the source has it, and never posted it", "来源系统有，未提交"),
    "not_there": Meaning(
        "多报", "not at the source", "the source posted it, and does not list it", "已提交，来源系统清单中没有"
    ),
    "differs": Meaning(
        "不一致", "differs at the source", "the source lists it with other content", "与来源系统清单的内容不同"
    ),
}
"""The kinds of discrepancies."""

RUN_OUTCOMES: Final[Mapping[str, Meaning]] = {
    "complete": Meaning("已完成", "complete", "all that was asked about was judged", "要求核对的全部核对完毕"),
    "incomplete": Meaning(
        "未能核对完整",
        "incomplete",
        "part could not be read for certain, nothing of it was mended",
        "部分数据未能可靠读取，该部分未做任何处理",
    ),
    "implausible": Meaning(
        "结果不可信，已停止",
        "not believed",
        "so much was missing that the listing is not believed",
        "缺失过多，对方清单不可信，未做任何处理",
    ),
    "cap_exceeded": Meaning(
        "超过上限，已停止",
        "stopped at its cap",
        "it would have sent more than its cap",
        "需要推送的超过上限，未做任何处理",
    ),
    "cancelled": Meaning("人工停止", "cancelled", "somebody ended it", "由人工停止"),
    "failed": Meaning("出错", "failed", "it broke", "运行出错"),
    "missed": Meaning("错过", "missed", "it did not begin when it was due", "到时未能开始"),
}
"""How a run ended."""

RUN_STAGES: Final[Mapping[str, Meaning]] = {
    "reading": Meaning("读取中", "reading", "the listings are read", "读取对方清单"),
    "comparing": Meaning("比对中", "comparing", "they are compared with what should be there", "与应有数据比对"),
    "looking_again": Meaning("复核中", "looking again", "what seems to differ is read once more", "对疑似差异再读一次"),
    "mending": Meaning("处理中", "mending", "what the policy says is done", "按规定处理"),
    "ended": Meaning("已结束", "ended", "it is over", "已结束"),
}
"""How far a run is."""

REPAIRS: Final[Mapping[str, Meaning]] = {
    "resend": Meaning("重新推送", "send again", "planned anew and sent", "重新核算并推送"),
    "retract": Meaning("撤回", "take back", "taken back as its message says", "按报文的规定撤回"),
    "accept": Meaning(
        "采纳对方", "take over theirs", "the system's value becomes a new revision", "以对方的值形成新版本"
    ),
    "confirm": Meaning("确认已到", "confirm", "what was found settles the open delivery", "据此了结待核实的推送任务"),
    "ask": Meaning("人工决定", "a person decides", "left to a person", "留待人工决定"),
    "ignore": Meaning("不处理", "leave as it is", "left as it is", "保持现状"),
}
"""What is done about a discrepancy."""

LEVELS: Final[Mapping[str, Meaning]] = {
    "fields": Meaning("逐字段", "fields", "records with their fields", "可读到各字段"),
    "ids": Meaning("仅编号", "ids", "which records there are", "只能读到有哪些记录"),
    "counts": Meaning("仅数量", "counts", "how many records there are by range of keys", "只能读到各区间的数量"),
    "none": Meaning("不可读取", "none", "nothing can be read back", "无法读取"),
}
"""How much can be read back."""

OWNERS: Final[Mapping[str, Meaning]] = {
    "ours": Meaning("以本平台为准", "ours", "what the sources said counts", "以来源系统提交的为准"),
    "system": Meaning("以对方为准", "the system's", "what the system's people typed counts", "以对方录入的为准"),
}
"""Whose word counts for a field."""

CLOSINGS: Final[Mapping[str, Meaning]] = {
    "mended": Meaning("已修复", "mended", "what was queued for it was delivered", "为此推送的数据已推送成功"),
    "gone": Meaning("已消失", "gone", "a later complete run no longer saw it", "之后的完整对账中不再出现"),
    "ignored": Meaning("不处理", "left as it is", "a person left it as it is", "经人工决定保持现状"),
    "accepted": Meaning("已采纳", "taken over", "the system's value was taken over", "已采纳对方的值"),
    "confirmed": Meaning("已确认", "confirmed", "it settled an open delivery", "据此了结了推送任务"),
    "retracted": Meaning("已撤回", "taken back", "it was taken back", "已撤回"),
    "adopted": Meaning("已关联", "linked", "what was typed there by hand was linked", "已与对方人工录入的数据关联"),
}
"""How a discrepancy was closed."""

DOUBTS: Final[Mapping[str, Meaning]] = {
    "repeated_page": Meaning(
        "有重复页", "a page came twice", "a page showed what an earlier one had shown", "某一页与之前的一页相同"
    ),
    "repeated_records": Meaning(
        "有重复记录",
        "records came twice",
        "it moved while it was read, or is in no order",
        "读取期间有变动，或没有固定顺序",
    ),
    "not_increasing": Meaning(
        "顺序倒退", "went backwards", "a page began before the end of the one before", "某一页从上一页结尾之前开始"
    ),
    "total_shrank": Meaning(
        "总数减少", "the total shrank", "it said fewer than before while it was read", "读取期间声称的总数变少"
    ),
    "ended_early": Meaning(
        "提前结束", "ended early", "it showed fewer records than it says there are", "读到的少于声称的总数"
    ),
    "beyond_total": Meaning(
        "超出总数", "more than its total", "it showed more records than it says there are", "读到的多于声称的总数"
    ),
    "endless": Meaning("没有尽头", "without end", "it led back to what had been read", "翻页回到已读过的内容"),
    "unreadable": Meaning("无法识别", "unreadable", "a page was no list of records", "某一页不是记录清单"),
    "unavailable": Meaning("无法读取", "not to be had", "a page could not be had", "某一页未能取得"),
    "empty": Meaning(
        "未列出任何数据", "nothing is listed", "it lists nothing where much was", "本应有大量数据，却未列出任何数据"
    ),
    "halved": Meaning(
        "数量骤减", "less than half", "it lists less than half of what it listed before", "列出的不到上次的一半"
    ),
    "mostly_missing": Meaning(
        "缺失过多", "too much is missing", "more is missing than its adapter allows", "缺失超过对接配置允许的比例"
    ),
    "too_many_differ": Meaning(
        "差异过多", "too much differs", "more differs than is looked at again", "差异多到无法逐条复核"
    ),
    "no_export": Meaning(
        "没有导出文件", "no export", "only a file brings it, and none was given", "只能由导出文件提供，而没有可用的文件"
    ),
}
"""Why a listing was not read for certain, or is not believed."""

ALERTS: Final[Mapping[str, Meaning]] = {
    "implausible_run": Meaning(
        "对账结果不可信",
        "a run is not believed",
        "so much was missing that nothing was mended",
        "缺失过多，未做任何处理",
    ),
    "cap_exceeded": Meaning(
        "对账超过上限", "a run stopped at its cap", "more would have been sent than allowed", "需要推送的超过上限"
    ),
    "incomplete_runs": Meaning(
        "连续未能核对完整",
        "runs stay incomplete",
        "two runs in a row could not read all",
        "连续两次未能可靠读取全部数据",
    ),
    "failed_run": Meaning("对账出错", "a run failed", "a run broke", "对账运行出错"),
    "missed_run": Meaning("错过对账", "a run was missed", "a run did not begin when it was due", "到时未能开始对账"),
    "discrepancies_left": Meaning(
        "有差异待人工决定",
        "discrepancies wait for a person",
        "a run left some that a person decides",
        "有对账差异须由人工决定",
    ),
    "system_down": Meaning(
        "对接系统无法访问",
        "a system is down",
        "it does not answer or does not let us in; what waits for it is sent when it is back",
        "对方无应答或拒绝访问；待推送的数据在恢复后继续推送",
    ),
    "silent_source": Meaning(
        "来源系统无提交",
        "a source is silent",
        "nothing came from it in hours in which it usually posts",
        "在通常有提交的时段内没有任何提交",
    ),
    "held_arrivals": Meaning(
        "有来件待处理",
        "arrivals are held",
        "what a source brought cannot be taken in and waits for a person",
        "来源系统提交的内容无法接收，须由人工处理",
    ),
    "case_not_come": Meaning(
        "办件迟迟未到",
        "a case does not come",
        "what a source said of a case waits too long for that case",
        "来源系统先于办件提交的环节等待过久",
    ),
}
"""What alerts are about."""

TABLES: Final[Mapping[str, Mapping[str, Meaning]]] = {
    "discrepancy": DISCREPANCIES,
    "run_outcome": RUN_OUTCOMES,
    "stage": RUN_STAGES,
    "action": REPAIRS,
    "level": LEVELS,
    "owner": OWNERS,
    "closed_as": CLOSINGS,
    "doubt": DOUBTS,
    "alert": ALERTS,
}
"""Every table, by what its codes are of."""


def reconciled(of: str, code: str, language: str) -> str:
    """What people read for a code, such as `discrepancy` or `run_outcome`; the code where it has no word."""
    meaning = TABLES[of].get(code)
    if meaning is None:
        return code
    return meaning.zh if language == "zh" else meaning.en


def in_chinese_by_code(of: str) -> dict[str, str]:
    """The Chinese of every code of a table."""
    return {code: meaning.zh for code, meaning in TABLES[of].items()}
