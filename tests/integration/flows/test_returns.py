"""A system gives back by a list what it had taken: each row is answered, and nothing is guessed."""

from __future__ import annotations

from dataclasses import replace

import orjson
import pytest

from syncgate.domain.delivery import Phase
from syncgate.domain.errors import NotFound
from syncgate.domain.ids import slot_key
from syncgate.domain.returns import RowResult
from syncgate.domain.rows import Attempt, AttemptKind, Delivery
from syncgate.flows.operating import by_hand
from syncgate.flows.operating.failed import Failed
from syncgate.flows.returning.causes import list_causes, send_back
from syncgate.flows.returning.importing import import_returns
from syncgate.flows.returning.sheet import InvalidList
from syncgate.storage import SqlStore
from tests.integration.flows.returnsite import (
    EARLY,
    OPERATOR,
    RETIRED,
    batch_of,
    bring,
    deliver,
    only,
    results,
    return_site,
    returning_bundle,
    table,
    workbook,
)
from tests.integration.flows.worksite import Worksite
from tests.support.cases import a_stage, an_application
from tests.support.rows import SetClock


@pytest.fixture
def site(store: SqlStore, clock: SetClock) -> Worksite:
    return return_site(store, clock)


@pytest.fixture
def small(sqlite_store: SqlStore, clock: SetClock) -> Worksite:
    """On one engine, where the engine cannot matter."""
    return return_site(sqlite_store, clock)


def basic_info(site: Worksite, case_id: object) -> Delivery:
    return site.only(case_id, "province", "basic_info")  # type: ignore[arg-type]


def last_entry(site: Worksite, delivery: Delivery) -> Attempt:
    return site.store.read(lambda tx: tx.attempts(delivery.delivery_id))[-1]


def test_a_row_parks_what_was_delivered_with_its_cause_and_keeps_its_text_sealed(site: Worksite) -> None:
    """Promises 8 and 10."""
    cases = deliver(site, "A1", "A2")
    found = bring(site, workbook([("A1", f"张示例 {EARLY}")]))
    assert results(found) == [RowResult.RETURNED]
    row = basic_info(site, cases["A1"])
    assert (row.phase, row.reason, row.detail, row.actor) == (
        Phase.PARKED, "returned", "accepted_before_applied", "source",
    )  # fmt: skip
    entry = last_entry(site, row)
    assert (entry.kind, entry.outcome, entry.actor) == (AttemptKind.BY_HAND, "returned", OPERATOR.name)
    assert "张示例" not in f"{row} {entry} {found}"
    assert entry.received_blob is not None
    case = site.store.read(lambda tx: tx.case(cases["A1"]))
    blob = site.store.read(lambda tx: tx.blob(str(cases["A1"]), entry.received_blob or b""))
    assert case is not None and blob is not None
    bound_to = f"blob:{cases['A1']}:{entry.received_blob.hex()}"
    kept = orjson.loads(site.gate.keyring.open(case.wrapped_key, blob.sealed, bound_to=bound_to))
    assert kept["reason"] == f"张示例 {EARLY}"
    assert basic_info(site, cases["A2"]).phase is Phase.DELIVERED


def test_a_second_import_of_the_same_list_changes_nothing_even_after_a_requeue(site: Worksite) -> None:
    """Promise 2, and 4: what went again is not given back by what was said of the sending before."""
    cases = deliver(site, "A1")
    content = workbook([("A1", EARLY)])
    bring(site, content)
    parked = basic_info(site, cases["A1"])
    assert results(bring(site, content)) == [RowResult.ALREADY_RETURNED]
    assert basic_info(site, cases["A1"]) == parked
    requeue(site, parked)
    site.step("province")
    again = basic_info(site, cases["A1"])
    assert again.phase is Phase.DELIVERED
    assert results(bring(site, content)) == [RowResult.ALREADY_RETURNED]
    assert basic_info(site, cases["A1"]) == again


def requeue(site: Worksite, delivery: Delivery) -> None:
    site.run(by_hand.requeue(site.gate, OPERATOR, delivery.delivery_id, reason="mended"))


def test_a_dry_run_answers_every_row_and_stores_nothing(small: Worksite) -> None:
    cases = deliver(small, "A1")
    content = workbook([("A1", EARLY), ("Z9", EARLY)])
    dry = bring(small, content, dry_run=True)
    assert (results(dry), dry.causes) == (
        [RowResult.RETURNED, RowResult.NEVER_SENT], {"accepted_before_applied": 1},
    )  # fmt: skip
    assert basic_info(small, cases["A1"]).phase is Phase.DELIVERED
    assert results(bring(small, content)) == results(dry)


