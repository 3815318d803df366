"""A served gate whose store holds something of everything, so that paths with ids lead somewhere."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Final

import httpx

from syncgate.sandbox.city.goldens import golden_documents
from syncgate.sandbox.play import hours
from syncgate.sandbox.play.processes import GateProcess, Simulators, wait_for
from syncgate.sandbox.play.site import Folder, copy_site, demo_secrets, free_port, write_config
from tests.unit.web.sample import application, hotline

Json = Any
ROOT: Final = Path(__file__).parents[3]
SYSTEMS: Final = ("food", "frontdb")
LAMPS: Final = "taipei_streetlights"
FILE: Final = b"%PDF-1.4 synthetic"
WHY: Final = {"reason": "为了试验"}
WISHES: Final[dict[str, dict[str, Json]]] = {
    "source": {"role": "source", "sources": ["window"]},
    "sources": {"role": "source", "sources": ["window", LAMPS]},
    **{role: {"role": role} for role in ("viewer", "operator", "integrator", "admin", "security", "auditor")},
    "narrow": {"role": "operator", "systems": ["food"], "regions": ["990102"]},
}
"""One key of every role, and two that reach less."""


@dataclass(frozen=True, slots=True)
class Peopled:
    """A running gate.

    key_by_name: one of every role. known: what a parameter of that name may be, so that it exists.
    log: what the gate says of itself.
    """

    base_url: str
    key_by_name: Mapping[str, str]
    known: Mapping[str, tuple[str, ...]]
    log: Path

    def call(self, name: str, method: str, path: str, **options: Any) -> httpx.Response:
        """One call under a key."""
        headers = {"Authorization": f"Bearer {self.key_by_name[name]}"} | options.pop("headers", {})
        return httpx.request(method, self.base_url + path, headers=headers, trust_env=False, timeout=60, **options)

    def do(self, name: str, method: str, path: str, **options: Any) -> Json:
        """What a call is answered, which must be granted."""
        answer = self.call(name, method, path, **options)
        assert answer.is_success, f"{method} {path}: {answer.status_code} {answer.text[:500]}"
        return answer.json()


@contextmanager
def peopled(path: Path, *, store_url: str = "") -> Iterator[Peopled]:
    """A gate at work with simulated systems, ended with the block."""
    with ExitStack() as ended:
        folder, env = Folder(ROOT, path), demo_secrets()
        systems = Simulators(folder, env, SYSTEMS)
        ended.callback(systems.stop_all)
        systems.start_all()
        process = GateProcess(folder, env, free_port())
        ended.callback(process.stop)
        write_config(folder, ports=systems.ports, listen_port=process.port, store_url=store_url)
        copy_site(folder)
        hours.move(folder.site, datetime.now(UTC).replace(second=0, microsecond=0) - timedelta(hours=1))
        process.start()
        token = json.loads(_token(path).read_text("utf-8"))["token"]
        gate = Peopled(process.base_url, {"local": token}, {}, folder.logs / "gate.log")
        gate = replace(gate, key_by_name={"local": token} | _keys(gate))
        _happen(gate)
        yield replace(gate, known=_known(gate))


def _token(path: Path) -> Path:
    found = [path / "serve.json", path / "data" / "serve.json", path / "site" / "data" / "serve.json"]
    wait_for("serve.json", lambda: any(file.exists() for file in found), within=20)
    return next(file for file in found if file.exists())


def _keys(gate: Peopled) -> dict[str, str]:
    """A key of every role."""
    made = {name: {"name": name} | wish | WHY for name, wish in WISHES.items()}
    return {name: gate.do("local", "POST", "/v1/keys", json=wish)["key"] for name, wish in made.items()}


def _happen(gate: Peopled) -> None:
    """What sources post, and what people and systems do about it."""
    calls = [document["calls"][0] for document in golden_documents().values()]
    for call in calls:
        if call.get("source", "window") == "window":
            gate.do("source", "POST", "/v1/cases", json=call["body"])
    material = {"id": "m-1", "name": "申请书", "get_type": "1", "file_name": "申请书.pdf"}
    case = gate.do("source", "POST", "/v1/cases", json=application(materials=[material]))
    gate.call("source", "PUT", f"/v1/cases/{case['case_id']}/materials/m-1", content=FILE)
    for number in ("HL-0001", "HL-0002"):
        gate.do("source", "POST", "/v1/cases", json=hotline(case_no=number))
    until = (datetime.now(UTC) + timedelta(days=900)).isoformat()
    away = {"from": until, "until": "2199-01-01T00:00:00Z"}
    gate.do("admin", "POST", "/v1/holds", json={"system": "province", "item": "x"} | WHY)
    gate.do("admin", "POST", "/v1/systems/frontdb/maintenance", json=away | WHY)
    gate.do("admin", "POST", "/v1/systems/food/replan", json={"filter": {"source": "window"}, "dry_run": True} | WHY)
    gate.do("admin", "POST", "/v1/reconciliations", json={"system": "food"} | WHY)
    gate.do("admin", "POST", "/v1/reconciliations", json={"system": "frontdb"} | WHY)
    records = {"data": {"items": [{"案件编号": "x"}, "y"]}}
    gate.call("sources", "POST", f"/v1/sources/{LAMPS}/records", json=records)
    step = {"id": "s-1", "kind": "step", "name": "现场核查", "at": "2026-05-01T09:00:00+08:00"}
    gate.call("source", "POST", "/v1/cases/window:NOBODY/stages", json=step)
    time.sleep(2)
    parked = {"filter": {"system": "frontdb", "source": "window"}} | WHY
    gate.call("admin", "POST", "/v1/deliveries:requeue", json=parked)


def _known(gate: Peopled) -> dict[str, tuple[str, ...]]:
    """What the lists name."""

    def names(caller: str, path: str, at: str | None, name: str) -> tuple[str, ...]:
        found = gate.do(caller, "GET", path)
        return tuple(dict.fromkeys(str(one[name]) for one in (found[at] if at else found)))[:30]

    cases = gate.do("admin", "GET", "/v1/cases")["cases"]
    runs = names("admin", "/v1/reconciliations", "reconciliations", "reconciliation_id")
    return {
        "case": (*(one["case_id"] for one in cases), *(f"window:{one['case_no']}" for one in cases)),
        "delivery_id": names("admin", "/v1/deliveries", "deliveries", "delivery_id"),
        "system": ("food", "frontdb", "province", "disability"),
        "source": ("window", LAMPS),
        "material": ("m-1",),
        "hold_id": names("admin", "/v1/holds", "holds", "hold_id"),
        "arrival_id": names("admin", "/v1/arrivals", "arrivals", "arrival_id"),
        "reconciliation_id": runs,
        "requeue_id": names("admin", "/v1/requeues", None, "requeue_id"),
        "alert_id": names("admin", "/v1/alerts", None, "alert_id"),
    }
