"""Talks to a simulated system without a socket, at a fixed time."""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from syncgate.sandbox.ledger import Ledger
from syncgate.sandbox.modes import Modes, Switch
from syncgate.sandbox.server import Deed, Send
from syncgate.sandbox.simulator import Simulator
from syncgate.sandbox.systems import build
from syncgate.sandbox.wire import Request

NOW = 1_700_000_000.0
TASK_CODE = "11990100MB0000001T3000131901001"


@dataclass(frozen=True)
class Answer:
    deed: Deed
    status: int | None = None
    body: Any = None
    headers: dict[str, str] = field(default_factory=dict)


@dataclass
class Talk:
    """One simulator and its ledger."""

    name: str
    folder: Path
    catalogue: tuple[str, ...] = ()
    modes: Modes = field(default_factory=Modes)

    def __post_init__(self) -> None:
        self.ledger = Ledger(self.folder / f"{self.name}.sqlite")
        system = build(self.name, env={}, catalogue=self.catalogue)
        self.simulator = Simulator(system, ledger=self.ledger, modes=self.modes, clock=lambda: NOW)

    def restarted(self) -> Talk:
        self.ledger.close()
        return Talk(self.name, self.folder, self.catalogue)

    def switch_on(self, mode: str, **settings: Any) -> None:
        self.modes.switch_on(Switch(mode, **settings))

    def ask(self, method: str, path: str, value: Any = None, **headers: str) -> Answer:
        raw = value if isinstance(value, bytes) else json.dumps(value, ensure_ascii=False).encode()
        body = b"" if value is None else raw
        given = {name.replace("_", "-").lower(): text for name, text in headers.items()}
        bare, _, query = path.partition("?")
        (deed,) = self.simulator.answer([Request(method, bare, query, headers=given, body=body)])
        return _read(deed)

    def report(self, operation: str, record: Any, **headers: str) -> Answer:
        """Deliver a record to province, signed."""
        value = {"data": json.dumps(record, ensure_ascii=False)}
        return self.ask("POST", f"/gateway/province/{operation}", value, **{**signed(), **headers})

    def hand_in(self, method: str, path: str, value: Any, key: str) -> Answer:
        """Write to food or workorders under a request key."""
        base, headers = _KEYED[self.name]
        headers = {**headers, _KEY_HEADER[self.name]: key} if key else headers
        return self.ask(method, base + path, value, **headers)

    def look_up(self, path: str) -> Answer:
        base, headers = _KEYED[self.name]
        return self.ask("GET", base + path, **headers)

    def rows(self, query: str = "SELECT * FROM requests ORDER BY seq") -> list[dict[str, Any]]:
        with sqlite3.connect(self.ledger.path) as connection:
            connection.row_factory = sqlite3.Row
            return [dict(row) for row in connection.execute(query)]

    def effects(self) -> list[dict[str, Any]]:
        return self.rows("SELECT * FROM effects ORDER BY seq")


_KEYED = {
    "food": ("/foodlicence/api", {"authorization": "Bearer food-key"}),
    "workorders": ("/workorders/v1", {"x_api_key": "workorders-key"}),
}
_KEY_HEADER = {"food": "idempotency_key", "workorders": "x_request_id"}


def signed(at: float = NOW, *, tif_token: str = "province-tif-token") -> dict[str, str]:
    stamp, nonce = str(int(at)), "nonce-1"
    digest = hashlib.sha256(f"{stamp}{tif_token}{nonce}{stamp}".encode()).hexdigest().upper()
    return {
        "token": "province-token",
        "x_tif_paasid": "syncgate",
        "x_tif_timestamp": stamp,
        "x_tif_nonce": nonce,
        "x_tif_signature": digest,
    }


def _read(deed: Deed) -> Answer:
    if not isinstance(deed, Send) or not deed.data.startswith(b"HTTP/1.1 "):
        return Answer(deed)
    head, _, body = deed.data.partition(b"\r\n\r\n")
    lines = head.decode("latin-1").split("\r\n")
    headers = dict(line.lower().split(": ", 1) for line in lines[1:])
    whole = len(body) == int(headers["content-length"])
    is_json = whole and headers["content-type"].startswith("application/json")
    return Answer(deed, int(lines[0].split()[1]), _value(body) if is_json else body, headers)


def _value(body: bytes) -> Any:
    """As JSON, or as it is where its charset is another than it says."""
    try:
        return json.loads(body)
    except UnicodeDecodeError:
        return body