def test_every_row_is_answered_for_itself(small: Worksite) -> None:
    cases = deliver(small, "A1", "A2")
    found = bring(
        small,
        workbook([
            ("Z9", EARLY),
            ("A1", EARLY),
            ("A1", RETIRED),
            ("", EARLY),
            ("A2", ""),
            ("A2", "=1+1"),
        ]),
    )  # fmt: skip
    assert results(found) == [
        RowResult.NEVER_SENT,
        RowResult.RETURNED,
        RowResult.REPEATED,
        RowResult.INCOMPLETE,
        RowResult.INCOMPLETE,
        RowResult.UNREADABLE,
    ]
    assert [row.row for row in found.rows] == [2, 3, 4, 5, 6, 7]
    assert found.rows[5].column == "质检意见"
    assert basic_info(small, cases["A2"]).phase is Phase.DELIVERED


def test_rows_with_merged_cells_say_nothing_and_the_others_go_on(small: Worksite) -> None:
    cases = deliver(small, "A1", "A2", "A3")
    found = bring(small, workbook([("A1", EARLY), ("A2", None), ("A3", EARLY)], merge="B2:B3"))
    assert results(found) == [RowResult.UNREADABLE, RowResult.UNREADABLE, RowResult.RETURNED]
    assert basic_info(small, cases["A1"]).phase is Phase.DELIVERED


@pytest.mark.parametrize(
    ("header", "broken"),
    [
        (("编号", "质检意见"), ["/columns/case_no"]),
        (("办件编号", "意见"), ["/columns/reason"]),
        (("编号", "意见"), ["/columns/reason", "/columns/case_no"]),
        (("办件编号", "质检意见", "error_msg"), ["/columns/reason"]),
    ],
)
def test_changed_headers_refuse_the_list_whole_and_name_everything(
    small: Worksite, header: tuple[str, ...], broken: list[str]
) -> None:
    cases = deliver(small, "A1")
    with pytest.raises(InvalidList) as refused:
        bring(small, workbook([("A1", EARLY, EARLY)], header=header))
    assert [error.pointer for error in refused.value.errors] == broken
    assert basic_info(small, cases["A1"]).phase is Phase.DELIVERED


def test_a_header_is_known_whatever_its_width_and_spaces_and_the_others_are_named(small: Worksite) -> None:
    deliver(small, "A1")
    found = bring(small, workbook([("A1", EARLY, 1)], header=(" 办件 编号", "ERROR＿MSG", "序号")))
    assert (results(found), found.unread) == ([RowResult.RETURNED], ("序号",))


