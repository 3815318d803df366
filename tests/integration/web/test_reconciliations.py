"""Reconciliation over a socket: who may, what bad input gets, how a run is followed, what is shown of what it found."""

from __future__ import annotations

import hashlib
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import orjson
import pytest

from syncgate.domain.ids import uuid7
from syncgate.domain.reconciliation.kinds import Level
from syncgate.domain.reconciliation.run import ListingTotals, RunOutcome, RunStage, RunState
from syncgate.domain.rows import Blob, Discrepancy, SystemRow
from syncgate.flows.reconciling import exports, turns
from syncgate.site.readback import ReadBack, ReadListing
from syncgate.storage import SiteKeyring, SqlStore
from tests.integration.web.served import SETTINGS, Served, serving
from tests.integration.web.test_reading import placed, posted
from tests.support.rows import START, SetClock

DIGEST = "sha256:" + "ab" * 32


def a_listing(*messages: str) -> ReadListing:
    return ReadListing(
        name="applications",
        messages=messages,
        level=Level.FIELDS,
        query=None,
        has_window=False,
        count=None,
        read=None,
        key_of_record=lambda record: None,
        key_of_ours=lambda keys, payload: None,
        is_ours=lambda record: True,
        remote_ref_of=lambda record: None,
        is_removed=False,
        comparisons={},
        policy={},
        field_policy={},
        accept={},
        adoption=None,
        profile="p1",
    )


READBACK = ReadBack(
    every=None,
    at=None,
    window=None,
    grace=timedelta(minutes=10),
    mends=False,
    cap=100,
    missing_at_most=0.05,
    listings=(a_listing("application", "event"),),
)


def with_system(served: Served, name: str = "food", *, readback: Any = READBACK, mode: str = "live") -> None:
    """A system that is read back as declared."""
    digest = f"{DIGEST}{name}"
    served.gate.bundles[digest] = SimpleNamespace(system=name, mode=mode, readback=readback, messages=())  # type: ignore[assignment]
    served.gate.active[name] = digest
    served.write(lambda tx: tx.save_system(SystemRow(system=name, active_bundle=digest)))


def ask(served: Served, *, key: str | None = None, **body: Any) -> Any:
    body = {"system": "food", "reason": "after their update", **body}
    return served.call("POST", "/v1/reconciliations", key=key or served.key("operator", name="zhao"), json=body)


def ended(served: Served, run_id: str, **changes: Any) -> None:
    """The run as a process would have ended it."""
    system = run_id.partition(".")[0]

    def step(tx: Any) -> None:
        run = turns.claim(tx, system, by="worker")
        state = replace(RunState.from_json(run.detail), **changes)
        turns.end(tx, run, state, state.outcome or RunOutcome.COMPLETE)

    served.write(step)


def test_a_run_is_asked_for_followed_and_shown(served: Served) -> None:
    with_system(served)
    answer = ask(served, mode="mend", messages=["application"], since="2026-04-01T00:00:00+08:00", cap=5)
    run = answer.json()
    assert answer.status_code == 202
    assert answer.headers["location"] == f"/v1/reconciliations/{run['reconciliation_id']}"
    assert (run["stage"], run["outcome"], run["is_under_way"]) == ("reading", None, False)
    assert (run["mode"], run["messages"], run["cap"], run["by"]) == ("mend", ["application"], 5, "zhao")
    assert run["bundle"] == f"{DIGEST}food"
    viewer = served.key("viewer")
    path = f"/v1/reconciliations/{run['reconciliation_id']}"
    assert served.call("GET", path, key=viewer).json() == run
    totals = (
        ListingTotals(listing="applications", level="fields", expected=5, verified=3, kinds={"missing": 2}),
        ListingTotals(listing="events", level="ids", expected=2, verified=1, kinds={"missing": 1, "stale": 1}),
    )
    ended(served, run["reconciliation_id"], totals=totals, records=6, left=1, mended={"resend": 2})
    over = served.call("GET", path, key=viewer).json()
    assert (over["stage"], over["outcome"], over["records"]) == ("ended", "complete", 6)
    assert (over["totals"]["expected"], over["totals"]["verified"]) == (7, 4)
    assert (over["differences"], over["mended"], over["left"]) == ({"missing": 3, "stale": 1}, {"resend": 2}, 1)
    assert [one["listing"] for one in over["listings"]] == ["applications", "events"]


