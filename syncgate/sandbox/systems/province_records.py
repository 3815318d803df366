"""What the provincial case library demands of each record."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from syncgate.sandbox.systems.fields import (
    Check,
    Form,
    as_integer,
    is_blank,
    is_digits,
    is_integer_of,
    is_time,
)

REQUIRED: Mapping[str, tuple[str, ...]] = {
    "receiveBasicInfo": (
        "orgbusno", "projid", "projpwd", "regionid", "stdver", "itemno", "itemname", "projectname",
        "applicant", "acceptdeptid", "acceptdeptname", "approvaltype", "promisetimelimit",
        "promisetimeunit", "occurtime", "itemregionid", "acceptdeptcode", "acceptdeptcode1",
        "acceptdeptcode2", "acceptlist", "itemtype", "applyerpagetype", "applyerpagecode",
        "catalogcode", "taskcode", "applyertype", "datasources",
    ),
    "receiveProc": (
        "orgbusno", "projid", "itemregionid", "stdver", "sn", "nodename", "nodetype", "nodeprocer",
        "nodeprocername", "nodeprocerarea", "regionid", "procunit", "nodestate", "nodestarttime",
    ),
    "receiveSpecialnode": (
        "orgbusno", "projid", "specialtype", "nodename", "specialnodetype", "nodetime", "sn",
        "procunit", "procername",
    ),
    "receiveApplyFile": (
        "unid", "projid", "orgbusno", "regionid", "attrname", "attrid", "gettype", "istake",
        "amount", "taketime",
    ),
    "receiveDone": (
        "orgbusno", "projid", "regionid", "doneresult", "isdeliveryresults", "resulttype",
        "occurtime", "isfee", "transactor",
    ),
}  # fmt: skip
"""Fields that must say something, in the order in which the first missing one is named."""

_RESULTS_BY_NODETYPE = {1: (4, 5, 6), 2: (0, 1, 5, 6, 7), 3: (0, 1), 4: (1, 2, 3, 4)}


def _region(value: Any) -> bool:
    return is_digits(value, 12)


def _one_of(*known: int) -> Check:
    return lambda value: is_integer_of(value, known)


def _at_least(least: int) -> Check:
    return lambda value: (number := as_integer(value)) is not None and number >= least


_FORMS: Form = {
    "regionid": _region,
    "itemregionid": _region,
    "nodeprocerarea": _region,
    "sn": _at_least(1),
    "promisetimelimit": _at_least(0),
    "amount": _at_least(0),
    "nodetype": _one_of(1, 2, 3, 4),
    "approvaltype": _one_of(1, 2, 3, 4),
    "applyertype": _one_of(1, 2, 3, 4, 5, 6, 9),
    "datasources": _one_of(1, 2, 9),
    "specialtype": _one_of(1, 2),
    "specialnodetype": _one_of(0, 1),
    "gettype": _one_of(1, 2, 3, 4, 9),
    "istake": _one_of(0, 1),
    "doneresult": _one_of(0, 1, 2, 3, 4, 5, 6, 7),
    "resulttype": _one_of(10, 20, 30, 99),
    "isdeliveryresults": _one_of(0, 1),
    "isfee": _one_of(0, 1),
    "occurtime": is_time,
    "applydate": is_time,
    "acceptdate": is_time,
    "promisedate": is_time,
    "nodestarttime": is_time,
    "nodeendtime": is_time,
    "nodetime": is_time,
    "taketime": is_time,
}


def missing_field(operation: str, record: Mapping[str, Any]) -> str | None:
    """The first required field that says nothing."""
    return next((name for name in REQUIRED[operation] if is_blank(record.get(name))), None)


def malformed_field(operation: str, record: Mapping[str, Any]) -> str | None:
    """The first field whose value the library could not store."""
    for name, value in record.items():
        check = _FORMS.get(name)
        if check is not None and not is_blank(value) and not check(value):
            return name
    if operation == "receiveProc" and not _is_result_of_its_node(record):
        return "noderesult"
    return None


def _is_result_of_its_node(record: Mapping[str, Any]) -> bool:
    result = record.get("noderesult")
    if is_blank(result):
        return True
    return is_integer_of(result, _RESULTS_BY_NODETYPE.get(as_integer(record.get("nodetype")) or 0, ()))