@pytest.fixture
def talk(tmp_path: Path) -> Iterator[Callable[..., Talk]]:
    """Starts to talk to a system by name."""
    opened: list[Talk] = []

    def start(name: str, **more: Any) -> Talk:
        opened.append(Talk(name, tmp_path, **more))
        return opened[-1]

    yield start
    for one in opened:
        one.ledger.close()


@pytest.fixture
def signature() -> Callable[..., dict[str, str]]:
    """The headers of a client of province at a time."""
    return signed


@pytest.fixture
def province_records() -> dict[str, dict[str, Any]]:
    """One whole record for each operation of province, all of one case."""
    return _province_records()


@pytest.fixture(scope="module")
def province_records_of_module() -> dict[str, dict[str, Any]]:
    """The same, for tests that run many examples."""
    return _province_records()


def _province_records() -> dict[str, dict[str, Any]]:
    case = {"orgbusno": "case-1", "projid": "P-1"}
    place = {"regionid": "990101000000"}
    return {
        "receiveBasicInfo": {
            **case, **place, "projpwd": "100001", "stdver": "1", "itemno": TASK_CODE,
            "itemname": "示例事项", "projectname": "关于张示例的示例事项", "applicant": "李䶮",
            "acceptdeptid": "11990100MB0000001T", "acceptdeptname": "示例市市场监督管理局",
            "approvaltype": "2", "promisetimelimit": 5, "promisetimeunit": "1",
            "occurtime": "2026-03-09 09:30:00", "itemregionid": "990101000000",
            "acceptdeptcode": "11990100MB0000001T", "acceptdeptcode1": "990100000000",
            "acceptdeptcode2": "990100000000", "acceptlist": "身份证", "itemtype": "01",
            "applyerpagetype": "111", "applyerpagecode": "99010119780213002X",
            "catalogcode": "000131901001", "taskcode": TASK_CODE, "applyertype": "1",
            "datasources": "2",
        },
        "receiveProc": {
            **case, **place, "itemregionid": "990101000000", "stdver": "1", "sn": 1,
            "nodename": "受理", "nodetype": "1", "noderesult": "4", "nodeprocer": "SL0101",
            "nodeprocername": "冯窗口", "nodeprocerarea": "990101000000",
            "procunit": "11990100MB0000001T", "nodestate": "1",
            "nodestarttime": "2026-03-09 10:00:00",
        },
        "receiveSpecialnode": {
            **case, "specialtype": "2", "nodename": "专家论证", "specialnodetype": "0",
            "nodetime": "2026-03-10 09:00:00", "sn": 1, "procunit": "11990100MB0000001T",
            "procername": "蒋审核",
        },
        "receiveApplyFile": {
            **case, **place, "unid": "file-1", "attrname": "食品经营许可申请书", "attrid": "M01",
            "gettype": "2", "istake": "1", "amount": 1, "taketime": "2026-03-09 09:30:00",
        },
        "receiveDone": {
            **case, **place, "doneresult": 6, "isdeliveryresults": "0", "resulttype": "10",
            "occurtime": "2026-03-13 09:00:00", "isfee": "0", "transactor": "蒋审核",
        },
    }  # fmt: skip


@pytest.fixture
def application() -> dict[str, Any]:
    """A whole application of food."""
    return {
        "bizKey": "case-1", "caseNo": "P-1", "taskCode": TASK_CODE, "itemName": "示例事项",
        "applicantType": "2", "applicantName": "示例市好味道餐饮管理有限公司", "idType": "USCC",
        "idNo": "91990100MA0000001G", "legalRep": "张示例", "contactName": "张示例",
        "mobile": "15400000001", "region": "990101", "channel": "window", "bizForm": "CY",
        "bizScope": ["热食类食品制售"], "premises": "东示区示例路1号", "area": "120.00㎡", "staff": 8,
        "safetyOfficer": {"name": "张示例", "idNo": "99010119780213002X"}, "online": "否",
        "warehouse": "", "appliedAt": "2026-03-09 09:30:00", "promiseDays": 5,
        "materials": [{"id": "M01", "name": "食品经营许可申请书", "getType": "1"}],
    }  # fmt: skip


@pytest.fixture
def event() -> dict[str, Any]:
    """A whole event of that application."""
    return {"eventKey": "ev:1", "bizKey": "case-1", "kind": "accepted", "at": "2026-03-09 10:00:00"}


@pytest.fixture
def order() -> dict[str, Any]:
    """A whole work order."""
    return {
        "sourceNo": "2026043010407", "item": "路燈不亮", "address": "東示區示例路３段19號 ",
        "filedDate": "20260430", "filedTime": "235842",
    }  # fmt: skip