def test_one_run_at_a_time_at_a_system(served: Served) -> None:
    with_system(served)
    with_system(served, "province")
    first = ask(served).json()
    refused = ask(served)
    assert (refused.status_code, refused.json()["code"]) == (409, "run_under_way")
    assert first["reconciliation_id"] in refused.json()["detail"]
    assert ask(served, system="province").status_code == 202


def test_a_run_is_cancelled_and_says_by_whom(served: Served) -> None:
    with_system(served)
    path = f"/v1/reconciliations/{ask(served).json()['reconciliation_id']}"
    served.write(lambda tx: turns.claim(tx, "food", by="worker"))
    operator = served.key("operator", name="qian")
    shown = served.call("DELETE", path, key=operator).json()
    assert (shown["cancelled_by"], shown["outcome"], shown["is_under_way"]) == ("qian", None, True)
    served.clock.move(seconds=60)
    assert served.call("DELETE", path, key=operator).json()["outcome"] is None
    assert served.write(lambda tx: turns.claim(tx, "food", by="another")).outcome == "cancelled"
    assert served.call("GET", path, key=operator).json()["outcome"] == "cancelled"
    assert served.call("DELETE", path, key=operator).json()["outcome"] == "cancelled"


def test_runs_are_listed_by_system_and_outcome_page_by_page(served: Served) -> None:
    with_system(served)
    with_system(served, "province")
    made = []
    for number in range(5):
        system = "food" if number % 2 == 0 else "province"
        made.append(ask(served, system=system).json()["reconciliation_id"])
        ended(served, made[-1], outcome=RunOutcome.FAILED if number == 2 else RunOutcome.COMPLETE)
        served.clock.move(minutes=1)
    viewer = served.key("viewer")

    def listed(query: str) -> list[str]:
        found: list[str] = []
        cursor = ""
        while True:
            page = served.call("GET", f"/v1/reconciliations?limit=2&{query}{cursor}", key=viewer).json()
            found += [run["reconciliation_id"] for run in page["reconciliations"]]
            if page["next"] is None:
                return found
            cursor = f"&cursor={page['next']}"

    assert listed("") == made[::-1]
    assert listed("system=food") == made[::-2]
    assert listed("outcome=failed") == [made[2]]
    assert listed("open=true") == []
    scoped = served.key("viewer", name="scoped", systems=("province",))
    seen = served.call("GET", "/v1/reconciliations", key=scoped).json()["reconciliations"]
    assert [run["reconciliation_id"] for run in seen] == [made[3], made[1]]
    assert served.call("GET", f"/v1/reconciliations/{made[0]}", key=scoped).status_code == 404


@pytest.mark.parametrize(
    ("body", "pointer", "rule"),
    [
        ({"mode": "repair"}, "/mode", "enum"),
        ({"messages": []}, "/messages", "min_items"),
        ({"messages": ["application", "aplication"]}, "/messages/1", "enum"),
        ({"mode": "adopt"}, "/mode", "enum"),
        ({"since": "2026-04-30T00:00:00"}, "/since", "format"),
        ({"since": "2026-04-30T00:00:00Z", "until": "2026-04-30T08:00:00+08:00"}, "/until", "after_since"),
        ({"cap": -1}, "/cap", "minimum"),
        ({"reason": " "}, "/reason", "min_length"),
        ({"sytem": "food"}, "/sytem", "unknown_field"),
    ],
)
def test_a_run_that_a_system_cannot_have_is_refused_by_name(
    served: Served, body: dict[str, Any], pointer: str, rule: str
) -> None:
    with_system(served)
    answer = ask(served, **body)
    assert (answer.status_code, answer.json()["code"]) == (422, "invalid_request")
    assert (pointer, rule) in [(error["pointer"], error["rule"]) for error in answer.json()["errors"]]


