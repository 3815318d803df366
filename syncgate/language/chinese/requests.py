"""Why a request is refused."""

from __future__ import annotations

from typing import Final

SENTENCES: Final[dict[str, str]] = {
    # --- who calls
    "expected Authorization: Bearer, got another scheme": "请求头 Authorization 应采用 Bearer 方式",
    "expected one key, got two": "只能提供一个密钥，收到两个不同的密钥",
    "expected a key in Authorization: Bearer or X-Api-Key, got none": (
        "未提供密钥，请放入请求头 Authorization: Bearer 或 X-Api-Key"
    ),
    "expected a valid key, got one that is unknown, expired or revoked": "密钥无效：未登记、已过期或已吊销",
    "expected a key that may {action} here, got one that may not": "该密钥在此处没有以下权限：{action}",
    "expected a key for every system that the case goes to and for its first source, got another": (
        "该密钥的范围未涵盖办件推送的全部对接系统和首个来源系统"
    ),
    "expected X-Source to name one of the sources of this key, got none": (
        "该密钥对应多个来源系统，请用请求头 X-Source 指明其中一个"
    ),
    "expected a filter of names that this site knows, got others": "筛选条件所指内容在本部署实例中不存在",
    "expected a source that this site knows, got another": "本部署实例没有该来源系统",
    "expected an Idempotency-Key of 1 to 255 printable ASCII characters, got another": (
        "请求头 Idempotency-Key 应为 1 至 255 个可见 ASCII 字符"
    ),
    'expected If-Match: "<revision>", got something else': '请求头 If-Match 应为 "<版本号>"',
    "expected a key that is known, got none of that id": "未找到该编号的密钥",
    "expected a role and scopes that exist, got others": "角色或权限范围不存在",
    "expected a name that is not {role} already, got one that is": "该名称已有互斥的角色 {role}",
    "expected a call without these headers, got them": "本接口不得使用这些请求头",
    # --- bodies
    "expected the header {name} once, got it {count} times": "请求头 {name} 只能出现一次，实际出现 {count} 次",
    "expected Content-Type {media}, got another or none": "请求头 Content-Type 应为 {media}",
    "expected charset=utf-8, got another": "字符编码应为 utf-8",
    "expected a body without Content-Encoding, got one": "请求内容不得使用 Content-Encoding 压缩",
    "expected at most {limit} bytes, got {size} announced": "请求内容不得超过 {limit} 字节，声明为 {size} 字节",
    "expected at most {limit} bytes, got more": "请求内容不得超过 {limit} 字节",
    "expected JSON, got something else at line {line} column {column}": (
        "请求内容不是有效的 JSON，问题在第 {line} 行第 {column} 列"
    ),
    "expected JSON, got something else at {place}": "请求内容不是有效的 JSON，问题在 {place}",
    "expected UTF-8 without a byte order mark, got one": "请求内容应为不带 BOM 的 UTF-8",
    "expected UTF-8, got other bytes at offset {offset}": "请求内容应为 UTF-8，第 {offset} 字节处不是",
    "expected every key of an object once, got one twice": "同一对象中有重复的键",
    "expected integers of at most 64 bits, got a larger one": "整数超出 64 位范围",
    "expected numbers that a double can hold, got a larger one": "数值过大，双精度数无法表示",
    "expected numbers that a double can hold, got another": "数值无法用双精度数表示",
    "expected at most {digits} significant digits, got more": "数值的有效数字不得超过 {digits} 位",
    "expected JSON numbers, got NaN or Infinity": "数值不得为 NaN 或 Infinity",
    "expected at most {limit} levels of nesting, got more": "嵌套不得超过 {limit} 层",
    "expected Unicode characters without NUL, got NUL or half a character": "文本中有空字符（NUL）或不完整的字符",
    "expected an object, got another type": "请求内容应为 JSON 对象",
    "expected another body": "请求内容不符合要求",
    "expected a valid request, got another": "请求不符合要求",
    "expected parameters that this call knows, got others": "请求中有本接口没有的参数",
    "expected a time with offset, got one without": "时间应带时区偏移",
    "expected a remote_ref only where the system holds the delivery": "对方已持有该推送任务的数据时，才能填写对方业务编号",
    "expected a case_id or system:number, got another name": "应为办件标识，或“系统:编号”",
    "expected stages and nothing else, got another object": "请求内容只能包含办理环节（stages）",
    "expected stages, got another type": "请求内容应为办理环节",
    "expected a site without problems, got {count}": "部署实例的配置有 {count} 处问题",
    "expected a gate that takes cases, got one that starts or stops": "服务正在启动或停止，暂不接收办件",
    "expected the whole body within {seconds} s, got a part of it": "{seconds} 秒内未收到完整的请求内容",
    "expected a gate that takes cases, got one that stops": "服务正在停止，不再接收办件",
    "expected a batch without {name}, got it": "批量提交不得使用 {name}",
    "expected at most {limit} bytes a line, got more": "每行不得超过 {limit} 字节",
    "expected results to be read within {seconds} s, got none read": "{seconds} 秒内未读取结果",
    "expected more of the batch within {seconds} s, got nothing": "{seconds} 秒内未收到后续内容",
    # --- cases
    "expected a case that is known here, got none of that name": "未找到该办件",
    "expected a delivery that is known here, got none of that id": "未找到该推送任务",
    "expected a system of this site, got none of that name": "未找到该对接系统",
    "expected a bulk requeue that is known here, got none of that id": "未找到该批量重新推送",
    "expected a bulk requeue that is under way, got one that is over": "该批量重新推送已结束",
    "expected a filter that bounds what is meant, got one that does not": "筛选条件范围不明确，不能批量重新推送",
    "expected a revision that is kept, got none of that number": "未找到该版本",
    "expected revision {expected} in If-Match, got {got}": "If-Match 中的版本应为第 {expected} 版，收到第 {got} 版",
    "expected a source_version at least as new as the stored one, got an older one": (
        "来源版本（source_version）早于已保存的版本"
    ),
    "expected the request that first came with this Idempotency-Key, got another": "该幂等键已用于另一个请求",
    "expected references that point at one case, got several": "关联编号分属不同办件",
    "expected references to systems of this site, got others": "关联编号中有本部署实例没有的系统",
    "expected the numbers that the case has, got others": "编号与该办件已登记的编号不一致",
    "expected the identity that the case has, got another": "不得更改办件的类型和编号",
    "expected {parts} that are new or as first given, got others": "{parts}只能新增，已有的不得更改内容",
    "expected a valid case, got one with {count} invalid fields": "办件有 {count} 个字段不符合要求",
    "expected a merge patch that is an object": "合并补丁应为 JSON 对象",
    "expected stages and materials with ids, got others": "办理环节和申请材料应有标识",
    "expected an event that moves a {phase} delivery, got {event}": "推送任务当前为“{phase}”，不能执行此操作（{event}）",
    "expected a delivery that is {phase}, got one moved meanwhile": "推送任务已不是“{phase}”，状态刚刚发生变化",
    "expected a delivery that keeps its slot, got another slot": "推送任务不得改换报文位置",
    "expected a step that only reads, got one that locks": "只读操作不得加锁",
    "expected to check under the active bundles, got a process that has not all of them": "本进程没有全部启用的配置版本，无法预先核对",
    "expected a number that no other case has, got one that is known": "该编号已用于另一办件",
    "expected a hold that is known here, got none of that id": "未找到该暂缓记录",
    "expected a hold within the key's own systems and sources, got one that reaches beyond": (
        "暂缓推送的范围超出该密钥的对接系统和来源系统"
    ),
    "expected a hold of something that this site knows, got another": "暂缓推送的对象在本部署实例中不存在",
    "expected a hold that ends later than now, got one that is over": "暂缓推送的截止时间应晚于现在",
    "expected a replan that is bounded by what this site knows, got another": "重新核算的范围不明确，或所指内容在本部署实例中不存在",
    "expected a system in mode live, got one in mode {mode}": "该对接系统应为 live 方式，现为 {mode} 方式",
    "expected a system that takes cases, got one that is {mode}": "该对接系统不接收办件，方式为 {mode}",
    "expected no other replan of this system, got one since {at}": "该对接系统正在重新核算，开始于 {at}",
    "expected this replan to go on, got another one in its place": "本次重新核算已被另一次取代",
    "expected to replan under the active bundle, got a process that does not have it": "本进程没有启用的配置版本，无法重新核算",
    # --- what a rule wants
    "item, message, source, case, region or since": (
        "事项（item）、报文（message）、来源系统（source）、办件（case）、行政区划（region）、起始时间（since）"
    ),
    "message, reason, rule, field, item, source, since or until": (
        "报文（message）、原因（reason）、规则（rule）、字段（field）、事项（item）、来源系统（source）、起始时间（since）、截止时间（until）"
    ),
    "system, message, item or source": "对接系统（system）、报文（message）、事项（item）或来源系统（source）",
    "another case": "另一办件",
    "case_id or system:number": "办件标识或“系统:编号”",
    "numbers of one case": "同一办件的编号",
    "the number known here": "已登记的编号",
    "the content first given": "首次提交的内容",
    "the value first given": "首次提交的值",
    "not beside {role}": "不得与 {role} 并存",
    "date-time with offset": "带时区偏移的日期时间",
    "RFC 3339 date-time with offset": "带时区偏移的日期时间（RFC 3339）",
    "the system takes no change of what it holds here": "对方系统不接受对已有数据的更改",
    "its worker did not come back; the sending time is unknown": "推送进程异常退出，发送时间未知",
    "{name}: differs at the system": "{name}：与对方系统不一致",
    "no bundle here sends {message}": "没有配置版本推送报文 {message}",
    "expected a case that is open, got one that was withdrawn": "该办件已撤件",
    "expected a case that is open, got one that was voided": "该办件已作废",
    "expected a case that is open, got one that was merged into another": "该办件已并入另一办件",
    "expected the case that it was merged into, {case_id}, got the merged one": "该办件已并入办件 {case_id}，请对后者操作",
    "expected the case's own number to withdraw it, got that of one merged into it": (
        "该编号的办件已并入另一办件，不能以该编号撤件"
    ),
    "expected nothing under way at {systems}, got some: try again later": "{systems} 尚有推送未完成，请稍后再试",
    "expected two cases, got one and the same": "应为两个不同的办件",
    "expected the case to merge into in into, got none": "应填写并入的办件（into）",
    "expected a case that is known here in into, got none": "并入的办件（into）不存在",
    "expected a case not merged elsewhere, got one merged into {case_id}": "该办件已并入办件 {case_id}",
    "expected changes of what the source owns, got changes of {count} others' fields": (
        "有 {count} 个字段以其他来源系统为准，不能更改"
    ),
    "expected a case that is not finished, got one that came to its end": "该办件已办结",
    "expected a reason, and at most by whom and when, got others": "应填写原因，另可填写办理人和时间",
}
