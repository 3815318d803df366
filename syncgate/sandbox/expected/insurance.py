"""What the province's insurance system must hold of a case. The rules are those of docs/reference/example-systems.md.

A line is as `frontdb` describes it: insurance is a front table, too.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from syncgate.sandbox.city.script import Life
from syncgate.sandbox.expected.frontdb import INSURANCE as ITEM
from syncgate.sandbox.expected.story import Part, State
from syncgate.sandbox.expected.words import local_time, without_none

Record = dict[str, Any]

TABLE = "si_register"
HOUSEHOLDS = {"1": "10", "2": "20", "3": "30", "4": "40"}
"""The last one is told to nobody: it is theirs from some day on, and ours once somebody noticed."""
KINDS = {"企业职工基本养老保险": "110", "职工基本医疗保险": "310"}
ID_TYPES = {"111": "01", "414": "08"}
LIMITS = {"aac003": 40, "aae011": 40, "aae005": 20}
"""Bytes of GBK by column, where the city comes near them."""


def takes(state: State) -> bool:
    """Whether insurance is told of such a case."""
    item: Record = state.case["item"]
    return bool(state.case["kind"] == "application" and item.get("task_code") == ITEM)


def objection(record: Record) -> str | None:
    """Why a row cannot be written; None where it can."""
    for name, most in LIMITS.items():
        try:
            if len(record.get(name, "").encode("gbk")) > most:
                return "too_long"
        except UnicodeEncodeError:
            return "unencodable"
    return None


def line(life: Life, history: Sequence[State]) -> dict[str, Any]:
    """What must be there in the end: a row per acceptance, or what is left behind at the gate."""
    operations, parked = [], []
    for part in history[-1].stages:
        if part.content["kind"] != "accepted":
            continue
        record = register(history[-1], part.content)
        if (wrong := objection(record)) is not None:
            parked.append(["register", wrong])
        else:
            operations.append(_operation(part, record))
    return {
        "system": "insurance",
        "case_no": life.case_no,
        "or_no": life.or_no,
        "traits": sorted(life.traits),
        "operations": operations,
        "leftover": {"parked": parked, "pending": 0},
    }


def register(state: State, stage: Record) -> Record:
    """si_register."""
    case = state.case
    form, applicant = case["form"], case["applicant"]
    return without_none(
        {
            "project_no": case["case_no"],
            "aac003": applicant["name"],
            "aac058": ID_TYPES[applicant["id_type"]],
            "aac002": applicant["id_no"],
            "aac009": HOUSEHOLDS[form["户籍性质"]],
            "aae005": case["contact"].get("mobile"),
            "aae140": ",".join(KINDS[kind] for kind in form["参保险种"]),
            "jfdc": form["缴费档次"].rjust(3, "0"),
            "aae041": form["起缴年月"],
            "aab301": case["region_code"][:6],
            "aae036": local_time(stage["at"]),
            "aae011": stage["handler"]["name"],
            "data_source": "999",
        }
    )


def _operation(part: Part, record: Record) -> dict[str, Any]:
    return {
        "operation": TABLE,
        "part": "",
        "submission": part.submission,
        "after": [],
        "is_ordered": True,
        "records": [record],
        "held": "surely",
    }