def test_a_system_without_a_way_to_be_read_back_is_told_so(served: Served) -> None:
    with_system(served, readback=None)
    with_system(served, "province", mode="retired")
    assert (ask(served).status_code, ask(served).json()["code"]) == (409, "not_read_back")
    wish, key = {"system": "food", "reason": "why not"}, served.key("operator")
    for language, words in (("en", "expected a system whose adapter has"), ("zh-CN", "food 的对接配置没有")):
        told = served.call("POST", "/v1/reconciliations", key=key, json=wish, headers={"Accept-Language": language})
        assert (told.status_code, told.json()["code"], words in told.json()["detail"]) == (409, "not_read_back", True)
    assert ask(served, system="province").status_code == 409
    assert ask(served, system="nobody").status_code == 404
    assert ask(served, export="0198c0de-0000-7000-8000-000000000000").status_code == 404


@pytest.mark.parametrize("role", ["source", "viewer", "security", "auditor"])
def test_only_who_acts_may_reconcile(served: Served, role: str) -> None:
    with_system(served)
    key = served.key(role)
    assert ask(served, key=key).status_code == 403
    assert served.call("DELETE", "/v1/reconciliations/food.x", key=key).status_code == 403
    assert served.call("POST", "/v1/systems/food/exports?format=csv", key=key, content=b"a").status_code == 403


def test_a_narrow_scope_reconciles_no_whole_system(served: Served) -> None:
    with_system(served)
    with_system(served, "province")
    for scopes in ({"sources": ("window",)}, {"regions": ("9901",)}):
        assert ask(served, key=served.key("operator", name="narrow", **scopes)).status_code == 403
    inside = served.key("operator", name="inside", systems=("food",))
    assert ask(served, key=inside).status_code == 202
    assert ask(served, key=inside, system="province").status_code == 404


def found(served: Served, case_id: Any = None, **changes: Any) -> Discrepancy:
    """A stored discrepancy."""
    at = served.clock.now()
    row = Discrepancy(
        discrepancy_id=uuid7(at, served.gate.entropy.token(10)),
        system=changes.pop("system", "food"),
        message=changes.pop("message", "application"),
        subject=f"{case_id}:" if case_id else "5f" * 8,
        kind=changes.pop("kind", "missing"),
        case_id=case_id,
        run_slot=changes.pop("run_slot", "20260430T010203Z"),
        action=changes.pop("action", "resend"),
        found_at=at,
        seen_at=at,
        detail={"listing": "applications", "level": "fields", "fields": [{"name": "area", "owner": "system"}]},
        **changes,
    )
    served.write(lambda tx: tx.insert_discrepancy(row))
    return row


def test_discrepancies_are_listed_with_their_case_and_without_a_value(served: Served) -> None:
    case_id = posted(served)
    placed(served, case_id)
    row = found(served, case_id)
    other = found(served, kind="unexpected", action="ask")
    closed = found(served, case_id, kind="stale", closed_at=START, closed_by="syncgate", closed_as="mended")
    viewer = served.key("viewer")

    def listed(query: str = "", key: str = viewer) -> list[str]:
        page = served.call("GET", f"/v1/discrepancies?{query}", key=key).json()
        return [one["discrepancy_id"] for one in page["discrepancies"]]

    ids = [str(one.discrepancy_id) for one in (row, other, closed)]
    assert sorted(listed()) == sorted(ids)
    assert listed("open=false") == [ids[2]]
    assert listed("kind=unexpected") == [ids[1]] and listed("action=ask") == [ids[1]]
    assert sorted(listed(f"case={case_id}")) == sorted([ids[0], ids[2]])
    assert listed("system=province") == []
    one = served.call("GET", f"/v1/discrepancies/{ids[0]}", key=viewer).json()
    assert (one["case_no"], one["origin"], one["reconciliation_id"]) == (
        "SP-990101-0001", "window", "food.20260430T010203Z",
    )  # fmt: skip
    assert one["detail"]["fields"] == [{"name": "area", "owner": "system"}]
    assert served.call("GET", "/v1/discrepancies?action=destroy", key=viewer).status_code == 422


