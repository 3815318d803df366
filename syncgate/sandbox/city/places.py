"""What the cases of the city share: the items, the organisations, the clerks, the places."""

from __future__ import annotations

from typing import Any

TASK_CODE = "11990100MB0000001T3000131901001"

ITEM: dict[str, Any] = {
    "catalog_code": "000131901001",
    "task_code": TASK_CODE,
    "name": "食品经营许可（餐饮服务）新办",
    "version": 1,
    "type": "01",
}

INSURANCE_ITEM: dict[str, Any] = {
    "catalog_code": "002031903001",
    "task_code": "11990100MB000000443002031903001",
    "name": "灵活就业人员参保登记",
    "version": 1,
    "type": "20",
}
ROAD_ITEM: dict[str, Any] = {
    "catalog_code": "000131904001",
    "task_code": "11990100MB000000573000131904001",
    "name": "占用、挖掘城市道路审批",
    "version": 1,
    "type": "01",
}

SUBSIDY_ITEM: dict[str, Any] = {
    "catalog_code": "000531902001",
    "task_code": "11990100MB000000314000531902001",
    "name": "残疾人两项补贴资格认定",
    "version": 1,
    "type": "05",
}

MARKET_OFFICE = {"name": "示例市市场监督管理局", "uscc": "11990100MB0000001T"}
DATA_OFFICE = {"name": "示例市数据局", "uscc": "11990100MB0000006A"}
INSURANCE_OFFICE = {"name": "示例市人力资源和社会保障局", "uscc": "11990100MB00000044"}
URBAN_OFFICE = {"name": "示例市城市管理局", "uscc": "11990100MB00000057"}
CIVIL_OFFICE = {"name": "东示区民政局", "uscc": "11990100MB00000031"}
FEDERATION = {"name": "东示区残疾人联合会", "uscc": "13990100MB0000002P"}
ECOLOGY_OFFICE = {"name": "示例市生态环境局", "uscc": "11990100MB0000007D"}

CLERKS = (
    {"name": "冯窗口", "staff_no": "SL0101"},
    {"name": "褚受理", "staff_no": "SL0102"},
    {"name": "卫核查", "staff_no": "HC0201"},
    {"name": "蒋审核", "staff_no": "SH0301"},
    {"name": "沈决定", "staff_no": "JD0401"},
    {"name": "韩制证", "staff_no": "ZZ0501"},
)
WINDOW_A, WINDOW_B, INSPECTOR, REVIEWER, DECIDER, PRINTER = CLERKS
INSURER = {"name": "杨参保", "staff_no": "RS0601"}
ROAD_REVIEWER = {"name": "朱路政", "staff_no": "CG0701"}
ROAD_DECIDER = {"name": "秦审批", "staff_no": "CG0702"}
CASHIER = {"name": "尤收费", "staff_no": "CG0703"}
URBAN_CLERK = {"name": "许城管", "staff_no": "CG0801"}
ECOLOGY_CLERK = {"name": "何环保", "staff_no": "HB0901"}
STREET_CLERK = {"name": "吕街道", "staff_no": "MZ1001"}
FEDERATION_CLERK = {"name": "施残联", "staff_no": "CL1101"}
CIVIL_CLERK = {"name": "张民政", "staff_no": "MZ1002"}

SCOPES = ("热食类食品制售", "冷食类食品制售", "生食类食品制售", "糕点类食品制售", "自制饮品制售")
STREETS = ("示例路", "样本街", "演示大道", "例甲巷", "虚构里")
DISTRICT_NAMES = {"990101": "东示区", "990102": "西示区"}

HOTLINE_ITEMS = ("夜间施工噪声", "占道经营", "路灯不亮", "井盖破损", "油烟扰民")
