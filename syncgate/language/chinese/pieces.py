"""Parts of sentences: what stands at a placeholder and is neither a name nor a number."""

from __future__ import annotations

from typing import Final

from syncgate.language.words import PHASES

PIECES: Final[dict[str, str]] = {
    **PHASES,
    # --- what may be asked of a key
    "submit": "提交办件",
    "read cases": "查看办件",
    "read deliveries": "查看推送任务",
    "move deliveries": "处理推送任务",
    "read systems": "查看对接系统",
    "pause systems": "暂停或恢复对接系统",
    "manage keys": "管理密钥",
    "deploy": "启用配置版本",
    "read metrics": "查看指标",
    "read audit": "查看审计记录",
    "replan": "重新核算应推数据",
    # --- parts of a case
    "stages": "办理环节",
    "materials": "申请材料",
    "stages and materials": "办理环节和申请材料",
    # --- JSON types
    "string": "文本",
    "integer": "整数",
    "number": "数字",
    "boolean": "布尔值",
    "array": "列表",
    "object": "对象",
    "null": "空值",
    # --- what came instead
    "an object": "对象",
    "a list": "列表",
    "an empty list": "空列表",
    "a number": "数字",
    "a text": "文本",
    "an empty text": "空文本",
    "true or false": "布尔值",
    "nothing": "空值",
    "something else": "其他内容",
    "another": "其他",
    "the key": "键",
    "no key": "没有键",
    "a file or a variable": "文件或环境变量",
    "the database": "数据库",
    "no such address": "没有该地址",
    "other bytes": "其他字节",
    "a comma": "逗号",
    "a semicolon": "分号",
    "a tab": "制表符",
    "a vertical bar": "竖线",
    "a ZIP archive, such as an Excel workbook": "ZIP 压缩包（如 Excel 工作簿）",
    "an old Excel workbook": "旧版 Excel 工作簿",
    "a PDF document": "PDF 文件",
    "too many levels": "嵌套过深",
    "a key twice": "重复的键",
}