def test_values_are_shown_to_who_may_see_content_for_a_reason_that_is_kept(served: Served) -> None:
    """Promise 10."""
    case_id = posted(served)
    placed(served, case_id)
    mac = b"m" * 16

    def kept(tx: Any) -> None:
        case = tx.case(case_id)
        plain = orjson.dumps({"expected": {"area": 5}, "actual": {"area": "secret"}, "record": {"name": "more"}})
        place = f"blob:{case_id}:{mac.hex()}"
        sealed = served.gate.keyring.seal(case.wrapped_key, plain, bound_to=place)
        tx.put_blobs([Blob(scope=str(case_id), mac=mac, sealed=sealed, created_at=tx.now)])

    served.write(kept)
    path = f"/v1/discrepancies/{found(served, case_id, kind='edited_there', observed_mac=mac).discrepancy_id}"
    operator, why = served.key("operator", name="zhao"), {"X-Reason": "the citizen asks"}
    assert "secret" not in served.call("GET", path, key=operator, headers=why).text
    assert served.call("GET", f"{path}?reveal=true", key=operator).json()["code"] == "reason_missing"
    for role in ("viewer", "integrator", "auditor", "source"):
        refused = served.call("GET", f"{path}?reveal=true", key=served.key(role, name=role), headers=why)
        assert (refused.status_code, "secret" in refused.text) == (403, False)
    shown = served.call("GET", f"{path}?reveal=true", key=operator, headers=why)
    assert shown.json()["values"] == {"expected": {"area": 5}, "actual": {"area": "secret"}}
    assert shown.headers["cache-control"] == "no-store"
    entries = served.read(lambda tx: tx.list_audit(limit=50))
    noted = [(one["actor"], one["reason"]) for one in entries if one["action"] == "discrepancy_revealed"]
    assert noted == [("zhao", "the citizen asks")]


def test_a_scope_sees_the_discrepancies_of_its_cases_alone(served: Served) -> None:
    """What is of no case here may be of anybody's."""
    case_id = posted(served)
    placed(served, case_id)
    row, other = found(served, case_id), found(served, kind="unexpected")
    for system in ("food", "province"):
        with_system(served, system)

    def seen(**scopes: Any) -> list[str]:
        key = served.key("viewer", name="scoped", **scopes)
        page = served.call("GET", "/v1/discrepancies", key=key).json()
        got = served.call("GET", f"/v1/discrepancies/{other.discrepancy_id}", key=key).status_code
        return [*(one["kind"] for one in page["discrepancies"]), str(got)]

    assert seen(sources=("window",)) == ["missing", "404"]
    assert seen(sources=("hall",)) == ["404"]
    assert seen(systems=("province",)) == ["404"]
    assert sorted(seen(systems=("food",))) == ["200", "missing", "unexpected"]
    source = served.key(name="hall", sources=("hall",))
    assert served.call("GET", f"/v1/discrepancies/{row.discrepancy_id}", key=source).status_code == 404


def repair(served: Served, row: Discrepancy, action: str, *, key: str | None = None, reason: str = "asked them") -> Any:
    body = {"action": action, "reason": reason}
    path = f"/v1/discrepancies/{row.discrepancy_id}/repair"
    return served.call("POST", path, key=key or served.key("operator", name="zhao"), json=body)