@pytest.mark.parametrize("charset", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_a_table_is_read_in_its_charset(small: Worksite, charset: str) -> None:
    deliver(small, "A1")
    assert results(bring(small, table([("A1", EARLY)], charset=charset))) == [RowResult.RETURNED]


def test_our_keys_alone_lead_to_the_delivery(site: Worksite) -> None:
    cases = deliver(site, "A1", "A2")
    key = slot_key(cases["A1"], "province", "basic_info", "")
    batch = batch_of(site, cases["A2"]).replace("-", "").upper()
    assert results(bring(site, workbook([(key, EARLY)], header=("row_guid", "质检意见")))) == [RowResult.RETURNED]
    assert results(bring(site, workbook([(batch, EARLY)], header=("cd_batch", "质检意见")))) == [RowResult.RETURNED]
    assert {basic_info(site, case_id).phase for case_id in cases.values()} == {Phase.PARKED}


def test_a_sending_that_was_overtaken_gives_nothing_back(small: Worksite) -> None:
    cases = deliver(small, "A1")
    before = batch_of(small, cases["A1"])
    bring(small, workbook([("A1", EARLY)]))
    small.patch(cases["A1"], {"title": "关于张示例的食品经营许可（更正）"})
    small.step("province")
    assert batch_of(small, cases["A1"]) != before
    found = bring(small, workbook([("A1", before, RETIRED)], header=("办件编号", "批次号", "质检意见")))
    assert results(found) == [RowResult.OVERTAKEN]
    assert basic_info(small, cases["A1"]).phase is Phase.DELIVERED


def test_a_key_of_another_case_contradicts_the_number(small: Worksite) -> None:
    cases = deliver(small, "A1", "A2")
    row = ("A1", batch_of(small, cases["A2"]), EARLY)
    assert results(bring(small, workbook([row], header=("办件编号", "批次号", "质检意见")))) == [
        RowResult.CONTRADICTORY
    ]


def test_a_row_of_before_what_lies_there_was_sent_is_outdated(small: Worksite) -> None:
    deliver(small, "A1")
    early = small.clock.at.replace(year=2020).strftime("%Y-%m-%d %H:%M:%S")
    header = ("办件编号", "质检意见", "质检时间")
    assert results(bring(small, workbook([("A1", EARLY, early)], header=header))) == [RowResult.OUTDATED]


def test_a_number_that_means_several_messages_is_not_guessed(small: Worksite) -> None:
    steps = [a_stage("s1", "accepted"), a_stage("s2", "step", name="审核"), a_stage("s3", "step", name="复核")]
    deliver(small, "A1", stages=steps)
    found = bring(small, workbook([("A1", EARLY, "过程")], header=("办件编号", "质检意见", "环节")))
    assert (only(found).result, only(found).count) == (RowResult.SEVERAL_MEANT, 3)


def test_a_number_that_two_sources_gave_to_different_cases_is_not_guessed(small: Worksite) -> None:
    deliver(small, "A1")
    small.post(an_application("A1"), source="hall")
    small.step("province")
    assert only(bring(small, workbook([("A1", EARLY)]))).result is RowResult.SEVERAL_MEANT


def test_what_waits_to_be_sent_is_not_given_back(small: Worksite) -> None:
    case_id = small.post(an_application("A1")).case_id
    answer = only(bring(small, workbook([("A1", EARLY)])))
    assert (answer.result, answer.phase) == (RowResult.NOT_DELIVERED, Phase.PENDING)
    assert basic_info(small, case_id).phase is Phase.PENDING


def test_where_newer_content_waits_it_goes_instead(small: Worksite) -> None:
    cases = deliver(small, "A1")
    small.patch(cases["A1"], {"title": "关于张示例的食品经营许可（更正）"})
    assert only(bring(small, workbook([("A1", EARLY)]))).result is RowResult.SUPERSEDED
    assert [d.phase for d in small.deliveries(cases["A1"], "province") if d.message == "basic_info"] == [
        Phase.CANCELLED, Phase.PENDING,
    ]  # fmt: skip


def test_texts_that_say_the_same_are_one_cause_and_show_nobody(small: Worksite) -> None:
    deliver(small, "A1", "A2", "A3")
    texts = ("申请人张示例未实名 第1次", "申请人 张示例未实名  第22次", EARLY)
    bring(small, workbook([(f"A{no}", text) for no, text in enumerate(texts, start=1)]))
    found = small.run(list_causes(small.gate, OPERATOR, None)).causes
    assert [(view.count, view.at_source) for view in found] == [(2, 0), (1, 1)]
    assert "未实名" in found[0].text and "张示例" not in f"{found}"


def test_a_cause_goes_back_to_the_source_once(site: Worksite) -> None:
    cases = deliver(site, "A1", "A2")
    bring(site, workbook([("A1", RETIRED), ("A2", RETIRED)]))
    failed = Failed(system="province", cause="item_unknown")
    dry = site.run(send_back(site.gate, OPERATOR, failed, reason="theirs", dry_run=True))
    assert (dry.sent_back, basic_info(site, cases["A1"]).actor) == (2, "table")
    done = site.run(send_back(site.gate, OPERATOR, failed, reason="theirs", dry_run=False))
    again = site.run(send_back(site.gate, OPERATOR, failed, reason="theirs", dry_run=False))
    assert ((done.sent_back, done.already), (again.sent_back, again.already)) == ((2, 0), (0, 2))
    row = basic_info(site, cases["A1"])
    assert (row.phase, row.actor, last_entry(site, row).outcome) == (Phase.PARKED, "source", "sent_back")


def test_a_system_out_of_scope_or_without_lists_takes_none(small: Worksite) -> None:
    elsewhere = replace(OPERATOR, systems=("food",))
    with pytest.raises(NotFound):
        small.run(import_returns(small.gate, elsewhere, "province", b"x", given={}, dry_run=True))
    assert returning_bundle("").returns is None
