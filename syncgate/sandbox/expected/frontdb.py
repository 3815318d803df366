"""What the front database must hold of a case. The rules are those of docs/reference/example-systems.md.

A line is as `document` describes it, with what a front database has beside it. Of an operation, which is a table:
    records: what its row may have said, from submission to submission; the last is what it must say in the end.
    after: the tables whose rows, brought by the same call or an earlier one, must have come first.
    is_ordered: whether its own rows come in the order in which they are listed.
    held: `surely`; `perhaps`, where the case was withdrawn meanwhile; `if_any`: while its acceptance
        stands there, and right where it was written after it.
Columns that a row leaves out are NULL; row_guid, cd_batch, cd_time, cd_operation and is_sync are not listed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from syncgate.sandbox.city.script import Life
from syncgate.sandbox.expected.province import APPLICANT_TYPES, CASE_CLASSES
from syncgate.sandbox.expected.story import Part, State
from syncgate.sandbox.expected.words import local_time, without_none

Record = dict[str, Any]
Operation = dict[str, Any]

FOOD_LICENCE = "11990100MB0000001T3000131901001"
INSURANCE = "11990100MB000000443002031903001"
ROAD_WORKS = "11990100MB000000573000131904001"
SUBSIDY = "11990100MB000000314000531902001"
ITEMS = (FOOD_LICENCE, SUBSIDY, INSURANCE, ROAD_WORKS)
APPLY_TYPES = {"window": "1", "portal": "2", "app": "2", "wechat": "2", "alipay": "2"}
RETIRED_VERSION, VERSION_INSTEAD = 2, 3
"""Of an item: out of use from some morning on, and what is told in its place from then on."""
AT_MOST = 20 * 1024 * 1024
ZIP = ("application/zip", "application/x-zip-compressed")

LIMITS = {
    "project_no": 50, "catalog_code": 12, "task_code": 36, "local_task_code": 50, "task_handle_item": 50,
    "task_name": 1000, "applyer_name": 100, "applyer_page_type": 70, "applyer_page_code": 500, "legal": 100,
    "contact_name": 100, "contact_type": 6, "contact_code": 50, "contact_mobile": 11, "zip_code": 6,
    "address": 1000, "org_name": 100, "org_code": 18, "handle_user_name": 100, "project_name": 1000,
    "process_name": 1000, "handle_explain": 2000, "special_type": 2, "special_name": 1000, "special_reason": 2000,
    "result": 2000, "handle_user": 100, "material_name": 200, "get_num": 5, "material_attach_name": 200,
    "result_explain": 2000, "result_cetr_name": 256, "result_cetr_no": 2000,
}  # fmt: skip
"""Bytes of GBK by column."""


def takes(state: State) -> bool:
    """Whether the front database is told of such a case."""
    return state.case["kind"] == "application" and state.case["item"].get("task_code") in ITEMS


def objection(record: Record) -> str | None:
    """Why a row cannot be written, by the first column of it that is wrong; None where it can."""
    for name, value in record.items():
        if not isinstance(value, str) or name not in LIMITS:
            continue
        try:
            written = value.encode("gbk")
        except UnicodeEncodeError:
            return "unencodable"
        if len(written) > LIMITS[name]:
            return "too_long"
    return None


def line(life: Life, history: Sequence[State]) -> dict[str, Any]:
    """What must be there in the end, and what is left behind at the gate."""
    told = _Told(history)
    operations = told.operations()
    if history[-1].withdrawal is not None:
        operations, told.parked, told.pending = _withdrawn(history[-1], operations), [], 0
    return {
        "system": "frontdb",
        "case_no": life.case_no,
        "or_no": life.or_no,
        "traits": sorted(life.traits),
        "operations": operations,
        "leftover": {"parked": told.parked, "pending": told.pending},
    }


@dataclass(slots=True)
class _Row:
    """One row: what it says, the part that brought it, what tells it from its like."""

    table: str
    message: str
    part: Part
    name: str
    records: list[Record]


class _Told:
    """Walks through the rows in the declared order, as far as nothing stands in the way."""

    def __init__(self, history: Sequence[State]) -> None:
        self._history = history
        self._last = history[-1]
        self.parked: list[list[str]] = []
        self.pending = 0
        self._operations: list[Operation] = []

    def operations(self) -> list[Operation]:
        """Every row that must be there."""
        accepts, processes = self._accepts(), self._rows("step", "decided", table="up_pro_process")
        specials, results = self._rows("special_ended", table=SPECIAL), self._rows("finished", table="up_pro_result")
        is_accepted = self._take(accepts, is_ordered=True, can_go=True)
        is_processed = self._take(processes, is_ordered=True, can_go=is_accepted)
        is_special = self._take(specials, is_ordered=True, can_go=is_accepted)
        self._take(self._materials(), is_ordered=False, can_go=is_accepted)
        self._take(results, is_ordered=True, can_go=is_accepted and is_processed and is_special)
        return self._operations

    def _accepts(self) -> list[_Row]:
        """The acceptance says what the case says, so that a change of the case is a row more."""
        found = []
        for part in self._last.stages:
            if part.content["kind"] != "accepted":
                continue
            states = [state for state in self._history if state.submission >= part.submission]
            records = [record for state in states for record in _versions(accept(state.case, part.content))]
            found.append(_Row("up_pro_accept", "accept", part, "", _without_repeats(records)))
        return found

    def _rows(self, *kinds: str, table: str) -> list[_Row]:
        make, key = PROJECTIONS[table], KEYS[table]
        found = []
        for part in self._last.stages:
            if part.content["kind"] in kinds:
                record = make(self._last, part.content)
                name = "|".join(str(record.get(field)) for field in key)
                found.append(_Row(table, MESSAGES[table], part, name, [record]))
        return found

    def _materials(self) -> list[_Row]:
        found = []
        for part in self._last.materials:
            content = part.content
            if content.get("media_type") in ZIP or content.get("size", 0) > AT_MOST:
                continue
            record = material(self._last.case, content)
            name = "|".join(str(record.get(field)) for field in KEYS["up_pro_material"])
            found.append(_Row("up_pro_material", "material", part, name, [record]))
        return found

    def _take(self, rows: Sequence[_Row], *, is_ordered: bool, can_go: bool) -> bool:
        """Whether all of them are there; what is parked holds back what is ordered after it."""
        is_whole = can_go
        for row in rows:
            if not can_go:
                self.pending += 1
                continue
            wrong = objection(row.records[-1])
            fitting = [record for record in row.records if objection(record) is None]
            if wrong is not None:
                self.parked.append([row.message, wrong])
            if fitting:
                self._operations.append(_operation(row, fitting))
            else:
                is_whole = False
                can_go = not is_ordered
        return is_whole


def _withdrawn(state: State, operations: list[Operation]) -> list[Operation]:
    """Nothing, or what was written by then and the row that closes the case as void; a finished case is not withdrawn.

    Materials alone need no such row: nobody there knows of the case without its acceptance.
    """
    withdrawal = state.withdrawal
    if withdrawal is None or "frontdb" in withdrawal.unreached:
        return []
    if all(operation["operation"] == "up_pro_material" for operation in operations):
        return [operation | {"held": "perhaps"} for operation in operations]
    is_sure = "frontdb" in withdrawal.waited_for
    closing = {
        "operation": "up_pro_result",
        "part": "",
        "submission": state.submission,
        "after": list(AFTER["up_pro_result"]),
        "is_ordered": True,
        "records": [voided(state)],
        "held": "surely" if is_sure else "if_any",
    }
    return [*(operation | {"held": "surely" if is_sure else "perhaps"} for operation in operations), closing]


def voided(state: State) -> Record:
    """up_pro_result, for a case that was withdrawn after its acceptance was written."""
    withdrawal = state.withdrawal
    if withdrawal is None:
        raise ValueError(f"expected {state.case['case_no']} to be withdrawn, got one that is not")
    return {
        "project_no": state.case["case_no"],
        "result_type": "2",
        "result_date": local_time(withdrawal.at),
        "result_explain": withdrawal.reason,
        "is_delivery_results": "0",
        "handle_user_name": withdrawal.by,
        "data_source": "999",
    }


def _versions(record: Record) -> list[Record]:
    """What an acceptance said before and says after its item's version was retired."""
    if record["task_version"] != RETIRED_VERSION:
        return [record]
    return [record, record | {"task_version": VERSION_INSTEAD}]


