"""A source's manifest against what was accepted from it, on each engine: never posted, not there, differs."""

from __future__ import annotations

import asyncio
import io
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any
from uuid import UUID

import openpyxl
import orjson
import pytest

from syncgate.domain.reconciliation.kinds import Action
from syncgate.domain.reconciliation.run import ListingTotals, RunOutcome, RunState, RunWish
from syncgate.domain.row import replace
from syncgate.domain.rows import Discrepancy, SystemRow
from syncgate.flows.reconciling import source_run, turns
from syncgate.flows.reconciling.exports import InvalidExport, Manifest, keep_export
from syncgate.flows.reconciling.manifests import refuse_unreadable, settings_for
from syncgate.flows.reconciling.repairing import repair
from syncgate.flows.reconciling.source_run import reconcile_source
from syncgate.mapping import Inputs, Mapped
from syncgate.ports import DiscrepancyFilter
from syncgate.storage import SqlStore
from tests.integration.flows.worksite import Worksite, caller, example_site, worksite
from tests.support.cases import an_application
from tests.support.rows import SetClock

WINDOW = "window"
FAR_BACK = "2020-01-01T00:00:00+08:00"


@dataclass
class Sources:
    """A worksite whose sources bring manifests."""

    site: Worksite

    def post(self, number: int, source: str = WINDOW, **changes: Any) -> UUID:
        return self.site.post(posted(number, **changes), source=source).case_id

    def bring(self, content: bytes, form: str = "ndjson", *, source: str = WINDOW, **about: Any) -> str:
        """A manifest, uploaded. Gives its id."""
        gate = self.site.gate
        given = {name: about.pop(name) for name in ("charset", "records", "record") if name in about}
        noted = {"columns": {}, "batch": "", "as_of": gate.clock.now()} | about

        async def pieces() -> AsyncIterator[bytes]:
            yield content

        async def scenario() -> str:
            export = await keep_export(
                gate,
                caller(source).principal,
                source,
                pieces(),
                format_name=form,
                settings=settings_for(gate, source, form, given),
                size_at_most=10**8,
                manifest=Manifest(**noted),
            )
            return export.export_id

        return self.site.run(scenario())

    def compare(self, export: str, *, source: str = WINDOW, save: Any = None, **wish: Any) -> RunState:
        """One run to its end."""
        gate, wished = self.site.gate, RunWish(by="zhao", reason="monthly", export=export, **wish)
        salt = gate.entropy.token(4).hex()
        self.site.write(lambda tx: turns.begin(tx, source, wished, salt=salt, is_of_source=True))
        run = self.site.write(lambda tx: turns.claim(tx, source, by="worker"))
        assert run is not None

        async def keep(state: RunState, *, cursor: str | None = None) -> bool:
            return True

        state = self.site.run(reconcile_source(gate, run, save=save or keep))
        self.site.write(lambda tx: turns.end(tx, run, state, state.outcome or RunOutcome.FAILED))
        self.site.clock.move(seconds=1)
        return state

    def open(self, source: str = WINDOW) -> list[Discrepancy]:
        where = DiscrepancyFilter(systems=(source,), is_open=True)
        return self.site.store.read(lambda tx: tx.list_discrepancies(where, after=None, limit=100))

    def kinds(self, source: str = WINDOW) -> dict[str, str]:
        """Kinds by the source's number."""
        found = {}
        for row in self.open(source):
            case = self.site.store.read(lambda tx, row=row: tx.case(row.case_id)) if row.case_id else None
            found[case.case_no if case is not None else row.detail["key"]] = row.kind
        return found


def posted(number: int, **changes: Any) -> dict[str, Any]:
    return {**an_application(), "case_no": f"SP-990101-{number:04}", **changes}


def lines(*records: Mapping[str, Any]) -> bytes:
    return b"\n".join(map(orjson.dumps, records))


def totals(state: RunState) -> ListingTotals:
    (found,) = state.totals
    return found


@pytest.fixture
def sources(store: SqlStore, clock: SetClock, tmp_path: Path) -> Sources:
    site = worksite(store, clock)
    site.gate = replace(site.gate, data=tmp_path, inbound=dict(example_site().sources))
    return Sources(site)


def test_what_is_listed_as_it_was_posted_is_clean(sources: Sources) -> None:
    for number in range(1, 4):
        sources.post(number)
    sources.site.clock.move(minutes=1)
    state = sources.compare(sources.bring(lines(*(posted(number) for number in range(1, 4)))), since=FAR_BACK)
    assert (state.outcome, sources.open()) == (RunOutcome.COMPLETE, [])
    found = totals(state)
    assert (found.level, found.expected, found.delivered, found.verified) == ("fields", 3, 3, 3)


