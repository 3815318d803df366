"""Cases and submissions: found by id, by key, by revision; never twice."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta

import pytest

from syncgate.domain.errors import Conflict
from syncgate.domain.rows import CaseState
from syncgate.ports.store import CaseFilter
from syncgate.storage import SqlStore
from tests.support.rows import START, a_case, a_submission, new_id


def test_a_case_comes_back_as_it_was_stored(store: SqlStore) -> None:
    case = a_case(source_version="7", state=CaseState.WITHDRAWN, item="食品经营许可")
    store.write([lambda tx: tx.insert_case(case)])
    assert store.read(lambda tx: tx.case(case.case_id)) == case
    assert store.write([lambda tx: tx.case(case.case_id, lock=True)]) == [case]
    assert store.read(lambda tx: tx.case(new_id())) is None


def test_a_saved_case_replaces_the_stored_one(store: SqlStore) -> None:
    case = a_case()
    later = replace(
        case, revision=2, submission_no=3, content_mac=b"n" * 16, changed_at=START + timedelta(days=1), region="990102"
    )
    store.write([lambda tx: tx.insert_case(case), lambda tx: tx.save_case(later)])
    assert store.read(lambda tx: tx.case(case.case_id)) == later


def test_saving_a_case_that_is_not_stored_is_a_conflict(store: SqlStore) -> None:
    (result,) = store.write([lambda tx: tx.save_case(a_case())])
    assert isinstance(result, Conflict)


def test_a_case_is_stored_once(store: SqlStore) -> None:
    case = a_case()
    first, second = store.write([lambda tx: tx.insert_case(case)] * 2)
    assert first is None
    assert isinstance(second, Conflict)


def test_several_cases_are_read_at_once(store: SqlStore) -> None:
    stored = [a_case(), a_case()]
    store.write([lambda tx, case=case: tx.insert_case(case) for case in stored])  # type: ignore[misc]
    wanted = [case.case_id for case in stored]
    assert store.read(lambda tx: tx.cases([*wanted, new_id()])) == {case.case_id: case for case in stored}
    assert store.read(lambda tx: tx.cases([])) == {}


def test_cases_are_listed_newest_first_and_by_page(store: SqlStore) -> None:
    stored = [a_case() for _ in range(5)]
    store.write([lambda tx, case=case: tx.insert_case(case) for case in stored])  # type: ignore[misc]
    first = store.read(lambda tx: tx.list_cases(CaseFilter(), after=None, limit=3))
    rest = store.read(lambda tx: tx.list_cases(CaseFilter(), after=first[-1].case_id, limit=3))
    assert [*first, *rest] == stored[::-1]


@pytest.mark.parametrize(
    ("where", "expected"),
    [
        (CaseFilter(origins=("counter",)), {"c"}),
        (CaseFilter(kinds=("hotline", "application")), {"a", "b", "c"}),
        (CaseFilter(kinds=()), set()),
        (CaseFilter(regions=("9901",)), {"a", "b"}),
        (CaseFilter(regions=("99%", "9902")), {"c"}),
        (CaseFilter(created_from=START, created_until=START + timedelta(hours=1)), {"a"}),
        (CaseFilter(kinds=("hotline",), regions=("990102",)), {"b"}),
    ],
)
def test_cases_are_listed_by_what_is_asked(store: SqlStore, where: CaseFilter, expected: set[str]) -> None:
    stored = [
        a_case(case_no="a", region="990101"),
        a_case(case_no="b", region="990102", kind="hotline", created_at=START + timedelta(hours=1)),
        a_case(case_no="c", region="990201", origin="counter", created_at=START - timedelta(microseconds=1)),
    ]
    store.write([lambda tx, case=case: tx.insert_case(case) for case in stored])  # type: ignore[misc]
    found = store.read(lambda tx: tx.list_cases(where, after=None, limit=10))
    assert {case.case_no for case in found} == expected


def test_a_submission_is_found_by_number_key_and_revision(store: SqlStore) -> None:
    case = a_case(revision=2, submission_no=3)
    first = a_submission(case.case_id, idempotency_key="key-1")
    unchanged = a_submission(case.case_id, submission_no=2, is_change=False, sealed_document=None, status=200)
    second = a_submission(case.case_id, submission_no=3, revision=2, reason="misspelt", receipt='{"n":1}')
    store.write([lambda tx: tx.insert_case(case)])
    store.write([lambda tx, row=row: tx.insert_submission(row) for row in (second, first, unchanged)])  # type: ignore[misc]
    case_id = case.case_id
    assert store.read(lambda tx: tx.submission(case_id, 2)) == unchanged
    assert store.read(lambda tx: tx.submission(case_id, 4)) is None
    assert store.read(lambda tx: tx.submission_by_key("window", "key-1")) == first
    assert store.read(lambda tx: tx.submission_by_key("counter", "key-1")) is None
    assert store.read(lambda tx: tx.revision(case_id, 1)) == first
    assert store.read(lambda tx: tx.revision(case_id, 3)) is None
    assert store.read(lambda tx: tx.revisions_of([(case_id, 2), (case_id, 1), (case_id, 9)])) == {
        (case_id, 1): first,
        (case_id, 2): second,
    }
    assert store.read(lambda tx: tx.list_submissions(case_id)) == [first, unchanged, second]


def test_an_idempotency_key_is_taken_once_per_source(store: SqlStore) -> None:
    case = a_case()
    rows = [
        a_submission(case.case_id, idempotency_key="key"),
        a_submission(case.case_id, submission_no=2, revision=2, idempotency_key="key"),
        a_submission(case.case_id, submission_no=3, revision=3, idempotency_key="key", source="counter"),
        a_submission(case.case_id, submission_no=4, revision=4),
        a_submission(case.case_id, submission_no=5, revision=5),
    ]
    store.write([lambda tx: tx.insert_case(case)])
    results = store.write([lambda tx, row=row: tx.insert_submission(row) for row in rows])  # type: ignore[misc]
    assert [type(result) for result in results] == [type(None), Conflict, type(None), type(None), type(None)]


def test_a_revision_is_made_once_and_repeated_by_calls_that_change_nothing(store: SqlStore) -> None:
    case = a_case()
    rows = [
        a_submission(case.case_id),
        a_submission(case.case_id, submission_no=2),
        a_submission(case.case_id, submission_no=3, is_change=False, sealed_document=None),
        a_submission(case.case_id, submission_no=4, is_change=False, sealed_document=None),
    ]
    store.write([lambda tx: tx.insert_case(case)])
    results = store.write([lambda tx, row=row: tx.insert_submission(row) for row in rows])  # type: ignore[misc]
    assert [type(result) for result in results] == [type(None), Conflict, type(None), type(None)]


def test_a_conflict_names_the_rule_and_no_value(store: SqlStore) -> None:
    case = a_case()
    row = a_submission(case.case_id, idempotency_key="154-secret")
    store.write([lambda tx: tx.insert_case(case), lambda tx: tx.insert_submission(row)])
    (result,) = store.write([lambda tx: tx.insert_submission(replace(row, submission_no=2, revision=2))])
    assert "idempotency_key" in str(result)
    assert "154-secret" not in str(result)
