"""A source's manifest over a socket: one call brings it and begins the run; who may, and what bad input gets."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from syncgate.domain.reconciliation.run import RunOutcome, RunState
from syncgate.flows.reconciling import turns
from syncgate.flows.reconciling.source_run import reconcile_source
from tests.integration.web.served import Served

CSV = "编号\nN-1\n".encode("gb18030")
GIVEN = {"format": "csv", "charset": "gb18030", "column": "/case_no=编号", "reason": "monthly"}


@pytest.fixture
def folder(served: Served, tmp_path: Path) -> Path:
    object.__setattr__(served.gate, "data", tmp_path / "data")
    return tmp_path / "data"


def bring(served: Served, content: bytes = CSV, *, source: str = "window", key: str | None = None, **query: Any) -> Any:
    return served.call(
        "POST",
        f"/v1/sources/{source}/manifests",
        key=key or served.key("operator", name="zhao"),
        params={name: value for name, value in (GIVEN | query).items() if value is not None},
        content=content,
        headers={"Content-Type": "application/octet-stream"},
    )


def work(served: Served, source: str = "window") -> None:
    """The run as a scheduler would work on it."""
    run = served.write(lambda tx: turns.claim(tx, source, by="worker"))
    assert run is not None

    async def keep(state: RunState, *, cursor: str | None = None) -> bool:
        return True

    state = served.run(reconcile_source(served.gate, run, save=keep))
    served.write(lambda tx: turns.end(tx, run, state, state.outcome or RunOutcome.FAILED))


def test_one_call_brings_a_manifest_and_begins_the_run(served: Served, folder: Path) -> None:
    answer = bring(served, since="2026-04-01T00:00:00+08:00")
    run = answer.json()
    assert answer.status_code == 202, answer.text
    assert (run["system"], run["is_of_source"], run["mode"], run["by"]) == ("window", True, "list", "zhao")
    assert answer.headers["location"] == f"/v1/reconciliations/{run['reconciliation_id']}"
    assert (bring(served).status_code, bring(served).json()["code"]) == (409, "run_under_way")
    assert len(list(folder.rglob("*.sealed"))) == 1, "a manifest that is refused is not taken in first"
    work(served)
    narrow = served.key("operator", name="narrow", sources=("window",))
    for key in (served.key("viewer"), narrow):
        ended = served.call("GET", answer.headers["location"], key=key).json()
        assert (ended["outcome"], ended["totals"]["expected"], ended["differences"]) == (
            "complete", 1, {"not_posted": 1}
        )  # fmt: skip
        listed = served.call("GET", f"{answer.headers['location']}/discrepancies", key=key).json()["discrepancies"]
        assert [(one["kind"], one["detail"]["key"]) for one in listed] == [("not_posted", "N-1")]
        report = served.call("GET", f"{answer.headers['location']}/report?format=html&language=zh", key=key)
        assert report.status_code == 200
        assert "应报未报" in report.text and "N-1" in report.text
    others = served.key("operator", name="others", sources=("hall",))
    assert served.call("GET", f"{answer.headers['location']}/discrepancies", key=others).json()["discrepancies"] == []


def test_a_scope_of_sources_is_for_these_sources(served: Served, folder: Path) -> None:
    narrow = served.key("operator", name="narrow", sources=("hall",))
    assert bring(served, key=narrow).status_code == 404
    begun = bring(served, source="hall", key=narrow)
    assert begun.status_code == 202
    path = begun.headers["location"]
    assert served.call("DELETE", path, key=served.key("operator", name="w", sources=("window",))).status_code == 404
    assert served.call("DELETE", path, key=narrow).json()["outcome"] == "cancelled"
    assert bring(served, key=served.key("operator", name="r", regions=("9901",))).status_code == 403


@pytest.mark.parametrize("role", ["source", "viewer", "security", "auditor"])
def test_only_who_acts_may_compare(served: Served, folder: Path, role: str) -> None:
    assert bring(served, key=served.key(role)).status_code == 403


@pytest.mark.parametrize(
    ("query", "pointer"),
    [
        ({"format": "pdf"}, "/query/format"),
        ({"charset": "klingon"}, "/query/charset"),
        ({"column": "/title=名称"}, "/query/column"),
        ({"column": "编号"}, "/query/column"),
        ({"since": "2026-04-01T00:00:00"}, "/query/since"),
        ({"since": "2026-05-01T00:00:00Z", "until": "2026-04-01T00:00:00Z"}, "/query/until"),
        ({"reason": None}, "/query/reason"),
    ],
)
def test_what_cannot_be_read_is_refused_by_name_and_leaves_nothing(
    served: Served, folder: Path, query: dict[str, Any], pointer: str
) -> None:
    answer = bring(served, **query)
    assert answer.status_code == 422
    assert [error["pointer"] for error in answer.json()["errors"]] == [pointer]
    assert not folder.exists()


def test_a_source_that_is_none_is_not_found(served: Served, folder: Path) -> None:
    assert bring(served, source="nobody").status_code == 404
