"""What callers read, in Chinese and English: problems by code, broken rules by name."""

from __future__ import annotations

from typing import Final

from syncgate.language import Language, in_language, piece, preferred

PROBLEMS: Final[dict[str, tuple[str, str]]] = {
    "malformed_body": ("请求内容不是可识别的 JSON", "The body is not the JSON that this call takes"),
    "unauthenticated": ("缺少密钥或密钥无效", "No key, or a key that is not valid"),
    "forbidden": ("该密钥无权进行此操作", "This key does not reach this call"),
    "not_found": ("未找到", "Not found"),
    "system_not_live": ("该系统当前方式下不推送", "The system is sent nothing in its mode"),
    "replan_under_way": ("正在重新核算", "Another replan of this system is under way"),
    "run_under_way": ("正在对账", "Another run of this system is under way"),
    "not_repairable": ("该差异无法这样处理", "The discrepancy cannot be repaired so"),
    "not_read_back": ("该系统无法对账", "The system is not read back"),
    "turn_lost": ("该次对账已由其他进程接手", "Another process works on this run now"),
    "conflict": ("与已有数据冲突", "The request contradicts what is stored"),
    "case_withdrawn": ("该办件已撤件，不再接收内容", "The case was withdrawn, and takes no further content"),
    "case_void": ("该办件已作废，不再接收内容", "The case was voided, and takes no further content"),
    "case_merged": ("该办件已并入另一办件", "The case was merged into another"),
    "not_owned": ("不能更改以其他来源系统为准的字段", "Other sources' word counts for these fields"),
    "case_finished": ("该办件已办结，不能撤件", "The case came to its end, and cannot be withdrawn"),
    "stale_revision": ("版本已过期", "The request names an older state than the stored one"),
    "request_timeout": ("请求超时", "The request did not arrive in time"),
    "body_too_large": ("请求内容过大", "The body is too large"),
    "unsupported_media_type": ("不支持的内容类型或编码", "This media type or charset is not taken"),
    "invalid_case": ("办件内容有误", "The case breaks its rules"),
    "invalid_returns": ("不是可导入的退回清单", "This is no list of returns of the system"),
    "invalid_request": ("请求参数有误", "The request breaks its rules"),
    "invalid_record": ("来源记录有误", "The record makes no case"),
    "overtaken": ("来源系统此后已有更新的内容", "The source has said something later of the same case"),
    "awaits_case": ("等待对应办件", "It waits for its case"),
    "not_held": ("该来件不在待处理状态", "The arrival does not wait for a person"),
    "interrupted": ("接收中断，未办结接收", "The taking in was interrupted"),
    "material_mismatch": ("文件与申请材料的记录不符，未保存", "The file is not the one that the material tells of"),
    "reason_missing": ("未说明原因", "What is personal is shown for a reason only"),
    "idempotency_key_reused": ("幂等键已用于其他请求", "This Idempotency-Key came with another request"),
    "store_unavailable": ("系统暂时无法保存，请稍后重试", "Nothing was stored; try again later"),
    "store_damaged": ("数据库已损坏，暂不能接收", "The store is damaged; nothing is taken"),
    "commit_unknown": (
        "保存结果未知，请以相同幂等键重试",
        "Whether it was stored is not known; try again with the same Idempotency-Key",
    ),
    "file_refused": ("文件不符合要求，未接收", "The file is not what it should be; nothing of it was taken"),
    "site_refused": ("站点配置有误，未启用", "The site's folder has problems; nothing was activated"),
    "illegal_move": ("当前状态不允许此操作", "The delivery's phase does not allow this"),
    "method_not_allowed": ("不支持的请求方法", "Method not allowed"),
    "bad_request": ("请求有误", "Bad request"),
    "internal_error": ("系统内部错误", "An error of ours"),
}