def _operation(row: _Row, records: list[Record]) -> Operation:
    return {
        "operation": row.table,
        "part": row.name,
        "submission": row.part.submission,
        "after": list(AFTER[row.table]),
        "is_ordered": row.table != "up_pro_material",
        "records": records,
        "held": "surely",
    }


def _without_repeats(records: list[Record]) -> list[Record]:
    found: list[Record] = []
    for record in records:
        if not found or found[-1] != record:
            found.append(record)
    return found


def accept(case: Record, stage: Record) -> Record:
    """up_pro_accept."""
    item, applicant, contact, office = case["item"], case["applicant"], case["contact"], case["accept_org"]
    return without_none(
        {
            "project_no": case["case_no"],
            "catalog_code": item["catalog_code"],
            "task_code": item["task_code"],
            "local_task_code": item.get("local_code"),
            "task_handle_item": item.get("business_item_code"),
            "task_name": item["name"],
            "task_version": item["version"],
            "applyer_name": applicant["name"],
            "applyer_type": APPLICANT_TYPES[applicant["type"]],
            "applyer_page_type": applicant["id_type"],
            "applyer_page_code": applicant["id_no"],
            "apply_date": local_time(case["applied_at"]),
            "apply_type": APPLY_TYPES.get(case["channel"], "9"),
            "legal": applicant.get("legal_rep"),
            "contact_name": contact["name"],
            "contact_type": contact.get("id_type"),
            "contact_code": contact.get("id_no"),
            "contact_mobile": contact.get("mobile"),
            "zip_code": contact.get("postcode"),
            "address": contact.get("address") or None,
            "org_name": office["name"],
            "org_code": office["uscc"],
            "handle_user_name": stage.get("handler", {}).get("name"),
            "accept_date": local_time(stage["at"]),
            "project_name": _summary(case),
            "project_type": CASE_CLASSES[case["case_class"]],
            "promise_date": local_time(case["promised_at"]) if "promised_at" in case else None,
            "data_source": "999",
        }
    )