def test_a_repair_that_waits_answers_202_and_one_that_ended_200(served: Served) -> None:
    case_id = posted(served)
    queued = found(served, case_id, delivery_id=placed(served, case_id).delivery_id)
    waiting = repair(served, queued, "resend")
    assert (waiting.status_code, waiting.json()["delivery_id"]) == (202, str(queued.delivery_id))
    nobodys = found(served, kind="unexpected", action="ask")
    for _ in range(2):
        ended = repair(served, nobodys, "ignore")
        assert (ended.status_code, ended.json()["closed_as"], ended.json()["closed_by"]) == (200, "ignored", "zhao")
    noted = [one for one in served.read(lambda tx: tx.list_audit(limit=50)) if one["action"] == "mend"]
    assert [(one["actor"], one["reason"]) for one in noted] == [("zhao", "asked them")]


def test_a_repair_that_cannot_be_done_is_refused_by_a_code_in_both_languages(served: Served) -> None:
    ended = found(served, kind="unexpected", closed_at=START, closed_by="syncgate", closed_as="gone")
    path, body = f"/v1/discrepancies/{ended.discrepancy_id}/repair", {"action": "ignore", "reason": "x"}
    key = served.key("operator")
    for language, words in (("en", "got one that is gone"), ("zh-CN", "该差异已了结（gone）")):
        refused = served.call("POST", path, key=key, json=body, headers={"Accept-Language": language})
        assert (refused.status_code, refused.json()["code"]) == (409, "not_repairable")
        assert words in refused.json()["detail"]
    missing = found(served)
    for action, reason in (("ask", "x"), ("retract", "x"), ("destroy", "x"), ("ignore", " ")):
        assert repair(served, missing, action, reason=reason, key=key).json()["code"] == "invalid_request"


def test_only_who_may_move_deliveries_repairs_and_only_in_scope(served: Served) -> None:
    """Promise 10."""
    case_id = posted(served)
    placed(served, case_id)
    with_system(served, "province")
    rows = [found(served, case_id), found(served, kind="unexpected")]
    for role in ("source", "viewer", "integrator", "security", "auditor"):
        assert repair(served, rows[0], "ignore", key=served.key(role, name=role)).status_code == 403
    for scopes in ({"systems": ("province",)}, {"regions": ("9902",)}, {"sources": ("hall",)}):
        key = served.key("operator", name="narrow", **scopes)
        assert [repair(served, row, "ignore", key=key).status_code for row in rows] == [404, 404]
    assert repair(served, rows[0], "ignore", key=served.key("operator", sources=("window",))).status_code == 200


def test_the_discrepancies_of_a_run_are_those_that_it_found_first(served: Served) -> None:
    case_id = posted(served)
    placed(served, case_id)
    with_system(served)
    run = ask(served).json()
    row = found(served, case_id, run_slot=run["slot"])
    found(served, kind="unexpected")
    path = f"/v1/reconciliations/{run['reconciliation_id']}/discrepancies"
    page = served.call("GET", path, key=served.key("viewer")).json()
    assert [one["discrepancy_id"] for one in page["discrepancies"]] == [str(row.discrepancy_id)]
    assert served.call("GET", f"{path}?kind=stale", key=served.key("viewer")).json()["discrepancies"] == []


@pytest.fixture
def with_folder(served: Served, tmp_path: Path) -> Path:
    """The gate's own folder."""
    object.__setattr__(served.gate, "data", tmp_path / "data")
    return tmp_path / "data"


def upload(served: Served, content: bytes, *, query: str = "format=csv", system: str = "food", **options: Any) -> Any:
    headers = {"Content-Type": "application/octet-stream"} | options.pop("headers", {})
    key = served.key("operator", name="zhao")
    return served.call(
        "POST", f"/v1/systems/{system}/exports?{query}", key=key, content=content, headers=headers, **options
    )