RULES: Final[dict[str, tuple[str, str]]] = {
    "required": ("必填", "is required"),
    "unknown_field": ("未知字段", "is not a known field"),
    "type": ("类型应为{expected}", "must be of type {expected}"),
    "missing_header": ("缺少列，列名应为 {expected} 之一", "must have a column headed {expected}"),
    "repeated_header": ("有多列对应同一内容：{expected}", "must have one column headed {expected}"),
    "enum": ("取值应为 {expected} 之一", "must be one of {expected}"),
    "const": ("取值应为 {expected}", "must be {expected}"),
    "format": ("格式应为{expected}", "must be a {expected}"),
    "pattern": ("应匹配 {expected}", "must match {expected}"),
    "min_length": ("长度不得少于 {expected} 个字符", "must have at least {expected} characters"),
    "max_length": ("长度不得超过 {expected} 个字符", "must have at most {expected} characters"),
    "minimum": ("不得小于 {expected}", "must be at least {expected}"),
    "maximum": ("不得大于 {expected}", "must be at most {expected}"),
    "min_items": ("不得少于 {expected} 项", "must have at least {expected} entries"),
    "max_items": ("不得超过 {expected} 项", "must have at most {expected} entries"),
    "min_properties": ("不得少于 {expected} 个字段", "must have at least {expected} fields"),
    "max_properties": ("不得超过 {expected} 个字段", "must have at most {expected} fields"),
    "unique_items": ("各项不得重复", "must have no entry twice"),
    "field_name": ("字段名不符合要求", "has a name that is not allowed"),
    "known_with_other_content": ("已有相同标识但内容不同", "is known with other content"),
    "after_since": ("应晚于 {expected}", "must be later than {expected}"),
    "owned_by_another": ("以 {expected} 为准，不能更改", "is for {expected} to change"),
    "another_case": ("须为另一办件", "must be another case"),
    "references_one_case": ("各编号须属于同一办件", "must be numbers of one case"),
    "reference_is_fixed": ("该系统的编号已确定，不得更改", "is known already and cannot be changed"),
    "excluded_role": ("与已有角色互斥", "is excluded by a role that this name has"),
    "unknown_system": ("没有该对接系统，现有：{expected}", "is none of the systems of this site: {expected}"),
    "unbounded": ("应限定以下至少一项：{expected}", "must say at least one of {expected}"),
    "before": ("应早于 {expected}", "must be earlier than {expected}"),
    "future": ("应晚于现在", "must be later than now"),
    "identity_is_fixed": ("不得更改", "cannot be changed"),
    "size_differs": ("文件大小应为 {expected} 字节", "must be {expected} bytes long"),
    "digest_differs": ("文件摘要与声明的不符", "must have the digest that is stated"),
    "media_type_differs": ("文件格式应为 {expected}", "must be declared as {expected}"),
    "file_type_differs": ("文件内容不是 {expected}", "must begin as {expected} does"),
    "unreadable": ("无法读取：{expected}", "cannot be read: {expected}"),
    "overtaken": ("来源系统此后已提交更新的内容", "was overtaken by what the source said later"),
    "file_empty": ("文件为空", "must not be empty"),
    "characters": ("含有不能使用的字符", "has a character that cannot be used"),
}

_NEAREST: Final = ("，是否为 {expected}", "; did you mean {expected}")


chosen = preferred


def varies(language: Language) -> dict[str, str]:
    """The headers of an answer that another caller would read in another language.

    Source: RFC 9110 §8.5, §12.5.5.
    """
    return {"Content-Language": language, "Vary": "Accept-Language"}


def title(code: str, language: Language) -> str:
    """What a problem of this code is called."""
    zh, en = PROBLEMS.get(code, PROBLEMS["bad_request"])
    return zh if language == "zh" else en


def sentence(rule: str, expected: str, language: Language) -> str | None:
    """What a broken rule asks for; None for a rule whose words are in the canonical schema."""
    if rule not in RULES:
        return None
    place = 0 if language == "zh" else 1
    text = RULES[rule][place]
    if rule == "unknown_field" and expected:
        text += _NEAREST[place]
    return text.replace("{expected}", wanted(expected, language))


def wanted(expected: str, language: Language) -> str:
    """What a rule wants, in the caller's language; `string or null` becomes 文本或空值."""
    if language == "en":
        return expected
    types = expected.split(" or ")
    if all(piece(word) != word for word in types):
        return "或".join(map(piece, types))
    return in_language(expected, language)