def _summary(case: Record) -> str | None:
    title: str | None = case.get("title")
    if case["item"]["task_code"] != FOOD_LICENCE or title is None:
        return title
    form = case["form"]
    return f"{title}。经营项目：{'；'.join(form['经营项目'])}。仓库地址：{form.get('仓库地址') or '无'}"


def process(state: State, stage: Record) -> Record:
    """up_pro_process: a step or the decision."""
    name = stage.get("name") or "决定"
    started_at = local_time(stage["at"])
    return {
        "project_no": state.case["case_no"],
        "process_name": name,
        "event_name": "2" if name == "审核" else "3" if stage["kind"] == "decided" else "1",
        "event_start_time": started_at,
        "event_end_time": local_time(stage["ended_at"]) if "ended_at" in stage else started_at,
        "handle_user_name": stage["handler"]["name"],
        "handle_explain": stage.get("opinion") or "无",
        "data_source": "999",
    }


def special(state: State, stage: Record) -> Record:
    """up_pro_special_procedure: once it has ended."""
    kind, name = stage["special"]["type"], stage["special"]["name"]
    start = next(
        part.content
        for part in state.stages
        if part.content["kind"] == "special_started"
        and (part.content["special"]["type"], part.content["special"]["name"]) == (kind, name)
    )
    return without_none(
        {
            "project_no": state.case["case_no"],
            "special_type": kind,
            "special_name": name,
            "special_reason": start.get("reason") or "无",
            "special_time": local_time(start["at"]),
            "end_time": local_time(stage["at"]),
            "result": stage.get("result") or stage.get("opinion") or None,
            "handle_user": stage.get("handler", {}).get("name"),
            "data_source": "999",
        }
    )


def material(case: Record, content: Record) -> Record:
    """up_pro_material: what is said of a material; its bytes go elsewhere."""
    return without_none(
        {
            "project_no": case["case_no"],
            "material_name": content["name"],
            "get_type": content["get_type"],
            "get_num": str(content.get("count", 1)),
            "material_attach_name": content.get("file_name"),
            "data_source": "999",
        }
    )


def result(state: State, stage: Record) -> Record:
    """up_pro_result."""
    decision = stage["decision"]
    licence = decision.get("licence", {})
    return without_none(
        {
            "project_no": state.case["case_no"],
            "result_type": decision["result_code"],
            "result_date": local_time(stage["at"]),
            "result_explain": decision.get("void_reason") or decision.get("description") or None,
            "result_cetr_name": licence.get("name"),
            "result_cetr_no": licence.get("no"),
            "is_delivery_results": "1" if decision.get("is_delivered") else "0",
            "handle_user_name": stage.get("handler", {}).get("name"),
            "data_source": "999",
        }
    )


SPECIAL = "up_pro_special_procedure"
PROJECTIONS = {"up_pro_process": process, SPECIAL: special, "up_pro_result": result}
MESSAGES = {"up_pro_process": "process", SPECIAL: "special", "up_pro_result": "result"}
KEYS = {
    "up_pro_process": ("process_name", "event_start_time"),
    SPECIAL: ("special_name", "end_time"),
    "up_pro_material": ("material_name", "material_attach_name"),
    "up_pro_result": (),
}
AFTER = {
    "up_pro_accept": (),
    "up_pro_process": ("up_pro_accept",),
    SPECIAL: ("up_pro_accept",),
    "up_pro_material": ("up_pro_accept",),
    "up_pro_result": ("up_pro_accept", "up_pro_process", SPECIAL),
}