def test_each_class_is_found_and_ended_once_it_is_put_right(sources: Sources) -> None:
    for number in (1, 2, 3):
        sources.post(number)
    sources.site.clock.move(minutes=1)
    changed = posted(2, applicant={**an_application()["applicant"], "name": "张示例改"})
    state = sources.compare(sources.bring(lines(posted(1), changed, posted(9))), since=FAR_BACK)
    assert state.outcome is RunOutcome.COMPLETE
    numbered = {
        f"SP-990101-{number:04}": kind for number, kind in ((2, "differs"), (3, "not_there"), (9, "not_posted"))
    }
    assert sources.kinds() == numbered
    assert totals(state).kinds == {"differs": 1, "not_there": 1, "not_posted": 1}
    assert (totals(state).expected, totals(state).delivered, totals(state).verified) == (3, 2, 1)
    assert state.left == 3
    (differs,) = [row for row in sources.open() if row.kind == "differs"]
    assert [one["name"] for one in differs.detail["fields"]] == ["applicant"]
    assert "张示例改" not in repr(sources.open())
    sources.post(9)
    sources.post(2, applicant=changed["applicant"])
    sources.site.clock.move(minutes=1)
    again = sources.compare(sources.bring(lines(posted(1), changed, posted(3), posted(9))), since=FAR_BACK)
    assert (again.outcome, totals(again).verified, sources.open()) == (RunOutcome.COMPLETE, 4, [])


def test_seen_again_it_is_the_same_difference_and_an_ignored_one_stays_away_while_it_is_the_same(
    sources: Sources,
) -> None:
    sources.post(1)
    sources.site.clock.move(minutes=1)
    changed = posted(1, source_version="7")
    sources.compare(sources.bring(lines(changed)))
    sources.compare(sources.bring(lines(changed)))
    (row,) = sources.open()
    principal = replace(caller(WINDOW).principal, role="operator", sources=())
    work = repair(sources.site.gate, principal, row.discrepancy_id, action=Action.IGNORE, reason="known")
    sources.site.run(work)
    state = sources.compare(sources.bring(lines(changed)))
    assert (sources.open(), state.left, state.outcome) == ([], 0, RunOutcome.COMPLETE)
    sources.compare(sources.bring(lines(posted(1, source_version="8"))))
    assert sources.kinds() == {"SP-990101-0001": "differs"}


def test_without_a_window_nothing_is_said_to_be_not_there(sources: Sources) -> None:
    sources.post(1)
    sources.post(2)
    sources.site.clock.move(minutes=1)
    state = sources.compare(sources.bring(lines(posted(1))))
    assert (state.outcome, sources.open()) == (RunOutcome.COMPLETE, [])


def test_what_was_accepted_outside_the_window_or_withdrawn_or_after_the_manifest_need_not_be_listed(
    sources: Sources,
) -> None:
    sources.post(1)
    sources.site.clock.move(days=2)
    begin = sources.site.clock.now()
    sources.post(2)
    withdrawn = sources.post(3)
    sources.site.withdraw(withdrawn)
    sources.site.clock.move(minutes=1)
    export = sources.bring(lines(posted(2)))
    sources.site.clock.move(minutes=1)
    sources.post(4)
    state = sources.compare(export, since=begin.isoformat())
    assert (state.outcome, sources.open()) == (RunOutcome.COMPLETE, [])


def test_a_row_that_cannot_be_read_leaves_absence_unsaid_and_presence_told(sources: Sources) -> None:
    sources.post(1)
    sources.site.clock.move(minutes=1)
    state = sources.compare(sources.bring(lines(posted(9)) + b'\n{"case_no": \n{"no": 1}'), since=FAR_BACK)
    assert (state.outcome, totals(state).doubts) == (RunOutcome.INCOMPLETE, ("unreadable",))
    assert sources.kinds() == {"SP-990101-0009": "not_posted"}


def test_a_row_that_is_posted_while_the_run_reads_is_not_told(sources: Sources) -> None:
    sources.post(1)
    sources.site.clock.move(minutes=1)
    left = [9]

    async def save(state: RunState, *, cursor: str | None = None) -> bool:
        while left:
            await asyncio.to_thread(sources.post, left.pop())
        return True

    state = sources.compare(sources.bring(lines(posted(1), posted(9))), save=save)
    assert not left
    assert (state.outcome, sources.open(), totals(state).verified) == (RunOutcome.COMPLETE, [], 2)


def test_what_the_source_said_after_its_manifest_is_not_judged(sources: Sources) -> None:
    sources.post(1)
    written_at = sources.site.clock.now() + timedelta(minutes=1)
    sources.site.clock.move(minutes=5)
    sources.post(1, source_version="2")
    sources.site.clock.move(minutes=5)
    state = sources.compare(sources.bring(lines(posted(1, source_version="1")), as_of=written_at))
    assert (totals(state).unjudged, sources.open()) == (1, [])


def test_an_empty_manifest_is_not_believed(sources: Sources) -> None:
    sources.post(1)
    sources.site.clock.move(minutes=1)
    state = sources.compare(sources.bring(b"case_no\n", "csv"), since=FAR_BACK)
    assert (state.outcome, sources.open()) == (RunOutcome.IMPLAUSIBLE, [])