def test_an_uploaded_listing_is_kept_sealed_and_read_back_whole(served: Served, with_folder: Path) -> None:
    """Promise 10."""
    with_system(served)
    rows = "case_no,name\n" + "".join(f"N{number},测试甲\n" for number in range(100_000))
    content = rows.encode("gb18030")
    answer = upload(served, content, query="format=csv&charset=gb18030")
    told = answer.json()
    assert answer.status_code == 201, answer.text
    assert (told["size"], told["sha256"]) == (len(content), hashlib.sha256(content).hexdigest())
    export = exports.find_export(served.gate, told["export_id"])
    assert export.settings.charset == "gb18030"  # type: ignore[union-attr]
    with export.open(served.gate) as stream:
        assert stream.read() == content
        assert stream.seek(1024**2 + 5) and stream.read(10) == content[1024**2 + 5 : 1024**2 + 15]
        assert stream.seek(-3, 2) and stream.read() == content[-3:]
    kept = sorted((with_folder / "exports").iterdir())
    assert [path.suffix for path in kept] == [".json", ".sealed"]
    assert all("测试甲".encode("gb18030") not in path.read_bytes() for path in kept)
    assert {oct(path.stat().st_mode & 0o777) for path in kept} == {"0o600"}
    run = ask(served, export=told["export_id"])
    assert (run.status_code, run.json()["export"]) == (202, told["export_id"])
    assert "测试甲" not in repr(export)


def test_an_upload_for_another_system_stands_for_no_other(served: Served, with_folder: Path) -> None:
    with_system(served)
    with_system(served, "province")
    told = upload(served, b"a\n1\n", system="province").json()
    assert ask(served, export=told["export_id"]).status_code == 404


@pytest.mark.parametrize(
    ("query", "status", "pointer"),
    [
        ("format=pdf", 422, "/query/format"),
        ("format=xlsx&charset=gbk", 422, "/query/charset"),
        ("format=csv&charset=klingon", 422, "/query/charset"),
        ("format=xml", 422, "/query/record"),
        ("format=csv&delimeter=;", 422, "/query/delimeter"),
    ],
)
def test_an_upload_of_another_kind_is_refused_by_name(
    served: Served, with_folder: Path, query: str, status: int, pointer: str
) -> None:
    with_system(served)
    answer = upload(served, b"a\n1\n", query=query)
    assert answer.status_code == status
    assert pointer in [error["pointer"] for error in answer.json()["errors"]]
    assert not (with_folder / "exports").exists()


def test_an_upload_that_is_too_large_leaves_nothing(
    sqlite_store: SqlStore, keyring: SiteKeyring, clock: SetClock, tmp_path: Path
) -> None:
    """Whether it says so before, or is found to be while it comes."""
    with serving(sqlite_store, keyring, clock, settings=replace(SETTINGS, export_limit=100_000)) as served:
        object.__setattr__(served.gate, "data", tmp_path / "data")
        with_system(served)
        announced = upload(served, b"x" * 100_001)
        streamed = upload(served, (b"x" * 60_000 for _ in range(2)))  # type: ignore[arg-type]
        assert [answer.json()["code"] for answer in (announced, streamed)] == ["body_too_large"] * 2
        assert not list((tmp_path / "data").rglob("*.sealed"))
        assert upload(served, b"x" * 100_000).status_code == 201


def test_old_uploads_are_removed(served: Served, with_folder: Path) -> None:
    with_system(served)
    told = upload(served, b"a\n1\n").json()
    assert exports.remove_old(served.gate) == 0
    served.clock.at = served.clock.at + exports.KEPT_FOR + timedelta(days=36500)
    assert exports.remove_old(served.gate) == 1
    assert list((with_folder / "exports").iterdir()) == []
    assert ask(served, export=told["export_id"]).status_code == 404


def test_a_run_of_no_stage_is_never_shown(served: Served) -> None:
    """Every stage that a run can be at has a name that the interface lists."""
    document = served.app.openapi()
    stages = document["components"]["schemas"]["RunStage"]["enum"]
    assert stages == [stage.value for stage in RunStage]