def workbook(*rows: list[str]) -> bytes:
    book = openpyxl.Workbook(write_only=True)
    sheet = book.create_sheet("清单")
    for row in rows:
        sheet.append(row)
    file = io.BytesIO()
    book.save(file)
    return file.getvalue()


@pytest.mark.parametrize("form", ["csv", "xlsx", "ndjson", "json", "xml"])
def test_named_columns_are_compared_in_every_format(sources: Sources, form: str) -> None:
    """Two cases whose version is right and wrong, and one that was never posted."""
    for number in (1, 2):
        sources.post(number, source_version="2026年版")
    sources.site.clock.move(minutes=1)
    rows = [["SP-990101-0001", "2026年版"], ["SP-990101-0002", "2027年版"], ["SP-990101-0009", "2026年版"]]
    named = [dict(zip(("编号", "版本"), row, strict=True)) for row in rows]
    table = "\r\n".join(",".join(row) for row in [["编号", "版本"], *rows])
    marked = "".join(f"<r><编号>{no}</编号><版本>{version}</版本></r>" for no, version in rows)
    content, given = {
        "csv": (table.encode("gb18030"), {"charset": "gb18030"}),
        "xlsx": (workbook(["编号", "版本"], *rows), {}),
        "ndjson": (lines(*named), {}),
        "json": (orjson.dumps({"items": named}), {"records": "/items"}),
        "xml": (f"<all>{marked}</all>".encode(), {"record": "/all/r"}),
    }[form]
    columns = {"/case_no": "编号", "/source_version": "版本"}
    state = sources.compare(sources.bring(content, form, columns=columns, **given))
    assert (state.outcome, totals(state).verified) == (RunOutcome.COMPLETE, 1)
    assert sources.kinds() == {"SP-990101-0002": "differs", "SP-990101-0009": "not_posted"}


CALL = {
    "案件編號": "9901043010405", "派工項目": "路燈不亮或損壞", "案件地址": "東示區示例路３段19號",
    "立案日期": "20260430", "立案時間": "235842",
}  # fmt: skip


def test_a_source_with_a_mapping_is_compared_by_what_it_makes_of_records(sources: Sources) -> None:
    gate = sources.site.gate
    sources.site.gate = replace(gate, sources=gate.sources | {"taipei1999"})
    sources.site.write(lambda tx: tx.save_system(SystemRow(system="taipei1999", is_source=True)))
    mapping = gate.inbound["taipei1999"].mapping
    assert mapping is not None
    made = mapping.apply(Inputs(CALL))
    assert isinstance(made, Mapped)
    sources.site.post(made.payload, source="taipei1999")
    sources.site.clock.move(minutes=1)

    def table(**changes: str) -> bytes:
        row = CALL | changes
        return "\r\n".join([",".join(row), ",".join(row.values())]).encode("utf-8-sig")

    same = sources.compare(sources.bring(table(), "csv", source="taipei1999"), source="taipei1999")
    assert (totals(same).verified, sources.open("taipei1999")) == (1, [])
    moved = sources.bring(table(案件地址="東示區示例路３段21號"), "csv", source="taipei1999")
    sources.compare(moved, source="taipei1999")
    (row,) = sources.open("taipei1999")
    assert (row.kind, [one["name"] for one in row.detail["fields"]]) == ("differs", ["location"])


def test_records_that_are_numbered_by_their_file_need_its_name(sources: Sources) -> None:
    gate = sources.site.gate
    with pytest.raises(InvalidExport) as refused:
        refuse_unreadable(gate, "ottawa311", {}, batch="")
    assert [error.pointer for error in refused.value.errors] == ["/query/batch"]
    refuse_unreadable(gate, "ottawa311", {}, batch="calls.csv")
    refuse_unreadable(gate, "ottawa311", {"/case_no": "No"}, batch="")


def test_a_manifest_that_is_gone_says_nothing(sources: Sources) -> None:
    state = sources.compare("0198c0de-0000-7000-8000-000000000000")
    assert (state.outcome, totals(state).doubts) == (RunOutcome.INCOMPLETE, ("unavailable",))


def test_a_cancelled_run_ends_without_a_word(sources: Sources) -> None:
    async def save(state: RunState, *, cursor: str | None = None) -> bool:
        return False

    state = sources.compare(sources.bring(lines(posted(9))), save=save)
    assert (state.outcome, sources.open()) == (RunOutcome.CANCELLED, [])


def test_a_long_manifest_is_compared_through_files(sources: Sources, monkeypatch: pytest.MonkeyPatch) -> None:
    """The merge of what is listed with what was accepted, over several files and pages."""
    monkeypatch.setattr(source_run, "PAGE", 3)
    for number in range(1, 11):
        sources.post(number)
    sources.site.clock.move(minutes=1)
    listed = [posted(number) for number in range(11, 1, -1)]
    state = sources.compare(sources.bring(lines(*listed, *listed[:2])), since=FAR_BACK)
    assert sources.kinds() == {"SP-990101-0001": "not_there", "SP-990101-0011": "not_posted"}
    assert (totals(state).expected, totals(state).read, totals(state).verified) == (10, 12, 9)
